/** Promise.withResolvers, which Node 20 has not. @returns {{ promise: Promise<any>, resolve: (value?: any) => void }} */
export function deferred() {
  let resolve
  const promise = new Promise((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
