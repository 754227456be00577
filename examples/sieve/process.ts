import { inherited } from 'wormhole-ipc/process'
import { type Ends, type Place, stage } from './sieve.js'

const place: Place = JSON.parse(process.argv[2] as string)
await stage(inherited<Ends>(), place)
