"""A hostile or careless client of the control socket: `client.py SOCKET KIND COUNT [PORT…]`.

It does what KIND names with COUNT connections, prints `ready`, and keeps them until its standard input ends.
"""

import os
import select
import socket
import sys

PATH, KIND, COUNT = sys.argv[1], sys.argv[2], int(sys.argv[3])
HEAD = b" HTTP/1.1\r\nHost: dropship\r\n"
FIRST = {
    # Nothing, half a head, a body that never comes, and one without end.
    "silent": b"",
    "half": b"GET /v1/status HTTP/1.1\r\nHost: drop",
    "submit": b"POST /v1/submit?name=a.cab" + HEAD + b"Content-Length: 1000000\r\n\r\nMSCF",
    # A body that comes slowly, as far as the daemon accepts that.
    "trickle": b"POST /v1/submit?name=a.cab" + HEAD + b"Content-Length: 1000000000\r\n\r\nMSCF",
    "chunked": b"POST /v1/submit?name=a.cab" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n4\r\nMSCF\r\n",
    "change": b"POST /v1/pause" + HEAD + b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
    # Answers that are never read.
    "deaf": (b"GET /v1/jobs?limit=1000" + HEAD + b"\r\n") * 200,
    "export": (b"GET /v1/export" + HEAD + b"\r\n") * 50,
    "metrics": (b"GET /metrics" + HEAD + b"\r\n") * 100,
}


def connect():
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    connection.connect(PATH)
    return connection


def request(connection, method, page, body=b""):
    head = f"{method} {page} HTTP/1.1\r\nHost: dropship\r\nContent-Type: application/json\r\n"
    head += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    connection.sendall(head.encode() + body)
    return connection.recv(100).split(b" ")[1].decode()


if KIND in ("joins", "leaves"):
    # COUNT is a group of operators. The client connects as a plain user, and changes its groups afterwards.
    user = 61_234
    os.setgroups([COUNT] if KIND == "leaves" else [])
    os.setresgid(user, user, user)
    os.setresuid(user, user, 0)
    connection = connect()
    os.setresuid(0, 0, 0)
    os.setgroups([COUNT] if KIND == "joins" else [])
    print(request(connection, "POST", "/v1/rescan", b"{}"))
    sys.exit()

if KIND == "users":
    # COUNT users of their own, each with connections of every kind, to the socket and to the ports that follow.
    ready, told = os.pipe()
    for number in range(COUNT):
        if os.fork() == 0:
            os.setgroups([])
            os.setresgid(62_000 + number, 62_000 + number, 62_000 + number)
            os.setresuid(62_000 + number, 62_000 + number, 62_000 + number)
            held = []
            for index in range(12):
                first = list(FIRST.values())[index % len(FIRST)]
                for port in [None, *map(int, sys.argv[4:])]:
                    try:
                        connection = socket.socket(socket.AF_UNIX if port is None else socket.AF_INET)
                        connection.settimeout(5)
                        if port is not None:
                            connection.bind((f"127.0.1.{number + 1}", 0))
                        connection.connect(PATH if port is None else ("127.0.0.1", port))
                        connection.setblocking(False)
                        held.append(connection)
                        connection.send(first)
                    except OSError:
                        pass
            os.close(ready)
            os.write(told, b".")
            # Ends with the parent.
            sys.stdin.read()
            os._exit(0)
    os.close(told)
    while COUNT > 0:
        COUNT -= len(os.read(ready, COUNT))
    print("ready", flush=True)
    sys.stdin.read()
    sys.exit()

connections = []
for _ in range(COUNT):
    try:
        connection = connect()
        connection.setblocking(False)
        connection.send(FIRST[KIND])
        connections.append(connection)
    except OSError:
        pass
print("ready", flush=True)
while KIND == "trickle":
    for connection in connections:
        try:
            connection.send(bytes(64 << 10))
        except OSError:
            pass
    if select.select([sys.stdin], [], [], 0.5)[0]:
        sys.exit()
sys.stdin.read()
