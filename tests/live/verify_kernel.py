#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The classes of `op25b-rules verify --list` against the real kernel.

verify_kernel.py LIST LINKS SENDER RECEIVER settled|end FIRST MOST

LIST: what verify --list printed. LINKS: lines "interface peer mac", the router's interface, the sender's end of it, the
address that frames go to: the router's there, or the receiver's behind a bridge. SENDER, RECEIVER: network namespaces;
everything that is forwarded comes out at the receiver's eth0, a bridge's answers where the packet went in. "settled": no daemon runs and nothing bypasses the queue, so what is queued is lost; "end": the daemon answers.
FIRST: number of the first packet, which is its source port and its identification. MOST: so many classes are sent, a
sample where there are more.

Prints what was left out and why, and each class that ended otherwise than verify says. Exit code 1 if there are any.
"""
import collections
import ctypes
import json
import os
import random
import select
import socket
import struct
import sys
import time

TCP, ICMP, ICMP6, FRAGMENT, AH, OPTIONS, MOBILITY = 6, 1, 58, 44, 51, 60, 135
TEMPLATE_PORT = struct.pack(">H", 40000)
TEMPLATE_ANSWER = struct.pack(">HH", 25, 1025)  # of an answer the other port is free
FIXED_PORTS = struct.pack(">HH", 25, 25)
CLONE_NEWNET = 0x40000000
ALL_PROTOCOLS = socket.htons(3)
OUTGOING = 4  # PACKET_OUTGOING: what this socket's interface sends itself
BATCH, PAUSE_S, WAIT_S, TRIES = 50, 0.004, 0.6, 3


def enter(namespace):
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/run/netns/{namespace}", "rb") as handle:
        if libc.setns(handle.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def upper(packet):
    """(protocol, offset) behind all headers that are there; None when the packet is a later fragment or ends before."""
    if packet[0] >> 4 == 4:
        protocol, at = packet[9], 20
        if struct.unpack(">H", packet[6:8])[0] & 0x1FFF:
            return protocol, None
    else:
        protocol, at = packet[6], 40
    while protocol in (FRAGMENT, AH, OPTIONS, MOBILITY) and at + 8 <= len(packet):
        if protocol == FRAGMENT and struct.unpack(">H", packet[at + 2:at + 4])[0] & 0xFFF8:
            return packet[at], None
        size = 8 if protocol == FRAGMENT else (packet[at + 1] + 2) * 4 if protocol == AH else (packet[at + 1] + 1) * 8
        protocol, at = packet[at], at + size
    return protocol, at if at < len(packet) else None


def numbered(template, number):
    """The packet with its number in its free port and identification, and its checksums."""
    packet = bytearray(template)
    protocol, at = upper(packet)
    if at is not None and packet[at:at + 2] == TEMPLATE_PORT:
        struct.pack_into(">H", packet, at, number)
    elif at is not None and packet[at:at + 4] == TEMPLATE_ANSWER:
        struct.pack_into(">H", packet, at + 2, number)
    if packet[0] >> 4 == 4:
        struct.pack_into(">H", packet, 4, number)
        struct.pack_into(">H", packet, 10, checksum(bytes(packet[:20])))
        pseudo = bytes(packet[12:20])
    else:
        struct.pack_into(">I", packet, 0, 6 << 28 | number)
        for begin in range(40, 48) if packet[6] == FRAGMENT else ():
            if begin == 44:
                struct.pack_into(">I", packet, begin, number)
        pseudo = bytes(packet[8:40])
    if protocol == TCP and at is not None and at + 18 <= len(packet):
        segment = bytes(packet[at:])
        struct.pack_into(">H", packet, at + 16, checksum(pseudo + struct.pack(">II", len(segment), TCP) + segment))
    return bytes(packet)


def number_of(packet):
    return struct.unpack(">H", packet[4:6])[0] if packet[0] >> 4 == 4 else struct.unpack(">I", packet[:4])[0] & 0xFFFFF


def outcome(packet):
    """(number, "passed" | "reset" | "icmp") of a packet that came out, or None: not one of ours."""
    if len(packet) < 20 or packet[0] >> 4 not in (4, 6) or (packet[0] >> 4 == 6 and len(packet) < 40):
        return None
    protocol, at = upper(packet)
    if protocol in (ICMP, ICMP6) and at is not None:
        unreachable = (packet[at], packet[at + 1]) in ((3, 13), (1, 1))
        return (number_of(packet[at + 8:]), "icmp") if unreachable and len(packet) > at + 28 else None
    if protocol == TCP and at is not None and len(packet) >= at + 20 and packet[at:at + 2] == b"\x00\x19" \
            and packet[at + 13] & 4 and number_of(packet) == 0:
        return struct.unpack(">H", packet[at + 2:at + 4])[0], "reset"
    return number_of(packet), "passed"


class Bed:
    def __init__(self, links, sender, receiver):
        enter(sender)
        self.peers, self.sniffers = {}, []
        for line in open(links, encoding="ascii"):
            name, peer, mac = line.split()
            raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            raw.bind((peer, 0))
            self.peers[name] = raw, bytes.fromhex(mac.replace(":", ""))
            self.sniffers.append(self.sniffer(peer))
        enter(receiver)
        self.sniffers.append(self.sniffer("eth0"))

    @staticmethod
    def sniffer(interface):
        sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, ALL_PROTOCOLS)
        sniffer.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        sniffer.bind((interface, 0))
        sniffer.setblocking(False)
        return sniffer

    def sniff(self, wait_s, seen):
        end = time.monotonic() + wait_s
        while ready := select.select(self.sniffers, [], [], max(0, end - time.monotonic()))[0]:
            for sniffer in ready:
                frame, where = sniffer.recvfrom(4096)
                found = outcome(frame[14:]) if where[2] != OUTGOING else None
                if found:
                    seen[found[0]] = found[1]
            if time.monotonic() > end + 5:
                return

    def send(self, packets):
        """packets: {number: (interface, bytes)}. Returns {number: how it ended}."""
        seen = {}
        for index, (interface, packet) in enumerate(packets.values()):
            raw, mac = self.peers[interface]
            kind = b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd"
            raw.send(mac + b"\x02\x00\x00\x00\x00\x01" + kind + packet)
            if index % BATCH == BATCH - 1:
                self.sniff(PAUSE_S, seen)
        self.sniff(WAIT_S, seen)
        return {number: seen.get(number, "dropped") for number in packets}


def ports_are_fixed(packet):
    at = upper(packet)[1]
    return at is not None and packet[at:at + 4] == FIXED_PORTS


def choose(lines, most):
    """The classes that can be sent without a history, and why the others were left out."""
    left_out, chosen = collections.Counter(), {}
    tracked = any('"conntrack":"new"' in line for line in lines)
    for line in lines:
        case = json.loads(line)
        key = case["src"], case["dst"], case["interface"], case["bytes"]
        if case["reply"] or case["conntrack"] not in ("new", "invalid"):
            left_out["needs a connection that conntrack knows, or none of it"] += 1
        elif tracked and case["fragment"]:
            left_out["conntrack puts fragments together first"] += 1
        elif ports_are_fixed(bytes.fromhex(case["bytes"])) and (tracked or case["end"] == "reset"):
            left_out["both ports are fixed: conntrack, or a reset, would not tell one from another"] += 1
        elif chosen.setdefault(key, case)["form"] != case["form"]:
            chosen[key]["newer"] = case
    cases = list(chosen.values())
    if len(cases) > most:
        left_out["not in the sample"] += len(cases) - most
        cases = sample(cases, most)
    return cases, left_out


def sample(cases, most):
    """Half of them such as are queued, if there are that many; the same in every run. Some by which kernels differ are
    always among them."""
    pick = random.Random(25)
    differ = [case for case in cases if "newer" in case and case["newer"]["queued"] != case["queued"]]
    differ = pick.sample(differ, min(len(differ), 4, most))
    most -= len(differ)
    queued = [case for case in cases if case["queued"] and case not in differ]
    settled = [case for case in cases if not case["queued"] and case not in differ]
    wanted = min(len(queued), max(most // 2, most - len(settled)))
    return differ + pick.sample(queued, wanted) + pick.sample(settled, most - wanted)


def expected(case, phase):
    return "dropped" if phase == "settled" and case["queued"] else case["end"]


def kernel_is_newer(cases, ends, phase):
    """The packets that only an older kernel lets pass tell which one this is: none of them came out, or else it is older.
    Returns that, and how many they are."""
    telling = [n for n, case in cases.items() if "newer" in case and expected(case, phase) != expected(case["newer"], phase)]
    return bool(telling) and all(ends[n] != expected(cases[n], phase) for n in telling), len(telling)


def main():
    if len(sys.argv) != 8:
        sys.exit(__doc__)
    listing, links, sender, receiver, phase = sys.argv[1:6]
    number, most = int(sys.argv[6]), int(sys.argv[7])
    with open(listing, encoding="utf-8") as handle:
        cases, left_out = choose(handle.readlines(), most)
    bed = Bed(links, sender, receiver)
    open_cases, wrong, newer = cases, [], None
    for _ in range(TRIES):
        # What differs is sent again, alone: a packet that was merely lost is no disagreement.
        numbers = {number + i: case for i, case in enumerate(open_cases)}
        ends = bed.send({n: (case["interface"], numbered(bytes.fromhex(case["bytes"]), n)) for n, case in numbers.items()})
        number += len(numbers)
        if newer is None:
            newer, telling = kernel_is_newer(numbers, ends, phase)
            if telling:
                print(f"{telling} classes tell that the kernel is {'a newer' if newer else 'an older'} one")
            numbers = {n: case.get("newer", case) if newer else case for n, case in numbers.items()}
            cases = list(numbers.values())
        wrong = [(case, ends[n]) for n, case in numbers.items() if ends[n] != expected(case, phase)]
        open_cases = [case for case, _ in wrong]
        if not wrong or len(wrong) > len(cases) // 4:
            break
    for reason, count in sorted(left_out.items()):
        print(f"left out: {count}: {reason}")
    ends = collections.Counter(expected(case, phase) for case in cases)
    print(f"sent: {len(cases)} classes; verify says {dict(ends)}; next {number}")
    for case, end in wrong[:20]:
        print(f"DIFFERS: {case['src']} -> {case['dst']} on {case['interface']}: {case['form']}: {end}, verify says "
              f"{expected(case, phase)} ({case['counter']}, {case['reason']})")
    if wrong:
        print(f"{len(wrong)} classes differ")
    sys.exit(1 if wrong or not cases else 0)


if __name__ == "__main__":
    os.environ.pop("PYTHONPATH", None)
    main()
