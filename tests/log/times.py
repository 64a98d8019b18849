#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Which hours, days and weeks op25b-log tells, also where clocks change: times.py OP25B-LOG OP25B-MONTH."""
import collections
import datetime
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import Log, on_terminal, run_cases, same, true

BERLIN = "Europe/Berlin"  # 2026-03-29: clocks go from 02:00 to 03:00
MONTH = None


class Month:
    """Nine days from 2026-03-25 (Wednesday), 00:00 UTC, on."""

    def __init__(self, program, generator, directory):
        subprocess.run([generator, "--start", "2026-03-25T00:00:00Z", "--days", "9", "--routers", "1", "--bots", "2", "--clients", "4", "--servers",
                        "1", "--rare", "8", "--floods", "0", directory], check=True, stdout=subprocess.DEVNULL)
        self.truth = json.loads((Path(directory) / "truth.json").read_text(encoding="utf-8"))
        self.log = Log(program, directory, sorted(Path(directory).glob("*/events.json")))
        self.bot = max(self.truth["subscribers"], key=lambda entry: entry["attempts"])["subscriber"]

    def rows(self, *arguments, zone=BERLIN):
        run = self.log.run(*arguments, "--json", TZ=zone)
        same(run.code, 0, f"{arguments}: {run.err}")
        return run.json


def attempts_by_day(*arguments, zone=BERLIN):
    """Of the records themselves."""
    days = collections.Counter()
    for row in MONTH.rows("list", *arguments, zone=zone):
        days[row["time"][:10]] += row["attempts"]
    return days


def day_after(day, days=1):
    return (datetime.date.fromisoformat(day) + datetime.timedelta(days=days)).isoformat()


# ---- timeline ----

def days_begin_at_midnight_on_both_sides_of_a_change():
    rows = MONTH.rows("timeline", "--step", "1d")
    days = attempts_by_day()
    same([row["start"][10:19] for row in rows], ["T00:00:00"] * len(rows), "begins")
    same({row["start"][-6:] for row in rows}, {"+01:00", "+02:00"}, "both offsets")
    same({row["start"][:10]: row["attempts"] for row in rows if row["attempts"]}, {day: count for day, count in days.items() if count}, "attempts")
    same(sum(row["attempts"] for row in rows), MONTH.truth["totals"]["attempts"], "of all")
    # Least attempts are of the whole period, not of each day.
    least = MONTH.rows("top", "-n", "1")[0]["attempts"]
    rows = MONTH.rows("timeline", "--step", "1d", "--min-attempts", least)
    same(sum(row["attempts"] for row in rows), least, "of one")


def weeks_begin_on_mondays():
    rows = MONTH.rows("timeline", "--step", "1w")
    same([row["start"][:19] for row in rows], ["2026-03-23T00:00:00", "2026-03-30T00:00:00"], "begins")
    same(sum(row["attempts"] for row in rows), MONTH.truth["totals"]["attempts"], "of all")
    rows = MONTH.rows("timeline", "--step", "2d", "--utc")
    same({row["start"][10:19] for row in rows}, {"T00:00:00"}, "two days")
    same(len(rows) in (5, 6), True, f"{len(rows)} steps")


# ---- show ----

def days_of_show_are_those_with_packets():
    for zone, options in ((BERLIN, []), ("Asia/Tokyo", []), (BERLIN, ["--utc"])):
        days = {day: count for day, count in attempts_by_day("--src", MONTH.bot, *options, zone=zone).items() if count}
        row = MONTH.rows("show", MONTH.bot, *options, zone=zone)[0]
        first, last = min(days), max(days)
        count = (datetime.date.fromisoformat(last) - datetime.date.fromisoformat(first)).days + 1
        same(row["first_day"], first, f"{zone} {options}: first day")
        same(row["attempts_by_day"], [days.get(day_after(first, i), 0) for i in range(count)], f"{zone} {options}: by day")
        text = MONTH.log.run("show", MONTH.bot, *options, TZ=zone).out
        true(f"| {first[5:]} to {last[5:]}\n" in text, f"{first} to {last} in {text}")


def days_active_are_those_of_the_clock_on_the_wall():
    numbers = set()
    for zone, options in ((BERLIN, []), ("Asia/Tokyo", []), ("Asia/Tokyo", ["--utc"])):
        days = {row["time"][:10] for row in MONTH.rows("list", "--src", MONTH.bot, *options, zone=zone)}
        for command in (["show", MONTH.bot], ["top", "--src", MONTH.bot]):
            same(MONTH.rows(*command, *options, zone=zone)[0]["days_active"], len(days), f"{command} {zone} {options}")
        numbers.add(len(days))
    true(len(numbers) > 1, f"it matters which day is meant: {numbers}")


# ---- first-seen, compare ----

def first_seen_shows_when():
    since = ("--since", "2026-03-26 00:00")
    for command, shown, hidden in ((("first-seen", *since), "FIRST", "LAST"), (("first-seen", *since, "--sort", "last"), "LAST", "FIRST"),
                                   (("top", "--sort", "first"), "FIRST", "LAST"), (("top",), "LAST", "FIRST")):
        out, _ = on_terminal(MONTH.log, "--no-pager", *command, columns=80, TZ=BERLIN, NO_COLOR="1")
        titles = out.split("\r\n")[0].split()
        true(shown in titles and hidden not in titles, f"{command}: {titles}")


def that_records_begin_is_told_once():
    first = min(entry["first_us"] for entry in MONTH.truth["subscribers"])
    begin = datetime.datetime.fromtimestamp(first // 1000000, datetime.timezone.utc).strftime("records begin at %Y-%m-%d %H:%M:%SZ")
    late = ("--since", "2026-04-01", "--until", "2026-04-02")
    early = ("--since", "2026-03-26", "--until", "2026-03-28")
    for command in ("first-seen", "compare"):
        same(MONTH.log.run(command, "--utc", *early).out.count(begin), 1, f"{command} of the first days")
        same(MONTH.log.run(command, "--utc", *late).out.count("records begin"), 0, f"{command} of the last one")
        run = MONTH.log.run(command, "--utc", *early, "--json")
        true("records begin" not in run.out + run.err, f"{command}: programs are told rows alone")


def main():
    global MONTH  # pylint: disable=global-statement
    if len(sys.argv) != 3:
        sys.exit("usage: times.py OP25B-LOG OP25B-MONTH")
    with tempfile.TemporaryDirectory() as directory:
        MONTH = Month(*sys.argv[1:], directory)
        run_cases([days_begin_at_midnight_on_both_sides_of_a_change, weeks_begin_on_mondays, days_of_show_are_those_with_packets,
                   days_active_are_those_of_the_clock_on_the_wall, first_seen_shows_when, that_records_begin_is_told_once])


if __name__ == "__main__":
    main()
