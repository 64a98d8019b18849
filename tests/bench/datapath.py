#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a packet costs op25bd and its peers, in processor time. Run by gateway.sh.

In each round every case gets the same number of packets, in a new order. Prints JSON: for every case the nanoseconds a
packet of each round. The cases named policy-N and subscribers-N are those of the growth table: there every subscriber
is known already, so that the cost of the first record a subscriber, which is written at once, is left out.
"""
import json
import random
import time

import gateway

POLICY_PREFIXES = 100_000
SOURCES = 1000
LEAST_SHARE = 0.9
TRIES = 3


class Case:
    """make: starts who answers the queue. step: from one source address to the next."""

    def __init__(self, make, sources=SOURCES, step=1, warm=False):
        self.make, self.sources, self.step, self.warm = make, sources, step, warm

    def measure(self, bed, packets):
        """On a busy machine the kernel may lose packets before the queue: then it is done again."""
        for _ in range(TRIES):
            cost_ns, answered = self.try_once(bed, packets)
            if answered >= packets * LEAST_SHARE:
                return cost_ns / answered
            bed.remove_queue_rule()
            bed.add_queue_rule()
        raise SystemExit(f"only {answered} of {packets} packets came to the queue")

    def try_once(self, bed, packets):
        """The processor's nanoseconds, and how many packets were answered for them."""
        packets = max(packets, self.sources if self.warm else 0)
        who = self.make()
        known = answered = before = after = 0
        try:
            time.sleep(0.1)
            if self.warm:
                bed.flood(who.process.pid, self.sources, self.sources, self.step)
                known = who.wait(self.sources)
                time.sleep(0.1)
            before = gateway.processor_ns(who.process.pid)
            bed.flood(who.process.pid, packets, self.sources, self.step)
            who.wait(known + packets)
            time.sleep(0.1)
            after = gateway.processor_ns(who.process.pid)
        finally:
            answered = who.end() - known
        return after - before, answered


def comparison_cases(bed):
    drop = bed.write_policy("drop.ini", "drop", "", POLICY_PREFIXES)
    accept = bed.write_policy("accept.ini", "accept", "enforce_from = 2099-01-01T00:00:00Z", POLICY_PREFIXES)
    mixed = bed.write_policy("mixed.ini", "accept", "", POLICY_PREFIXES)
    peers = {mode: Case(lambda mode=mode: gateway.Peer(bed, mode))
             for mode in ("classic-drop", "classic-accept", "bare-drop", "bare-accept", "gather-drop", "gather-accept", "gather-mixed")}
    return peers | {
        "op25bd-drop": Case(lambda: gateway.Daemon(bed, drop)),
        "op25bd-accept": Case(lambda: gateway.Daemon(bed, accept)),
        "op25bd-mixed": Case(lambda: gateway.Daemon(bed, mixed)),
        "op25bd-drop-60000-sources": Case(lambda: gateway.Daemon(bed, drop), sources=60_000),
    }


def policy_case(bed, prefixes):
    """The sources are spread over the whole policy."""
    policy = bed.write_policy(f"policy-{prefixes}.ini", "drop", "", prefixes)
    return Case(lambda: gateway.Daemon(bed, policy), step=max(1, 2 * prefixes // SOURCES), warm=True)


def subscribers_case(bed, sources):
    policy = bed.write_policy("subscribers.ini", "drop", "", POLICY_PREFIXES)
    return Case(lambda: gateway.Daemon(bed, policy), sources=sources, warm=True)


def cases_named(bed, names):
    cases = comparison_cases(bed)
    for name in names:
        kind, _, number = name.partition("-")
        if kind == "policy":
            cases[name] = policy_case(bed, int(number))
        elif kind == "subscribers":
            cases[name] = subscribers_case(bed, int(number))
    return {name: cases[name] for name in names or cases}


def main():
    parser = gateway.parser(__doc__)
    parser.add_argument("--packets", type=int, default=200_000)
    parser.add_argument("cases", nargs="*")
    arguments = parser.parse_args()
    bed = gateway.Bed(arguments)
    bed.add_queue_rule()
    cases = cases_named(bed, arguments.cases)
    found = {name: [] for name in cases}
    for _ in range(arguments.rounds):
        for name in random.sample(list(cases), len(cases)):
            found[name].append(round(cases[name].measure(bed, arguments.packets), 1))
    print(json.dumps(found))


main()
