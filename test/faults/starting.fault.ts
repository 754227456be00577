import { injects } from './injects.js'
import { outcomeOfStart } from './outcomes.js'

describe('starting a child with channels', () => {
  injects('starting', { socketpair: ['1', '2', '1+2'] }, outcomeOfStart)
})
