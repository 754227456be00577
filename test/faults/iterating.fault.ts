import { injects } from './injects.js'

describe('sendAll and iteration', () => {
  injects('iterating', { sendmsg: ['1', '3', '2+2'], recvmsg: ['1', '3', '2+2'], epoll_ctl: ['1'] })
})
