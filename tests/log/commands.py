#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What op25b-log's commands say of a month whose truth is known: commands.py OP25B-LOG OP25B-MONTH.

Every figure is compared with what was sent, never with what the program said before.
"""
import datetime
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import Log, run_cases, same, true

SUMS = {"packets": "packets", "attempts": "attempts", "packets_blocked": "blocked", "packets_offloaded": "offloaded"}
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
HOUR_US = 3600 * 1000000


def microseconds(text):
    since = datetime.datetime.fromisoformat(text) - EPOCH
    return (since.days * 86400 + since.seconds) * 1000000 + since.microseconds


def sums_of(row):
    return {name: row[name] for name in SUMS}


def true_sums(*entries):
    return {name: sum(entry[truth] for entry in entries) for name, truth in SUMS.items()}


def at(us):
    """A time for the command line."""
    return f"@{us // 1000000}"


class Month:
    def __init__(self, program, generator, directory):
        subprocess.run([generator, "--days", "3", "--bots", "8", "--clients", "12", "--servers", "2", "--rare", "15",
                        "--rotate", "2", "--duplicates", "4", "--flood-sources", "40", "--mixed", "40", directory],
                       check=True, stdout=subprocess.DEVNULL)
        self.directory = Path(directory)
        self.truth = json.loads((self.directory / "truth.json").read_text(encoding="utf-8"))
        files = sorted(self.directory.glob("*/events.json"))
        self.log = Log(program, directory, files)
        self.log.files += ["-p", str(self.directory / "op25b.ini")]
        self.subscribers = {entry["subscriber"]: entry for entry in self.truth["subscribers"]}
        self.start_us = self.truth["start_s"] * 1000000


MONTH = None


def rows(*arguments):
    return MONTH.log.rows(*arguments)


def the_first_run_fills_the_store_and_the_next_adds_nothing():
    truth = MONTH.truth
    run = MONTH.log.run("ingest", "--json")
    same(run.code, 0, run.err)
    row = run.json[0]
    same(row["lines"], truth["lines"], "lines")
    same(row["refused"], 0, "refused")
    same(row["duplicates"], sum(source["duplicates"] for source in truth["sources"]), "duplicates")
    same(row["records"] + row["notices"] + row["duplicates"], row["lines"], "records, notices and duplicates")
    true(str(MONTH.directory / "home/.cache/op25b/review-") in row["store"], f"the store is {row['store']}")
    again = MONTH.log.run("ingest", "--json")
    same((again.code, again.json[0]["records"]), (1, 0), "the second run")


def top_tells_every_subscriber_with_his_sums():
    found = {row["subscriber"]: row for row in rows("top", "-n", "0")}
    unknown = found.pop("(unknown)")
    same(set(found), set(MONTH.subscribers), "subscribers")
    same(sums_of(unknown), true_sums(MONTH.truth["overflow"]), "of unknown subscribers")
    for name, entry in MONTH.subscribers.items():
        row = found[name]
        same(sums_of(row), true_sums(entry), name)
        same(row["pool"], entry["pool"], f"{name}: pool")
        same((microseconds(row["first"]), microseconds(row["last"])), (entry["first_us"], entry["last_us"]), name)
        same(row["hours_active"], entry["hours_active"], f"{name}: hours")
        if row["destinations_exact"] and entry["destinations_known"]:
            same(row["destinations"], entry["destinations"], f"{name}: destinations")


def top_calls_bots_bots_and_nobody_else():
    for row in rows("top", "-n", "0"):
        entry = MONTH.subscribers.get(row["subscriber"])
        if not entry:
            continue
        true(row["class"] in (entry["class"], "unknown"), f"{row['subscriber']}: {row['class']}, and is a {entry['class']}")
        if entry["class"] == "bot":
            same(row["class"], "bot", f"{row['subscriber']}: {row['evidence']}")
            true("bot_destinations" in row["evidence"], row["evidence"])


def top_is_sorted_and_limited():
    for order in ("attempts", "packets", "destinations"):
        got = [row[order] for row in rows("top", "-n", "9", "--sort", order)]
        same(len(got), 9, order)
        same(got, sorted(got, reverse=True), order)


def timeline_tells_every_hour():
    found = {microseconds(row["start"]): row for row in rows("timeline", "--step", "1h", "--until", at(MONTH.start_us + 73 * HOUR_US))}
    for hour in MONTH.truth["hours"]:
        row = found[hour["start_s"] * 1000000]
        same(sums_of(row), true_sums(hour), row["start"])
        same(row["subscribers"], hour["subscribers"], row["start"])


def timeline_of_days_begins_at_local_midnight():
    found = rows("timeline", "--step", "1d", "--until", at(MONTH.start_us + 73 * HOUR_US))
    true(all("T00:00:00.000000+09:00" in row["start"] for row in found), found[0]["start"])
    same(sum(row["attempts"] for row in found), MONTH.truth["totals"]["attempts"], "attempts")


def groups_tell_their_sums():
    for by, name in (("pool", "pools"), ("rule", "rules"), ("reason", "reasons"), ("host", "hosts")):
        found = {row["name"]: row for row in rows("pools", "--by", by)}
        for key, entry in MONTH.truth[name].items():
            if entry["packets"] > 0:
                same(found[key]["packets"], entry["packets"], f"{by} {key}: packets")
            # Of records that tell several rules the times are known of all together: only hosts and pools are never mixed.
            if entry["packets"] > 0 and name in ("hosts", "pools"):
                same(sums_of(found[key]), true_sums(entry), f"{by} {key}")
                same(found[key]["subscribers"], entry["subscribers"], f"{by} {key}: subscribers")
    same(sum(row["packets"] for row in rows("pools", "--by", "reason")), MONTH.truth["totals"]["packets"], "of all reasons")


def filters_divide():
    whole = {row["subscriber"]: row for row in rows("top", "-n", "0", "--pool", "homes6")}
    same(set(whole), {name for name, entry in MONTH.subscribers.items() if entry["pool"] == "homes6"}, "of a pool")
    host = MONTH.truth["sources"][0]["host"]
    got = rows("top", "-n", "0", "--host", host)
    same(sum(row["packets"] for row in got), MONTH.truth["hosts"][host]["packets"], "of a gateway")
    bot = max(MONTH.truth["subscribers"], key=lambda entry: entry["attempts"])
    got = rows("top", "--src", bot["subscriber"])
    same([row["subscriber"] for row in got], [bot["subscriber"]], "of a source")
    got = rows("top", "-n", "0", "--min-attempts", bot["attempts"])
    same([row["subscriber"] for row in got if row["subscriber"] != "(unknown)"], [bot["subscriber"]], "of many attempts")
    same(MONTH.log.run("top", "--pool", "nowhere").code, 1, "of no pool")


def an_address_inside_finds_the_delegated_prefix():
    name = next(name for name in MONTH.subscribers if ":" in name)
    inside = name.split("/", maxsplit=1)[0] + "1"
    got = rows("show", inside)
    same([row["subscriber"] for row in got], [name], inside)


def periods_divide():
    middle = MONTH.start_us + 30 * HOUR_US
    before, after = rows("timeline", "--step", "1h", "--since", at(MONTH.start_us), "--until", at(middle)), None
    after = rows("timeline", "--step", "1h", "--since", at(middle), "--until", at(MONTH.start_us + 73 * HOUR_US))
    hours = MONTH.truth["hours"]
    same(sum(row["packets"] for row in before), sum(hour["packets"] for hour in hours[:30]), "before")
    same(sum(row["packets"] for row in after), sum(hour["packets"] for hour in hours[30:]), "after")
    top = rows("top", "-n", "0", "--since", at(middle))
    same(sum(row["packets"] for row in top), sum(hour["packets"] for hour in hours[30:]), "of top")
    local = datetime.datetime.fromtimestamp(middle / 1000000, datetime.timezone(datetime.timedelta(hours=9)))
    same(rows("top", "-n", "0", "--since", local.strftime("%Y-%m-%d %H:%M")), top, "in local time")


def first_seen_tells_who_is_new():
    since = MONTH.start_us + 24 * HOUR_US
    wanted = {name for name, entry in MONTH.subscribers.items() if entry["first_us"] >= since}
    got = [row["subscriber"] for row in rows("first-seen", "-n", "0", "--since", at(since))]
    same({name for name in got if name != "(unknown)"}, wanted, "new ones")


def compare_tells_who_came_and_went():
    middle, end = MONTH.start_us + 36 * HOUR_US, MONTH.start_us + 73 * HOUR_US
    got = rows("compare", "--since", at(middle), "--until", at(end), "--against-since", at(MONTH.start_us), "--all")
    found = {row["subscriber"]: row for row in got}
    found.pop("(unknown)", None)
    same(set(found), set(MONTH.subscribers), "subscribers")
    for name, entry in MONTH.subscribers.items():
        row = found[name]
        same(row["attempts_before"] + row["attempts"], entry["attempts"], name)
        same(row["change"] == "new", entry["first_us"] >= middle, f"{name}: {row['change']}, first {entry['first_us']}")
        same(row["change"] == "gone", entry["last_us"] < middle, f"{name}: {row['change']}, last {entry['last_us']}")


def subscribers_are_counted_alike():
    """Those of unknown ones are a row, but no subscriber."""
    wanted, begin, end = len(MONTH.subscribers), MONTH.start_us, MONTH.start_us + 73 * HOUR_US
    true("(unknown)" in MONTH.log.run("top", "-n", "0").out, "there is such a row")
    for said, *command in ((f" of {wanted} subscribers", "top", "-n", "5"),
                           (f" of {wanted} subscribers", "first-seen", "-n", "5", "--since", at(begin)),
                           (f": {wanted} subscribers,", "compare", "--since", at(begin), "--until", at(end)),
                           (f"{wanted} new, 0 back", "compare", "--since", at(begin), "--until", at(end))):
        out = MONTH.log.run(*command).out
        true(said in out, f"{command}: no {said!r} in {out}")


def destinations_and_list_agree():
    listed = rows("list")
    same(sum(row["packets"] for row in listed), MONTH.truth["totals"]["packets"], "packets of all records")
    times = [microseconds(row["time"]) for row in listed]
    same(times, sorted(times, reverse=True), "latest first")
    forward = [microseconds(row["time"]) for row in rows("list", "--reverse")]
    same(forward, sorted(times), "earliest first")
    name = rows("destinations", "-n", "1")[0]["destination"]
    got = rows("list", "--dst", name)
    true(0 < len(got) < len(listed), f"{len(got)} of {len(listed)} records tell {name}")


def tail_tells_the_last_ones():
    last = [(row["host"], row["boot_id"], row["seq"]) for row in rows("list", "-n", "5")]
    got = [(row["host"], row["boot_id"], row["seq"]) for row in rows("tail", "-n", "5")]
    same(got, last[::-1], "the last five")


def show_tells_everything():
    bot = max(MONTH.truth["subscribers"], key=lambda entry: entry["attempts"])
    row = rows("show", bot["subscriber"])[0]
    same(sums_of(row), true_sums(bot), "sums")
    same(sum(row["attempts_by_hour"]), bot["attempts"], "by hour")
    same(sum(row["attempts_by_day"]), bot["attempts"], "by day")
    same(sum(group["packets"] for group in row["reasons"]), bot["packets"], "by reason")
    same([host["name"] for host in row["hosts"]], bot["hosts"], "gateways")
    true(len(row["latest_records"]) == 5, "five records")
    same(row["exemptions"], [], "exemptions")
    text = MONTH.log.run("show", bot["subscriber"]).out
    for word in (bot["subscriber"], "bot_destinations", "pool-enforce", "by hour", bot["hosts"][0]):
        true(word in text, f"{word} is not in {text}")
    same(MONTH.log.run("show", "203.0.113.1").code, 1, "of nobody")


def forms_say_the_same():
    as_json = rows("top", "-n", "4")
    same(MONTH.log.run("top", "-n", "4", "--output", "ndjson").lines, as_json, "ndjson")
    as_csv = MONTH.log.run("top", "-n", "4", "--output", "csv").csv
    same([row["subscriber"] for row in as_csv], [row["subscriber"] for row in as_json], "csv")
    same([int(row["attempts"]) for row in as_csv], [row["attempts"] for row in as_json], "csv")
    table = MONTH.log.run("top", "-n", "4").out
    for row in as_json:
        true(any(line.split()[:3] == [row["subscriber"], row["class"], str(row["attempts"])]
                 for line in table.splitlines()), f"{row['subscriber']} is not in {table}")
    true("\x1b" not in table, "no colour where there is no terminal")
    true("\x1b[31mbot" in MONTH.log.run("top", "-n", "4", "--color", "always").out, "colour where it is wanted")
    utc = MONTH.log.run("top", "-n", "1", "--json", "--utc").json[0]
    same(microseconds(utc["first"].replace("Z", "+00:00")), microseconds(as_json[0]["first"]), "utc")
    true(MONTH.log.run("top", "-n", "1", LC_ALL="C").out.isascii(), "ASCII where there is nothing else")


def main():
    global MONTH  # pylint: disable=global-statement
    if len(sys.argv) != 3:
        sys.exit("usage: commands.py OP25B-LOG OP25B-MONTH")
    with tempfile.TemporaryDirectory() as directory:
        MONTH = Month(sys.argv[1], sys.argv[2], directory)
        run_cases([the_first_run_fills_the_store_and_the_next_adds_nothing, top_tells_every_subscriber_with_his_sums,
                   top_calls_bots_bots_and_nobody_else, top_is_sorted_and_limited, timeline_tells_every_hour,
                   timeline_of_days_begins_at_local_midnight, groups_tell_their_sums, filters_divide,
                   an_address_inside_finds_the_delegated_prefix, periods_divide, first_seen_tells_who_is_new,
                   compare_tells_who_came_and_went, subscribers_are_counted_alike, destinations_and_list_agree,
                   tail_tells_the_last_ones, show_tells_everything, forms_say_the_same])


if __name__ == "__main__":
    main()
