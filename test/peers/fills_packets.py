"""Sends packets over descriptor 3, ever closer to the longest that the kernel makes, and then tells of them."""

import errno
import socket
import struct

import wire

SO_SNDBUFFORCE = 32
HEADER_BYTES = 8

sock = wire.channel()
try:
    sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 1 << 30)
except PermissionError:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 30)

longest, too_long, sent = 4096, 1 << 24, 0
while too_long - longest > 1:
    length = (longest + too_long) // 2
    text = b'"' + b"x" * (length - HEADER_BYTES - 2) + b'"'
    try:
        sock.send(struct.pack("=Q", len(text)) + text)
        longest, sent = length, sent + 1
    except OSError as error:
        assert error.errno in (errno.ENOBUFS, errno.EMSGSIZE), error
        too_long = length
sock.send(wire.frame({"sent": sent, "longest": longest}))
