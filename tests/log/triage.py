#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Who is called what, over every length of period: triage.py OP25B-LOG OP25B-MONTH.

A month whose truth is known, in which nobody may be called another class than his own, "unknown" excepted; and stories of
single subscribers, as records that were made by hand.
"""
import collections
import datetime
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import Log, run_cases, same, true

LEAST = 10  # attempts, of whom fewer are known nothing is said: the policy's default
HOUR_S, DAY_S = 3600, 86400
TOLD = ("bot", "client", "server")
MONTH = TEMPLATE = None
HOMES = []


def moment(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f+0000")


# ---- a month ----

class Month:
    def __init__(self, program, generator, directory):
        subprocess.run([generator, "--seed", "1", "--days", "30", directory], check=True, stdout=subprocess.DEVNULL)
        truth = json.loads((Path(directory) / "truth.json").read_text(encoding="utf-8"))
        self.log = Log(program, directory, sorted(Path(directory).glob("*/events.json")))
        self.log.files += ["-p", str(Path(directory) / "op25b.ini")]
        self.start_s = truth["start_s"]
        self.classes = {entry["subscriber"]: entry["class"] for entry in truth["subscribers"]}

    def called(self, *period):
        """How often each class was called which one, of those of whom enough is known."""
        seen = collections.Counter()
        for row in self.log.rows("top", "-n", "0", *period):
            what = self.classes.get(row["subscriber"])
            if what not in TOLD or row["attempts"] < LEAST:
                continue
            true(row["class"] in (what, "unknown"), f"{period}: {what} {row['subscriber']} is called {row['class']}: {row['evidence']}")
            seen[what, row["class"]] += 1
        return seen

    def called_in(self, hours, *starts):
        """The same, over periods of so many hours that begin so many hours after the month."""
        seen = collections.Counter()
        for start in starts:
            since = self.start_s + start * HOUR_S
            seen += self.called("--since", moment(since), "--until", moment(since + hours * HOUR_S))
        return seen


def over_a_month_all_but_few_are_called_what_they_are():
    seen = MONTH.called()
    same((seen["bot", "bot"], seen["bot", "unknown"]), (20, 0), "bots")
    same((seen["server", "server"], seen["server", "unknown"]), (4, 0), "servers")
    true(seen["client", "client"] >= 57 and seen["client", "unknown"] <= 2, f"{seen}")


def some_hours_tell_bots_alone():
    starts = range(0, 29 * 24, 31)  # each begins at another hour of the day
    for hours in (2, 6, 14):
        seen = MONTH.called_in(hours, *starts)
        true(seen["bot", "bot"] > 200 and seen["server", "unknown"] > 20, f"{hours} hours: {seen}")
        same([seen[what, what] for what in ("client", "server")], [0, 0], f"{hours} hours: {seen}")


def a_day_tells_servers_and_some_clients():
    seen = MONTH.called_in(24, *range(0, 29 * 24, 31))
    true(seen["server", "server"] > 4 * seen["server", "unknown"], f"{seen}")
    true(seen["client", "client"] > 50, f"{seen}")


def some_days_tell_nearly_everybody():
    for hours, starts in ((72, range(0, 27 * 24, 77)), (168, range(0, 23 * 24, 99))):
        seen = MONTH.called_in(hours, *starts)
        for what in TOLD:
            true(seen[what, what] > 4 * seen[what, "unknown"], f"{hours} hours, {what}: {seen}")


def filters_make_nobody_what_he_is_not():
    """Of a bot one destination alone may be asked for, and of a server that roams what one router saw."""
    seen = collections.Counter()
    for option, values in (("--dst", ("198.18.0.0/24", "198.19.0.0/17", "203.0.113.0/25")), ("--reason", ("pool-enforce", "pool-monitor")),
                           ("--host", ("gw1.isp.example", "gw2.isp.example")), ("--pool", ("dynamic", "static"))):
        for value in values:
            seen += MONTH.called(option, value)
    true(seen["bot", "unknown"] > 5 and seen["client", "unknown"] > 5, f"{seen}")
    # A pool has all records of its subscribers.
    whole, parts = MONTH.called(), sum((MONTH.called("--pool", pool) for pool in ("dynamic", "static", "homes6")), collections.Counter())
    same(parts, whole, "by pool")


# ---- stories ----

START_S = 1772323200  # the first of March, midnight


class Story:
    """One subscriber's records; there is nothing else in the store."""

    def __init__(self, program):
        self.place = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        HOMES.append(self.place)
        self.lines, self.program = [], program

    def try_at(self, hour, attempts=1, destination=0, span_h=0):
        """What a record tells that ends so many hours after the start, of a window of span_h hours."""
        new = json.loads(json.dumps(TEMPLATE))
        last = moment(START_S + hour * HOUR_S)
        new.update(timestamp=last, dest_ip=f"203.0.113.{destination}")
        new["op25b"].update(seq=len(self.lines) + 1, attempts=attempts, packets=attempts, packets_blocked=attempts, last_seen=last,
                            first_seen=moment(START_S + (hour - span_h) * HOUR_S), window_s=max(300, int(span_h * HOUR_S)))
        self.lines.append(json.dumps(new))
        return self

    def told(self, *arguments):
        directory = Path(self.place.name)
        (directory / "events.json").write_text("\n".join(self.lines) + "\n", encoding="utf-8")
        log = Log(self.program, directory, [directory / "events.json"])
        row, = log.rows("top", *arguments)
        return row["class"], row["evidence"]


def expect(story, called, *parts, period=()):
    found, evidence = story.told(*period)
    same(found, called, evidence)
    for part in parts:
        true(part in evidence, f"{part!r} in {evidence!r}")


def evenly(story, hours, minutes):
    """One try after the other, so many minutes apart."""
    for minute in range(hours[0] * 60, hours[1] * 60, minutes):
        story.try_at(minute / 60)
    return story


def new_story():
    return Story(MONTH.log.program)


def ten_thousand_in_an_hour_are_no_persons():
    story = new_story()
    for i in range(12):
        story.try_at(10 + i / 12, attempts=900, destination=i % 2)
    expect(story, "unknown", "2 destinations", "10800 attempts in an hour: more than 240 (client_attempts_per_hour)")
    for day in (1, 2, 3):
        for hour in (9, 10, 11, 12):
            story.try_at(day * 24 + hour, attempts=900)
    expect(story, "unknown", "more than 240 (client_attempts_per_hour)")


def a_probe_is_a_server_when_it_was_seen_for_a_day():
    expect(evenly(new_story(), (3, 10), 5), "unknown", "seen in 7 of 7 hours", "too short to tell a client from a server")
    expect(evenly(new_story(), (3, 22), 5), "unknown", "seen in 19 of 19 hours", "too short to tell a client from a server")
    story = evenly(new_story(), (3, 100), 5)
    expect(story, "server", "in 24 of the day's 24 hours", "active in 97 of 97 hours")
    expect(story, "unknown", "seen in 2 of 2 hours", "too short to tell a client from a server",
           period=("--since", moment(START_S + 50 * HOUR_S), "--until", moment(START_S + 52 * HOUR_S)))


def who_appeared_some_hours_ago_is_unknown():
    story = new_story().try_at(0)  # the address was somebody else's
    expect(evenly(story, (15 * 24 + 3, 15 * 24 + 12), 2), "unknown", "seen in 10 of 372 hours", "(client_silent_hours)")
    expect(story, "unknown", "seen in 9 of 9 hours", "too short", period=("--since", moment(START_S + 15 * DAY_S)))
    story = new_story()
    for hour in range(8):
        story.try_at(hour, attempts=20, destination=hour % 4)
    expect(story, "unknown", "4 destinations: more than 2 (client_destinations)", "fewer than 20 (server_clock_hours)")


def a_mail_program_is_a_client_when_a_night_was_seen():
    story = new_story()
    for day in (0, 1):
        for hour in (9, 10, 13, 17):
            story.try_at(day * 24 + hour, attempts=2, destination=hour % 2)
    expect(story, "client", "silent for 15 hours on end: 7 or more (client_silent_hours)", "at most 2 attempts in an hour")
    story = new_story()
    for hour in (9, 10, 11, 13, 16, 17):
        story.try_at(hour, attempts=2)
    expect(story, "unknown", "seen in 6 of 9 hours", "too short")
    # The next morning's first hour is not yet a habit.
    expect(story.try_at(33), "unknown", "seen in 7 of 25 hours", "is 2: fewer than 7 (client_silent_hours)")
    expect(story.try_at(34), "client", "silent for 15 hours on end")


def a_queue_with_long_pauses_is_no_client():
    """Some servers try old mail again every six hours, when their queue is run next."""
    expect(evenly(new_story(), (0, 100), 390), "unknown", "is 6: fewer than 7 (client_silent_hours)")


def long_windows_are_no_silence():
    """A record every twelve hours, each of which tells of all of them."""
    story = new_story()
    for half_day in range(1, 9):
        story.try_at(half_day * 12, attempts=100, span_h=11.9)
    expect(story, "unknown", "is 0: fewer than 7 (client_silent_hours)")
    for half_day in range(20, 28):
        story.try_at(half_day * 12, attempts=100, span_h=0.1)
    expect(story, "client")


# ---- the short form ----

def the_short_form_has_the_figures_of_the_long_one():
    def seconds(day, hour):
        return moment(MONTH.start_s + day * DAY_S + hour * HOUR_S)
    kinds = set()
    for period in ((), ("--since", seconds(3, 2), "--until", seconds(3, 4)), ("--since", seconds(3, 2), "--until", seconds(4, 8))):
        rows = MONTH.log.rows("top", "-n", "0", *period)
        lines = MONTH.log.run("top", "-n", "0", *period, COLUMNS="200").out.splitlines()
        start = lines[0].index("WHY")
        for row, line in zip(rows, lines[1:], strict=False):
            why = re.split(r" {2,}", line[start:])[0]
            true(row["subscriber"].startswith("(") or line.startswith(row["subscriber"]), line)
            true(len(why) <= 24 and re.fullmatch(r"[^<>=]*(: .*|known)", why), why)
            kinds.add((row["class"], re.sub(r"[0-9]+", "N", why)))
    true({("bot", "N dst: N or more"), ("client", "rest N h: N or more"), ("server", "N h: N or more"),
          ("unknown", "N of N h: too short"), ("unknown", "N att: under N")} <= kinds, kinds)


def main():
    global MONTH, TEMPLATE  # pylint: disable=global-statement
    if len(sys.argv) != 3:
        sys.exit("usage: triage.py OP25B-LOG OP25B-MONTH")
    with tempfile.TemporaryDirectory() as directory:
        MONTH = Month(*sys.argv[1:], directory)
        with open(Path(directory) / "gw1.isp.example/events.json", encoding="utf-8") as lines:
            TEMPLATE = json.loads(next(line for line in lines if '"kind":"first"' in line and '"ip_v":4' in line))
        run_cases([over_a_month_all_but_few_are_called_what_they_are, some_hours_tell_bots_alone,
                   a_day_tells_servers_and_some_clients, some_days_tell_nearly_everybody, filters_make_nobody_what_he_is_not,
                   ten_thousand_in_an_hour_are_no_persons,
                   a_probe_is_a_server_when_it_was_seen_for_a_day, who_appeared_some_hours_ago_is_unknown,
                   a_mail_program_is_a_client_when_a_night_was_seen, a_queue_with_long_pauses_is_no_client,
                   long_windows_are_no_silence, the_short_form_has_the_figures_of_the_long_one])
        for home in HOMES:
            home.cleanup()


if __name__ == "__main__":
    main()
