// Builds the table, hands it over, and ends: the memory of this process goes, that of the table stays.
import { OwnedFd, type Sender } from 'wormhole-ipc'
import { inherited } from 'wormhole-ipc/process'
import { build, pairsIn } from './records.js'

export interface Channels {
  tables: Sender<{ pairs: number }>
}

const { tables } = inherited<Channels>()
const pairs = pairsIn(Number(process.argv[2]))
await tables.sendWithFds({ pairs }, [OwnedFd.fromBytes(build(pairs))])
