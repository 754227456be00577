"""Factorises numbers for main.ts. What it knows of the channels is in docs/wire.md."""

import fcntl
import json
import os
import select
import socket
import struct
import sys
import termios

HEADER = struct.Struct("=Q")
LONGEST_PACKET = 4_263_616
MOST_DESCRIPTORS = 253


class Channel:
    """One row of the table in the environment."""

    def __init__(self, fd, inode, coalesce, maxMessageBytes, **_):
        if os.fstat(fd).st_ino != inode:
            sys.exit(f"descriptor {fd} is not the channel: the table was meant for another process")
        os.set_inheritable(fd, False)
        self.socket = socket.socket(fileno=fd)
        self.coalesce = coalesce
        self.max_message_bytes = maxMessageBytes

    def packets(self):
        """The messages of each packet, until every sender is gone."""
        while True:
            try:
                packet, fds, _, _ = socket.recv_fds(
                    self.socket, LONGEST_PACKET, MOST_DESCRIPTORS, socket.MSG_CMSG_CLOEXEC
                )
            except ConnectionResetError:
                continue  # somebody closed early; what is queued comes after this
            if not packet and not fds and self.ended():
                return
            payloads = list(split(packet))
            if len(packet) == HEADER.size and fds:
                payloads = [self.read_aside(fds.pop(), *HEADER.unpack(packet))]
            for fd in fds:
                os.close(fd)
            yield [json.loads(payload) for payload in payloads]

    def ended(self):
        """An empty packet reads as the end does. At the end nobody sends any more and nothing is queued."""
        poll = select.poll()
        poll.register(self.socket, select.POLLRDHUP)
        queued = fcntl.ioctl(self.socket, termios.FIONREAD, bytes(4))
        return bool(poll.poll(0)) and queued == bytes(4)

    def read_aside(self, fd, length):
        """The payload of a message too long for one packet comes over a stream of its own."""
        with socket.socket(fileno=fd) as side, side.makefile("rb") as stream:
            if length > self.max_message_bytes:
                sys.exit(f"a message of {length} bytes is too long")
            payload = stream.read(length)
        if len(payload) < length:
            sys.exit("a message broke off")
        return payload

    def send(self, messages):
        """Sends messages in as few packets as the channel allows."""
        longest = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) - 32
        packet = b""
        for message in messages:
            payload = json.dumps(message).encode()
            frame = HEADER.pack(len(payload)) + payload
            if packet and (not self.coalesce or len(packet) + len(frame) > longest):
                self.socket.send(packet)
                packet = b""
            if len(frame) > longest:
                self.send_aside(payload)
            else:
                packet += frame
        if packet:
            self.socket.send(packet)

    def send_aside(self, payload):
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with near:
            with far:
                socket.send_fds(self.socket, [HEADER.pack(len(payload))], [far.fileno()])
            near.sendall(payload)


def split(packet):
    while packet:
        (length,) = HEADER.unpack_from(packet)
        yield packet[HEADER.size : HEADER.size + length]
        packet = packet[HEADER.size + length :]


def factorise(n):
    factors, rest, divisor = [], n, 2
    while divisor * divisor <= rest:
        while rest % divisor == 0:
            factors.append(divisor)
            rest //= divisor
        divisor += 1
    return {"n": n, "factors": factors + [rest] if rest > 1 else factors}


def answer(job):
    return factorise(job["n"]) if "n" in job else {"results": [factorise(n) for n in job["numbers"]]}


# Out of the environment: it is not for processes that this one might start.
table = json.loads(os.environ.pop("WORMHOLE_CHANNELS"))
jobs, results = Channel(**table["jobs"]), Channel(**table["results"])
for packet in jobs.packets():
    results.send(answer(job) for job in packet)
