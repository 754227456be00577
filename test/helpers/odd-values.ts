function trap(): never {
  throw new Error('the addon called JavaScript')
}

/** Throws at every use. */
function hostile(): object {
  return new Proxy({}, { get: trap, has: trap, getPrototypeOf: trap, ownKeys: trap, getOwnPropertyDescriptor: trap })
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

function detached(): ArrayBuffer {
  const buffer = new ArrayBuffer(4096)
  structuredClone(buffer, { transfer: [buffer] })
  return buffer
}

/** Typed arrays whose memory could be detached under the addon, is detached, is too short, or has other elements. */
function views(): [string, unknown][] {
  const shared = new SharedArrayBuffer(4096)
  const plain = new ArrayBuffer(4096)
  const gone = new Uint8Array(4096)
  const goneWords = new Int32Array(1024)
  structuredClone([gone, goneWords], { transfer: [gone.buffer, goneWords.buffer] })
  const resizable: ArrayBuffer = Reflect.construct(ArrayBuffer, [4096, { maxByteLength: 8192 }])
  return [
    ['bytes that can be detached', new Uint8Array(plain)],
    ['words that can be detached', new Int32Array(plain)],
    ['bytes that can shrink', new Uint8Array(resizable)],
    ['words that can shrink', new Int32Array(resizable)],
    ['detached bytes', gone],
    ['detached words', goneWords],
    ['no bytes', new Uint8Array(shared, 0, 0)],
    ['no words', new Int32Array(shared, 0, 0)],
    ['too few bytes', new Uint8Array(shared, 0, 3)],
    ['too few words', new Int32Array(shared, 0, 1)],
    ['bytes with a sign', new Int8Array(shared)],
    ['clamped bytes', new Uint8ClampedArray(shared)],
    ['words without a sign', new Uint32Array(shared)],
    ['floats', new Float32Array(shared)],
    ['big integers', new BigInt64Array(shared)],
    ['a data view', new DataView(shared)],
    ['a proxy of bytes', new Proxy(new Uint8Array(shared), {})],
    ['an object whose prototype is an array of bytes', Object.create(new Uint8Array(shared))],
  ]
}

/** Values that are not a 32-bit integer, an offset in some kilobytes of memory, or an array that the addon may use. */
export function oddValues(): [string, unknown][] {
  const values: unknown[] = [undefined, null, '', '1', 1n, 2n ** 64n, true, Symbol('one'), Number.NaN, 0.5, -0.5]
  values.push(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.MAX_VALUE, Number.MIN_VALUE)
  values.push(2 ** 31, -(2 ** 31) - 1, 2 ** 32, 2 ** 53, -(2 ** 53), 2 ** 63, 2 ** 64, 1e300)
  const objects: [string, unknown][] = [
    ['an object', {}],
    ['an object that is 1', { valueOf: () => 1 }],
    ['a number object', Object(1)],
    ['an object whose valueOf throws', { valueOf: trap }],
    ['a proxy that throws', hostile()],
    ['a revoked proxy', revoked()],
    ['an array', [1]],
    ['an array with holes', new Array(1000)],
    ['a function', () => 1],
    ['a class', class {}],
    ['a date', new Date(0)],
    ['an array buffer', new ArrayBuffer(4096)],
    ['a detached array buffer', detached()],
    ['a shared array buffer', new SharedArrayBuffer(4096)],
  ]
  return [...values.map((value): [string, unknown] => [String(value), value]), ...objects, ...views()]
}
