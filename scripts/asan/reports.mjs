import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** In a stack frame, the addon: its namespace, its object file, or a source (an inlined function goes by its own name). */
const OURS = /wormhole|\bnative\/\w+\.(cc|h)\b/
/** What stands between the allocator and the addon when Node allocates for it. */
const NODE_API = /^(napi_|v8impl::|Napi::)/

/**
 * What the sanitizers of all processes wrote: every error, and the leaks of what the addon allocated, itself or by
 * Node-API. Node's own leaks (V8 frees little at exit) and those of other programs, bash and python3, are counted only.
 */
export function readReports(folder) {
  const found = { errors: [], leaks: [], othersLeaks: 0 }
  for (const name of readdirSync(folder)) {
    const text = readFileSync(join(folder, name), 'utf8')
    if (!text.includes('LeakSanitizer: detected memory leaks')) {
      found.errors.push(text)
      continue
    }
    for (const part of text.split('\n\n')) {
      if (!/^(Direct|Indirect) leak of/m.test(part)) continue
      if (isOurs(part)) found.leaks.push(part)
      else found.othersLeaks++
    }
  }
  return found
}

function isOurs(leak) {
  // The first frame is the allocator's.
  const frames = [...leak.matchAll(/^ +#\d+ \S+ (?:in )?(.*)$/gm)].map(([, frame]) => frame).slice(1)
  const first = frames.find((frame) => !NODE_API.test(frame))
  return first !== undefined && OURS.test(first)
}
