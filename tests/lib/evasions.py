#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""evasions.py INTERFACE ROUTER_MAC: SYNs to port 25 in every dress that might slip through the gateway.

Each has a source port of its own. Prints one line each: the source port, "block" or "pass" (what should happen), and
its name. Addresses are those of netns.sh: from sub to ext, unless the name says otherwise.
"""
import socket
import struct
import sys

from send_syns import checksum

FIN, SYN, RST, ACK, URG = 1, 2, 4, 16, 32
MORE, DONT = 0x2000, 0x4000
HOP_BY_HOP, TCP, IP6_IN, ROUTING, FRAGMENT, OPTIONS, AH = 0, 6, 41, 43, 44, 60, 51


def in4(text):
    return socket.inet_pton(socket.AF_INET, text)


def in6(text):
    return socket.inet_pton(socket.AF_INET6, text)


SUB4, EXT4, RELAY4, ROUTER4 = in4("198.51.100.10"), in4("203.0.113.25"), in4("192.0.2.25"), in4("198.51.100.1")
SUB6, EXT6, RELAY6 = in6("2001:db8:100::10"), in6("2001:db8:200::25"), in6("2001:db8:192::25")


class Frames:
    def __init__(self, macs):
        self.macs = macs
        self.cases = []
        self.port = 20000

    def add(self, name, *frames, passes=False):
        """The frames were made with segment(), which chose the port."""
        self.cases.append((self.port, "pass" if passes else "block", name, frames))

    def segment(self, src=SUB4, dst=EXT4, flags=SYN, words=5, dport=25, behind=b"", spoil=0, again=False):
        if not again:
            self.port += 1
        data = struct.pack(">HHIIBBHHH", self.port, dport, 1, 0, words << 4, flags, 1000, 0, 0) + behind
        length = ">HH" if len(src) == 4 else ">II"
        pseudo = src + dst + (struct.pack(length, TCP, len(data)) if len(src) == 4 else struct.pack(length, len(data), TCP))
        total = checksum(pseudo + data + b"\0" * (len(data) % 2)) ^ spoil
        return data[:16] + struct.pack(">H", total) + data[18:]

    def segment6(self, src=SUB6, dst=EXT6, **more):
        return self.segment(src, dst, **more)

    def ip4(self, payload, src=SUB4, dst=EXT4, options=b"", fragment=DONT, protocol=TCP, total=None, tags=b""):
        words = 5 + len(options) // 4
        total = words * 4 + len(payload) if total is None else total
        head = struct.pack(">BBHHHBBH", 0x40 | words, 0, total, self.port, fragment, 64, protocol, 0) + src + dst + options
        head = head[:10] + struct.pack(">H", checksum(head)) + head[12:]
        return self.macs + tags + b"\x08\x00" + head + payload

    def ip6(self, payload, following=TCP, src=SUB6, dst=EXT6, length=None):
        length = len(payload) if length is None else length
        return self.macs + b"\x86\xdd" + struct.pack(">IHBB", 0x60000000, length, following, 64) + src + dst + payload


def extension(following, units=1):
    """A header of Pad options."""
    return bytes([following, units - 1, 1, units * 8 - 4]) + bytes(units * 8 - 4)


def fragment6(following, offset, more, number):
    return struct.pack(">BBHI", following, 0, offset << 3 | more, number)


def add_flags(f):
    f.add("plain", f.ip4(f.segment()))
    for name, flags in (("with FIN", SYN | FIN), ("with RST", SYN | RST), ("with URG", SYN | URG), ("with ECN", SYN | 0xC0)):
        f.add("SYN " + name, f.ip4(f.segment(flags=flags)))
    f.add("SYN with data", f.ip4(f.segment(behind=b"EHLO x\r\n")))
    f.add("fast open", f.ip4(f.segment(words=8, behind=b"\x22\x0acookie!!\1\1EHLO x\r\n")))
    f.add("a header said too short", f.ip4(f.segment(words=4)))
    f.add("a header said too long", f.ip4(f.segment(words=15)))
    f.add("a wrong checksum", f.ip4(f.segment(spoil=1)))
    f.add("port 465", f.ip4(f.segment(dport=465)), passes=True)
    f.add("port 587", f.ip4(f.segment(dport=587)), passes=True)
    f.add("port 587, IPv6", f.ip6(f.segment6(dport=587)), passes=True)


def add_ip4(f):
    for name, options in (("no-operation", b"\1\1\1\0"), ("record route", b"\7\7\4" + bytes(5)), ("forty bytes", b"\1" * 40),
                          ("strict route", b"\x89\7\4" + EXT4 + b"\0")):
        f.add("option " + name, f.ip4(f.segment(), options=options))
    f.add("loose route by the router", f.ip4(f.segment(dst=ROUTER4), dst=ROUTER4, options=b"\x83\7\4" + EXT4 + b"\0"))
    f.add("the reserved flag", f.ip4(f.segment(), fragment=0x8000))
    f.add("padding behind", f.ip4(f.segment()) + bytes(600))
    f.add("total length behind the ports", f.ip4(f.segment(), total=24))
    f.add("spoofed: the relay", f.ip4(f.segment(src=RELAY4), src=RELAY4))
    f.add("spoofed: an outside host", f.ip4(f.segment(src=in4("203.0.113.77")), src=in4("203.0.113.77")))
    f.add("VLAN", f.ip4(f.segment(), tags=b"\x81\0\0\5"))
    f.add("VLAN in VLAN", f.ip4(f.segment(), tags=b"\x88\xa8\0\5\x81\0\0\6"))
    f.add("priority tag", f.ip4(f.segment(), tags=b"\x81\0\0\0"))
    # What the outermost header carries is no TCP: it passes, and no mail host takes it for mail.
    f.add("in IPv4", f.ip4(f.ip4(f.segment())[14:], protocol=4))
    f.add("6in4", f.ip4(f.ip6(f.segment6())[14:], protocol=IP6_IN))
    f.add("behind AH", f.ip4(bytes([TCP, 4]) + bytes(22) + f.segment(), protocol=AH))


def add_fragments4(f):
    for name, cut in (("8 bytes", 8), ("16 bytes", 16), ("24 bytes", 24)):
        whole = f.segment(behind=bytes(40))
        pieces = [f.ip4(whole[:cut], fragment=MORE), f.ip4(whole[cut:], fragment=cut // 8)]
        f.add("cut behind " + name, *pieces)
    whole = f.segment(behind=bytes(40))
    f.add("cut, the last first", f.ip4(whole[24:], fragment=3), f.ip4(whole[:24], fragment=MORE))
    f.add("one piece of a whole", f.ip4(f.segment(behind=bytes(4)), fragment=MORE))
    first, other = f.segment(flags=ACK, behind=bytes(4)), f.segment(behind=bytes(4), again=True)
    f.add("flags overwritten", f.ip4(first, fragment=MORE), f.ip4(other[8:], fragment=1))
    first, other = f.segment(dport=80, behind=bytes(4)), f.segment(behind=bytes(4), again=True)
    f.add("port overwritten", f.ip4(first, fragment=MORE), f.ip4(other, fragment=0))


def add_ip6(f):
    f.add("IPv6 plain", f.ip6(f.segment6()))
    f.add("hop by hop", f.ip6(extension(TCP) + f.segment6(), HOP_BY_HOP))
    f.add("options", f.ip6(extension(TCP) + f.segment6(), OPTIONS))
    f.add("forty headers", f.ip6(extension(OPTIONS) * 39 + extension(TCP) + f.segment6(), OPTIONS))
    f.add("a large header", f.ip6(extension(TCP, 30) + f.segment6(), OPTIONS))
    f.add("routing, no segments left", f.ip6(bytes([TCP, 2, 0, 0]) + bytes(4) + EXT6 + f.segment6(), ROUTING))
    f.add("routing, type 2", f.ip6(bytes([TCP, 2, 2, 1]) + bytes(4) + EXT6 + f.segment6(), ROUTING))
    f.add("a length too short", f.ip6(f.segment6(), length=10))
    f.add("a length of nothing", f.ip6(extension(TCP) + f.segment6(), HOP_BY_HOP, length=0))
    f.add("spoofed: the relay, IPv6", f.ip6(f.segment6(src=RELAY6), src=RELAY6))
    f.add("spoofed: a mapped address", f.ip6(f.segment6(src=in6("::ffff:198.51.100.10")), src=in6("::ffff:198.51.100.10")))
    f.add("in IPv6", f.ip6(f.ip6(f.segment6())[14:], IP6_IN))
    f.add("4in6", f.ip6(f.ip4(f.segment())[14:], 4))
    f.add("behind AH, IPv6", f.ip6(bytes([TCP, 4]) + bytes(22) + f.segment6(), AH))


def add_fragments6(f):
    f.add("atomic fragment", f.ip6(fragment6(TCP, 0, 0, 1) + f.segment6(), FRAGMENT))
    for number, cut in ((2, 8), (3, 24)):
        whole = f.segment6(behind=bytes(44))
        f.add(f"IPv6 cut behind {cut} bytes", f.ip6(fragment6(TCP, 0, 1, number) + whole[:cut], FRAGMENT),
              f.ip6(fragment6(TCP, cut // 8, 0, number) + whole[cut:], FRAGMENT))
    whole = extension(TCP) + f.segment6(behind=bytes(44))
    f.add("the chain cut", f.ip6(fragment6(OPTIONS, 0, 1, 4) + whole[:8], FRAGMENT),
          f.ip6(fragment6(OPTIONS, 1, 0, 4) + whole[8:], FRAGMENT))
    first, other = f.segment6(dport=80, behind=bytes(4)), f.segment6(again=True)
    f.add("IPv6 port overwritten", f.ip6(fragment6(TCP, 0, 1, 5) + first, FRAGMENT),
          f.ip6(fragment6(TCP, 0, 0, 5) + other, FRAGMENT))
    f.add("a fragment of a fragment",
          f.ip6(fragment6(FRAGMENT, 0, 0, 6) + fragment6(TCP, 0, 0, 7) + f.segment6(), FRAGMENT))


def main():
    interface, mac = sys.argv[1:]
    frames = Frames(bytes.fromhex(mac.replace(":", "") + "020000000001"))
    for add in (add_flags, add_ip4, add_fragments4, add_ip6, add_fragments6):
        add(frames)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind((interface, 0))
        for port, verdict, name, pieces in frames.cases:
            for piece in pieces:
                sender.send(piece)
            print(port, verdict, name)


if __name__ == "__main__":
    main()
