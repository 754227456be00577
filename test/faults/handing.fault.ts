import { injects } from './injects.js'

describe('cloning, moving and adopting ends', () => {
  injects('handing', {
    fcntl: ['1', '2', '3', '4', '1+2', '2+2'],
    socketpair: ['1'],
    sendmsg: ['1', '2', '2+2'],
    recvmsg: ['1', '3', '2+2'],
  })
})
