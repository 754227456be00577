import { injects } from './injects.js'

describe('short messages to and fro', () => {
  injects('small', { sendmsg: ['1', '3', '2+2'], recvmsg: ['1', '2', '2+2'], epoll_ctl: ['1'] })
})
