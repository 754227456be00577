import type { Jsonify } from 'type-fest'
import { type ChannelOptions, channel, Receiver, Sender } from 'wormhole-ipc'
import * as socket from '#lib/os/syscalls'

/** Ends that a test opens and need not close. */
export interface Ends {
  open<T = unknown>(options?: ChannelOptions): [Sender<T>, Receiver<Jsonify<T>>]
  /** Opens a channel over a byte stream, each end with its own options. */
  openStream<T = unknown>(sending?: ChannelOptions, receiving?: ChannelOptions): [Sender<T>, Receiver]
  /** Adopts a receiving end again, with other options. */
  reopen<T>(receiver: Receiver<T>, options: ChannelOptions<T>): Receiver<T>
  keep<End extends Disposable>(end: End): End
}

/** In a `describe`: closes the ends that its tests open after each test, also after a failure. */
export function closesEnds(): Ends {
  const kept: Disposable[] = []
  const keep = <End extends Disposable>(end: End): End => {
    kept.push(end)
    return end
  }
  afterEach(() => {
    for (const end of kept.splice(0)) end[Symbol.dispose]()
  })
  return {
    keep,
    open: <T>(options?: ChannelOptions) => {
      const [sender, receiver] = channel<T>(options)
      return [keep(sender), keep(receiver)]
    },
    openStream: <T>(sending?: ChannelOptions, receiving?: ChannelOptions) => {
      const [first, second] = socket.socketpair(socket.SOCK_STREAM)
      socket.release(first)
      socket.release(second)
      return [keep(Sender.fromFd<T>(first, sending)), keep(Receiver.fromFd(second, receiving))]
    },
    reopen: <T>(receiver: Receiver<T>, options: ChannelOptions<T>) =>
      keep(Receiver.fromFd<T>(receiver.detach(), options)),
  }
}
