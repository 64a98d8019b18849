#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a packet costs op25bd and its peers, in processor time, as the kernel's scheduler counts it. See datapath.sh,
which makes the namespaces. In each round every program gets the same packets, in a new order; printed is the median.
"""
import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import time

QUEUE = 100
POLICY_PREFIXES = 100_000


def arguments():
    parser = argparse.ArgumentParser()
    for name in ("--build", "--prefix", "--mac", "--directory"):
        parser.add_argument(name, required=True)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--packets", type=int, default=200_000)
    parser.add_argument("--only", default="")
    return parser.parse_args()


ARGS = arguments()


def inside(namespace, *command):
    return ["ip", "netns", "exec", f"{ARGS.prefix}-{namespace}", *command]


def program(path):
    return os.path.join(ARGS.build, path)


def path(name):
    return os.path.join(ARGS.directory, name)


# ---- policies ----

def write_policy(name, unlisted, phase="", prefixes=POLICY_PREFIXES):
    """The pool is every second address from 10.0.0.0 on, so that its neighbours are no part of it."""
    listing = path(f"list-{prefixes}")
    if not os.path.exists(listing):
        with open(listing, "w", encoding="ascii") as out:
            for i in range(prefixes):
                out.write(f"10.{i * 2 >> 16 & 255}.{i * 2 >> 8 & 255}.{i * 2 & 255}\n")
    with open(path(name), "w", encoding="ascii") as out:
        out.write(f"[gateway]\nname = bench\nqueue = {QUEUE}\nmode = enforce\nfail = closed\nunlisted = {unlisted}\n"
                  f"upstream_interfaces = up0\nsubscriber_interfaces = sub0\ncontrol = {path('control')}\n"
                  f"[log]\nfile = {path('events.json')}\nwindow = 300\n"
                  f"[pool homes]\nfile = {listing}\n{phase}\n")
    return path(name)


# ---- who answers the queue ----

def processor_ns(pid):
    """Of all threads of a process."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total


def stop(process):
    process.send_signal(signal.SIGTERM)
    out = process.communicate(timeout=60)[0]
    if process.returncode != 0:
        raise SystemExit(f"{process.args}: exit code {process.returncode}\n{out}")
    return out


class Peer:
    def __init__(self, mode):
        self.process = subprocess.Popen(inside("rtr", "taskset", "-c", "1", program("tests/bench/queue_peer"), mode, str(QUEUE)),
                                        stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise SystemExit(f"queue_peer {mode} does not start")

    def done(self, packets):
        return waiting() == 0

    def end(self, packets):
        answered = int(stop(self.process))
        if answered != packets:
            raise SystemExit(f"{answered} of {packets} packets were answered")


class Daemon:
    def __init__(self, policy):
        self.process = subprocess.Popen(inside("rtr", "taskset", "-c", "1", program("src/daemon/op25bd"), "-p", policy),
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(600):
            if os.path.exists(path("control")):
                break
            time.sleep(0.02)
        time.sleep(0.3)

    def status(self):
        return json.loads(subprocess.run([program("tools/op25bctl"), "--socket", path("control"), "--json", "status"],
                                         check=True, capture_output=True, text=True).stdout)

    def done(self, packets):
        ledger = self.status()["ledger"]
        return ledger["received"] == packets and ledger["in_flight"] == 0

    def end(self, packets):
        stop(self.process)
        os.remove(path("events.json")) if os.path.exists(path("events.json")) else None


def waiting():
    text = subprocess.run(inside("rtr", "cat", "/proc/net/netfilter/nfnetlink_queue"), check=True, capture_output=True,
                          text=True).stdout
    return sum(int(line.split()[2]) for line in text.splitlines())


def flood(owner, packets, sources):
    subprocess.run(inside("sub", "taskset", "-c", "0", program("tests/live/flood"), "-i", "eth0", "-m", ARGS.mac, "-c", str(packets),
                          "-s", "10.0.0.0", "-n", str(sources), "-q", str(QUEUE), "-o", str(owner)), check=True, stdout=subprocess.DEVNULL)


def measure(make, packets, sources):
    """Nanoseconds of processor time a packet."""
    who = make()
    try:
        time.sleep(0.1)
        before = processor_ns(who.process.pid)
        flood(who.process.pid, packets, sources)
        for _ in range(200):
            if who.done(packets):
                break
            time.sleep(0.05)
        else:
            raise SystemExit(f"{type(who).__name__}: packets are missing")
        time.sleep(0.1)
        after = processor_ns(who.process.pid)
    finally:
        who.end(packets)
    return (after - before) / packets


def main():
    drop = write_policy("drop.ini", "drop")
    accept = write_policy("accept.ini", "accept", "enforce_from = 2099-01-01T00:00:00Z")
    mixed = write_policy("mixed.ini", "accept")
    subprocess.run(inside("rtr", program("tests/live/queue_rule"), str(QUEUE), "1"), check=True)
    cases = {
        "classic, drop": (lambda: Peer("classic-drop"), 1000),
        "classic, accept": (lambda: Peer("classic-accept"), 1000),
        "bare, drop": (lambda: Peer("bare-drop"), 1000),
        "bare, accept": (lambda: Peer("bare-accept"), 1000),
        "bare and gathering, drop": (lambda: Peer("gather-drop"), 1000),
        "bare and gathering, accept": (lambda: Peer("gather-accept"), 1000),
        "op25bd, drop": (lambda: Daemon(drop), 1000),
        "op25bd, accept": (lambda: Daemon(accept), 1000),
        "op25bd, mixed": (lambda: Daemon(mixed), 1000),
        "op25bd, drop, 60,000 sources": (lambda: Daemon(drop), 60000),
    }
    cases = {name: case for name, case in cases.items() if ARGS.only in name}
    found = {name: [] for name in cases}
    for _ in range(ARGS.rounds):
        for name in random.sample(list(cases), len(cases)):
            make, sources = cases[name]
            found[name].append(measure(make, ARGS.packets, sources))
    print(json.dumps({name: {"median_ns": round(statistics.median(values)), "least_ns": round(min(values)),
                             "most_ns": round(max(values))} for name, values in found.items()}, indent=None).replace("},", "},\n"))


main()
