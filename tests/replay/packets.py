# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets and captures made byte by byte, with nothing but Python's own library."""
import ipaddress
import struct

SYN, ACK, FIN, RST, PSH = 0x02, 0x10, 0x01, 0x04, 0x08
T0 = 1767225600  # 2026-01-01T00:00:00Z


def tcp(sport=40000, dport=25, flags=SYN, seq=1000, payload=b""):
    return struct.pack(">HHIIBBHHH", sport, dport, seq, 0, 0x50, flags, 64240, 0, 0) + payload


def udp(sport=40000, dport=25):
    return struct.pack(">HHHH", sport, dport, 8, 0)


def ip4(src, dst, payload, protocol=6, fragment=0, ttl=63):
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 7, fragment, ttl, protocol, 0)
    return head + ipaddress.IPv4Address(src).packed + ipaddress.IPv4Address(dst).packed + payload


def ip6(src, dst, payload, next_header=6):
    head = struct.pack(">IHBB", 6 << 28, len(payload), next_header, 63)
    return head + ipaddress.IPv6Address(src).packed + ipaddress.IPv6Address(dst).packed + payload


def ether_type(packet):
    return b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"


MACS = bytes(range(12))


def ethernet(packet):
    return MACS + ether_type(packet) + packet


def vlan(packet, *tags):
    """Tags: (ether type, VLAN id), outermost first."""
    head = b"".join(struct.pack(">HH", kind, number) for kind, number in tags)
    return MACS + head + ether_type(packet) + packet


def ppp(packet):
    return b"\x00\x57" if packet[0] >> 4 == 6 else b"\x00\x21"


def pppoe_session(packet):
    inner = ppp(packet) + packet
    return struct.pack(">BBHH", 0x11, 0, 1, len(inner)) + inner


def mpls(packet, *labels):
    stack = b"".join(
        struct.pack(">I", label << 12 | (at == len(labels) - 1) << 8 | 64) for at, label in enumerate(labels))
    return MACS + b"\x88\x47" + stack + packet


def snap(packet):
    inner = b"\xaa\xaa\x03\x00\x00\x00" + ether_type(packet) + packet
    return MACS + struct.pack(">H", len(inner)) + inner


def sll(packet):
    return struct.pack(">HHH8s", 0, 1, 6, bytes(8)) + ether_type(packet) + packet


def sll2(packet):
    return ether_type(packet) + struct.pack(">HIHBB8s", 0, 3, 1, 0, 6, bytes(8)) + packet


def null(packet, order="<"):
    return struct.pack(order + "I", 24 if packet[0] >> 4 == 6 else 2) + packet


# name: the number in the file, and how an IP packet is wrapped.
LINKS = {
    "ethernet": (1, ethernet),
    "vlan": (1, lambda p: vlan(p, (0x8100, 100))),
    "qinq": (1, lambda p: vlan(p, (0x88a8, 100), (0x8100, 7))),
    "pppoe": (1, lambda p: MACS + b"\x88\x64" + pppoe_session(p)),
    "pppoe in qinq": (1, lambda p: MACS + b"\x88\xa8\x00\x64\x81\x00\x00\x07\x88\x64" + pppoe_session(p)),
    "mpls": (1, lambda p: mpls(p, 16, 17)),
    "802.3 snap": (1, snap),
    "sll": (113, sll),
    "sll2": (276, sll2),
    "raw": (101, lambda p: p),
    "raw (OpenBSD's number)": (14, lambda p: p),
    "null": (0, null),
    "null, other byte order": (0, lambda p: null(p, ">")),
    "loop": (108, lambda p: null(p, ">")),
    "ppp": (9, lambda p: ppp(p) + p),
    "ppp with address and control": (9, lambda p: b"\xff\x03" + ppp(p) + p),
    "ppp hdlc": (50, lambda p: b"\xff\x03" + ppp(p) + p),
    "pppoe session": (51, pppoe_session),
}


def pcap(records, link=1, order="<", nanoseconds=False, snaplen=65535):
    """Records: (seconds as a float or int, bytes) or (seconds, bytes, length on the wire)."""
    unit = 1000000000 if nanoseconds else 1000000
    out = [struct.pack(order + "IHHiIII", 0xa1b23c4d if nanoseconds else 0xa1b2c3d4, 2, 4, 0, 0, snaplen, link)]
    for record in records:
        seconds, data = record[:2]
        wire = record[2] if len(record) > 2 else len(data)
        whole = int(seconds // 1)
        out.append(struct.pack(order + "IIII", whole, round((seconds - whole) * unit), len(data), wire) + data)
    return b"".join(out)


def block(kind, body, order):
    body += bytes(-len(body) % 4)
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)


def option(code, value, order):
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def pcapng(interfaces, records, order="<"):
    """Interfaces: (link, name or None); records: (seconds, bytes, interface number)."""
    out = [block(0x0a0d0d0a, struct.pack(order + "IHHq", 0x1a2b3c4d, 1, 0, -1), order)]
    for link, name in interfaces:
        options = option(2, name.encode(), order) + option(0, b"", order) if name else b""
        out.append(block(1, struct.pack(order + "HHI", link, 0, 0) + options, order))
    for seconds, data, interface in records:
        ticks = round(seconds * 1000000)
        head = struct.pack(order + "IIIII", interface, ticks >> 32, ticks & 0xffffffff, len(data), len(data))
        out.append(block(6, head + data, order))
    return b"".join(out)
