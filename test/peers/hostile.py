"""Does to the end at descriptor 3 (and, where it must, to its receiving end at 4) what Node cannot do."""

import array
import contextlib
import errno
import os
import socket
import sys
import tempfile

import wire

SO_PASSPIDFD = 76
SO_TIMESTAMPNS = 35
SO_PASSSEC = 34
RIGHTS = (socket.SOL_SOCKET, socket.SCM_RIGHTS)
CREDENTIALS = (socket.SOL_SOCKET, socket.SCM_CREDENTIALS, array.array("i", [os.getpid(), os.getuid(), os.getgid()]))


@contextlib.contextmanager
def files(count):
    """The numbers of files that hold their places: "0", "1", ..."""
    with contextlib.ExitStack() as stack:
        fds = []
        for index in range(count):
            file = stack.enter_context(tempfile.TemporaryFile())
            file.write(str(index).encode())
            file.flush()
            fds.append(file.fileno())
        yield fds


def rights(fds):
    return (*RIGHTS, array.array("i", fds))


def refused(sock, control):
    try:
        sock.sendmsg([wire.frame("refused")], control)
    except OSError as error:
        assert error.errno == errno.EINVAL, error
    else:
        raise AssertionError(f"the kernel took {control}")


def rights_twice(sock, _):
    with files(3) as fds:
        sock.sendmsg([wire.frame("twice")], [rights(fds[:1]), rights(fds[1:])])
        sock.sendmsg([wire.frame("with nothing between")], [rights(fds[:1]), rights([]), rights(fds[1:])])
    with files(wire.MOST_FDS) as fds:
        sock.sendmsg([wire.frame("as many as fit")], [rights(fds[:200]), rights(fds[200:])])
        refused(sock, [rights(fds), rights(fds[:1])])
    sock.send(wire.frame("last"))


def credentials_beside(sock, _):
    with files(2) as fds:
        sock.sendmsg([wire.frame("before")], [CREDENTIALS, rights(fds)])
        sock.sendmsg([wire.frame("between")], [rights(fds[:1]), CREDENTIALS, rights(fds[1:])])
        sock.sendmsg([wire.frame("alone")], [CREDENTIALS])
    sock.send(wire.frame("last"))


def everything_on(sock, receiving):
    """All that can be had with a packet comes with each."""
    for option in socket.SO_PASSCRED, SO_PASSPIDFD, SO_PASSSEC, SO_TIMESTAMPNS:
        receiving.setsockopt(socket.SOL_SOCKET, option, 1)
    credentials_beside(sock, receiving)
    rights_twice(sock, receiving)
    if sock.type == socket.SOCK_SEQPACKET:
        sock.send(b"")
        sock.send(b"\x01\x02\x03")
        with files(wire.MOST_FDS - 1) as fds:
            wire.send_large(sock, "beside a long one", fds)
    sock.send(wire.frame("the very last"))


def unknown_control(sock, _):
    with files(1) as fds:
        for kind in 0, 5, 99, 2**31 - 1:
            refused(sock, [(socket.SOL_SOCKET, kind, b"1234")])
        # The kernel passes over levels that are not its own.
        sock.sendmsg([wire.frame("levels")], [(socket.IPPROTO_IP, 8, b"1234"), rights(fds), (99, 1, b"1234")])
    sock.send(wire.frame("last"))


def urgent(sock, _):
    """An urgent byte is no part of a stream, unless another one follows before it is received (tcp(7))."""
    whole = wire.frame("urgent")
    sock.sendall(whole[:5])
    sock.send(b"!", socket.MSG_OOB)
    sock.sendall(whole[5:])
    sock.sendall(wire.frame("last"))


def urgent_at_the_end(sock, _):
    sock.sendall(wire.frame("last"))
    sock.send(b"!", socket.MSG_OOB)


def announce(sock, reading, payload):
    socket.send_fds(sock, [len(payload).to_bytes(8, "little")], [reading.fileno()])


def side(sock):
    reading, writing = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    payload = wire.encode("aside")
    announce(sock, reading, payload)
    return reading, writing, payload


def urgent_aside(sock, _):
    reading, writing, payload = side(sock)
    with reading, writing:
        writing.send(payload[:3])
        writing.send(b"!", socket.MSG_OOB)
        writing.send(payload[3:])
    reading, writing, payload = side(sock)
    with reading, writing:
        writing.send(payload[:3])
        writing.send(b"!", socket.MSG_OOB)
    sock.send(wire.frame("last"))


def read_aside(sock, _):
    """Another holder of the reading end has taken half of the payload, and shuts it."""
    reading, writing = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    payload = wire.encode("aside")
    with reading, writing:
        writing.send(payload)
        reading.recv(3)
        reading.shutdown(socket.SHUT_RD)
        announce(sock, reading, payload)
    sock.send(wire.frame("last"))


globals()[sys.argv[1]](wire.channel(3), wire.channel(4))
