"""The wire as docs/wire.md tells it, with Python's own sockets, which block."""

import array
import json
import os
import socket
import struct

PACKET_BYTES = 8 * 1024 * 1024
MOST_FDS = 253


def channel(fd=3):
    return socket.socket(fileno=fd)


def encode(message):
    return json.dumps(message, ensure_ascii=False).encode()


def frame(message):
    payload = encode(message)
    return struct.pack("<Q", len(payload)) + payload


def begin_large(sock, length, fds=()):
    """Sends a long message's header with the reading end of a stream behind `fds`; answers the writing end."""
    reading, writing = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    socket.send_fds(sock, [struct.pack("<Q", length)], [*fds, reading.fileno()])
    reading.close()
    return writing


def send_large(sock, message, fds=()):
    payload = encode(message)
    with begin_large(sock, len(payload), fds) as writing:
        writing.sendall(payload)
        assert os.get_blocking(writing.fileno()), "somebody made the side stream non-blocking"


def receive(sock):
    """The message and descriptors of the next packet, which holds one frame; None at the end."""
    packet, control, _, _ = sock.recvmsg(PACKET_BYTES, socket.CMSG_SPACE(MOST_FDS * array.array("i").itemsize))
    if not packet:
        return None
    fds = array.array("i")
    for level, kind, data in control:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(data)
    (length,) = struct.unpack_from("<Q", packet)
    payload = packet[8:]
    if not payload:
        with socket.socket(fileno=fds.pop()) as side:
            assert os.get_blocking(side.fileno()), "somebody made the side stream non-blocking"
            payload = read_exactly(side, length)
            assert side.recv(1) == b"", "the side stream holds more than the message"
    assert len(payload) == length, f"a frame of {length} bytes in a packet that has {len(payload)} for it"
    return json.loads(payload), list(fds)


def read_exactly(sock, length):
    payload = bytearray()
    while len(payload) < length:
        piece = sock.recv(length - len(payload))
        assert piece, "the stream ended too soon"
        payload += piece
    return bytes(payload)


def receive_from_stream(sock):
    """The next message of a byte stream, in a list; None at the end."""
    first = sock.recv(1)
    if not first:
        return None
    (length,) = struct.unpack("<Q", first + read_exactly(sock, 7))
    return [json.loads(read_exactly(sock, length))]
