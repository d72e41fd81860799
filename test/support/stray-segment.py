"""A TCP connection in which a segment strays, on Linux, as root.

stray-segment.py serve PORT         echoes one connection; its first line says that it listens
stray-segment.py send HOST PORT     sends a byte, a segment far out of the window, a byte; says whether
                                    both came back ("alive") or how the connection ended
"""

import socket
import struct
import sys

# linux/tcp.h
TCP_REPAIR, TCP_REPAIR_QUEUE, TCP_QUEUE_SEQ = 19, 20, 21
RECEIVE_QUEUE, SEND_QUEUE = 1, 2
REPAIR_ON, REPAIR_OFF_WITHOUT_PROBE = 1, -1
FAR = 1 << 30
PUSH_ACK = 0x18


def sequence_numbers(connection):
    """The next to send and the next to come: a socket tells them while it is being repaired."""
    numbers = []
    connection.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, REPAIR_ON)
    for queue in (SEND_QUEUE, RECEIVE_QUEUE):
        connection.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR_QUEUE, queue)
        value = connection.getsockopt(socket.IPPROTO_TCP, TCP_QUEUE_SEQ)
        numbers.append(value & 0xFFFFFFFF)
    connection.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, REPAIR_OFF_WITHOUT_PROBE)
    return numbers


def checksum(data):
    """RFC 1071."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def stray(connection):
    """Sends a segment of the connection that is 1 GiB ahead of it."""
    (source, source_port), (target, target_port) = connection.getsockname(), connection.getpeername()
    following, expected = sequence_numbers(connection)
    data = b"stray!"

    def header(check):
        ports = struct.pack("!HH", source_port, target_port)
        numbers = struct.pack("!II", (following + FAR) & 0xFFFFFFFF, expected)
        return ports + numbers + struct.pack("!BBHHH", 5 << 4, PUSH_ACK, 1024, check, 0)

    length = len(header(0)) + len(data)
    ends = socket.inet_aton(source) + socket.inet_aton(target)
    pseudo = ends + struct.pack("!BBH", 0, socket.IPPROTO_TCP, length)
    segment = header(checksum(pseudo + header(0) + data)) + data
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
        raw.sendto(segment, (target, 0))


def send(host, port):
    with socket.create_connection((host, port), 10) as connection:
        try:
            for byte in (b"a", b"b"):
                connection.sendall(byte)
                if connection.recv(1) != byte:
                    return "ended"
                if byte == b"a":
                    stray(connection)
        except OSError as error:
            return type(error).__name__
    return "alive"


def serve(port):
    with socket.create_server(("0.0.0.0", port)) as server:
        print("ready", flush=True)
        connection, _ = server.accept()
        with connection:
            while data := connection.recv(1024):
                connection.sendall(data)


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
else:
    print(send(sys.argv[2], int(sys.argv[3])))
