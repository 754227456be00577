// Every workload: what it sends, how it is measured, and what its figure means.

/** @type {{ unit: string, better: 'higher' | 'lower' }} */
const SECOND = { unit: '/s', better: 'higher' }
/** @type {{ unit: string, better: 'higher' | 'lower' }} */
const MICROSECONDS = { unit: 'us', better: 'lower' }

const KIB = 1024
const MIB = 1024 * KIB
const SIZES = [45, 300, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB, 16 * MIB, 64 * MIB, 256 * MIB]
const UNICODE_SIZES = [45, 300, 4 * KIB, 16 * KIB, 64 * KIB, MIB, 16 * MIB]

/** Long messages take seconds each: fewer runs tell as much. */
const LONG = 64 * MIB

const FIRST_SENDS = 200_000
/** Buffers, as bytes and not as JSON. */
const BUFFER_SIZES = [64 * KIB, MIB, 16 * MIB, 256 * MIB]

/** The sizes that `--quick` streams: many in a packet, few, and one that is longer than a packet. */
const QUICK_SIZES = [45, 4 * KIB, MIB]

/**
 * @typedef {object} Workload
 * @property {string} name
 * @property {string} title
 * @property {string} measure the module in measures/ that takes it
 * @property {string} needs what a driver's `does` must list
 * @property {string} unit
 * @property {'higher' | 'lower'} better
 * @property {number} [bytes] JSON bytes of one message
 * @property {boolean} [unicode]
 * @property {number} [children] how many processes are at the other side
 * @property {string} [role] what they do there
 * @property {number[]} [cores] to which this process and the child are pinned
 * @property {number} [count]
 * @property {number} [perSecond]
 * @property {number} [workers] how many a pool has
 * @property {number} [underWay] how many calls or jobs are made before one is answered
 * @property {boolean} [limited] whether the codec's and the kernel's limit are measured beside it
 * @property {boolean} [long]
 * @property {boolean} [thorough] left out of `--quick`
 */

const streams = [...SIZES.map((bytes) => stream(bytes)), ...UNICODE_SIZES.map((bytes) => stream(bytes, true))]

const echoed = { needs: 'link', role: 'echo', bytes: 45, thorough: true, ...MICROSECONDS }
const small = { bytes: 45, needs: 'link', limited: true, ...SECOND }

/** @type {Workload[]} */
const others = [
  { name: 'awaited-45B', title: '45 bytes, each send awaited', measure: 'awaited', ...small, role: 'sink' },
  {
    name: 'fan-in',
    title: '45 bytes, four producers, one receiver',
    measure: 'fan-in',
    ...small,
    role: 'source',
    children: 4,
  },
  {
    name: 'fan-out',
    title: '45 bytes, one sender, four receivers sharing',
    measure: 'stream',
    ...small,
    role: 'sink',
    children: 4,
  },
  firstSends(45),
  firstSends(300),
  trip('roundtrip', 'request and reply', [0]),
  trip('roundtrip', 'request and reply', [0, 1]),
  trip('roundtrip', 'request and reply', null),
  dialogue(1000),
  dialogue(10_000),
  ...[10, 100, 1000, 10_000].map(paced),
  trip('sync', 'blocking request and reply', [0]),
  trip('sync', 'blocking request and reply', [0, 1]),
  ...BUFFER_SIZES.map(buffer),
  tasks('calls', 100),
  tasks('calls', 1),
  tasks('pool', 100),
  tasks('pool', 1),
  {
    name: 'descriptors',
    title: 'file descriptors',
    measure: 'descriptors',
    needs: 'descriptors',
    role: 'handles',
    ...SECOND,
  },
  {
    name: 'channels-9000',
    title: '9,000 channels, one message each',
    measure: 'channels',
    needs: 'pair',
    count: 9000,
    bytes: 45,
    ...SECOND,
  },
  {
    name: 'start',
    title: 'child started, first reply back',
    measure: 'start',
    needs: 'link',
    role: 'echo',
    bytes: 45,
    unit: 'ms',
    better: 'lower',
  },
  {
    name: 'memory',
    title: 'memory of one idle channel',
    measure: 'memory',
    needs: 'pair',
    count: 2000,
    bytes: 45,
    unit: 'bytes',
    better: 'lower',
  },
]

/** @type {Workload[]} */
export const workloads = [...streams, ...others]

/** Names that stand for several workloads. */
export const groups = {
  all: names(() => true),
  stream: names(({ name }) => name.startsWith('stream-')),
  small: names(({ name }) => /^(stream|awaited)-(45|300)B/.test(name)),
  large: names(({ name, bytes }) => name.startsWith('stream-') && bytes >= 4 * KIB),
  curve: names(({ name, bytes, unicode }) => name.startsWith('stream-') && bytes >= KIB && !unicode),
  ordinary: names(({ name }) => /^(paced|first|dialogue)-|^(roundtrip-unpinned|start)$/.test(name)),
  latency: names(({ measure }) => measure === 'roundtrip' || measure === 'sync'),
  bytes: names(({ needs }) => needs === 'bytes'),
  calls: names(({ needs }) => needs === 'calls'),
  pool: names(({ needs }) => needs === 'pool'),
  many: names(({ children, count }) => children > 1 || count > 1),
}

function names(pick) {
  return workloads.filter(pick).map(({ name }) => name)
}

/** @returns {Workload} */
function stream(bytes, unicode = false) {
  return {
    name: `stream-${size(bytes).replace(' ', '')}${unicode ? '-unicode' : ''}`,
    title: `${size(bytes)}${unicode ? ', not ASCII' : ''}, streamed`,
    measure: 'stream',
    needs: 'stream',
    role: 'sink',
    bytes,
    unicode,
    limited: true,
    long: bytes >= LONG,
    thorough: !QUICK_SIZES.includes(bytes),
    ...SECOND,
  }
}

/** @returns {Workload} */
function trip(measure, title, cores) {
  const where = cores === null ? 'unpinned' : cores.length === 1 ? 'one core' : 'two cores'
  return {
    name: `${measure}-${where.replace(' ', '-')}`,
    title: `${title}, ${where}`,
    measure,
    needs: measure === 'sync' ? 'sync' : 'link',
    role: measure === 'sync' ? 'echo-sync' : 'echo',
    ...(cores && { cores }),
    bytes: 45,
    ...MICROSECONDS,
  }
}

/** @returns {Workload} */
function dialogue(count) {
  const number = count.toLocaleString('en-US')
  return {
    ...echoed,
    name: `dialogue-${count}`,
    title: `the first ${number} requests and replies`,
    measure: 'dialogue',
    count,
  }
}

/** @returns {Workload} */
function buffer(bytes) {
  return {
    name: `bytes-${size(bytes).replace(' ', '')}`,
    title: `a Buffer of ${size(bytes)}, sent and read`,
    measure: 'bytes',
    needs: 'bytes',
    role: 'bytes',
    bytes,
    thorough: bytes > MIB,
    ...MICROSECONDS,
  }
}

/** @returns {Workload} */
function paced(perSecond) {
  const number = perSecond.toLocaleString('en-US')
  return {
    ...echoed,
    name: `paced-${perSecond}`,
    title: `${number} requests and replies a second`,
    measure: 'paced',
    perSecond,
  }
}

/** @returns {Workload} */
function firstSends(bytes) {
  const side = { needs: 'link', role: 'sink', bytes, thorough: true, ...SECOND }
  const title = `${size(bytes)}, the first ${FIRST_SENDS.toLocaleString('en-US')}, each send awaited`
  return { ...side, name: `first-${bytes}B`, title, measure: 'first-sends', count: FIRST_SENDS }
}

/** @returns {Workload} */
function tasks(needs, underWay) {
  const what = needs === 'pool' ? 'jobs of a pool of two workers' : 'calls of a function in a child'
  const all = { name: `${needs}-${underWay}`, needs, underWay, bytes: 300 }
  const side = needs === 'pool' ? { workers: 2 } : { role: 'serve' }
  return underWay === 1
    ? { ...all, ...side, title: `${what}, one at a time`, measure: 'tasks-in-turn', ...MICROSECONDS }
    : { ...all, ...side, title: `${what}, ${underWay} under way`, measure: 'tasks', ...SECOND }
}

/** @param {number} bytes */
export function size(bytes) {
  if (bytes >= MIB) return `${bytes / MIB} MiB`
  return bytes >= KIB ? `${bytes / KIB} KiB` : `${bytes} B`
}
