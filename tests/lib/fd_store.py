#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What systemd does for op25bd with FileDescriptorStoreMax= and Restart=always: fd_store.py DIRECTORY COMMAND...

Keeps the descriptors that the process gives it, and starts it anew with them whenever it ends. Prints what it is told, a
line a datagram. Files in DIRECTORY: "pid" is the process, "notify" the socket; while "hold" exists nothing is started, and with
"stop" there it ends at the process's end.
"""
import array
import fcntl
import os
import socket
import sys
import time
from pathlib import Path

LISTEN_FDS_START = 3
DESCRIPTORS_MAX = 16
HIGH = 100  # above all numbers that are handed on

directory = Path(sys.argv[1])
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind(str(directory / "notify"))
os.chmod(directory / "notify", 0o666)
server.settimeout(0.02)
store = []  # (name, descriptor)


def tell(line):
    print(line, flush=True)


def start():
    descriptors = [os.dup(descriptor) for _, descriptor in store]
    child = os.fork()
    if child:
        for descriptor in descriptors:
            os.close(descriptor)
        (directory / "pid.new").write_text(f"{child}\n")
        (directory / "pid.new").rename(directory / "pid")
        return child
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, HIGH) for descriptor in descriptors]
    for i, descriptor in enumerate(high):
        os.dup2(descriptor, LISTEN_FDS_START + i, inheritable=True)
        os.close(descriptor)
    environment = dict(os.environ, NOTIFY_SOCKET=str(directory / "notify"))
    if store:
        environment.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(store)),
                           LISTEN_FDNAMES=":".join(name for name, _ in store))
    os.execvpe(sys.argv[2], sys.argv[2:], environment)


def take_message():
    try:
        text, ancillary, _, _ = server.recvmsg(4096, socket.CMSG_SPACE(4 * DESCRIPTORS_MAX))
    except (TimeoutError, socket.timeout):
        return
    fields = dict(line.split("=", 1) for line in text.decode().splitlines() if "=" in line)
    received = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            received.frombytes(data[:len(data) // 4 * 4])
    name = fields.get("FDNAME")
    if fields.get("FDSTORE") == "1":
        for descriptor in received:
            same = any(os.path.sameopenfile(descriptor, kept) and known == name for known, kept in store)
            if same:
                os.close(descriptor)
            else:
                store.append((name, descriptor))
    if fields.get("FDSTOREREMOVE") == "1":
        for kept in [kept for kept in store if kept[0] == name]:
            os.close(kept[1])
            store.remove(kept)
    tell(" ".join(text.decode().splitlines()))


def main():
    while True:
        while (directory / "hold").exists():
            time.sleep(0.01)
        child = start()
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            take_message()
        tell("ENDED")
        if (directory / "stop").exists():
            return


main()
