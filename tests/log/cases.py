#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the work queue says of few records, each made for the question: cases.py OP25B-LOG OP25B-MONTH.

Times are hours before now; each case has gateways and a store of its own.
"""
import datetime
import json
import re
import sys
import tempfile
from pathlib import Path

from harness import Log, run_cases, same, true

PROGRAM = None
NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
HE, OTHER = "100.64.0.1", "100.64.0.2"


def moment(hours_ago):
    return NOW - datetime.timedelta(hours=hours_ago)


def text(hours_ago):
    return moment(hours_ago).strftime("%Y-%m-%dT%H:%M:%S.%f+0000")


def at(hours_ago):
    return f"@{int(moment(hours_ago).timestamp())}"


def record(hours_ago, who, destination="192.0.2.25"):
    when = text(hours_ago)
    return {"timestamp": when, "event_type": "drop", "in_iface": "ppp0", "src_ip": who, "src_port": 40000, "dest_ip": destination,
            "dest_port": 25, "ip_v": 4, "proto": "TCP", "direction": "to_server",
            "drop": {"len": 60, "tos": 0, "ttl": 60, "ipid": 1, "tcpseq": 1, "tcpack": 0, "tcpwin": 1024, "syn": True, "ack": False, "psh": False,
                     "rst": False, "urg": False, "fin": False, "reason": "pool-enforce"},
            "op25b": {"kind": "first", "subscriber": who, "pool": "dynamic", "rule": "dynamic", "rule_kind": "pool", "reason": "pool-enforce",
                      "verdict": "drop", "monitored": False, "attempts": 1, "packets": 1, "packets_blocked": 1, "first_seen": when,
                      "last_seen": when, "window_s": 300, "distinct_destinations": 1, "distinct_destinations_exact": True, "policy": "1" * 32}}


def notice(kind, begin, end=None):
    """Of a period: its begin, or with an end the record of that."""
    ours = {"kind": kind, "state": "begin" if end is None else "end", "fail": "open", "begin": text(begin), "unjudged": 7, "unjudged_exact": True,
            "queue_full": 7, "buffer_full": 0, "policy": "1" * 32}
    if end is not None:
        ours["end"] = text(end)
    return {"timestamp": text(begin if end is None else end), "log_level": "Warning", "event_type": "engine",
            "engine": {"message": "packets passed"}, "op25b": ours}


class World:
    """A store of its own; gateways: lists of records by name."""

    def __init__(self, directory, policy="", **gateways):
        self.directory = Path(directory)
        self.policy = self.directory / "op25b.ini"
        self.policy.write_text("[gateway]\nfail = open\nunlisted = accept\ncontrol = /nowhere/socket\n" + policy, encoding="utf-8")
        self.seq = 0
        for name, records in gateways.items():
            self.write(name, records)
        self.log = Log(PROGRAM, directory, [self.directory / f"{name}.json" for name in gateways])
        self.log.files += ["-p", str(self.policy)]

    def write(self, name, records):
        with (self.directory / f"{name}.json").open("a", encoding="utf-8") as file:
            for one in records:
                self.seq += 1
                ours = {"schema": 1, "boot_id": f"{name:0>8.8}-0000-4000-8000-000000000000".replace("g", "a").replace("w", "b"), "seq": self.seq}
                file.write(json.dumps({**one, "host": name, "op25b": {**ours, **one["op25b"]}}) + "\n")

    def row(self, *arguments):
        rows = self.log.rows(*arguments)
        same(len(rows), 1, f"rows of {arguments}")
        return rows[0]

    def words(self, *arguments):
        run = self.log.run(*arguments)
        same(run.code, 0, f"code of {arguments}: {run.err}")
        return re.sub(r"\s+", " ", run.out)


def in_a_world(case):
    """The case gets a directory for its world."""
    def run():
        with tempfile.TemporaryDirectory() as directory:
            case(directory)
    run.__name__ = case.__name__
    return run


# ---- whether he stopped ----

@in_a_world
def silence_of_his_gateway_is_no_cure(directory):
    """He was told 100 hours ago, and the records of the gateway that saw him end before the grace period does."""
    world = World(directory, gw1=[record(110, HE), record(90, OTHER)], gw2=[record(1, OTHER)])
    row = world.row("notified", HE, "--at", at(100))
    same((row["state"], row["stopped"], row["attempts_since"]), ("notified", "no records since", None), "of whom nobody could tell")
    same(datetime.datetime.fromisoformat(row["observed_until"]), moment(90), "until when anything is known")
    words = world.words("queue", "--utc")
    true("no records since" in words, words)
    true(f"Latest record or notice: gw1 {moment(90):%Y-%m-%d %H:%M:%S}" in words and "gw2 " not in words.split("Latest")[1], words)
    same(world.log.rows("show", HE)[0]["queue"]["stopped"], "no records since", "show")
    shown = world.words("show", HE, "--utc")
    true("stopped: no records since" in shown and f"latest record or notice: gw1 {moment(90):%Y-%m-%d %H:%M:%S}" in shown, shown)


@in_a_world
def records_of_others_on_his_gateway_are_a_cure(directory):
    world = World(directory, gw1=[record(110, HE), record(1, OTHER)])
    row = world.row("notified", HE, "--at", at(100))
    same((row["stopped"], row["attempts_since"], row["unjudged_s"]), ("yes", 0, 0), "he stopped")
    true("Latest record" not in world.words("queue"), "nothing is to be said")


@in_a_world
def a_notice_is_a_word_of_the_gateway(directory):
    world = World(directory, gw1=[record(110, HE), notice("rules-back", 60)])
    same(world.row("notified", HE, "--at", at(100))["stopped"], "yes", "a notice since")
    true("Latest record or notice: gw1" in world.words("queue"), "it is old all the same")


@in_a_world
def a_gateway_of_long_ago_is_not_asked(directory):
    """He has moved to another one since."""
    world = World(directory, gw1=[record(1000, HE)], gw2=[record(110, HE), record(1, OTHER)])
    same(world.row("notified", HE, "--at", at(100))["stopped"], "yes", "where he was seen last there are records")


@in_a_world
def times_of_failing_open_are_not_observed(directory):
    """The grace period ended 76 hours ago."""
    whole = World(directory, gw1=[record(110, HE), notice("failed-open", 80), notice("failed-open", 80, 2), record(2, OTHER)])
    row = whole.row("notified", HE, "--at", at(100))
    same((row["stopped"], row["unjudged_s"]), ("no records since", 74 * 3600), "all the time nobody judged")
    true("packets passed that nobody judged: gw1 for 266400 seconds" in whole.words("queue"), whole.words("queue"))
    whole.write("gw1", [record(0.1, OTHER)])
    row = whole.row("queue", HE)
    same((row["stopped"], row["unjudged_s"]), ("yes", 74 * 3600), "but since then")
    true("nobody judged: gw1 for 266400 seconds" in whole.words("show", HE), "show tells it, too")


@in_a_world
def failing_open_without_an_end_goes_on(directory):
    world = World(directory, gw1=[record(110, HE), notice("failed-open", 77), record(1, OTHER)])
    same(world.row("notified", HE, "--at", at(100))["stopped"], "no records since", "until something else is told")
    world.write("gw1", [notice("absent", 70, 69), record(0.2, OTHER)])
    row = world.row("queue", HE)
    same((row["stopped"], row["unjudged_s"]), ("yes", 7 * 3600), "and no longer")


@in_a_world
def records_of_a_wrong_clock_are_no_cure(directory):
    world = World(directory, gw1=[record(110, HE), record(-9000, OTHER), record(90, OTHER)])
    same(world.row("notified", HE, "--at", at(100))["stopped"], "no records since", "of a time to come")


def main():
    global PROGRAM  # pylint: disable=global-statement
    if len(sys.argv) != 3:
        sys.exit("usage: cases.py OP25B-LOG OP25B-MONTH")
    PROGRAM = sys.argv[1]
    run_cases([silence_of_his_gateway_is_no_cure, records_of_others_on_his_gateway_are_a_cure, a_notice_is_a_word_of_the_gateway,
               a_gateway_of_long_ago_is_not_asked, times_of_failing_open_are_not_observed, failing_open_without_an_end_goes_on,
               records_of_a_wrong_clock_are_no_cure])


if __name__ == "__main__":
    main()
