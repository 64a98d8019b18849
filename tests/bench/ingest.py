#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ingest.py BUILD --records N --rounds N: records into a new store beside jq over the same file, each alone, by turns. Prints
JSON: of each the nanoseconds that passed for a record in each round, and of the store those of processor time and its
largest memory in bytes.
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


def measure(command):
    """Seconds that passed, seconds of processor time, and what it printed."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    passed, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return passed, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def fill(arguments, directory, path):
    store = os.path.join(directory, "records.db")
    passed, used, said = measure([os.path.join(arguments.build, "tests", "store", "store_fill"), store, path])
    counts = json.loads(said)
    if counts["records"] != arguments.records:
        raise RuntimeError(f"{counts['records']} of {arguments.records} records were stored")
    for name in os.listdir(directory):
        if name.startswith("records.db"):
            os.unlink(os.path.join(directory, name))
    return passed, used, counts["memory_kib"] * 1024


def run(arguments, directory):
    path = os.path.join(directory, "events.json")
    with open(path, "wb") as file:
        subprocess.run([os.path.join(arguments.build, "tests", "bench", "record_make"), str(arguments.records)], stdout=file,
                       check=True)
    found = {"store": [], "processor": [], "memory": [], "jq": []}
    for _ in range(arguments.rounds):
        passed, used, memory = fill(arguments, directory, path)
        found["store"].append(passed * 1e9 / arguments.records)
        found["processor"].append(used * 1e9 / arguments.records)
        found["memory"].append(memory)
        with open(os.path.join(directory, "jq"), "wb") as file:
            began = time.monotonic()
            subprocess.run(["jq", "-c", ".", path], stdout=file, check=True)
            found["jq"].append((time.monotonic() - began) * 1e9 / arguments.records)
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--records", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    if not shutil.which("jq"):
        print("SKIP jq is not installed")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory() as directory:
        print(json.dumps(run(arguments, directory)))


main()
