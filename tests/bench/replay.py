#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""replay.py BUILD --packets N --rounds N: op25b-replay beside tcpdump, tshark and a bare walk over the same capture, by
turns. Prints JSON: of each the seconds of processor time in each round, of both cores also those that passed.
"""
import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
FILTER = "tcp dst port 25"
SOURCES = 60_000
SLICE = 50  # tshark gets one packet of so many
POLICY = """[gateway]
mode = enforce
fail = open
unlisted = accept
[pool homes]
prefix = 10.0.0.0/8
"""


def measure(command):
    """Seconds of processor time, and seconds that passed."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    passed, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, passed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--packets", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    for program in ("tcpdump", "tshark"):
        if not shutil.which(program):
            print(f"SKIP {program} is not installed")
            sys.exit(SKIPPED)
    bench = os.path.join(arguments.build, "tests", "bench")
    with tempfile.TemporaryDirectory() as directory:
        print(json.dumps(run(arguments, bench, directory)))


def run(arguments, bench, directory):
    def make(name, packets, share):
        path = os.path.join(directory, name)
        subprocess.run([os.path.join(bench, "capture_make"), path, str(packets), str(SOURCES), str(share)], check=True)
        return path
    policy = os.path.join(directory, "policy.ini")
    with open(policy, "w", encoding="utf-8") as file:
        file.write(POLICY)
    mail, mixed = make("mail.pcap", arguments.packets, 100), make("mixed.pcap", arguments.packets, 10)
    few = make("few.pcap", max(arguments.packets // SLICE, 100), 100)
    replay = [os.path.join(arguments.build, "tools", "op25b-replay"), "-p", policy]
    commands = {
        "replay": [*replay, "--jobs", "1", mail],
        "replay-mixed": [*replay, "--jobs", "1", mixed],
        "two": [*replay, "--jobs", "2", mail],
        "tcpdump": ["tcpdump", "-r", mail, "--count", FILTER],
        "tcpdump-mixed": ["tcpdump", "-r", mixed, "--count", FILTER],
        "walk": [os.path.join(bench, "capture_walk"), mail],
        "tshark": ["tshark", "-n", "-r", few, "-Y", "tcp.dstport==25"],
    }
    found = {name: [] for name in (*commands, "replay-passed", "two-passed")}
    for _ in range(arguments.rounds):
        for name, command in commands.items():
            used, passed = measure(command)
            per = max(arguments.packets // SLICE, 100) if name == "tshark" else arguments.packets
            found[name].append(used / per * 1e9)
            if name in ("replay", "two"):
                found[name + "-passed"].append(passed / per * 1e9)
    return found


if __name__ == "__main__":
    main()
