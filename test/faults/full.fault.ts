import { injects } from './injects.js'

describe('senders that wait for room', () => {
  injects('full', { epoll_ctl: ['1', '2', '3', '2+2'] })
})
