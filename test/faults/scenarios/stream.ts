import { exchanging } from '../exchange.js'

/** Byte streams whose buffer takes a burst in pieces. */
export const stream = exchanging(
  () => ({
    filler: 'cut anywhere '.repeat(120),
    open: (partner) => partner.echoStream(),
    send: (sender, message) => sender.send(message),
    receive: (receiver) => receiver.recv(),
  }),
  [1, 8, 8, 2]
)
