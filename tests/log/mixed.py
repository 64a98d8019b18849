#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures by rule and by reason, of records that tell several of both: mixed.py OP25B-LOG OP25B-MONTH.

Each figure is compared with the sum over the records' own "rules" and "reasons".
"""
import collections
import gzip
import itertools
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import Log, run_cases, same, true

WORLD = None


def lines_of(path):
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def reasons_of(ours):
    return ours.get("reasons", {ours["reason"]: ours["packets"]})


def rules_of(ours):
    sums = collections.Counter()
    for part in ours.get("rules", [ours]):
        sums[part.get("rule", "")] += part["packets"]
    return sums


class World:
    def __init__(self, program, generator, directory):
        subprocess.run([generator, "--days", "2", "--seed", "3", "--bots", "8", "--clients", "10", "--rare", "10", "--flood-sources",
                        "30", "--mixed", "60", directory], check=True, stdout=subprocess.DEVNULL)
        files = sorted(Path(directory).glob("*/events.json"))
        self.log = Log(program, directory, files)
        self.log.files += ["-p", str(Path(directory) / "op25b.ini")]
        self.records = [one["op25b"] for path in files for one in lines_of(path) if one["event_type"] != "engine"]
        self.reasons, self.rules = (self.sums(reasons_of), self.sums(rules_of))
        self.divided = [one for one in self.records if len(one.get("rules", ())) > 1 and len(one.get("reasons", ())) > 1]

    def sums(self, tell):
        sums = collections.Counter()
        for one in self.records:
            sums.update(tell(one))
        return {name: packets for name, packets in sums.items() if packets > 0}


def rows(*arguments):
    return WORLD.log.rows(*arguments)


def there_are_records_of_several_rules_and_reasons():
    true(len(WORLD.divided) > 20, f"{len(WORLD.divided)} records")
    true(len(WORLD.reasons) > 2, WORLD.reasons)


def packets_of(*arguments):
    return sum(row["packets"] for row in rows(*arguments))


def groups_are_what_the_records_say():
    for by, wanted in (("reason", WORLD.reasons), ("rule", WORLD.rules)):
        found = {row["name"] or "": row["packets"] for row in rows("pools", "--by", by) if row["packets"]}
        same(found, wanted, by)


def filters_are_what_the_records_say():
    for option, sums, tell in (("--reason", WORLD.reasons, reasons_of), ("--rule", WORLD.rules, rules_of)):
        for name, wanted in sums.items():
            if not name:
                continue
            same(packets_of("top", "-n", "0", option, name), wanted, f"top {option} {name}")
            same(packets_of("timeline", "--step", "1h", option, name), wanted, f"timeline {option} {name}")
            same(packets_of("pools", option, name), wanted, f"pools {option} {name}")
            found = {(row["host"], row["boot_id"], row["seq"]) for row in rows("list", option, name)}
            same(len(found), sum(tell(one).get(name, 0) > 0 for one in WORLD.records), f"list {option} {name}")


def a_subscriber_is_told_by_his_records():
    who = collections.Counter(one["subscriber"] for one in WORLD.divided).most_common(1)[0][0]
    row = rows("show", who)[0]
    for key, tell in (("reasons", reasons_of), ("rules", rules_of)):
        wanted = collections.Counter()
        for one in WORLD.records:
            if one.get("subscriber") == who:
                wanted.update(tell(one))
        same({group["name"] or "": group["packets"] for group in row[key]}, dict(wanted), key)


def the_page_is_what_the_records_say():
    run = WORLD.log.run("report", "--html", "-", "--since", "2026-02-28", "--until", "2026-03-04")
    same(run.code, 0, run.err)
    table = run.out[run.out.index('id="reasons"'):]
    table = table[:table.index("</table>")]
    found = {}
    for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL):
        name, values = re.search(r"<bdi[^>]*>([a-z-]+)</bdi>", row), re.findall(r'data-v="(\d+)"', row)
        if name:
            found[name[1]] = int(values[1]) + int(values[2])
    same(found, WORLD.reasons, "blocked and monitored")


def bounds(rule, reason):
    """What the records allow."""
    pairs = [(rules_of(one).get(rule, 0), reasons_of(one).get(reason, 0), one["packets"]) for one in WORLD.records]
    return sum(max(0, a + b - all_) for a, b, all_ in pairs), sum(min(a, b) for a, b, _ in pairs)


def both_at_once_are_bounded():
    said = 0
    for rule, reason in itertools.product(filter(None, WORLD.rules), WORLD.reasons):
        run = WORLD.log.run("top", "-n", "0", "--rule", rule, "--reason", reason, "--json")
        counted = sum(row["packets"] for row in run.json) if run.code == 0 else 0
        least, most = bounds(rule, reason)
        true(least <= counted <= most, f"{rule} {reason}: {counted} is not from {least} to {most}")
        told = re.search(r"from (\d+) to (\d+) packets", run.err)
        if not told:
            same((counted, counted), (least, most), f"{rule} {reason}: {run.err}")
            continue
        said += 1
        true(int(told[1]) <= least and most <= int(told[2]), f"{rule} {reason}: {run.err}, and not {least} to {most}")
        found = WORLD.log.run("list", "--rule", rule, "--reason", reason, "--json")
        same(len(found.json) if found.code == 0 else 0,
             sum(rules_of(one).get(rule, 0) > 0 and reasons_of(one).get(reason, 0) > 0 for one in WORLD.records), f"{rule} {reason}")
    true(said > 0, "something is not known")


def shared_figures_are_said_to_be():
    rule = max(filter(None, WORLD.rules), key=WORLD.rules.get)
    true("in one of the possible ways" in WORLD.log.run("pools", "--by", "reason", "--rule", rule).out, "in the table")
    run = WORLD.log.run("pools", "--by", "reason", "--rule", rule, "--json")
    true(run.json and "in one of the possible ways" in run.err, run.err)
    same(WORLD.log.run("pools", "--by", "reason", "--json").err, "", "by reason alone")


def main():
    global WORLD  # pylint: disable=global-statement
    if len(sys.argv) != 3:
        sys.exit("usage: mixed.py OP25B-LOG OP25B-MONTH")
    with tempfile.TemporaryDirectory() as directory:
        WORLD = World(sys.argv[1], sys.argv[2], directory)
        run_cases([there_are_records_of_several_rules_and_reasons, groups_are_what_the_records_say, filters_are_what_the_records_say,
                   a_subscriber_is_told_by_his_records, the_page_is_what_the_records_say, both_at_once_are_bounded,
                   shared_figures_are_said_to_be])


if __name__ == "__main__":
    main()
