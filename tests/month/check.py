#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The generator of months against itself: check.py OP25B-MONTH, or check.py --directory DIRECTORY.

Makes some months and compares the sums over their records, read here line by line, with the truth that was counted from
the packets. Also shown to fail: on a record that was changed, taken out, or put in twice.
Prints TAP. With --directory: compares what is there.
"""
import collections
import datetime
import gzip
import json
import subprocess
import sys
import tempfile
from pathlib import Path

SUMS = ("packets", "blocked", "offloaded", "attempts")
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def microseconds(text):
    since = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z") - EPOCH
    return (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds


class Found:
    """What some records add up to."""

    def __init__(self):
        self.sums = dict.fromkeys(SUMS, 0)
        self.first_us = self.last_us = None
        self.subscribers, self.destinations, self.hosts, self.hours = set(), set(), set(), set()
        self.registers = None
        self.listed = True  # every record told all its destinations

    def add(self, sums, first_us, last_us):
        for name in SUMS:
            self.sums[name] += sums[name]
        self.first_us = first_us if self.first_us is None else min(first_us, self.first_us)
        self.last_us = last_us if self.last_us is None else max(last_us, self.last_us)

    def reach(self, record):
        ours = record["op25b"]
        if "dest_ip" in record:
            self.destinations.add(record["dest_ip"])
        self.destinations.update(ours.get("destinations", ()))
        if "destinations_sketch" in ours:
            values = [ALPHABET.index(character) for character in ours["destinations_sketch"]]
            self.registers = [max(pair) for pair in zip(values, self.registers or values)]
        self.listed &= ours["distinct_destinations_exact"]


class Records:
    """All records of a directory, each once."""

    def __init__(self, directory, truth):
        self.total, self.overflow = Found(), Found()
        self.groups = {name: collections.defaultdict(Found)
                       for name in ("pools", "rules", "reasons", "hosts", "hours", "subscribers")}
        self.sources = collections.defaultdict(set)
        self.duplicates = collections.Counter()
        self.notices = []
        self.lines = {}
        for entry in truth["files"]:
            path = directory / entry["path"]
            with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as file:
                lines = [self.take(json.loads(line)) for line in file]
            self.lines[entry["path"]] = len(lines)

    def take(self, record):
        ours = record["op25b"]
        source = (record["host"], ours["boot_id"])
        if ours["seq"] in self.sources[source]:
            self.duplicates[source] += 1
            return
        self.sources[source].add(ours["seq"])
        if record["event_type"] == "engine":
            self.notices.append((source, record))
        else:
            self.count(record, ours)

    def count(self, record, ours):
        sums = {"packets": ours["packets"], "blocked": ours["packets_blocked"], "offloaded": ours.get("packets_offloaded", 0),
                "attempts": ours["attempts"]}
        times = microseconds(ours["first_seen"]), microseconds(ours["last_seen"])
        hour = microseconds(record["timestamp"]) // 3_600_000_000 * 3600
        places = [self.total, self.groups["hosts"][record["host"]], self.groups["hours"][hour]]
        subscriber = ours.get("subscriber")
        if subscriber is None:
            places.append(self.overflow)
        else:
            places += [self.groups["pools"][ours["pool"]], self.groups["subscribers"][subscriber]]
            self.groups["subscribers"][subscriber].reach(record)
        for place in places:
            place.add(sums, *times)
            place.subscribers.update([subscriber] if subscriber else ())
            place.hosts.add(record["host"])
            place.hours.add(hour)
        self.split(ours)

    def split(self, ours):
        """Packets by rule and by reason, where a record has several."""
        for rule in ours.get("rules", [ours] if "rule" in ours else []):
            found = self.groups["rules"][rule["rule"]]
            found.sums["packets"] += rule["packets"]
            found.sums["attempts"] += rule["attempts"]
            found.subscribers.add(ours["subscriber"])
        for reason, packets in ours.get("reasons", {ours["reason"]: ours["packets"]}).items():
            self.groups["reasons"][reason].sums["packets"] += packets


def same(where, wanted, found, names=SUMS):
    for name in names:
        if wanted[name] != found.sums[name]:
            yield f"{where}: {name} are {found.sums[name]}, in truth {wanted[name]}"
    for name, value in (("first_us", found.first_us), ("last_us", found.last_us)):
        if name in wanted and value is not None and wanted[name] != value:
            yield f"{where}: {name} is {value}, in truth {wanted[name]}"


def same_names(where, wanted, found):
    for name in sorted(set(wanted) ^ set(found)):
        yield f"{where}: {name} is only in {'the truth' if name in wanted else 'the records'}"


def check_groups(records, truth):
    wholly = {"pools": SUMS, "hosts": SUMS, "rules": ("packets", "attempts"), "reasons": ("packets",)}
    for group, names in wholly.items():
        yield from same_names(group, truth[group], records.groups[group])
        for name, wanted in truth[group].items():
            found = records.groups[group][name]
            yield from same(f"{group} {name}", wanted, found, names)
            if group != "reasons" and truth["room_for_all"] and wanted["subscribers"] != len(found.subscribers):
                yield f"{group} {name}: {len(found.subscribers)} subscribers, in truth {wanted['subscribers']}"


def check_hours(records, truth):
    for wanted in truth["hours"]:
        found = records.groups["hours"][wanted["start_s"]]
        yield from same(f"hour {wanted['start_s']}", wanted, found)
        if truth["room_for_all"] and wanted["subscribers"] != len(found.subscribers):
            yield f"hour {wanted['start_s']}: {len(found.subscribers)} subscribers, in truth {wanted['subscribers']}"


def estimate(registers):
    """HyperLogLog in its plainest form, with linear counting below; rougher than the collector's, and enough here."""
    empty, size = registers.count(0), len(registers)
    guess = 0.7213 / (1 + 1.079 / size) * size * size / sum(2.0 ** -value for value in registers)
    return sum(size / i for i in range(empty + 1, size + 1)) if guess <= 2.5 * size and empty else guess


def check_reach(where, wanted, found):
    distinct = len(found.destinations)
    if found.listed and wanted["destinations_known"] and distinct != wanted["destinations"]:
        yield f"{where}: {distinct} destinations, in truth {wanted['destinations']}"
    if distinct > wanted["destinations"]:
        yield f"{where}: {distinct} destinations are more than the {wanted['destinations']} in truth"
    if found.registers and estimate(found.registers) > 1.2 * wanted["destinations"] + 10:
        yield f"{where}: a sketch of {estimate(found.registers):.0f} destinations, in truth {wanted['destinations']}"


def check_subscribers(records, truth):
    known = {entry["subscriber"]: entry for entry in truth["subscribers"]}
    yield from same_names("subscribers", known, records.groups["subscribers"])
    for name, wanted in known.items():
        found = records.groups["subscribers"][name]
        yield from same(name, wanted, found)
        if len(found.hours) != wanted["hours_active"]:
            yield f"{name}: {len(found.hours)} hours, in truth {wanted['hours_active']}"
        if found.hosts != set(wanted["hosts"]):
            yield f"{name}: hosts {sorted(found.hosts)}, in truth {wanted['hosts']}"
        yield from check_reach(name, wanted, found)
    for address in truth["exempt"]:
        if address in known or address in records.groups["subscribers"]:
            yield f"{address} is exempt"


def gaps_of(records):
    for (host, boot_id), numbers in records.sources.items():
        ordered = sorted(numbers)
        for before, after in zip(ordered, ordered[1:]):
            if after != before + 1:
                yield host, boot_id, before + 1, after - 1


def check_sources(records, truth):
    yield from same_names("sources", [(s["host"], s["boot_id"]) for s in truth["sources"]], records.sources)
    for wanted in truth["sources"]:
        source = wanted["host"], wanted["boot_id"]
        numbers = records.sources[source]
        found = {"first_seq": min(numbers), "last_seq": max(numbers), "records": len(numbers),
                 "duplicates": records.duplicates[source], "notices": sum(1 for of, _ in records.notices if of == source)}
        for name, value in found.items():
            if value != wanted[name]:
                yield f"{source}: {name} is {value}, in truth {wanted[name]}"
    wanted = sorted((gap["host"], gap["boot_id"], gap["first"], gap["last"]) for gap in truth["gaps"])
    if sorted(gaps_of(records)) != wanted:
        yield f"gaps are {sorted(gaps_of(records))}, in truth {wanted}"


def check_notices(records, truth):
    found = sorted((*source, microseconds(record["op25b"]["begin"]), microseconds(record["op25b"]["end"]),
                    record["op25b"]["unjudged"])
                   for source, record in records.notices if record["op25b"]["state"] == "end")
    wanted = sorted((entry["host"], entry["boot_id"], entry["first_us"], entry["last_us"], entry["packets"])
                    for entry in truth["notices"])
    if found != wanted:
        yield f"notices are {found}, in truth {wanted}"


def problems(directory):
    truth = json.loads((directory / "truth.json").read_text(encoding="utf-8"))
    records = Records(directory, truth)
    yield from same("all", truth["totals"], records.total)
    if truth["room_for_all"]:
        yield from same("overflow", truth["overflow"], records.overflow)
        yield from check_subscribers(records, truth)
        yield from check_groups(records, truth)
    yield from check_hours(records, truth)
    yield from check_sources(records, truth)
    yield from check_notices(records, truth)
    for entry in truth["files"]:
        if records.lines[entry["path"]] != entry["lines"]:
            yield f"{entry['path']}: {records.lines[entry['path']]} lines, in truth {entry['lines']}"


# ---- the test ----

class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def case(self, name, found):
        found = list(found)
        self.count += 1
        self.failed += bool(found)
        print(f"{'not ok' if found else 'ok'} {self.count} - {name}")
        for line in found[:20]:
            print(f"# {line}")

    def planted(self, name, found):
        found = list(found)
        self.case(f"planted and found: {name}", [] if found else ["nothing was found"])

    def end(self):
        print(f"1..{self.count}")
        return 1 if self.failed else 0


def made(program, directory, *options):
    done = subprocess.run([program, *options, directory], capture_output=True, text=True, check=False, timeout=300)
    return [] if done.returncode == 0 else [f"exit code {done.returncode}: {done.stderr}"]


def rewritten(directory, change):
    """The largest plain file with its lines changed, while the body runs."""
    path = max(directory.glob("*/events.json"), key=lambda one: one.stat().st_size)
    before = path.read_text(encoding="utf-8")
    path.write_text("".join(change(before.splitlines(keepends=True))), encoding="utf-8")
    found = list(problems(directory))
    path.write_text(before, encoding="utf-8")
    return found


def changed_packets(lines):
    middle = next(i for i in range(len(lines) // 2, len(lines)) if '"packets":1,' in lines[i])
    return lines[:middle] + [lines[middle].replace('"packets":1,', '"packets":2,')] + lines[middle + 1:]


def test(program):
    tap = Tap()
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        plain, hard, full = root / "plain", root / "hard", root / "full"
        tap.case("a plain month is made", made(program, plain, "--days", "2", "--bots", "6"))
        tap.case("its truth is that of its records", problems(plain))
        tap.planted("a record that counts one packet more", rewritten(plain, changed_packets))
        tap.planted("a record that is missing", rewritten(plain, lambda lines: lines[:10] + lines[11:]))
        tap.planted("a record that stands twice", rewritten(plain, lambda lines: lines[:10] + lines[9:]))
        options = ("--days", "3", "--seed", "25", "--bots", "8", "--mixed", "60", "--offloaded", "50", "--gaps", "3", "--duplicates",
                   "7", "--rotate", "4", "--restarts", "2", "--notices", "4", "--roaming", "30")
        tap.case("one with gaps, duplicates, rotation and mixed rules is made", made(program, hard, *options))
        tap.case("its truth is that of its records", problems(hard))
        again = root / "again"
        tap.case("once more with the same seed", made(program, again, *options))
        tap.case("it is the same", (str(path) for path in sorted(hard.rglob("*.json*"))
                                   if path.read_bytes() != (again / path.relative_to(hard)).read_bytes()))
        tap.case("one with too little room is made", made(program, full, "--days", "2", "--table", "50"))
        tap.case("its totals are those of its records", problems(full))
        tap.case("and there was too little room", [] if not json.loads((full / "truth.json").read_text())["room_for_all"] else ["no"])
    return tap.end()


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--directory":
        found = list(problems(Path(sys.argv[2])))
        print("\n".join(found) or "the truth is that of the records")
        return 1 if found else 0
    if len(sys.argv) != 2:
        sys.exit("usage: check.py OP25B-MONTH | check.py --directory DIRECTORY")
    return test(sys.argv[1])


if __name__ == "__main__":
    sys.exit(main())
