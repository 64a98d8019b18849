#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_anonymise.py PROGRAM CAPTURES: captures and policies given away say the same as before, and no more."""
import glob
import os
import random
import sys

from harness import run_cases, same, true
from packets import LINKS, T0, ip4, ip6, pcap, pcapng, tcp, udp

HERE = os.path.dirname(os.path.abspath(__file__))
POLICIES = [os.path.join(HERE, name) for name in ("policy.ini", "interfaces.ini")]
KEY = b"00112233445566778899aabbccddeeff\n"


def answers(replay, policy, capture):
    """Packet by packet, without addresses and rules' names."""
    run = replay.run("-p", policy, "--list", "--json", capture)
    return [(row["number"], row["time"], row["flags"], row["verdict"], row["would"], row["reason"], bool(row["rule"]),
             row.get("dest_port")) for row in run.lines]


def check(replay, policy, capture, code=0):
    replay.write("key", KEY)
    run = replay.run("anonymise", "-p", policy, "--key-file", "key", "--policy-out", "new.ini", capture, "out")
    same(run.code, code, f"{capture}: {run.err}")
    same(answers(replay, "new.ini", "out"), answers(replay, policy, capture), capture)
    old, new = (replay.run("-p", name, "--json", file).json["sources"] for name, file in ((policy, capture), ("new.ini", "out")))
    same(sorted((row["tcp25"], row["syn25"]) for row in new), sorted((row["tcp25"], row["syn25"]) for row in old))
    return old, new


def every_capture_at_hand(replay):
    captures = [name for name in glob.glob(os.path.join(os.path.abspath(sys.argv[2]), "*.pcap*")) if os.path.isfile(name)]
    for capture in captures:
        damaged = replay.run("-p", POLICIES[0], capture).code
        for policy in POLICIES:
            check(replay, policy, capture, damaged)


def random_ones(replay):
    """Random policies with list files, and packets around their prefixes on every link type."""
    random.seed(5)
    usable = 0
    for turn in range(8):
        networks = [f"{random.choice([10, 100, 172, 192])}.{random.randint(0, 255)}.{16 * random.randint(0, 15)}.0/"
                    f"{random.randint(20, 28)}" for _ in range(5)]
        sixes = [f"2001:db8:{random.randint(0, 65535):x}::/48" for _ in range(2)]
        hosts = [network.split("/")[0][:-1] + str(random.randint(1, 14)) for network in networks]
        replay.write("list.txt", ("# customers\n" + networks[1] + "\n" + sixes[0] + "\n").encode())
        replay.write("old.ini", f"""[gateway]
name = gw.customer.example
mode = enforce
fail = open
unlisted = {random.choice(["accept", "monitor"])}
[pool customers-{turn}]
prefix = {networks[0]}
file = list.txt
delegated_prefix_length = 56
enforce_from = 2026-01-01T00:00:30Z
monitor_from = 2026-01-01T00:00:10Z
[pool resets]
prefix = {networks[2]}
prefix = {sixes[1]}
action = reset
[relay mx]
address = {hosts[0]}
[destination slow]
prefix = {hosts[3]}
enforce_from = 2026-01-01T00:00:40Z
[exempt mueller]
prefix = {hosts[1]}
to = {networks[4]}
ticket = 4711
owner = Mueller
reason = mail server
[inside office]
prefix = {networks[3]}
""".encode())
        ends = hosts + [host[:-1] + "9" for host in hosts] + ["203.0.113.7", "127.0.0.1", "224.0.0.1"]
        ends6 = [six.replace("::/48", f":{random.randint(0, 999)}::{random.randint(1, 9)}") for six in sixes * 3]
        wraps = [LINKS[name] for name in ("ethernet", "qinq", "pppoe", "sll", "raw", "ppp")]
        records = []
        for at in range(300):
            if random.random() < 0.3:
                packet = ip6(random.choice(ends6), random.choice(ends6), tcp(payload=b"RCPT TO:<secret@customer>\r\n"))
            else:
                packet = ip4(random.choice(ends), random.choice(ends), random.choice(
                    [tcp(), tcp(flags=0x10, payload=b"secret" * 20), tcp(dport=587), tcp()[:9], udp()]),
                    fragment=random.choice([0, 0, 0, 0x2000, 1, 9]))
            number = random.randrange(len(wraps))
            records.append((T0 + at // 5, wraps[number][1](packet), number))
        replay.write("c", pcapng([(link, None) for link, _ in wraps], records))
        if replay.run("-p", "old.ini", "--json", "c").code == 4:
            continue  # prefixes that the policy's own checks refuse
        usable += 1
        check(replay, "old.ini", "c")
        policy, capture = replay.read("new.ini"), replay.read("out")
        for word in (b"customer", b"Mueller", b"mueller", b"4711", b"list.txt", b"secret", b"RCPT"):
            true(word not in policy and word not in capture, f"{word!r} is gone")
        for host in hosts:
            true(host.encode() not in policy, f"{host} is gone")
    true(usable >= 5, f"{usable} policies without errors")


def consistent_across_files(replay):
    replay.write("key", KEY)
    packet = LINKS["ethernet"][1](ip4("10.1.0.1", "203.0.113.7", tcp()))
    replay.write("one", pcap([(T0, packet)]))
    replay.write("two", pcap([(T0 + 60, packet), (T0 + 61, LINKS["ethernet"][1](ip4("10.1.0.2", "203.0.113.7", tcp())))]))
    listed = []
    for name in ("one", "two"):
        same(replay.run("anonymise", "-p", POLICIES[0], "--key-file", "key", "--policy-out", name + ".ini", name, name + ".out").code, 0)
        listed += replay.run("-p", name + ".ini", "--json", "--list", name + ".out").lines
    same(listed[0]["src_ip"], listed[1]["src_ip"])
    true(listed[0]["src_ip"] != "10.1.0.1" and listed[2]["src_ip"] != listed[1]["src_ip"], "addresses")
    same(listed[2]["src_ip"].rsplit(".", 1)[0], listed[1]["src_ip"].rsplit(".", 1)[0], "neighbours stay neighbours")
    same(replay.read("one.ini"), replay.read("two.ini"))
    replay.write("key2", KEY[::-1].strip() + b"\n")
    replay.run("anonymise", "-p", POLICIES[0], "--key-file", "key2", "one", "other.out")
    true(replay.read("other.out") != replay.read("one.out"), "another key")


def names_are_kept_when_asked_for(replay):
    replay.write("key", KEY)
    replay.write("c", pcap([(T0, LINKS["ethernet"][1](ip4("10.1.0.80", "203.0.113.7", tcp())))]))
    replay.run("anonymise", "-p", POLICIES[0], "--key-file", "key", "--keep-names", "--policy-out", "n.ini", "c", "out")
    same(replay.run("-p", "n.ini", "--list", "--json", "out").lines[0]["rule"], "shop")
    true(b"4711" not in replay.read("n.ini"), "tickets go all the same")


def wrong_usage(replay):
    replay.write("key", KEY)
    replay.write("short", b"0011\n")
    replay.write("c", pcap([(T0, bytes(20))]))
    for arguments in ([], ["c", "out"], ["--key-file", "key", "c"], ["--key-file", "short", "c", "out"],
                      ["--key-file", "nowhere", "c", "out"], ["--key-file", "key", "c", "c"], ["--key-file", "key", "c", "key"],
                      ["--key-file", "key", "--policy-out", "out", "c", "out"]):
        same(replay.run("anonymise", "-p", POLICIES[0], *arguments).code, 2, arguments)
    same(replay.run("anonymise", "-p", POLICIES[0], "--key-file", "key", "nowhere", "out").code, 3)
    same(replay.run("anonymise", "-p", "nowhere", "--key-file", "key", "c", "out").code, 4)
    same(replay.read("key"), KEY)


if __name__ == "__main__":
    run_cases(([every_capture_at_hand] if len(sys.argv) > 2 and os.path.isdir(sys.argv[2]) else []) +
              [random_ones, consistent_across_files, names_are_kept_when_asked_for, wrong_usage], sys.argv[1])
