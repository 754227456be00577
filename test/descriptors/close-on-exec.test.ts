import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Churn } from '../fixtures/churn.js'
import { fixture, start, startNode } from '../helpers/child.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { sized } from '../helpers/long.js'
import { measured } from '../helpers/measured.js'
import { skipUnderAsan } from '../helpers/under-asan.js'
import { usesChildren } from '../helpers/uses-children.js'

const PROGRAMS = sized(40, 100)

/** The calls that make descriptors, and the flag with which each of them makes them close-on-exec. */
const flags: Record<string, RegExp> = {
  socketpair: /SOCK_CLOEXEC/,
  recvmsg: /MSG_CMSG_CLOEXEC/,
  fcntl: /F_DUPFD_CLOEXEC/,
  epoll_create1: /EPOLL_CLOEXEC/,
}

describe('close-on-exec', () => {
  usesChildren()
  leavesNoDescriptors()

  it(`holds at every instant: ${PROGRAMS} programs that other threads start meanwhile inherit nothing`, async () => {
    const { started, rounds } = await measured<Churn>(startNode('churn', [String(PROGRAMS)]))
    expect(started).to.equal(PROGRAMS)
    expect(rounds).to.be.above(0)
  })

  it('comes with the call that makes the descriptor, never behind it (strace)', async function () {
    skipUnderAsan(this, 'leaks cannot be looked for in a process that is traced')
    if (spawnSync('strace', ['-V']).status !== 0) {
      console.log('      skipped: strace is not installed')
      this.skip()
    }
    const folder = mkdtempSync(join(tmpdir(), 'wormhole-'))
    const log = join(folder, 'calls')
    const traced = `${Object.keys(flags).join()},socket,accept,accept4,dup,dup2,dup3,epoll_create`
    await measured<Churn>(
      start('strace', ['-f', '-o', log, '-e', `trace=${traced}`, process.execPath, fixture('churn'), '0'])
    )
    const lines = readFileSync(log, 'utf8').split('\n')
    rmSync(folder, { recursive: true })
    for (const [call, flag] of Object.entries(flags)) {
      const made = lines.filter((line) => line.includes(` ${call}(`) && !/F_[GS]ETF[DL]/.test(line))
      expect(made, call).to.have.lengthOf.above(0)
      for (const line of made) expect(line).to.match(flag)
    }
    for (const call of ['accept', 'dup', 'dup2', 'epoll_create']) {
      expect(
        lines.filter((line) => line.includes(` ${call}(`)),
        call
      ).to.deep.equal([])
    }
  })
})
