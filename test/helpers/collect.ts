/** Collects everything up to the end, in order. */
export async function collect<T>(messages: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const message of messages) all.push(message)
  return all
}
