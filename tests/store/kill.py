#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Killing the filling of a store: kill.py STORE_FILL. Prints TAP. Runs are ended by SIGKILL at random points, while the file
grows, is renamed, packed, or copied and emptied; then the totals must be those of the lines written, none lost, none doubled.
With OP25B_TEST_LONG=1 there are 200 kills of each kind instead of 10. The seed is printed: OP25B_TEST_SEED=N repeats it.
"""
import gzip
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

from lines import Store, record, text, texts, truth

KILLS = 200 if os.environ.get("OP25B_TEST_LONG") else 10


def kill_once(store, latest_s, *arguments):
    """Whether it was killed; a run may have ended before."""
    with subprocess.Popen(store.command(*arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        time.sleep(random.uniform(0, latest_s))
        run.kill()
        return run.wait() != 0


def time_of(store, *arguments):
    """How long a whole run takes, in a store that is thrown away."""
    with tempfile.TemporaryDirectory() as directory:
        began = time.monotonic()
        Store(store.program, directory).fill(*arguments)
        return time.monotonic() - began


def wrongs(store, lines):
    found = store.check()
    if store.sums() != truth(lines):
        found.append(f"{store.sums()}, and not {truth(lines)}")
    return found


def of_one_file(store, directory):
    """killed on its way through one file"""
    path = f"{directory}/events.json"
    lines = [record(seq) for seq in range(30000)]
    with open(path, "w", encoding="utf-8") as file:
        file.write(texts(lines))
    whole_s = time_of(store, path)
    killed = 0
    for _ in range(KILLS):
        killed += kill_once(store, whole_s, path)
        if store.made() and (bad := store.check()):
            return bad
        if random.random() < 0.2:
            store.fill(path)
            if bad := wrongs(store, lines):
                return bad
            for end in ("", "-wal", "-shm"):
                os.unlink(store.path + end)
    store.fill(path)
    return wrongs(store, lines) + ([] if killed else ["no run was killed"])


class Writer:
    """The gateways' side: appends records of two writers, and now and then half a line or a rotation."""

    def __init__(self, path):
        self.path = path
        self.lines = []
        self.half = ""
        self.packed = 0

    def append(self, count):
        more = [record(len(self.lines) // 2 + i // 2, host=f"gw{i % 2}") for i in range(count)]
        written = self.half + texts(more[:-1])
        last = text(more[-1])
        cut = random.randrange(len(last))
        self.half = last[cut:]
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(written + last[:cut])
        self.lines += more

    def end_line(self):
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(self.half)
        self.half = ""

    def rotate(self):
        self.end_line()
        self.packed += 1
        name = f"{self.path}-{20260000 + self.packed}"
        if random.random() < 0.5:
            os.rename(self.path, name)
        else:
            shutil.copy(self.path, name)
            os.truncate(self.path, 0)
        if random.random() < 0.5:
            with open(name, "rb") as source, gzip.open(name + ".gz", "wb") as target:
                shutil.copyfileobj(source, target)
            os.unlink(name)


def of_growing_files(store, directory):
    """killed while the file grows and rotates"""
    writer = Writer(f"{directory}/events.json")
    killed = 0
    for turn in range(KILLS):
        writer.append(2 * random.randrange(1, 400))
        with subprocess.Popen(store.command("-r", writer.path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            writer.append(2 * random.randrange(1, 400))
            if random.random() < 0.3:
                writer.rotate()
            time.sleep(random.uniform(0, 0.06))
            run.kill()
            killed += run.wait() != 0
        if turn % 20 == 19:
            writer.end_line()
            store.fill("-r", writer.path)
            if bad := wrongs(store, writer.lines):
                return bad
    writer.end_line()
    if os.path.exists(writer.path) or writer.packed:
        store.fill("-r", writer.path)
    return wrongs(store, writer.lines) + ([] if killed else ["no run was killed"])


def of_two(store, directory):
    """one of two runs at once killed"""
    path = f"{directory}/events.json"
    lines = [record(seq) for seq in range(10000)]
    with open(path, "w", encoding="utf-8") as file:
        file.write(texts(lines))
    for _ in range(KILLS // 5 + 1):
        with subprocess.Popen(store.command(path), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as other:
            kill_once(store, 0.2, path)
            if other.wait(timeout=60) != 0:
                return [other.stderr.read().decode()]
        if bad := wrongs(store, lines):
            return bad
        for end in ("", "-wal", "-shm"):
            os.unlink(store.path + end)
    return []


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: kill.py STORE_FILL")
    seed = int(os.environ.get("OP25B_TEST_SEED") or time.time_ns() % 1000000)
    random.seed(seed)
    print(f"# seed {seed}, {KILLS} kills of each kind")
    failures = 0
    for number, function in enumerate((of_one_file, of_growing_files, of_two), 1):
        with tempfile.TemporaryDirectory() as directory:
            store = Store(sys.argv[1], directory)
            bad = function(store, directory)
        failures += bool(bad)
        print(f"{'not ok' if bad else 'ok'} {number} - {function.__doc__}", flush=True)
        for line in bad:
            print(f"# {line}", file=sys.stderr)
    print("1..3")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
