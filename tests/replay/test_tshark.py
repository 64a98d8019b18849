#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_tshark.py PROGRAM: packets that scapy builds, of every link type, nesting, header chain and kind of fragment, are
read by op25b-replay and by tshark: both must see the same addresses, ports and flags. Skipped without either.
"""
import ipaddress
import os
import random
import shutil
import struct
import subprocess
import sys

from harness import run_cases, same, true
from packets import T0, pcap

POLICY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "policy.ini")
COUNT = 250  # packets a link type
FIELDS = ("ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "tcp.dstport", "tcp.flags")
LETTERS = "FSRPAUEC"


def load_scapy():
    try:
        # pylint: disable=import-outside-toplevel
        from scapy.layers import all as layers
        from scapy.contrib import mpls
        return layers, mpls.MPLS
    except ImportError:
        return None, None


class Builder:
    """Packets by chance, the same ones each time."""

    def __init__(self, layers, mpls):
        self.chance = random.Random(25)
        self.layers = layers
        self.mpls = mpls

    def pick(self, *things):
        return self.chance.choice(things)

    def tcp(self):
        layers = self.layers
        if self.chance.random() < 0.1:
            return layers.UDP(sport=1000, dport=25) / b"udp"
        options = self.pick([], [("MSS", 1460)], [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 0)), ("NOP", None), ("WScale", 7)])
        return layers.TCP(sport=self.chance.randrange(1, 65536), dport=self.pick(25, 25, 465, 587, 80, 2525),
                          flags=self.pick("S", "S", "SA", "A", "FA", "R", "SEC", "PA", "SF"), options=options) / self.pick(b"", b"EHLO x\r\n")

    def ip4(self):
        layers = self.layers
        head = layers.IP(src=f"10.1.0.{self.chance.randrange(256)}", dst="203.0.113.9", ttl=self.pick(1, 63, 255),
                         options=self.pick([], [], [layers.IPOption_RR()], [layers.IPOption_NOP()] * 4))
        shape = self.chance.randrange(8)
        if shape == 0:
            return layers.fragment(head / self.tcp() / bytes(64), 40)[self.pick(0, 1)]
        return head / self.tcp()

    def ip6(self):
        """Hop-by-hop options only come first; every header names the one behind it, which scapy does not always do."""
        layers, upper = self.layers, self.tcp()
        headers = []
        if self.chance.random() < 0.2:
            headers.append((0, layers.IPv6ExtHdrHopByHop(options=layers.PadN(optdata=b"\0" * 4))))
        for _ in range(self.chance.randrange(4)):
            headers.append(self.pick((60, layers.IPv6ExtHdrDestOpt(options=layers.PadN(optdata=b"\0" * 12))),
                                     (43, layers.IPv6ExtHdrRouting(addresses=["2001:db8::7"], segleft=0)),
                                     (44, layers.IPv6ExtHdrFragment(id=7)),
                                     (51, layers.AH(payloadlen=4, spi=1, icv=b"\0" * 12))))
        if self.chance.randrange(8) == 0:
            headers.append((44, layers.IPv6ExtHdrFragment(offset=self.pick(0, 185), m=1, id=9)))
        numbers = [number for number, _ in headers] + [17 if upper.haslayer(layers.UDP) else 6]
        packet = layers.IPv6(src=f"2001:db8:1::{self.chance.randrange(1, 65536):x}", dst="2001:db8:ffff::9", nh=numbers[0])
        for (_, header), following in zip(headers, numbers[1:]):
            header = header.copy()
            header.nh = following
            packet /= header
        return packet / upper

    def ip(self):
        return self.ip4() if self.chance.random() < 0.5 else self.ip6()

    def ethernet(self):
        layers = self.layers
        packet = layers.Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
        for _ in range(self.chance.randrange(4)):
            packet /= self.pick(layers.Dot1Q, layers.Dot1AD)(vlan=self.chance.randrange(1, 4095))
        inner = self.ip()
        shape = self.chance.randrange(5)
        if shape == 0:
            return packet / layers.PPPoE(sessionid=5) / layers.PPP(proto=0x57 if inner.version == 6 else 0x21) / inner
        if shape == 1:
            labels = self.chance.randrange(1, 4)
            for at in range(labels):
                packet /= self.mpls(label=100 + at, s=at == labels - 1, ttl=64)
            return packet / inner
        if shape == 2 and not packet.haslayer(layers.Dot1Q) and not packet.haslayer(layers.Dot1AD):
            code = 0x86dd if inner.version == 6 else 0x0800
            return layers.Dot3(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / layers.LLC(dsap=0xaa, ssap=0xaa, ctrl=3) / layers.SNAP(code=code) / inner
        return packet / inner

    def sll(self):
        inner = self.ip()
        return self.layers.CookedLinux(proto=0x86dd if inner.version == 6 else 0x0800) / inner

    def sll2(self):
        inner = bytes(self.ip())
        kind = 0x86dd if inner[0] >> 4 == 6 else 0x0800
        return struct.pack(">HHIHBB8s", kind, 0, 3, 1, 0, 6, bytes(8)) + inner

    def nflog(self):
        inner = bytes(self.ip())
        attributes = b""
        for kind, value in ((1, struct.pack(">HBB", 0x0800, 2, 0)), (10, b"smtp\0"), (4, struct.pack(">I", 3)), (9, inner)):
            attributes += struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)
        return struct.pack(">BBH", 10 if inner[0] >> 4 == 6 else 2, 0, 0) + attributes

    def raw(self):
        return self.ip()

    def null(self):
        inner = bytes(self.ip())
        return struct.pack("<I", 24 if inner[0] >> 4 == 6 else 2) + inner

    def ppp(self):
        inner = self.ip()
        return b"\xff\x03" + (b"\x00\x57" if inner.version == 6 else b"\x00\x21") + bytes(inner)


LINKS = {"ethernet": 1, "sll": 113, "sll2": 276, "nflog": 239, "raw": 101, "null": 0, "ppp": 9}


def tshark(replay, name):
    arguments = [word for field in FIELDS for word in ("-e", field)]
    switches = ["ip.defragment:FALSE", "ipv6.defragment:FALSE", "tcp.desegment_tcp_streams:FALSE"]
    done = subprocess.run(["tshark", "-n", "-r", name, "-T", "fields", "-E", "separator=|", "-E", "occurrence=f",
                           *(word for switch in switches for word in ("-o", switch)), *arguments],
                          cwd=replay.directory, capture_output=True, text=True, check=True, timeout=60)
    return [dict(zip(FIELDS, line.split("|"))) for line in done.stdout.splitlines()]


def flags_of(text):
    if not text:
        return "-"
    bits = int(text, 16) & 0xff
    return "".join(letter for bit, letter in enumerate(LETTERS) if bits >> bit & 1) or "."


def address(text):
    return str(ipaddress.ip_address(text)) if text else None


def number(text):
    return int(text) if text else None


def theirs(row):
    """What tshark saw, in the listing's words."""
    return {"src_ip": address(row["ip.src"] or row["ipv6.src"]), "dest_ip": address(row["ip.dst"] or row["ipv6.dst"]),
            "src_port": number(row["tcp.srcport"]), "dest_port": number(row["tcp.dstport"]), "flags": flags_of(row["tcp.flags"])}


def ours(line):
    return {key: line.get(key) for key in ("src_ip", "dest_ip", "src_port", "dest_port", "flags")}


def case_of(name, link, builder):
    def case(replay):
        packets = [bytes(getattr(builder, name)()) for _ in range(COUNT)]
        replay.write("c", pcap([(T0 + at, packet) for at, packet in enumerate(packets)], link))
        lines, rows = replay.run("-p", POLICY, "--list", "--json", "c").lines, tshark(replay, "c")
        same((len(lines), len(rows)), (COUNT, COUNT), "packets")
        seen = 0
        for at, (line, row, packet) in enumerate(zip(lines, rows, packets), 1):
            same(ours(line), theirs(row), f"packet {at}, {packet.hex()}")
            seen += line.get("dest_port") == 25
        true(seen > COUNT / 8, f"{seen} packets to port 25")

    case.__name__ = f"{name} as tshark sees it"
    return case


def main():
    layers, mpls = load_scapy()
    if not layers or not shutil.which("tshark"):
        print("1..0 # SKIP scapy or tshark is absent")
        sys.exit(77)
    builder = Builder(layers, mpls)
    run_cases([case_of(name, link, builder) for name, link in LINKS.items()], sys.argv[1])


if __name__ == "__main__":
    main()
