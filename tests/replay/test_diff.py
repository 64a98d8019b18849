#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_diff.py PROGRAM: two policies over the same packets, against what each policy's own listing says."""
import csv
import io
import ipaddress
import os
import random
import sys

from harness import run_cases, same, true

HERE = os.path.dirname(os.path.abspath(__file__))
SWEEP = ["--sweep", "2025-12-31T00:00:00Z..2026-01-02T00:00:00Z"]


def setup(replay):
    """Packets of every pool, and a policy that differs from the tests' in each way."""
    with open(os.path.join(HERE, "policy.ini"), encoding="utf-8") as file:
        old = file.read()
    new = old.replace("action = reset", "action = drop").replace("address = 10.1.0.25\n", "address = 10.1.0.26\n")
    new = new.replace("monitor_from = 2025-01-01T00:00:00Z", "enforce_from = 2026-01-01T12:00:00Z")
    new = new.replace("prefix = 198.51.100.0/28", "prefix = 198.51.100.0/29")
    true(new.count("\n") == old.count("\n") and new != old, "the new policy")
    replay.write("old.ini", old.encode())
    replay.write("new.ini", new.encode())
    random.seed(6)
    lines = ["at 2026-01-01T00:00:00Z tcp 10.1.0.25 > 192.0.2.1 syn"]
    lines += ["tcp 10.1.0.26 > 192.0.2.1 syn", "tcp 10.2.0.9 > 192.0.2.1 syn"]
    for _ in range(400):
        src = f"10.{random.randint(1, 6)}.0.{random.choice([1, 2, 25, 26, 80])}"
        dst = random.choice(["192.0.2.1", "198.51.100.1", "198.51.100.9", "10.1.0.25"])
        lines.append(f"tcp {src} > {dst}:{random.choice([25, 25, 25, 587])} {random.choice(['syn', 'syn', 'ack'])}")
        lines.append(f"tcp 2001:db8:1:{random.randint(0, 3)}00::{random.randint(1, 9)} > 2001:db8::1 syn")
    replay.write("packets", "\n".join(lines).encode())


def subscriber(address):
    """The policy's pool for IPv6 delegates /56."""
    return address if "." in address else str(ipaddress.ip_network(address + "/56", strict=False))


def wanted_changes(replay):
    """By subscriber, from both listings."""
    listings = [replay.run("-p", name, "--list", "--json", "--synth-file", "packets").lines for name in ("old.ini", "new.ini")]
    order = ["other-reason", "other-verdict", "newly-allowed", "newly-blocked"]
    found = {}
    for old, new in zip(*listings):
        was, now = old["verdict"] != "accept", new["verdict"] != "accept"
        change = (("newly-blocked" if now else "newly-allowed") if was != now else
                  "other-verdict" if old["verdict"] != new["verdict"] else
                  "other-reason" if old["reason"] != new["reason"] else None)
        if change:
            counts = found.setdefault(subscriber(old["src_ip"]), {})
            counts[change] = counts.get(change, 0) + 1
    return {who: (max(counts, key=order.index), counts[max(counts, key=order.index)]) for who, counts in found.items()}


def changes_are_those_of_both_listings(replay):
    setup(replay)
    run = replay.run("diff", "--output", "json", "--synth-file", "packets", "old.ini", "new.ini")
    same(run.code, 1, run.err)
    same({row["subscriber"]: (row["change"], row["packets"]) for row in run.json["subscribers"]}, wanted_changes(replay))
    changes = [row["change"] for row in run.json["subscribers"]]
    for change in set(changes):
        same(run.json[change]["subscribers"], changes.count(change), change)
    same(set(changes), {"newly-blocked", "newly-allowed", "other-verdict", "other-reason"})


def table_and_csv_say_the_same(replay):
    setup(replay)
    arguments = ["--synth-file", "packets", "old.ini", "new.ini"]
    rows = replay.run("diff", "--output", "json", *arguments).json["subscribers"]
    read = list(csv.DictReader(io.StringIO(replay.run("diff", "--output", "csv", *arguments).text)))
    same([(row["subscriber"], row["change"], row["new_reason"], row["old_rule"]) for row in read],
         [(row["subscriber"], row["change"], row["new"]["reason"], row["old"]["rule"]) for row in rows])
    table = replay.run("diff", *arguments).text
    for row in rows:
        true(f"  {row['subscriber']:40} {row['packets']:10}  {row['old']['verdict']} {row['old']['reason']}" in table, row)
    same(replay.run("diff", *arguments).text, table, "the same bytes again")


def nobody_is_newly_blocked(replay):
    setup(replay)
    same(replay.run("diff", "--synth-file", "packets", "old.ini", "old.ini").code, 0)
    allowed = replay.run("diff", "--synth", "at 2026-01-01T00:00:00Z tcp 10.1.0.26 > 192.0.2.1 syn", "old.ini", "new.ini")
    same(allowed.code, 0, "newly allowed alone is no reason to stop")
    true("newly allowed                             1            1" in allowed.text, allowed.text)


def blocked(replay, policy, date):
    """Subscribers of whom the policy blocks something at that date, by its listing."""
    with open(os.path.join(replay.directory, "packets"), encoding="utf-8") as file:
        lines = [f"at {date} {line.split('Z ')[-1]}" for line in file.read().splitlines()]
    replay.write("then", "\n".join(lines).encode())
    listed = replay.run("-p", policy, "--list", "--json", "--synth-file", "then").lines
    return {subscriber(row["src_ip"]) for row in listed if row["verdict"] != "accept"}


def a_sweep_counts_whom_the_listing_blocks(replay):
    setup(replay)
    dates = replay.run("diff", *SWEEP, "--step", "6h", "--output", "json", "--synth-file", "packets", "old.ini",
                       "new.ini").json["dates"]
    same([row["date"] for row in dates if row["dates"]],
         ["2026-01-01T00:00:10Z", "2026-01-01T00:00:20Z", "2026-01-01T00:00:30Z", "2026-01-01T12:00:00Z"])
    same(len(dates), 9 + 3)
    for row in replay.run("diff", *SWEEP, "--step", "12h", "--output", "json", "--synth-file", "packets", "old.ini",
                          "new.ini").json["dates"]:
        old, new = blocked(replay, "old.ini", row["date"]), blocked(replay, "new.ini", row["date"])
        same((row["old"], row["new"], row["newly-blocked"], row["newly-allowed"]),
             (len(old), len(new), len(new - old), len(old - new)), row["date"])


def wrong_usage_and_errors(replay):
    setup(replay)
    for arguments in ([], ["old.ini"], ["old.ini", "new.ini"], ["--output", "xml", "old.ini", "new.ini", "c"],
                      ["--sweep", "2026-01-01T00:00:00Z", "old.ini", "new.ini", "c"], ["--step", "1y", *SWEEP, "a", "b", "c"],
                      ["--step", "1d", "old.ini", "new.ini", "c"],
                      [*SWEEP, "--step", "1s", "--synth", "tcp ::1 > ::2", "old.ini", "new.ini"]):
        same(replay.run("diff", *arguments).code, 2, arguments)
    same(replay.run("diff", "old.ini", "new.ini", "nowhere").code, 3)
    same(replay.run("diff", "old.ini", "nowhere", "c").code, 4)


if __name__ == "__main__":
    run_cases([changes_are_those_of_both_listings, table_and_csv_say_the_same, nobody_is_newly_blocked,
               a_sweep_counts_whom_the_listing_blocks, wrong_usage_and_errors], sys.argv[1])
