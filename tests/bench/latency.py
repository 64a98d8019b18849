#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How long an accepted connection takes to open at half load, through op25bd and directly. Run by gateway.sh.

The full load is what a flood of blocked SYNs reaches that waits for the queue. At half that rate a client, which the
policy exempts until a date, connects again and again: with op25bd asked for every SYN, and without any rule. The rounds
take turns. Prints JSON: the rates, and microseconds of connect() at the median and the 99th percentile of each round.
"""
import json
import subprocess
import sys
import time

import gateway

SOURCES = 1000
PREFIXES = 100_000
TRIES = 3
LISTENER = """
import socket
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("203.0.113.25", 25))
s.listen(1024)
print("ready", flush=True)
while True:
    s.accept()[0].close()
"""
# Closes with a reset, so that no port is left waiting.
CLIENT = """
import json, socket, struct, sys, time
took = []
for _ in range(int(sys.argv[1])):
    s = socket.socket()
    s.settimeout(5)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    begin = time.perf_counter_ns()
    s.connect(("203.0.113.25", 25))
    took.append((time.perf_counter_ns() - begin) / 1000)
    s.close()
    time.sleep(0.001)
print(json.dumps(took))
"""


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def full_rate(bed, policy, packets):
    """SYNs a second that the gateway answers when they come as fast as it takes them."""
    for _ in range(TRIES):
        rate, received = try_rate(bed, policy, packets)
        if received > packets / 2:
            return rate
    raise SystemExit(f"only {received} of {packets} packets came to the queue")


def try_rate(bed, policy, packets):
    who = gateway.Daemon(bed, policy)
    try:
        begin = time.monotonic()
        bed.flood(who.process.pid, packets, SOURCES)
        seconds = time.monotonic() - begin
        received = who.wait(packets)
        return received / seconds, received
    finally:
        who.end()


def connect(bed, rate, connections):
    """While a flood of this rate runs; it is stopped when the client is through."""
    flood = subprocess.Popen(bed.flood_command("-c", str(10 ** 12), "-n", str(SOURCES), "-r", str(int(rate))),
                             stdout=subprocess.DEVNULL)
    try:
        time.sleep(0.2)
        text = subprocess.run(bed.inside("sub", sys.executable, "-c", CLIENT, str(connections)), check=True,
                              capture_output=True, text=True).stdout
    finally:
        flood.terminate()
        flood.wait()
    took = json.loads(text)
    return {"p50_us": percentile(took, 0.5), "p99_us": percentile(took, 0.99), "connections": len(took)}


def connect_queued(bed, policy, rate, connections):
    bed.add_queue_rule()
    who = gateway.Daemon(bed, policy)
    try:
        found = connect(bed, rate, connections)
        time.sleep(0.3)
        if who.ledger()["accepted"] < connections:
            raise SystemExit("latency.py: op25bd was not asked")
    finally:
        who.end()
        bed.remove_queue_rule()
    return found


def main():
    parser = gateway.parser(__doc__)
    parser.add_argument("--packets", type=int, default=200_000)
    parser.add_argument("--connections", type=int, default=500)
    arguments = parser.parse_args()
    bed = gateway.Bed(arguments)
    policy = bed.write_policy("latency.ini", "drop", "", PREFIXES,
                              "[exempt client]\nprefix = 198.51.100.10\nto = any\nuntil = 2099-01-01T00:00:00Z")
    bed.add_queue_rule()
    full = full_rate(bed, policy, arguments.packets)
    bed.remove_queue_rule()
    listener = subprocess.Popen(bed.inside("ext", sys.executable, "-c", LISTENER), stdout=subprocess.PIPE, text=True)
    listener.stdout.readline()
    found = {"full_rate": full, "rate": full / 2, "direct": [], "queued": []}
    try:
        for i in range(arguments.rounds):
            for which in ("direct", "queued")[::1 if i % 2 else -1]:
                found[which].append(connect(bed, full / 2, arguments.connections) if which == "direct" else
                                    connect_queued(bed, policy, full / 2, arguments.connections))
    finally:
        listener.terminate()
        listener.wait()
    print(json.dumps(found))


main()
