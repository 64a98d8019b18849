#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_links.py PROGRAM: the same packets under every link type, byte order and file format give the same answers."""
import os
import sys

from harness import run_cases, same, true
from packets import ACK, LINKS, SYN, T0, ip4, ip6, pcap, pcapng, tcp, udp

POLICY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "policy.ini")
OUTSIDE4, OUTSIDE6 = "203.0.113.9", "2001:db8:ffff::9"

# Each packet with the reason it must get.
PACKETS = [
    (ip4("10.1.0.1", OUTSIDE4, tcp()), "pool-enforce"),
    (ip4("10.1.0.1", OUTSIDE4, tcp(flags=ACK, payload=b"QUIT\r\n")), "established"),
    (ip4("10.1.0.1", OUTSIDE4, tcp(dport=587)), "not-tcp25"),
    (ip4("10.1.0.1", OUTSIDE4, tcp(dport=465)), "not-tcp25"),
    (ip4("10.1.0.1", OUTSIDE4, udp(), protocol=17), "not-tcp25"),
    (ip4("10.1.0.25", OUTSIDE4, tcp()), "relay"),
    (ip6("2001:db8:1::1", OUTSIDE6, tcp()), "pool-enforce"),
    (ip6("2001:db8:1::1", OUTSIDE6, tcp(flags=SYN | ACK)), "established"),
    (ip6("2001:db8:1::25", OUTSIDE6, tcp()), "relay"),
]
WANTED = {
    "packets": 9,
    "ip4": 6,
    "ip6": 3,
    "other": 0,
    "unknown_link": 0,
    "tcp25": 6,
    "syn25": 4,
    "verdicts": {"accept": 7, "drop": 2, "reset": 0, "icmp": 0},
    "reasons": {"not-tcp25": 3, "relay": 2, "pool-enforce": 2, "established": 2},
    "sources": [
        {"address": "10.1.0.1", "tcp25": 2, "syn25": 1},
        {"address": "10.1.0.25", "tcp25": 1, "syn25": 1},
        {"address": "2001:db8:1::1", "tcp25": 2, "syn25": 1},
        {"address": "2001:db8:1::25", "tcp25": 1, "syn25": 1},
    ],
}


def check(replay, capture):
    replay.write("c", capture)
    run = replay.run("-p", POLICY, "--json", "c")
    same(run.code, 0, f"exit code ({run.err})")
    same(run.json, WANTED)
    same(list(run.json), list(WANTED), "keys in their order")
    listed = replay.run("-p", POLICY, "--json", "--list", "c").lines
    same([line["reason"] for line in listed], [reason for _, reason in PACKETS], "reasons packet by packet")


def records(wrap):
    return [(T0 + at, wrap(packet)) for at, (packet, _) in enumerate(PACKETS)]


def case_of(name, link, wrap):
    def case(replay):
        check(replay, pcap(records(wrap), link))

    case.__name__ = "link type " + name
    return case


def big_endian_pcap(replay):
    check(replay, pcap(records(LINKS["ethernet"][1]), order=">"))


def nanosecond_pcap(replay):
    check(replay, pcap(records(LINKS["raw"][1]), 101, nanoseconds=True))
    listed = replay.run("-p", POLICY, "--list", "c").text.splitlines()
    true("2026-01-01T00:00:02.000000+0000" in listed[2], "the third packet's time")


def pcapng_of_both_orders(replay):
    for order in "<>":
        check(replay, pcapng([(1, None)], [(t, p, 0) for t, p in records(LINKS["ethernet"][1])], order))


def pcapng_with_two_link_types(replay):
    mixed = [(T0 + at, LINKS["ethernet" if at % 2 else "sll"][1](packet), at % 2)
             for at, (packet, _) in enumerate(PACKETS)]
    check(replay, pcapng([(113, None), (1, "eth9")], mixed))


def ip4_and_ip6_link_types(replay):
    for link, family in ((228, 4), (229, 6)):
        replay.write("c", pcap([(T0, p) for p, _ in PACKETS if p[0] >> 4 == family], link))
        summary = replay.run("-p", POLICY, "--json", "c").json
        same((summary["ip4"], summary["ip6"]), (6, 0) if family == 4 else (0, 3))


def a_link_type_nobody_knows(replay):
    replay.write("c", pcap(records(LINKS["ethernet"][1]), 147))
    run = replay.run("-p", POLICY, "--json", "c")
    same(run.code, 0, "exit code")
    same(run.json["reasons"], {"not-ip": 9})
    same((run.json["other"], run.json["unknown_link"]), (9, 9))
    true("link type 147" in run.err and "9 packets" in run.err, "the message says so")


def frames_without_ip(replay):
    arp = bytes(12) + b"\x08\x06" + bytes(28)
    replay.write("c", pcap([(T0, arp), (T0, b""), (T0, bytes(5))]))
    same(replay.run("-p", POLICY, "--json", "c").json["packets"], 3)


def vlan_ids_are_in_the_records(replay):
    replay.write("c", pcap([(T0, LINKS["qinq"][1](PACKETS[0][0]))]))
    same(replay.run("-p", POLICY, "--events", "-", "c").lines[0]["vlan"], [100, 7])


if __name__ == "__main__":
    run_cases([case_of(name, *how) for name, how in LINKS.items()] +
              [big_endian_pcap, nanosecond_pcap, pcapng_of_both_orders, pcapng_with_two_link_types,
               ip4_and_ip6_link_types, a_link_type_nobody_knows, frames_without_ip, vlan_ids_are_in_the_records],
              sys.argv[1])
