import { injects } from './injects.js'

describe('select', () => {
  injects('selecting', {
    sendmsg: ['1', '4', '2+3'],
    recvmsg: ['1', '3', '4', '2+3'],
    epoll_ctl: ['1', '2', '3', '1+2', '1+3'],
  })
})
