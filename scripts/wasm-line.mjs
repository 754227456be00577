// Prints the line of assembly/ for an address of out/debug.wasm, as found in a trap's stack:
//   RuntimeError: ... at assembly/buffer/consume (wasm://wasm/e3c967ee:wasm-function[32]:0xd46)
//   node scripts/wasm-line.mjs 0xd46
import { readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'

const file = new URL('../out/debug.wasm.map', import.meta.url)
const map = new SourceMap(JSON.parse(readFileSync(file, 'utf8')))
for (const address of process.argv.slice(2)) {
  // In the map, the binary is one line, whose columns are the addresses.
  const { originalSource, originalLine, originalColumn } = map.findEntry(0, Number(address))
  const where =
    originalSource === undefined ? "the compiler's own" : `${originalSource}:${originalLine + 1}:${originalColumn + 1}`
  console.log(`${address}: ${where}`)
}
