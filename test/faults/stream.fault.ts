import { injects } from './injects.js'

describe('byte streams to and fro', () => {
  injects('stream', { sendmsg: ['1', '3', '4', '6', '2+3'], recvmsg: ['1', '2', '2+2'], epoll_ctl: ['1'] })
})
