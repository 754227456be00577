import { exchanging } from '../exchange.js'

/** Short messages in both directions, several to a packet. */
export const small = exchanging(
  () => ({
    filler: 'short',
    open: (partner) => partner.echo(),
    send: (sender, message) => sender.send(message),
    receive: (receiver) => receiver.recv(),
  }),
  [3, 1, 2, 3, 1]
)
