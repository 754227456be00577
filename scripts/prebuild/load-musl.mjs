import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { toolOf } from './targets.mjs'

/** Symbols that Node and libstdc++ give an addon; musl must have all others. */
const GIVEN = /^(napi_|uv_|_Z|__cxa_(?!finalize|atexit))/

const HOST = `
#include <dlfcn.h>
#include <stdio.h>
/* The memory that the addon gets from operator new when it is initialised. */
static char room[4096];
int main(int count, char** arguments) {
  void* addon = dlopen(arguments[1], RTLD_NOW);
  if (!addon) return fprintf(stderr, "%s\\n", dlerror()), 1;
  return dlsym(addon, "napi_register_module_v1") ? 0 : 2;
}
`

/**
 * Loads an addon with musl's own loader, in a program with a stand-in for each function that Node or libstdc++ would
 * give it. Returns what went wrong, or an empty string: then musl loads the file and has every other symbol.
 */
export function loadWithMusl(target, addon, emulator) {
  const folder = mkdtempSync(join(tmpdir(), 'wormhole-musl-'))
  try {
    const compiler = toolOf(target, 'gcc')
    const musl = `/usr/lib/${target.triplet}-musl`
    const host = join(folder, 'host')
    const none = ['-x', 'c', '/dev/null', '-shared', '-fPIC', '-nostdlib', '-Wl,-soname,libstdc++.so.6']
    execFileSync(compiler, [...none, '-o', join(folder, 'libstdc++.so.6')])
    const given = undefinedIn(addon, toolOf(target, 'nm')).filter((symbol) => GIVEN.test(symbol))
    writeFileSync(`${host}.c`, `${HOST}${given.map((symbol) => `void* ${symbol}(void) { return room; }\n`).join('')}`)
    const link = ['-nostdlib', '-rdynamic', '-no-pie', `-L${musl}`, join(musl, 'crt1.o'), '-lc', '-lgcc']
    const headers = ['-nostdinc', '-isystem', `/usr/include/${target.triplet}-musl`, '-fno-builtin']
    execFileSync(compiler, [...headers, `${host}.c`, ...link, '-o', host], { stdio: 'pipe' })
    // musl's C library is its loader too.
    const [program, ...args] = [...emulator, join(musl, 'libc.so'), '--library-path', folder, host, addon]
    const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: 60_000 })
    return status === 0 ? '' : (error?.message ?? `ended with ${status}: ${stderr}`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function undefinedIn(file, nm) {
  return execFileSync(nm, ['-D', '--undefined-only', '--format=posix', '--without-symbol-versions', file], {
    encoding: 'utf8',
  })
    .trim()
    .split('\n')
    .filter((line) => !/ w /.test(line))
    .map((line) => line.split(' ')[0])
}
