"""Serves calls, and asks its parent back, in Python. What it knows of the wire is in docs/wire.md."""

import json
import os
import socket
import struct
import sys

HEADER = struct.Struct("=Q")
LONGEST_PACKET = 4_263_616


class Link:
    """Two channels, one each way, and the calls over them. One thing at a time: a handler that calls waits."""

    def __init__(self, sender, receiver, handlers):
        self.sender, self.receiver = (self.adopt(row) for row in (sender, receiver))
        self.handlers = handlers
        self.arrived = []  # read from a packet, not looked at yet
        self.requests = []  # came while a handler waited for an answer
        self.last_id = 0
        self.working_at = None

    @staticmethod
    def adopt(row):
        if os.fstat(row["fd"]).st_ino != row["inode"]:
            sys.exit("the table of channels was meant for another process")
        os.set_inheritable(row["fd"], False)
        return socket.socket(fileno=row["fd"])

    def send(self, message):
        payload = json.dumps(message).encode()
        self.sender.send(HEADER.pack(len(payload)) + payload)

    def receive(self):
        """The next message; None at the end."""
        while not self.arrived:
            try:
                packet = self.receiver.recv(LONGEST_PACKET)
            except ConnectionResetError:
                continue
            if not packet:
                return None
            while packet:
                (length,) = HEADER.unpack_from(packet)
                self.arrived.append(json.loads(packet[8 : 8 + length]))
                packet = packet[8 + length :]
        return self.arrived.pop(0)

    def call(self, name, value=None):
        self.last_id += 1
        mine = self.last_id
        request = {"call": mine, "name": name, "input": value}
        if self.working_at is not None:
            request["within"] = self.working_at
        self.send(request)
        while (message := self.receive()) is not None:
            if isinstance(message, dict) and message.get("answer") == mine:
                if "error" in message or "refused" in message:
                    raise RuntimeError((message.get("error") or message["refused"])["message"])
                return message.get("output")
            self.requests.append(message)
        sys.exit("the other side is gone")

    def serve(self):
        self.send({"window": 16})
        while (message := self.requests.pop(0) if self.requests else self.receive()) is not None:
            if isinstance(message, dict) and "call" in message:
                self.answer(message["call"], message.get("name"), message.get("input"))

    def answer(self, number, name, value):
        handler = self.handlers.get(name) if isinstance(name, str) else None
        if handler is None:
            refused = {"code": "ERR_WORMHOLE_NO_HANDLER", "message": f"there is no handler {name!r}"}
            return self.send({"answer": number, "refused": refused})
        self.working_at = number
        try:
            self.send({"answer": number, "output": handler(value)})
        except Exception as error:
            self.send({"answer": number, "error": {"name": type(error).__name__, "message": str(error)}})
        finally:
            self.working_at = None


if __name__ == "__main__":
    table = json.loads(os.environ.pop("WORMHOLE_CHANNELS"))
    api = Link(
        **table["api"],
        handlers={
            "add": lambda numbers: sum(numbers),
            "divide": lambda numbers: numbers[0] / numbers[1],
            "greet": lambda _: "hello, " + api.call("name"),
        },
    )
    api.serve()
