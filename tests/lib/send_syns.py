#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""send_syns.py INTERFACE ROUTER_MAC COUNT SOURCES [--ip6] [--seconds S]: sends SYNs to port 25 from many addresses.

Frames go out through AF_PACKET, so nothing is retransmitted and exactly COUNT packets leave; with --seconds it sends
until the time is over instead. Sources are 198.51.100.1 upwards, or one /64 each under 2001:db8:100::/44. Prints
how many were sent.
"""
import argparse
import errno
import itertools
import socket
import struct
import time


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def tcp(port, pseudo):
    header = struct.pack(">HHIIBBHHH", port, 25, port, 0, 0x50, 2, 64240, 0, 0)
    return header[:16] + struct.pack(">H", checksum(pseudo + header)) + header[18:]


def frame4(mac, source):
    src = socket.inet_aton("198.51.100.0")
    src = struct.pack(">I", struct.unpack(">I", src)[0] + source)
    dst = socket.inet_aton("203.0.113.25")
    head = struct.pack(">BBHHHBBH", 0x45, 0, 40, 1, 0x4000, 64, 6, 0) + src + dst
    head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
    return mac + b"\x08\x00" + head + tcp(1024 + source % 60000, src + dst + struct.pack(">HH", 6, 20))


def frame6(mac, source):
    src = socket.inet_pton(socket.AF_INET6, "2001:db8:100::")
    src = src[:5] + struct.pack(">I", source)[1:] + src[8:15] + b"\x01"
    dst = socket.inet_pton(socket.AF_INET6, "2001:db8:200::25")
    head = struct.pack(">IHBB", 0x60000000, 20, 6, 64) + src + dst
    return mac + b"\x86\xdd" + head + tcp(1024 + source % 60000, src + dst + struct.pack(">II", 20, 6))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("interface")
    parser.add_argument("mac")
    parser.add_argument("count", type=int)
    parser.add_argument("sources", type=int)
    parser.add_argument("--ip6", action="store_true")
    parser.add_argument("--seconds", type=float)
    arguments = parser.parse_args()
    mac = bytes.fromhex(arguments.mac.replace(":", "")) + b"\x02\x00\x00\x00\x00\x01"
    make = frame6 if arguments.ip6 else frame4
    frames = itertools.cycle([make(mac, i + 1) for i in range(arguments.sources)])
    end = time.monotonic() + arguments.seconds if arguments.seconds else None
    sent = 0
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind((arguments.interface, 0))
        while time.monotonic() < end if end else sent < arguments.count:
            try:
                sender.send(next(frames))
                sent += 1
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                time.sleep(0.001)
    print(sent)


if __name__ == "__main__":
    main()
