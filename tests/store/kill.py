#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Killing the filling of a store: kill.py STORE_FILL OP25B-LOG OP25B-MONTH. Prints TAP. Runs are ended by SIGKILL at random
points, while the file grows, is renamed, packed, or copied and emptied; each time the totals must be those of the lines written,
none lost, none doubled, and of a month of several routers the truth's. 200 runs are killed in all; with OP25B_TEST_LONG=1 as
many of each kind. The seed is printed: OP25B_TEST_SEED=N repeats it.
"""
import glob
import gzip
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

from lines import Store, record, text, texts, truth

LONG = bool(os.environ.get("OP25B_TEST_LONG"))
# Of each kind, as many as shall really be killed; some runs end before.
KILLS = {"file": 200 if LONG else 50, "growing": 200 if LONG else 60, "two": 200 if LONG else 20, "month": 200 if LONG else 70}
PROGRAMS = {}


class Killer:
    """Ends runs somewhere within the time that a whole one takes; where one has ended by itself, the next ones get less."""

    def __init__(self, kind, whole_s):
        self.wanted = KILLS[kind]
        self.latest_s = whole_s
        self.killed = 0

    def turns(self):
        """Enough, even if most runs end too soon."""
        for _ in range(10 * self.wanted):
            if self.killed >= self.wanted:
                return
            yield

    def end(self, run):
        time.sleep(random.uniform(0, self.latest_s))
        run.kill()
        if run.wait() != 0:
            self.killed += 1
        else:
            self.latest_s *= 0.9

    def run(self, command):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            self.end(run)

    def too_few(self):
        print(f"# {self.killed} runs killed")
        return [] if self.killed >= self.wanted else [f"only {self.killed} runs were killed"]


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


def forget(store):
    for end in ("", "-wal", "-shm"):
        if os.path.exists(store.path + end):
            os.unlink(store.path + end)


def of_one_file(store, directory):
    """killed on its way through one file"""
    path = f"{directory}/events.json"
    lines = [record(seq) for seq in range(10000)]
    with open(path, "w", encoding="utf-8") as file:
        file.write(texts(lines))
    killer = Killer("file", time_of(store, path))
    for _ in killer.turns():
        killer.run(store.command(path))
        if store.made() and (bad := store.check()):
            return bad
        if random.random() < 0.5:  # else it is killed once more before it has come to an end
            store.fill(path)
            if bad := wrongs(store, lines):
                return bad
            forget(store)
    store.fill(path)
    return wrongs(store, lines) + killer.too_few()


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
    killer = Killer("growing", 0.05)
    for _ in killer.turns():
        writer.append(2 * random.randrange(1, 400))
        with subprocess.Popen(store.command("-r", writer.path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            writer.append(2 * random.randrange(1, 400))
            if random.random() < 0.3:
                writer.rotate()
            killer.end(run)
        if random.random() < 0.5:
            writer.end_line()
            store.fill("-r", writer.path)
            if bad := wrongs(store, writer.lines):
                return bad
    writer.end_line()
    store.fill("-r", writer.path)
    return wrongs(store, writer.lines) + killer.too_few()


def of_two(store, directory):
    """one of two runs at once killed"""
    path = f"{directory}/events.json"
    lines = [record(seq) for seq in range(10000)]
    with open(path, "w", encoding="utf-8") as file:
        file.write(texts(lines))
    killer = Killer("two", time_of(store, path))
    for _ in killer.turns():
        with subprocess.Popen(store.command(path), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as other:
            killer.run(store.command(path))
            if other.wait(timeout=60) != 0:
                return [other.stderr.read().decode()]
        if bad := wrongs(store, lines):
            return bad
        forget(store)
    return killer.too_few()


class Month:
    """A month of several routers, and op25b-log with a store of its own."""

    def __init__(self, program, generator, directory, store):
        subprocess.run([generator, "--days", "2", "--bots", "6", "--floods", "1", "--flood-sources", "50", "--rotate", "3",
                        "--duplicates", "5", "--mixed", "30", "--notices", "2", directory], check=True, stdout=subprocess.DEVNULL)
        with open(f"{directory}/truth.json", encoding="utf-8") as file:
            self.truth = json.load(file)
        logs = [word for path in sorted(glob.glob(f"{directory}/*/events.json")) for word in ("--log", path)]
        self.command = [program, "-p", f"{directory}/op25b.ini", "--store", store.path, *logs]

    def ask(self, *command):
        return json.loads(subprocess.run([*self.command, *command, "--json"], check=True, capture_output=True, timeout=60).stdout)

    def wrongs(self):
        """Of the totals, and of what each router wrote, twice or once."""
        sums, found = self.ask("pools", "--by", "host"), []
        for ours, theirs in (("packets", "packets"), ("packets_blocked", "blocked"), ("packets_offloaded", "offloaded"), ("attempts", "attempts")):
            if (got := sum(row[ours] for row in sums)) != self.truth["totals"][theirs]:
                found.append(f"{ours}: {got}, in truth {self.truth['totals'][theirs]}")
        wanted = sum(source["records"] - source["notices"] for source in self.truth["sources"])
        if (got := sum(row["records"] for row in sums)) != wanted:
            found.append(f"{got} records, in truth {wanted}")
        return found


def of_a_month(store, directory):
    """op25b-log ingest killed on its way through a month of three routers"""
    month = Month(PROGRAMS["log"], PROGRAMS["month"], f"{directory}/month", store)
    ingest = [*month.command, "ingest"]
    began = time.monotonic()
    subprocess.run(ingest, check=True, stdout=subprocess.DEVNULL, timeout=60)
    killer = Killer("month", time.monotonic() - began)
    forget(store)
    for _ in killer.turns():
        killer.run(ingest)
        if random.random() < 0.5:
            if bad := month.wrongs():
                return bad
            forget(store)
    return month.wrongs() + killer.too_few()


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: kill.py STORE_FILL OP25B-LOG OP25B-MONTH")
    PROGRAMS.update(log=os.path.abspath(sys.argv[2]), month=os.path.abspath(sys.argv[3]))
    seed = int(os.environ.get("OP25B_TEST_SEED") or time.time_ns() % 1000000)
    random.seed(seed)
    print(f"# seed {seed}")
    failures = 0
    for number, function in enumerate((of_one_file, of_growing_files, of_two, of_a_month), 1):
        with tempfile.TemporaryDirectory() as directory:
            store = Store(sys.argv[1], directory)
            bad = function(store, directory)
        failures += bool(bad)
        print(f"{'not ok' if bad else 'ok'} {number} - {function.__doc__}", flush=True)
        for line in bad:
            print(f"# {line}", file=sys.stderr)
    print("1..4")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
