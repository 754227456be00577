// Says which line of assembly/ stands behind an address of out/debug.wasm, as a trap's stack names it:
//   RuntimeError: ... at assembly/buffer/partialConsume (wasm://wasm/e3c967ee:wasm-function[32]:0xd09)
//   node scripts/wasm-line.mjs 0xd09
import { readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'

const file = new URL('../out/debug.wasm.map', import.meta.url)
const map = new SourceMap(JSON.parse(readFileSync(file, 'utf8')))
for (const address of process.argv.slice(2)) {
  // The map's one line is the binary, and its columns are the addresses.
  const { originalSource, originalLine, originalColumn } = map.findEntry(0, Number(address))
  const where =
    originalSource === undefined ? "the compiler's own" : `${originalSource}:${originalLine + 1}:${originalColumn + 1}`
  console.log(`${address}: ${where}`)
}
