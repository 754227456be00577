import { spawnSync } from 'node:child_process'
import { expect } from 'chai'
import { socketpair } from 'wormhole-ipc/socket'
import { fixture, start } from '../helpers/child.js'
import { leavesNoDescriptors } from '../helpers/descriptors.js'
import { skipUnderAsan } from '../helpers/under-asan.js'
import { usesChildren } from '../helpers/uses-children.js'

const REFUSED = { code: 'ERR_WORMHOLE_BAD_FD' }
/** What unshare(1) is asked for, and what peerCredentials then says of the process that made the pair, outside. */
const cases: [string, string[], (mine: object) => object][] = [
  ['none of its ids are mapped', ['--user'], () => REFUSED],
  ['its user is mapped and its group is not', ['--user', '--map-user=0'], () => REFUSED],
  ['its group is mapped and its user is not', ['--user', '--map-group=0'], () => REFUSED],
  ['its process is not in the PID namespace', ['--pid', '--fork'], () => REFUSED],
  ['both', ['--user', '--pid', '--fork'], () => REFUSED],
  [
    'its ids are those that are mapped',
    ['--user', '--map-root-user'],
    () => ({ gave: { pid: process.pid, uid: 0, gid: 0 } }),
  ],
  ['there is no namespace of its own', ['--uts'], (mine) => ({ gave: mine })],
]

describe('peerCredentials in a namespace', () => {
  usesChildren()
  leavesNoDescriptors()

  for (const [what, options, expected] of cases) {
    it(`never answer with a substitute: ${what}`, async function () {
      skipUnderAsan(this, 'its leak check cannot stop a process of another namespace')
      if (spawnSync('unshare', [...options, 'true']).status !== 0) {
        console.log(`      skipped: unshare ${options.join(' ')} is not permitted`)
        this.skip()
      }
      const [ours, theirs] = socketpair('stream')
      const child = start('unshare', [...options, process.execPath, fixture('unknown-peer')], [theirs.fd])
      const { stdout, stderr } = await child.ended
      for (const fd of [ours, theirs]) fd.close()
      expect(stderr).to.equal('')
      const mine = { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() }
      expect(JSON.parse(stdout)).to.deep.include(expected(mine))
    })
  }
})
