#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Counts test cases in meson's testlog.json: TAP lines where a test prints them, else the test as one case.

Prints one line for every failed and every skipped case with its reason, then 'PASSED FAILED SKIPPED' as the last line.
A test that fails without a failed case, or ends before its plan is through, counts as failed.
"""
import json
import re
import sys

CASE = re.compile(r"^(not )?ok\b\s*(\d*)\s*-?\s*(.*?)\s*(?:#\s*(SKIP)\S*\s*(.*))?$", re.IGNORECASE)
PLAN = re.compile(r"^1\.\.(\d+)\s*(?:#\s*(SKIP)\S*\s*(.*))?$", re.IGNORECASE)
GOOD = ("OK", "EXPECTEDFAIL")


class Count:
    def __init__(self):
        self.passed = 0
        self.failed = 0
        self.skipped = 0

    def fail(self, what):
        self.failed += 1
        print(f"failed:  {what}")

    def skip(self, what, why):
        self.skipped += 1
        print(f"skipped: {what}: {why or 'no reason given'}")


def first_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def count_cases(name, stdout, count):
    """Counts the TAP cases of one test; returns how many were seen, planned, and failed."""
    seen = planned = failed = 0
    for line in stdout.splitlines():
        plan = PLAN.match(line)
        if plan:
            planned += int(plan.group(1))
            if plan.group(2):
                seen += 1
                planned += 1 - int(plan.group(1))
                count.skip(name, plan.group(3))
            continue
        case = CASE.match(line)
        if not case:
            continue
        seen += 1
        if case.group(4):
            count.skip(f"{name}: {case.group(3)}", case.group(5))
        elif case.group(1):
            failed += 1
            count.fail(f"{name}: {case.group(3)}")
        else:
            count.passed += 1
    return seen, planned, failed


def count_test(entry, count):
    name, result = entry["name"], entry["result"]
    stdout, stderr = entry.get("stdout") or "", entry.get("stderr") or ""
    seen, planned, failed = count_cases(name, stdout, count)
    if seen == 0 and result == "SKIP":
        count.skip(name, first_line(stderr) or first_line(stdout))
    elif seen == 0 and result in GOOD:
        count.passed += 1
    elif result in GOOD + ("SKIP",) and seen < planned:
        count.fail(f"{name}: {planned - seen} of {planned} cases never ran")
    elif result not in GOOD + ("SKIP",) and failed == 0:
        count.fail(f"{name}: {result}, exit code {entry.get('returncode')}: {first_line(stderr)}")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: count_results.py TESTLOG.JSON")
    count = Count()
    with open(sys.argv[1], encoding="utf-8", errors="replace") as log:
        for line in log:
            if line.strip():
                count_test(json.loads(line), count)
    print(count.passed, count.failed, count.skipped)


if __name__ == "__main__":
    main()
