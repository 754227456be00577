"""Sends over descriptor 3 what the argument names, blocking wherever the kernel makes it wait."""

import os
import socket
import struct
import sys
import tempfile

import wire

LARGE = "é€😀x" * 500_000


def one_a_packet(sock):
    for number in range(100):
        sock.send(wire.frame(number))


def several_a_packet(sock):
    sock.send(b"".join(wire.frame({"number": number}) for number in range(10)))
    sock.send(wire.frame("last"))


def empty_packets_between(sock):
    for number in range(3):
        sock.send(b"")
        sock.send(wire.frame(number))
    sock.send(b"")


def malformed_between(sock):
    sock.send(wire.frame("first"))
    sock.send(struct.pack("<Q", 5) + b"{oops")
    sock.send(struct.pack("<Q", 4) + b'"\xff\xfe"')
    sock.send(b"\x01\x02\x03")
    sock.send(struct.pack("<Q", 100) + b'"cut')
    sock.send(struct.pack("<Q", 1 << 62) + b'"absurd"')
    sock.send(wire.frame("last"))


def descriptors(sock):
    with tempfile.TemporaryFile() as first, tempfile.TemporaryFile() as second:
        first.write(b"the first file")
        second.write(b"the second file")
        first.flush()
        second.flush()
        socket.send_fds(sock, [wire.frame("two files")], [first.fileno(), second.fileno()])
    sock.send(wire.frame("none"))


def large(sock):
    wire.send_large(sock, LARGE)
    sock.send(wire.frame("behind it"))


def large_with_descriptors(sock):
    with tempfile.TemporaryFile() as file:
        file.write(b"a file beside it")
        file.flush()
        wire.send_large(sock, LARGE, [file.fileno()])


def cut_anywhere(sock):
    stream = b"".join(wire.frame({"number": number, "text": "é" * number}) for number in range(40))
    for at in range(0, len(stream), 7):
        sock.sendall(stream[at : at + 7])
    sock.sendall(wire.frame(LARGE))
    sock.sendall(wire.frame("last"))


def until_full_and_on(sock):
    for number in range(1000):
        sock.send(wire.frame({"from": "peer", "number": number}))


with wire.channel() as channel:
    globals()[sys.argv[1]](channel)
    assert os.get_blocking(channel.fileno()), "somebody made the socket non-blocking"
