# Prints each job that is added: a client of the daemon in ten lines (docs/wire.md, "Names").
import json, socket, struct, sys

daemon = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
daemon.connect(sys.argv[1].replace("@", "\0", 1) if sys.argv[1].startswith("@") else sys.argv[1])
daemon.send(b'{"wormhole":1}')
text, fds, _, _ = socket.recv_fds(daemon, 65536, 253)
added = socket.socket(fileno=fds[json.loads(text)["give"]["added"]["fd"]])
while packet := added.recv(4_263_616):
    while packet:
        end = 8 + struct.unpack_from("=Q", packet)[0]
        print(json.loads(packet[8:end])["text"], flush=True)
        packet = packet[end:]
