#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What blocking 60,000 subscribers who keep sending costs with offload, and with a plain drop rule. Run by gateway.sh.

The whole path counts: the sender's processor time, in which the kernel handles its packets, and with offload all of
op25bd's, with the generations of the default length changing in between. Neither side tracks connections. Prints JSON:
the nanoseconds a packet of each round.
"""
import json
import random
import resource
import subprocess
import time

import gateway

SOURCES = 60_000
POLICY_PREFIXES = 100_000
STEP = 2  # every second address is in the pool
OFFLOAD_AFTER = 20
PLAIN_SHARE = 5  # of the packets: there nothing changes with time


def children_ns():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round((used.ru_utime + used.ru_stime) * 1e9)


def flooded(bed, packets, owner="self"):
    """The processor time of the sender, in nanoseconds."""
    before = children_ns()
    bed.flood(owner, packets, SOURCES, STEP)
    return children_ns() - before


def plain_drop(bed, packets):
    packets //= PLAIN_SHARE
    subprocess.run(bed.inside("rtr", "nft", "-f", "-"), check=True, text=True, input="""
        table inet plain { chain f { type filter hook forward priority 0; tcp dport 25 drop; }; }""")
    try:
        return flooded(bed, packets) / packets
    finally:
        subprocess.run(bed.inside("rtr", "nft", "delete", "table", "inet", "plain"), check=True)


def offloaded(bed, packets):
    policy = bed.write_policy("offload.ini", "accept", "", POLICY_PREFIXES, gateway=(
        f"conntrack = no\noffload = yes\noffload_after = {OFFLOAD_AFTER}\n"))
    rules = bed.program("tools/op25b-rules")
    subprocess.run(bed.inside("rtr", rules, "apply", "-p", policy), check=True, capture_output=True)
    daemon = gateway.Daemon(bed, policy)
    try:
        flooded(bed, SOURCES * (OFFLOAD_AFTER + 2), daemon.process.pid)
        time.sleep(0.2)
        before = gateway.processor_ns(daemon.process.pid)
        sender = flooded(bed, packets, daemon.process.pid)
        time.sleep(0.2)
        return (sender + gateway.processor_ns(daemon.process.pid) - before) / packets
    finally:
        daemon.end()
        subprocess.run(bed.inside("rtr", rules, "delete", "-p", policy), check=True, capture_output=True)


def main():
    parser = gateway.parser(__doc__)
    parser.add_argument("--packets", type=int, default=15_000_000)
    arguments = parser.parse_args()
    bed = gateway.Bed(arguments)
    cases = {"drop": plain_drop, "offload": offloaded}
    found = {name: [] for name in cases}
    for _ in range(arguments.rounds):
        for name in random.sample(list(cases), len(cases)):
            found[name].append(round(cases[name](bed, arguments.packets), 1))
    print(json.dumps(found))


main()
