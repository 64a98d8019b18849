#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_oracle.py PROGRAM POLICY CAPTURES: the captures of the folder CAPTURES (real traffic that nobody here made) are
replayed, and the counts compared with what an independent dissector found, CAPTURES/ORACLE.tsv, in every column that
applies. Skipped where the folder is absent.
"""
import csv
import os
import sys

from harness import run_cases, same, true

COUNTS = {"packets": "pkts", "ip4": "v4", "ip6": "v6", "tcp25": "out25", "syn25": "out25_syn"}


def addresses(text):
    return set() if text == "-" else set(text.split(","))


def check_row(replay, policy, path, row):
    run = replay.run("-p", policy, "--json", path)
    damaged = "damaged" in row["tshark_stderr"]
    same(run.code, 3 if damaged else 0, "exit code")
    same(bool(run.err), damaged, f"message on standard error ({run.err!r})")
    summary = run.json
    for ours, theirs in COUNTS.items():
        same(summary[ours], int(row[theirs]), ours)
    sources = summary["sources"]
    same({s["address"] for s in sources}, addresses(row["out25_sources"]), "sources")
    same({s["address"] for s in sources if s["syn25"]}, addresses(row["out25_syn_sources"]), "sources of SYNs")
    same(sum(s["tcp25"] for s in sources), summary["tcp25"], "sum of the sources' tcp25")
    same(sum(s["syn25"] for s in sources), summary["syn25"], "sum of the sources' syn25")
    same(sum(summary["verdicts"].values()), summary["packets"], "sum of the verdicts")
    same(sum(summary["reasons"].values()), summary["packets"], "sum of the reasons")
    same(summary["packets"] - summary["ip4"] - summary["ip6"], int(row["noip"]), "packets that are not IP")
    if damaged:
        true(path in run.err and "byte" in run.err, "the message names file and place")


def case_of(policy, path, row):
    def case(replay):
        check_row(replay, policy, path, row)

    case.__name__ = row["path"]
    return case


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: test_oracle.py PROGRAM POLICY CAPTURES")
    program, policy, captures = sys.argv[1], os.path.abspath(sys.argv[2]), os.path.abspath(sys.argv[3])
    oracle = os.path.join(captures, "ORACLE.tsv")
    if not os.path.exists(oracle):
        print("1..0 # SKIP the folder of real captures (shared/captures beside the source tree) is absent")
        sys.exit(77)
    with open(oracle, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    run_cases([case_of(policy, os.path.join(captures, row["path"]), row) for row in rows], program)


if __name__ == "__main__":
    main()
