import { injects } from './injects.js'
import { outcomeOfRaw } from './outcomes.js'

describe('raw sockets', () => {
  injects(
    'raw',
    {
      socketpair: ['1', '2', '1+2'],
      sendmsg: ['1', '2', '2+2'],
      recvmsg: ['1', '3', '2+2'],
      fcntl: ['1', '2'],
      epoll_ctl: ['1', '2'],
    },
    outcomeOfRaw
  )
})
