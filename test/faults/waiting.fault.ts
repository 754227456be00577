import { injects } from './injects.js'

describe('a receiver that waits again and again', () => {
  injects('waiting', { epoll_ctl: ['1', '2', '3', '1+2', '2+2'], recvmsg: ['1', '2', '3', '2+2'] })
})
