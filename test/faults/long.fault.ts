import { injects } from './injects.js'
import { outcomeOfLong } from './outcomes.js'

describe('long messages to and fro', () => {
  injects(
    'long',
    {
      sendmsg: ['1', '4', '9', '3+5'],
      recvmsg: ['1', '3', '3+4'],
      socketpair: ['1', '2'],
      epoll_ctl: ['1'],
    },
    outcomeOfLong
  )
})
