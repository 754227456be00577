import { injects } from './injects.js'

describe('messages with descriptors', () => {
  injects('descriptors', {
    sendmsg: ['1', '3', '2+2'],
    recvmsg: ['1', '3', '2+2'],
    fcntl: ['1', '2', '4', '2+3'],
    epoll_ctl: ['1'],
  })
})
