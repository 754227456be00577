import { start } from './child.js'

/** What a body did: the lines that it logged, and the messages of the rejections that nobody handled while it ran. */
export type Said = readonly string[]

/**
 * In a `describe`: adds bodies of code, each of which has `sender` and `receiver` of a new channel. One process runs
 * them all before the tests, one after the other, and each that is still to be told of something is given many turns.
 * Returns what the body said, once it has run; what comes later than its turns is said by the next, or at the end.
 */
export function playsBodies(): (body: string) => () => Said {
  const bodies: string[] = []
  let said: readonly Said[] = []
  before(async function () {
    this.timeout(120_000)
    said = await play(bodies)
  })
  return (body) => {
    const index = bodies.push(body) - 1
    return () => said[index] as Said
  }
}

async function play(bodies: readonly string[]): Promise<readonly Said[]> {
  const parts = bodies.map(
    (body) => `
    said.push([])
    await (async () => {
      const [sender, receiver] = channel()
      ${body}
      await turns()
      kept.push(sender, receiver)
    })()`
  )
  const code = `
    import { channel } from ${JSON.stringify(import.meta.resolve('wormhole-ipc'))}
    import { turns } from ${JSON.stringify(import.meta.resolve('./fill.js'))}
    const said = []
    const kept = []
    const say = (...words) => said.at(-1).push(words.join(' '))
    console.log = say
    process.on('unhandledRejection', (error) => say('unhandled', error.message))
    process.once('exit', () => process.stdout.write(JSON.stringify(said)))
    ${parts.join('\n')}
    said.push([])`
  const { code: status, stdout, stderr } = await start(process.execPath, ['--input-type=module', '-e', code]).ended
  if (status !== 0 || stderr !== '') throw new Error(`code ${status}: ${stderr}`)
  const said = JSON.parse(stdout) as Said[]
  const late = said.pop() as Said
  if (late.length > 0) throw new Error(`said after the last body: ${late.join('; ')}`)
  return said
}
