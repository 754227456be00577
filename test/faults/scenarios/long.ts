import { exchanging } from '../exchange.js'

/** More than a packet takes, and more than a side stream's buffer holds at once. */
const LONG = 'long '.repeat(120_000)

/** Messages too long for one packet, over side streams. */
export const long = exchanging(
  () => ({
    filler: LONG,
    open: (partner) => partner.echo(),
    send: (sender, message) => sender.send(message),
    receive: (receiver) => receiver.recv(),
  }),
  [1, 2]
)
