#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the work queue says of few records, each made for the question: cases.py OP25B-LOG OP25B-MONTH.

Times are hours before now; each case has gateways and a store of its own.
"""
import contextlib
import datetime
import json
import re
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import Log, on_terminal, run_cases, same, true

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

    @staticmethod
    def boot_id(name):
        return f"{name:0>8.8}-0000-4000-8000-000000000000".replace("g", "a").replace("w", "b")

    def write(self, name, records):
        boot_id = self.boot_id(name)
        with (self.directory / f"{name}.json").open("a", encoding="utf-8") as file:
            for one in records:
                self.seq += 1
                ours = {"schema": 1, "boot_id": boot_id, "seq": self.seq}
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


class Daemon:
    """Answers one client as op25bd on that gateway would, which has given out the numbers before next_seq."""

    def __init__(self, world, name, next_seq):
        self.path = world.directory / "socket"
        world.policy.write_text(world.policy.read_text(encoding="utf-8").replace("/nowhere/socket", str(self.path)), encoding="utf-8")
        result = {"events": {"host": name, "boot_id": world.boot_id(name), "next_seq": next_seq}}
        self.words = [sys.executable, str(Path(__file__).parents[1] / "lib/strange_server.py"), str(self.path),
                      json.dumps({"op25b": 1, "ok": True, "result": result})]

    def __enter__(self):
        self.process = subprocess.Popen(self.words, stdout=subprocess.PIPE)  # pylint: disable=consider-using-with
        self.process.stdout.readline()

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


@in_a_world
def a_daemon_with_nothing_to_tell_is_asked(directory):
    world = World(directory, gw1=[record(110, HE), record(90, OTHER)])
    same(world.row("notified", HE, "--at", at(100))["stopped"], "no records since", "nobody answers")
    with Daemon(world, "gw1", 3):
        row = world.row("queue", HE)
    same(row["stopped"], "yes", "all that it wrote is stored")
    observed = datetime.datetime.fromisoformat(row["observed_until"])
    true(NOW - datetime.timedelta(minutes=61) < observed < NOW, f"until an hour ago: {observed}")
    for name, next_seq, why in (("gw1", 4, "a record of its is missing"), ("gw2", 3, "it is another gateway")):
        with Daemon(world, name, next_seq):
            run = world.log.run("queue", HE, "--json")
        same((run.json[0]["stopped"], run.err), ("no records since", ""), why)


# ---- who went on, and who came back ----

def every(step, begin, end):
    """Records of his, from so many hours ago to so many."""
    count = int((begin - end) / step)
    return [record(begin - i * step, HE, f"192.0.2.{i % 4}") for i in range(count + 1)]


@in_a_world
def who_never_stopped_has_not_relapsed(directory):
    world = World(directory, gw1=every(6, 200, 2))
    row = world.row("notified", HE, "--at", at(100))
    same((row["state"], row["stopped"], row["silence_s"]), ("continued", "no", None), "he went on")
    same(world.log.run("queue", "--state", "relapsed").code, 1, "nobody has relapsed")
    same(world.row("queue", "--state", "continued")["subscriber"], HE, "--state")
    true(re.search(r"queue continued: [0-9]+ attempts since; dealt with", world.words("show", HE)), world.words("show", HE))


@in_a_world
def who_was_silent_and_is_back_has_relapsed(directory):
    """Blocked until he was told, and again from 74 hours later on."""
    world = World(directory, gw1=every(6, 200, 98) + every(1, 24, 2) + [record(1, OTHER)])
    row = world.row("notified", HE, "--at", at(98))
    same((row["state"], row["stopped"], row["silence_s"], row["attempts_since"]), ("relapsed", "no", 74 * 3600, 23), "he came back")
    true("no: 23 after 3d" in world.words("queue", HE), world.words("queue", HE))
    true("23 attempts since, after a silence of 3d; dealt" in world.words("show", HE), "show")
    same(world.row("queue", HE, "--grace", "75h")["state"], "continued", "he was not silent for that grace period")


@in_a_world
def silence_from_the_first_day_counts(directory):
    world = World(directory, gw1=[record(110, HE), record(10, HE)])
    row = world.row("notified", HE, "--at", at(100))
    same((row["state"], row["silence_s"]), ("relapsed", 90 * 3600), "since he was told")


@in_a_world
def who_was_never_told_does_not_relapse(directory):
    world = World(directory, gw1=[record(110, HE), record(10, HE)])
    row = world.row("ack", HE, "--at", at(100))
    same((row["state"], row["stopped"], row["attempts_since"], row["silence_s"]), ("acknowledged", "no", 1, None), "whoever looks after him")
    row = world.row("notified", HE, "--at", at(101))
    same(row["state"], "relapsed", "who was told does")


@in_a_world
def who_is_closed_leaves_the_queue_until_he_is_back(directory):
    world = World(directory, gw1=[record(110, HE), record(1, OTHER)])
    same(world.row("notified", HE, "--at", at(100))["state"], "notified", "told")
    row = world.row("close", HE, "--at", at(60), "--by", "ann", "--ticket", "NOC-9")
    same((row["state"], row["stopped"], row["who"], row["ticket"]), ("closed", "yes", "ann", "NOC-9"), "closed")
    same([row["subscriber"] for row in world.log.rows("queue")], [OTHER], "the queue")
    same(world.row("queue", "--state", "closed")["subscriber"], HE, "--state closed")
    true("queue closed" in world.words("show", HE), world.words("show", HE))
    same(world.row("queue", HE)["state"], "closed", "of him alone")
    same([event["what"] for event in world.log.rows("queue", "--history")], ["notified", "closed"], "history")
    world.write("gw1", [record(50, HE), record(1, OTHER)])
    same(world.row("queue", HE)["state"], "closed", "within the grace period")
    world.write("gw1", [record(20, HE)])
    row = world.log.rows("queue")[0]
    same((row["subscriber"], row["state"], row["stopped"], row["attempts_since"]), (HE, "relapsed", "no", 1), "back by himself")
    same(world.log.run("queue", "--state", "closed").code, 1, "and closed no longer")
    same(world.row("ack", HE)["state"], "notified", "whoever deals with him opens it")


@in_a_world
def what_has_no_effect_is_told(directory):
    world = World(directory, gw1=[record(110, HE), record(1, OTHER)])
    run = world.log.run("notified", HE, "--at", at(50), "--by", "ann")
    same((run.code, run.err), (0, ""), "the first")
    run = world.log.run("notified", HE, "--at", at(60), "--by", "bob", "--utc")
    same(run.code, 0, "it is entered")
    words = re.sub(r"\s+", " ", run.err)
    true(f"entered; but what was entered for {moment(50):%Y-%m-%d %H:%M:%S}" in words and "by ann is later, and decides" in words, words)
    same(world.log.run("note", HE, "x").err, "", "a note decides nothing")
    same(world.log.run("reopen", HE).err, "", "the latest")


# ---- what he is ----

@in_a_world
def queue_and_compare_tell_the_class(directory):
    bot = [record(3 + i / 100, HE, f"198.51.100.{i}") for i in range(150)]
    client = [record(hour + i / 3, OTHER) for hour in (3, 15) for i in range(6)]  # with a night between
    world = World(directory, gw1=bot + client)
    wanted = {row["subscriber"]: row["class"] for row in world.log.rows("top")}
    same(wanted, {HE: "bot", OTHER: "client"}, "top")
    for dealt in (False, True):
        same({row["subscriber"]: row["class"] for row in world.log.rows("queue")}, wanted, f"queue, dealt with: {dealt}")
        same(world.log.run("ack", HE, "--note", "looks like the usual worm").code, 0, "ack")
    same({row["subscriber"]: row["class"] for row in world.log.rows("compare")}, wanted, "compare")
    true("class" in world.log.run("queue", "--output", "csv").csv[0], "csv")
    shown, code = on_terminal(world.log, "--no-pager", "queue", columns=80)
    same(code, 0, shown)
    true(all(word in shown for word in ("CLASS", "NOTE", "DEALT WITH", "bot", "looks")), f"80 columns: {shown}")
    shown, _ = on_terminal(world.log, "--no-pager", "compare", columns=80)
    true("CLASS" in shown, shown)


@in_a_world
def of_hundreds_each_has_his_own_figures(directory):
    """More than are looked up at once."""
    names = [f"100.64.{i // 200}.{i % 200}" for i in range(1, 251)]
    records = [record(3 + (i % 7) / 10 + j / 100, name, f"198.51.100.{j}") for i, name in enumerate(names) for j in range(1 + i % 13)]
    world = World(directory, gw1=records)
    same(world.log.run("ack", names[0]).code, 0, "ack")
    with contextlib.closing(sqlite3.connect(next(Path(directory).glob("home/.cache/op25b/*.db-work")))) as work:
        work.executemany("INSERT INTO work(subscriber_text, time, who, what) SELECT ? || '/32', time, who, what FROM work WHERE id = 1",
                         [(name,) for name in names[1:]])
        work.commit()
    wanted = {row["subscriber"]: (row["class"], row["attempts"], row["last"]) for row in world.log.rows("top", "-n", "0")}
    found = world.log.rows("queue", "-n", "0")
    same({row["state"] for row in found}, {"acknowledged"}, "all were dealt with")
    same({row["subscriber"]: (row["class"], row["attempts"], row["last"]) for row in found}, wanted, "figures")


# ---- who makes no records ----

EXEMPT = """[pool dynamic]
prefix = 100.64.0.0/10
[pool homes6]
prefix = 2001:db8:1000::/36
delegated_prefix_length = 56
[exempt office]
prefix = 100.64.0.1
prefix = 2001:db8:1001::/56
ticket = NOC-7
owner = desk
"""


@in_a_world
def who_is_exempt_is_shown_without_records(directory):
    world = World(directory, EXEMPT, gw1=[record(1, OTHER)])
    run = world.log.run("show", HE)
    words = re.sub(r"\s+", " ", run.out)
    same(run.code, 1, "there are no records")
    true(words.startswith(f"{HE} records no records pool dynamic exemption office, in force, ticket NOC-7, owner desk queue open: nobody"), words)
    run = world.log.run("show", HE, "--json")
    same((run.code, len(run.json)), (1, 1), "JSON")
    shown = run.json[0]
    same((shown["subscriber"], shown["records"], shown["policy_pools"]), (HE, 0, ["dynamic"]), "JSON")
    same([one["ticket"] for one in shown["exemptions"]], ["NOC-7"], "JSON")
    same(world.log.run("show", HE, "-o", "ndjson").lines[0], shown, "NDJSON")
    same(world.log.run("show", "2001:db8:1001::25", "--json").json[0]["subscriber"], "2001:db8:1001::/56", "as his pool delegates")
    words = re.sub(r"\s+", " ", world.log.run("show", OTHER, "--until", "-2h").out)
    true("records none with these filters pool dynamic queue open" in words, words)
    same(world.log.rows("show", OTHER)[0]["policy_pools"], ["dynamic"], "with records")


@in_a_world
def nobody_is_nobody(directory):
    world = World(directory, EXEMPT, gw1=[record(1, OTHER)])
    run = world.log.run("show", "192.0.2.1")
    same((run.code, run.out), (1, ""), "of whom nothing is known")
    run = world.log.run("show", "192.0.2.1", "--json")
    same((run.code, run.json), (1, []), "JSON")


@in_a_world
def the_queue_is_shown_when_the_records_are_gone(directory):
    world = World(directory, gw1=[record(110, HE), record(1, OTHER)])
    same(world.log.run("notified", HE, "--at", at(100), "--ticket", "NOC-8").code, 0, "told")
    for file in Path(directory).glob("home/.cache/op25b/*.db*"):
        if not file.name.endswith("-work"):
            file.unlink()
    (Path(directory) / "gw1.json").write_text("", encoding="utf-8")
    world.write("gw1", [record(1, OTHER)])
    words = re.sub(r"\s+", " ", world.log.run("show", HE).out)
    true(words.startswith(f"{HE} records no records queue notified") and "ticket NOC-8" in words, words)


# ---- verify ----

@in_a_world
def a_lossy_gateway_says_nothing_of_the_others(directory):
    world = World(directory, gw1=[record(3, HE)], gw2=[record(3, HE), record(2, HE)])
    world.seq += 5
    world.write("gw2", [record(1, HE)])
    same(world.log.run("verify", "--no-ledger").code, 1, "gw2 has a gap")
    run = world.log.run("verify", "--no-ledger", "--host", "gw1", "--json")
    same((run.code, {row["host"] for row in run.json}), (0, {"gw1"}), "gw1 has none")
    same(world.log.run("verify", "--no-ledger", "--host", "gw2").code, 1, "gw2 alone")
    run = world.log.run("verify", "--no-ledger", "--host", "gw3")
    same((run.code, run.out, "--host gw3" in run.err), (2, "", True), f"nobody knows it: {run.err}")


def main():
    global PROGRAM  # pylint: disable=global-statement
    if len(sys.argv) != 3:
        sys.exit("usage: cases.py OP25B-LOG OP25B-MONTH")
    PROGRAM = sys.argv[1]
    run_cases([silence_of_his_gateway_is_no_cure, records_of_others_on_his_gateway_are_a_cure, a_notice_is_a_word_of_the_gateway,
               a_gateway_of_long_ago_is_not_asked, times_of_failing_open_are_not_observed, failing_open_without_an_end_goes_on,
               records_of_a_wrong_clock_are_no_cure, a_daemon_with_nothing_to_tell_is_asked, who_never_stopped_has_not_relapsed, who_was_silent_and_is_back_has_relapsed,
               silence_from_the_first_day_counts, who_was_never_told_does_not_relapse, who_is_closed_leaves_the_queue_until_he_is_back,
               what_has_no_effect_is_told,
               queue_and_compare_tell_the_class, of_hundreds_each_has_his_own_figures, who_is_exempt_is_shown_without_records, nobody_is_nobody,
               the_queue_is_shown_when_the_records_are_gone, a_lossy_gateway_says_nothing_of_the_others])


if __name__ == "__main__":
    main()
