#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""strange_server.py SOCKET MODE: answers one client at a Unix socket as no op25bd would. Prints "ready" when it listens.

MODE is one of the modes below, or the line that it answers.
"""
import os
import socket
import sys
import time


def close(client):
    client.close()


def half(client):
    client.sendall(b'{"op25b":1,"ok":tr')


def endless(client):
    while True:
        client.sendall(b"a" * 65536)


def drip(client):
    while True:
        client.sendall(b"a")
        time.sleep(0.1)


def garbage(client):
    client.sendall(os.urandom(5000) + b"\n")


def deep(client):
    client.sendall(b'{"op25b":1,"ok":true,"result":' + b"[" * 100000 + b"\n")


MODES = {mode.__name__: mode for mode in (close, half, endless, drip, garbage, deep)}


def main():
    path, mode = sys.argv[1:]
    if os.path.exists(path):
        os.unlink(path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(1)
        print("ready", flush=True)
        client, _ = server.accept()
        with client:
            try:
                client.recv(4096)
                MODES.get(mode, lambda it: it.sendall(mode.encode() + b"\n"))(client)
            except OSError:
                pass  # the client has had enough


if __name__ == "__main__":
    main()
