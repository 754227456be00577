import { execFileSync, spawnSync } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * The addons and their toolchains; the packages are Debian's. `triplet` names the folders of the cross compiler and of
 * musl, `needs` the packages in addition to `g++`.
 */
export const targets = [
  { arch: 'x64', libc: 'glibc', triplet: 'x86_64-linux', needs: [] },
  { arch: 'x64', libc: 'musl', triplet: 'x86_64-linux', needs: ['musl-dev'] },
  { arch: 'arm64', libc: 'glibc', triplet: 'aarch64-linux', needs: ['g++-aarch64-linux-gnu'] },
  { arch: 'arm64', libc: 'musl', triplet: 'aarch64-linux', needs: ['g++-aarch64-linux-gnu', 'musl-dev:arm64'] },
]

/**
 * The newest versions of the system's libraries that an addon may need. Node 20, the oldest supported, itself needs
 * glibc 2.28; the libstdc++ of such systems is gcc 8's.
 */
export const newest = { GLIBC: '2.28', GLIBCXX: '3.4.25', CXXABI: '1.3.11' }

const GLIBC_NAMES = fileURLToPath(new URL('glibc-names.h', import.meta.url))

/** Returns the path of the addon for `target` from the package's root, as node-gyp-build looks for it. */
export function fileOf({ arch, libc }) {
  return `prebuilds/linux-${arch}/wormhole-ipc.${libc}.node`
}

/** Returns the name of a tool of the cross toolchain, such as `g++`. */
export function toolOf({ triplet }, name) {
  return `${triplet}-gnu-${name}`
}

/** Returns the environment variables that make node-gyp build for `target`. */
export function environmentOf(target) {
  const compiler = toolOf(target, 'g++')
  const flags = { compile: ['-Os', '-ffunction-sections', '-fdata-sections'], link: ['-Wl,--gc-sections'] }
  if (target.libc === 'musl') {
    flags.compile.push(...muslHeaders(compiler, target.triplet))
    // An addon needs none of the start files that the compiler would link from glibc.
    flags.link.push('-nostdlib', `-L/usr/lib/${target.triplet}-musl`, '-Wl,--no-as-needed', '-lstdc++', '-lc', '-lgcc')
  }
  return {
    CC: toolOf(target, 'gcc'),
    CXX: compiler,
    AR: toolOf(target, 'ar'),
    CXXFLAGS: flags.compile.join(' '),
    LDFLAGS: flags.link.join(' '),
  }
}

/** Returns the compiler's folders of headers, with musl's in the place of glibc's. */
function muslHeaders(compiler, triplet) {
  const { stderr } = spawnSync(compiler, ['-E', '-x', 'c++', '-v', '/dev/null'], { encoding: 'utf8' })
  const cxx = [...stderr.matchAll(/^ (\/\S+)$/gm)]
    .map(([, folder]) => realpathSync(folder))
    .filter((folder) => folder.includes('/c++/'))
  const own = execFileSync(compiler, ['-print-file-name=include'], { encoding: 'utf8' }).trim()
  const order = [...cxx, `/usr/include/${triplet}-musl`, own]
  return ['-nostdinc', ...order.flatMap((folder) => ['-isystem', folder]), '-include', GLIBC_NAMES]
}
