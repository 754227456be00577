// Where the time of a sample went, told by its stack: the innermost function that belongs to somebody.

/** In order: the first that fits any function from the innermost outwards, up to the one that called it from JavaScript. */
const kinds = [
  ['JSON.stringify', /JsonStringif|Builtin_JsonStringify/],
  ['JSON.parse', /JsonParser|Builtin_JsonParse/],
  [
    'garbage collection',
    /Scaveng|MarkCompact|ConcurrentMarking|IncrementalMarking|Heap::CollectGarbage|MinorGC|Sweeper/,
  ],
  [
    'compiling, starting',
    /Compil|Turbofan|turboshaft|Maglev|Liftoff|Interpreter|Snapshot|Deserializ|BootstrapInternal|LoadEnvironment|Isolate::Init/,
  ],
  ['system calls: sendmsg', /__libc_sendmsg|__sys_sendmsg|\bsendmsg$/],
  ['system calls: recvmsg', /__libc_recvmsg|__sys_recvmsg|\brecvmsg$/],
  ['WebAssembly', /^JS:wasm-function/],
  ['strings to and from memory', /StringWrite|StringSlice|StringBytes|WriteUtf8|String::Write/],
  ['the addon', /wormhole::(?!Watcher)|Napi::|v8impl/],
  ['readiness', /epoll|wormhole::Watcher|uv__io_poll/],
  ['the library in JavaScript', /^JS:.*\/dist\//],
  [
    'the program and its awaits',
    /^JS:.*\/bench\/|RunMicrotasks|AsyncFunction|AsyncGenerator|PromiseFulfill|Generator|ForAwait/,
  ],
]

/** What counts as the library's own. */
export const OWN = [
  'system calls: sendmsg',
  'system calls: recvmsg',
  'WebAssembly',
  'strings to and from memory',
  'the addon',
  'readiness',
  'the library in JavaScript',
]

const OTHER = 'other'
export const kindNames = [...kinds.map(([name]) => /** @type {string} */ (name)), OTHER]

/** @param {string[]} stack the functions of a sample, innermost first */
export function kindOf(stack) {
  for (const name of stack) {
    const found = kinds.find(([, pattern]) => /** @type {RegExp} */ (pattern).test(name))
    if (found !== undefined) return /** @type {string} */ (found[0])
  }
  return OTHER
}

/**
 * @param {string} script what `perf script -F pid,ip,sym` printed
 * @returns {Map<number, Map<string, number>>} samples by process, then by kind
 */
export function tally(script) {
  const processes = new Map()
  for (const sample of script.split('\n\n')) {
    const [first = '', ...lines] = sample.trim().split('\n')
    const pid = Number(first.trim())
    if (!Number.isInteger(pid) || lines.length === 0) continue
    const kind = kindOf(lines.map((line) => line.trim().replace(/^[0-9a-f]+ /, '')))
    if (!processes.has(pid)) processes.set(pid, new Map())
    const kinds = processes.get(pid)
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  }
  return processes
}
