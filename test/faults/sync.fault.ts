import { injects } from './injects.js'

describe('blocking calls', () => {
  injects('sync', { sendmsg: ['1', '3', '2+2'], recvmsg: ['1', '3', '2+2'], fcntl: ['1', '2'] })
})
