/** How one operation ended, as a program can print it: what it gave, or its error's fields. */
export type Ending = { gave: unknown } | { code: unknown; errno: unknown; syscall: unknown }

/** Runs an operation that may fail, synchronously or not. */
export async function endingOf(operation: () => unknown): Promise<Ending> {
  try {
    return { gave: await operation() }
  } catch (error) {
    const { code, errno, syscall } = error as NodeJS.ErrnoException
    return { code, errno, syscall }
  }
}
