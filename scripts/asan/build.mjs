import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, realpathSync, symlinkSync } from 'node:fs'
import { join, relative } from 'node:path'

/**
 * Undefined behaviour traps, and AddressSanitizer reports the trap: used together with it, gcc's
 * UndefinedBehaviorSanitizer writes only to standard error, which may go unseen in a child.
 */
const FLAGS = '-fsanitize=address,undefined -fsanitize-undefined-trap-on-error'

/** Builds the addon with both sanitizers as a package of its own in `folder`, beside the ordinary build. */
export function buildAddon(root, folder) {
  mkdirSync(folder, { recursive: true })
  for (const part of ['native', 'binding.gyp', 'package.json']) {
    cpSync(join(root, part), join(folder, part), { recursive: true, preserveTimestamps: true })
  }
  try {
    symlinkSync(relative(folder, join(root, 'node_modules')), join(folder, 'node_modules'))
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  const env = { ...process.env, CXXFLAGS: `${FLAGS} -O1 -g -fno-omit-frame-pointer`, LDFLAGS: FLAGS }
  const { status, error, stdout, stderr } = spawnSync('node-gyp', ['configure', 'build'], {
    cwd: folder,
    env,
    encoding: 'utf8',
  })
  if (error?.code === 'ENOENT') throw new Error('node-gyp is not in PATH: start this as `npm run test:asan`')
  if (status !== 0) throw new Error(`the addon cannot be built:\n${stdout}${stderr}`)
}

/** Finds the sanitizers' library, which a process must load first; its package is libasan8 in Debian 12. */
export function findRuntime() {
  return realpathSync(execFileSync('gcc', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim())
}

/** A program with two errors, one for each sanitizer. */
const FAULTY = `
#include <climits>
int main(int count, char**) {
  volatile int number = INT_MAX;
  if (count > 1) return number + count;
  int* one = new int[1];
  return one[count];
}`

/** Builds the program with the errors, to check that they are reported; returns its path. */
export function buildFaulty(folder) {
  const program = join(folder, 'faulty')
  execFileSync('g++', ['-x', 'c++', '-', ...FLAGS.split(' '), '-g', '-o', program], { input: FAULTY })
  return program
}
