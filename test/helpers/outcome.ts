/** How one operation ended, in a form that can be printed: its result, or its error's fields. */
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
