import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The addon in a stack frame: its namespace, its object file, or a source (an inlined function keeps its own name). */
const OURS = /wormhole|\bnative\/\w+\.(cc|h)\b/
/** Frames between the allocator and the addon if Node allocates for it. */
const NODE_API = /^(napi_|v8impl::|Napi::)/

/**
 * Reads the sanitizers' reports of all processes: every error, and the leaks of memory that the addon allocated, itself
 * or by Node-API. Leaks of Node (V8 frees little at exit) and of other programs, bash and python3, are only counted.
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
