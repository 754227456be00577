import { childProcess } from './shared/child-process.mjs'

/** @type {import('./driver.mjs').Driver} */
export default childProcess('json')
