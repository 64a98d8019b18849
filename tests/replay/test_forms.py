#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_forms.py PROGRAM CAPTURES: a capture says the same however its bytes come: as a file (which op25b reads itself
where it is plain), through a pipe (by libpcap), packed by gzip or zstd. The captures are made here, and those of the
folder CAPTURES where it is present.
"""
import glob
import gzip
import os
import random
import shutil
import struct
import subprocess
import sys
import zlib

from harness import run_cases, same, true
from packets import LINKS, T0, ethernet, ip4, ip6, pcap, pcapng, tcp

POLICY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "policy.ini")
PACKETS = [ethernet(ip4("10.1.0.%d" % (n % 9), "203.0.113.9", tcp(sport=1000 + n))) for n in range(40)]
RECORDS = [(T0 + at, packet) for at, packet in enumerate(PACKETS)]


def zstd(data):
    return subprocess.run(["zstd", "-qc"], input=data, stdout=subprocess.PIPE, check=True).stdout


def modified():
    """The variant of pcap with eight more bytes in front of each packet."""
    head = struct.pack("<IHHiIII", 0xa1b2cd34, 2, 4, 0, 0, 65535, 1)
    return head + b"".join(struct.pack("<IIIIIHBB", t, 0, len(p), len(p), 2, 0x800, 0, 0) + p for t, p in RECORDS)


def logged(packet, order="<"):
    family = 10 if packet[0] >> 4 == 6 else 2
    prefix = struct.pack(order + "HH", 9, 10) + b"smtp\0" + bytes(3)
    return struct.pack("BBH", family, 0, 0) + prefix + struct.pack(order + "HH", 4 + len(packet), 9) + packet


def made():
    """name: bytes."""
    ip = [(T0, ip4("10.1.0.1", "203.0.113.9", tcp())), (T0 + 1, ip6("2001:db8:1::1", "2001:db8:ffff::9", tcp()))]
    odd = [(T0, b""), (T0 + 1, PACKETS[0]), (T0 + 2, PACKETS[1][:20], 900), (2 ** 31 + 5, PACKETS[2]), (2 ** 32 - 1, b"x")]
    yield "modified", modified()
    for order in "<>":
        yield "micro" + order, pcap(RECORDS, order=order)
        yield "nano" + order, pcap(RECORDS, order=order, nanoseconds=True)
        yield "odd" + order, pcap(odd, order=order)
        yield "snapped" + order, pcap(RECORDS, order=order, snaplen=40)
        yield "log" + order, pcap([(t, logged(p, order)) for t, p in ip], 239, order=order)
        yield "block" + order, pcapng([(1, "ppp0"), (113, None)], [(t, p, 0) for t, p in RECORDS], order)
        yield "fraction" + order, pcap(RECORDS[:1], order=order) + struct.pack(
            order + "IIII", T0, 0xfffffff0, len(PACKETS[0]), 60) + PACKETS[0]
        for link in ("sll", "sll2", "null", "raw"):
            yield link + order, pcap([(t, LINKS[link][1](p)) for t, p in ip], LINKS[link][0], order=order)
    yield "long", pcap([(T0, bytes(200000)), (T0, PACKETS[0])], snaplen=262144)
    yield "too long", pcap([(T0, PACKETS[0]), (T0, bytes(300000)), (T0, PACKETS[0])], snaplen=1 << 30)
    yield "old", pcap(RECORDS)[:4] + struct.pack("<HH", 2, 3) + pcap(RECORDS)[8:]
    yield "unknown", pcap(RECORDS, 147)
    yield "many", pcap(RECORDS * 600)


def told(run):
    """All but where the file was damaged in words, which name the file."""
    return run.code, len(run.out.splitlines()), zlib.crc32(run.out), run.err.replace(" of its unpacked bytes", "")


def check(replay, data, ways):
    forms = {"file": data, "gzip": gzip.compress(data, mtime=0), "zstd": zstd(data),
             "members": gzip.compress(data[:100], mtime=0) + gzip.compress(data[100:], mtime=0)}
    for what in ways:
        wanted = None
        for name, packed in forms.items():
            replay.write("c", packed)
            runs = {name: replay.run("-p", POLICY, *what, "c"),
                    name + " in a pipe": replay.run("-p", POLICY, *what, "-", stdin=packed)}
            for form, run in runs.items():
                run.out, run.err = run.out.replace(b'"-"', b'"c"'), run.err.replace(": -:", ": c:")
                wanted = wanted or told(run)
                same(told(run), wanted, f"{form} {what}")
    return wanted


def case_of(name, data):
    def case(replay):
        check(replay, data, (["--list", "--json"], ["--json", "--jobs", "4"]))
        check(replay, data[:len(data) * 2 // 3], (["--list", "--json"],))

    case.__name__ = "the forms of " + name
    return case


def damage_in_packed_data(replay):
    chance = random.Random(25)
    data = pcap([(T0, packet + chance.randbytes(100)) for packet in PACKETS * 100])
    for packed, word in ((gzip.compress(data, mtime=0), "gzip"), (zstd(data), "zstd")):
        flipped = bytearray(packed)
        flipped[len(flipped) * 2 // 3] ^= 0x55
        record = 116 + len(PACKETS[0])
        for broken in (packed[:-1], packed[:len(packed) // 2], flipped, packed + b"more"):
            replay.write("c", broken)
            run = replay.run("-p", POLICY, "--json", "c")
            same(run.code, 3, "exit code")
            what = "" if broken == flipped else f"the {word} data are damaged"
            true(f"of its unpacked bytes: {what}" in run.err, run.err)
            at = int(run.err.split("damaged at byte ")[1].split()[0])
            same((at - 24) % record, 0, "the place is a record's begin")
            same(run.json["packets"], (at - 24) // record, "every packet before it was replayed")
    replay.write("c", gzip.compress(gzip.compress(data)))
    run = replay.run("-p", POLICY, "c")
    true(run.code == 3 and "packed twice" in run.err, run.err)
    replay.write("c", gzip.compress(b""))
    run = replay.run("-p", POLICY, "c")
    true(run.code == 3 and "empty" in run.err, run.err)


def main():
    if not shutil.which("zstd"):
        print("1..0 # SKIP the program zstd is absent")
        sys.exit(77)
    cases = [case_of(name, data) for name, data in made()]
    for path in sorted(glob.glob(os.path.join(sys.argv[2], "**", "*.pcap*"), recursive=True)):
        with open(path, "rb") as file:
            cases.append(case_of(os.path.basename(path), file.read()))
    run_cases(cases + [damage_in_packed_data], sys.argv[1])


if __name__ == "__main__":
    main()
