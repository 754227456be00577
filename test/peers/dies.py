"""Sends half of a large message over descriptor 3 and is killed in the middle of it."""

import os
import signal

import wire

SIZE = 4 * 1024 * 1024

writing = wire.begin_large(wire.channel(), SIZE)
writing.sendall(b"x" * (SIZE // 2))
os.kill(os.getpid(), signal.SIGKILL)
