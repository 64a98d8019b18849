#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What op25b-log calls offenders, how people deal with them, and whether all is stored: work.py OP25B-LOG OP25B-MONTH.

Against months whose truth is known. Exemptions are reviewed against what a daemon is made to say.
"""
import collections
import concurrent.futures
import datetime
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import Log, run_cases, same, true

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
LEAST = 10  # attempts, of whom fewer are known nothing is said: the policy's default
DAY_S = 86400


def microseconds(text):
    since = datetime.datetime.fromisoformat(text) - EPOCH
    return (since.days * DAY_S + since.seconds) * 1000000 + since.microseconds


class Month:
    def __init__(self, program, generator, directory, *options):
        self.directory = Path(directory)
        subprocess.run([generator, "--days", "3", "--bots", "8", "--clients", "20", "--servers", "4", "--rare", "15",
                        "--flood-sources", "40", *options, directory], check=True, stdout=subprocess.DEVNULL)
        self.truth = json.loads((self.directory / "truth.json").read_text(encoding="utf-8"))
        self.log = Log(program, directory, sorted(self.directory.glob("*/events.json")))
        self.log.files += ["-p", str(self.directory / "op25b.ini")]
        self.subscribers = {entry["subscriber"]: entry for entry in self.truth["subscribers"]}

    def queue_row(self, *arguments):
        rows = self.log.rows(*arguments)
        same(len(rows), 1, f"rows of {arguments}")
        return rows[0]


LOSSY = WHOLE = None


# ---- triage ----

def nobody_is_called_what_he_is_not():
    seen = collections.Counter()
    for row in WHOLE.log.rows("top", "-n", "0"):
        if row["subscriber"] == "(unknown)":
            continue
        truth = WHOLE.subscribers[row["subscriber"]]
        what, called = truth["class"], row["class"]
        seen[what, called] += 1
        if truth["attempts"] < LEAST:
            same(called, "unknown", f"{row['subscriber']} of {truth['attempts']} attempts")
            true(f"fewer than {LEAST} (least_attempts)" in row["evidence"], row["evidence"])
        elif what in ("bot", "client", "server"):
            true(called in (what, "unknown"), f"{what} {row['subscriber']} is called {called}: {row['evidence']}")
            # A server of a few hours is no server yet.
            true(what != "server" or called == "server" or truth["hours_active"] < 20, f"{row}")
        else:
            true(called in ("client", "unknown"), f"{what} {row['subscriber']} is called {called}")
    same(seen["bot", "bot"], 8, "bots")
    true(seen["server", "server"] >= 2, f"servers: {seen}")
    true(seen["client", "client"] >= 10, f"clients: {seen}")


# ---- the work queue ----

def new_ones_are_open_and_the_worst_come_first():
    attempts = sorted((entry["attempts"] for entry in WHOLE.subscribers.values()), reverse=True)
    rows = WHOLE.log.rows("queue", "-n", "7")
    same([row["attempts"] for row in rows], attempts[:7], "attempts")
    same({row["state"] for row in rows}, {"open"}, "states")
    same({row["stopped"] for row in rows}, {None}, "stopped")
    same(WHOLE.log.run("queue", "--state", "relapsed").code, 1, "nobody has relapsed")


def who_goes_on_has_relapsed_to_the_microsecond():
    bot = next(entry for entry in WHOLE.subscribers.values() if entry["class"] == "bot")
    name, last_us = bot["subscriber"], bot["last_us"]
    first, behind = f"@{bot['first_us'] // 1000000}", f"@{(last_us + 1000000) // 1000000}"
    row = WHOLE.queue_row("notified", name, "--at", first, "--grace", "0", "--note", "at first")
    true(row["state"] in ("continued", "relapsed"), row)
    same((row["stopped"], row["note"]), ("no", "at first"), "he did not stop")
    same(row["attempts_since"], bot["attempts"], "attempts since the first")
    grace_s = last_us // 1000000 - bot["first_us"] // 1000000
    row = WHOLE.queue_row("queue", name, "--grace", f"{grace_s}s")
    same((row["state"], row["stopped"]), ("continued", "no"), "the last packet is behind the grace period")
    row = WHOLE.queue_row("queue", name, "--grace", f"{grace_s + 1}s")
    same((row["state"], row["stopped"]), ("notified", "yes"), "the last packet is within the grace period")
    row = WHOLE.queue_row("notified", name, "--at", behind, "--by", "ann", "--ticket", "T-1", "--grace", "0")
    same((row["state"], row["stopped"], row["who"], row["ticket"]), ("notified", "yes", "ann", "T-1"), "he stopped")
    same(microseconds(row["last"]), last_us, "since")
    same(row["attempts_since"], 0, "attempts since")
    row = WHOLE.queue_row("ack", name, "--at", first, "--grace", "0", "--by", "bob")
    same((row["state"], row["stopped"], row["who"]), ("notified", "yes", "ann"), "what was before the latest, though entered later")
    row = WHOLE.queue_row("ack", name)
    same(row["stopped"], "too early", "just now")
    same(WHOLE.queue_row("reopen", name)["state"], "open", "reopened")
    history = WHOLE.log.rows("queue", "--history", name)
    same([event["what"] for event in history], ["notified", "acknowledged", "notified", "acknowledged", "reopened"], "history")


def what_was_entered_outlives_the_store():
    name = next(iter(WHOLE.subscribers))
    WHOLE.queue_row("note", name, "kept")
    store = next((WHOLE.log.directory / "home/.cache/op25b").glob("*.db"))
    for end in ("", "-wal", "-shm"):
        Path(f"{store}{end}").unlink(missing_ok=True)
    same(WHOLE.queue_row("queue", name)["note"], "kept", "the note")


def attempts_since_are_those_of_the_records_behind():
    """Of records that end before the deadline nothing is counted, and all of the others."""
    dealt = {event["subscriber"] for event in WHOLE.log.rows("queue", "--history")}
    for entry in [entry for entry in WHOLE.subscribers.values() if entry["subscriber"] not in dealt][:12]:
        middle_s = (entry["first_us"] + entry["last_us"]) // 2000000
        row = WHOLE.queue_row("ack", entry["subscriber"], "--at", f"@{middle_s}", "--grace", "0")
        listed = WHOLE.log.run("list", "--src", entry["subscriber"], "--since", f"@{middle_s}", "-n", "0", "--json")
        behind = [record for record in listed.json if record["subscriber"] == entry["subscriber"]] if listed.out else []
        same(row["attempts_since"] or 0, sum(record["attempts"] for record in behind), "attempts")
        WHOLE.queue_row("reopen", entry["subscriber"])


def notes_and_tickets_change_no_state():
    name = next(entry["subscriber"] for entry in WHOLE.subscribers.values() if entry["class"] == "server")
    row = WHOLE.queue_row("note", name, "日本 'quoted'; <b>")
    same((row["state"], row["note"], row["ticket"]), ("open", "日本 'quoted'; <b>", None), "note")
    row = WHOLE.queue_row("ticket", name, "T-9")
    same((row["state"], row["note"], row["ticket"]), ("open", "日本 'quoted'; <b>", "T-9"), "ticket")


def who_it_was_is_the_user_logged_in():
    name = next(iter(WHOLE.subscribers))
    same(WHOLE.log.run("ack", name, "--json", SUDO_USER="").json[0]["who"], "root", "himself")
    same(WHOLE.log.run("ack", name, "--json", SUDO_USER="carol").json[0]["who"], "carol", "with sudo")
    same(WHOLE.log.run("ack", name, "--json", "--by", "dave", SUDO_USER="carol").json[0]["who"], "dave", "--by")


def untouched():
    """Subscribers about whom nothing was entered, the busiest first."""
    touched = {event["subscriber"] for event in WHOLE.log.rows("queue", "--history")}
    return sorted((entry for name, entry in WHOLE.subscribers.items() if name not in touched), key=lambda entry: -entry["attempts"])


def who_dealt_with_it_is_told_whoever_writes_later():
    name, other = (entry["subscriber"] for entry in untouched()[:2])
    dealt = WHOLE.queue_row("ack", name, "--by", "alice", "--at", "2026-10-01 12:00")
    same((dealt["who"], dealt["dealt"]), ("alice", "2026-10-01T12:00:00.000000+09:00"), "alice")
    WHOLE.queue_row("note", name, "x", "--by", "bob")
    row = WHOLE.queue_row("ticket", name, "T-5", "--by", "carol")
    same((row["who"], row["dealt"]), (dealt["who"], dealt["dealt"]), "after a note and a ticket of others")
    same([event["who"] for event in WHOLE.log.rows("queue", "--history", name)], ["alice", "bob", "carol"], "who wrote what")
    bare = WHOLE.queue_row("note", other, "x", "--by", "bob")
    same((bare["state"], bare["who"], bare["dealt"]), ("open", None, None), "nobody dealt with it")


def a_grace_is_kept():
    entry = untouched()[0]
    name, when = entry["subscriber"], f"@{entry['last_us'] // 1000000 - 7200}"
    same(WHOLE.queue_row("notified", name, "--at", when, "--grace", "1h")["stopped"], "no", "as it is entered")
    same(WHOLE.queue_row("queue", name)["stopped"], "no", "the next look")
    same(WHOLE.queue_row("queue", name, "--grace", "3h")["state"], "notified", "another grace for this look")
    same(WHOLE.log.rows("queue", "--history", name)[0]["grace_s"], 3600, "in the history")
    same(WHOLE.queue_row("notified", name, "--at", when)["state"], "notified", "without one it is the usual one")
    same(WHOLE.log.rows("queue", "--history", name)[1]["grace_s"], None, "in the history")


def show_tells_where_he_stands():
    name, nobodys = (entry["subscriber"] for entry in untouched()[:2])
    same(WHOLE.log.rows("show", nobodys)[0]["queue"],
         {"state": "open", "stopped": None, "attempts_since": None, "attempts_since_at_most": False, "silence_s": None, "observed_until": None,
          "unjudged_s": None, "dealt": None, "who": None, "ticket": None, "note": None}, "nobody dealt with him")
    WHOLE.queue_row("notified", name, "--by", "ann", "--at", "@1", "--grace", "0", "--ticket", "NOC-4711", "--note", "a remark")
    row, shown = WHOLE.queue_row("queue", name), WHOLE.log.rows("show", name, "--since", "2026-03-02")[0]["queue"]
    same(shown, {key: row[key] for key in shown}, "as the queue tells it, whatever the period")
    same((shown["state"], shown["ticket"], shown["note"]), ("relapsed", "NOC-4711", "a remark"), "state, ticket, note")
    text = WHOLE.log.run("show", name).out
    true(re.search(r"^ +queue +relapsed: .* by ann$", text, re.MULTILINE), text)
    true(re.search(r"^ +ticket +NOC-4711$", text, re.MULTILINE) and re.search(r"^ +note +a remark$", text, re.MULTILINE), text)


def filters_without_a_meaning_are_refused():
    name = next(iter(WHOLE.subscribers))
    before = len(WHOLE.log.rows("queue", "--history"))
    filters = {"--since": "-1h", "--until": "now", "--src": "10.0.0.0/8", "--dst": "10.0.0.1", "--pool": "x", "--rule": "x",
               "--reason": "pool-enforce", "--host": "x", "--min-attempts": "1", "--limit": "1"}
    for command in (["verify", "--no-ledger"], ["exemptions", "-p", write_policy(WHOLE.directory)], ["ingest"], ["ack", name],
                    ["notified", name], ["reopen", name], ["close", name], ["note", name, "x"], ["ticket", name, "x"]):
        for option, value in filters.items():
            if (command[0], option) == ("verify", "--host"):
                continue  # see the_ledger_of_one_gateway_is_verified()
            run = WHOLE.log.run(*command, option, value)
            same((run.code, run.out, f"takes no {option}" in run.err), (2, "", True), f"{command} {option}: {run.err}")
    for command, refused in ((["queue", "--history"], ("--dst", "--pool", "--rule", "--reason", "--host", "--min-attempts")),
                             (["queue", name], ("--since", "--until", "--src", "--pool", "--host")), (["show", name], ("--src",))):
        for option in refused:
            run = WHOLE.log.run(*command, option, filters[option])
            same((run.code, run.out), (2, ""), f"{command} {option}")
    for option in ("--json", "--output=csv"):
        run = WHOLE.log.run("report", "--html", "page.html", option)
        same((run.code, run.out, "report takes no --output" in run.err), (2, "", True), f"report {option}: {run.err}")
        true(not (WHOLE.log.directory / "page.html").exists(), "no page")
    same(WHOLE.log.run("queue", "--history", "--state", "open").code, 2, "--history --state")
    history = WHOLE.log.rows("queue", "--history")
    same(len(history), before, "nothing was entered")
    middle = sorted(event["time"] for event in history)[len(history) // 2]
    same(WHOLE.log.rows("queue", "--history", "--since", middle.replace("T", " ")), [event for event in history if event["time"] >= middle],
         "--since of what was entered")
    same({event["subscriber"] for event in WHOLE.log.rows("queue", "--history", "--src", name)}, {name}, "--src")
    same(len(WHOLE.log.rows("queue", "--history", "-n", "2")), 2, "-n")


def slips_are_told():
    run = WHOLE.log.run("top", "--reason", "pool-enforced")
    same((run.code, run.out, "did you mean \"pool-enforce\"" in run.err), (2, "", True), run.err)
    true("pool-monitor" in WHOLE.log.run("top", "--reason", "bogus").err, "the list")
    pool = WHOLE.log.rows("pools")[0]["name"]
    run = WHOLE.log.run("top", "--pool", pool + "x")
    same((run.code, f"did you mean \"{pool}\"" in run.err), (1, True), run.err)
    same(WHOLE.log.run("top", "--pool", pool).err, "", "a pool of the policy")
    run = WHOLE.log.run("show", "(unknown)")
    same((run.code, "sums alone" in run.err), (2, True), run.err)
    run = WHOLE.log.run("top", "--src", "100.64.0.1/9", "--json")
    true("--src 100.64.0.1/9: taken for 100.0.0.0/9" in run.err, run.err)
    same(run.json, WHOLE.log.rows("top", "--src", "100.0.0.0/9"), "of the prefix")


def what_makes_no_sense_is_refused():
    name = next(iter(WHOLE.subscribers))
    before = len(WHOLE.log.rows("queue", "--history"))
    for arguments in (["note", name, "a\nb"], ["note", name, ""], ["note", name, "\x1b[31mred"], ["note", name, "x" * 501],
                      ["ticket", name, "t" * 161], ["ack", name, "--by", "a\tb"], ["ack", name, "--at", "tomorrow"],
                      ["ack", name, "--at", "soon"], ["queue", "--grace", "long"], ["queue", "--state", "gone"],
                      ["ack", "nobody"], ["note", name], ["ack"]):
        run = WHOLE.log.run(*arguments)
        same((run.code, run.out), (2, ""), f"{arguments}")
        true(run.err, f"{arguments} is told")
    run = WHOLE.log.run("ack", "192.0.2.254")
    same((run.code, "no record is about" in run.err), (1, True), "nobody knows him")
    same(len(WHOLE.log.rows("queue", "--history")), before, "nothing was entered")


def an_address_is_its_subscriber():
    name = next(name for name in WHOLE.subscribers if name.endswith("/56"))
    row = WHOLE.queue_row("ack", name.split("::")[0] + "::25")
    same(row["subscriber"], name, "subscriber")


def several_at_once_lose_nothing():
    name = list(WHOLE.subscribers)[3]
    before = WHOLE.log.run("queue", "--history", name, "--json")
    known = len(before.json) if before.out else 0
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        codes = list(pool.map(lambda i: WHOLE.log.run("note", name, f"note {i}").code, range(18)))
    same(set(codes), {0}, "codes")
    notes = {event["note"] for event in WHOLE.log.rows("queue", "--history", name)[known:]}
    same(notes, {f"note {i}" for i in range(18)}, "notes")


# ---- verify ----

def gaps_and_duplicates_are_those_of_the_truth():
    run = LOSSY.log.run("verify", "--no-ledger", "--json")
    same(run.code, 1, f"code: {run.err}")
    found = {(row["host"], row["boot_id"], row["check"]): row for row in run.json}
    for source in LOSSY.truth["sources"]:
        key = (source["host"], source["boot_id"])
        row = found[(*key, "numbers")]
        same(row["expected"] - row["stored"], source["missing"], f"missing of {key}")
        same(row["expected"], source["last_seq"] - source["first_seq"] + 1, f"numbers of {key}")
        same(row["result"], "differs" if source["missing"] else "ok", f"result of {key}")
        lost = [one for one in run.json if (one["host"], one["boot_id"]) == key and one["check"].startswith("lost: ")]
        same(sum(one["expected"] for one in lost), source["missing"], f"numbers named as lost of {key}")
        for one in lost:
            first, last = (int(number) for number in re.findall(r"[0-9]+", one["check"]))
            true(source["first_seq"] < first <= last < source["last_seq"] and last - first + 1 == one["expected"], one["check"])
        again = found.get((*key, "met again, stored once"), {"stored": 0})
        same(again["stored"], source["duplicates"], f"duplicates of {key}")
    true(any(source["missing"] for source in LOSSY.truth["sources"]), "there are gaps")
    same(WHOLE.log.run("verify", "--no-ledger").code, 0, "nothing is missing")


def ledgers(month=None):
    """What the daemon of each router would say: it was never restarted."""
    truth = (month or WHOLE).truth
    for source in truth["sources"]:
        sums = truth["hosts"][source["host"]]
        # Packets of unknown subscribers stand in overflow records.
        yield {"events": {"host": source["host"], "boot_id": source["boot_id"], "next_seq": source["last_seq"] + 1,
                          "records": source["last_seq"] - source["first_seq"] + 1,
                          "told": {"blocked": sums["blocked"], "monitored": sums["packets"] - sums["blocked"],
                                   "attempts": sums["attempts"]}}}


def verify_ledgers(documents):
    path = WHOLE.directory / "ledger.json"
    path.write_text("\n".join(json.dumps(document) for document in documents), encoding="utf-8")
    return WHOLE.log.run("verify", "--ledger", path, "--json")


def ledgers_balance_and_one_packet_is_missed():
    run = verify_ledgers(ledgers())
    same((run.code, run.err), (0, ""), run.out)
    same(sum(row["check"] == "packets in them" for row in run.json), len(WHOLE.truth["sources"]), "ledgers")
    for part, key in (("events", "next_seq"), ("events", "records"), ("told", "blocked"), ("told", "monitored"),
                      ("told", "attempts")):
        documents = list(ledgers())
        changed = documents[1]["events"] if part == "events" else documents[1]["events"]["told"]
        changed[key] += 1
        run = verify_ledgers(documents)
        same(run.code, 1, f"one more in {key}")
        true(any(row["result"] == "differs" for row in run.json), f"{key} is told")


def the_ledger_of_one_gateway_is_verified():
    documents = list(ledgers())
    documents[1]["events"]["told"]["blocked"] += 1
    same(verify_ledgers(documents).code, 1, "one of them differs")
    for number, document in enumerate(documents):
        run = WHOLE.log.run("verify", "--ledger", WHOLE.directory / "ledger.json", "--host", document["events"]["host"])
        same(run.code, int(number == 1), f"by the ledger: {run.out}")


def a_ledger_that_is_none_is_an_error():
    for text in ("", "[]", "{}", '{"events":{}}', "{", '{"events":{"told":{},"boot_id":1,"next_seq":2}}'):
        path = WHOLE.directory / "none.json"
        path.write_text(text, encoding="utf-8")
        run = WHOLE.log.run("verify", "--ledger", path)
        same((run.code, run.out), (2, ""), repr(text))
        true(str(path) in run.err and "op25bctl status --json" in run.err, f"{text!r}: {run.err}")
    for part, key, value in (("events", "next_seq", -5), ("events", "records", "9"), ("events", "host", None), ("told", "blocked", 1e30),
                             ("told", "attempts", -1)):
        documents = list(ledgers())
        changed = documents[1]["events"] if part == "events" else documents[1]["events"]["told"]
        changed[key] = value
        same(verify_ledgers(documents).code, 2, f"{key} {value}")
    same(WHOLE.log.run("verify", "--ledger", "/nowhere/ledger.json").code, 2, "no file")
    run = WHOLE.log.run("verify")
    same((run.code, "does not answer" in run.err, "--no-ledger" in run.err), (2, True, True), "no daemon")


# ---- exemptions ----

def date(days):
    when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


EXEMPTIONS = {  # name: (lines, attempts that each of two daemons counted, state, use)
    "settled": (["owner = desk"], None, "in force", "not known"),
    "counted": (["count = yes", "ticket = T-1"], (5, 6), "in force", "used"),
    "idle": (["count = yes"], (0, 0), "in force", "unused"),
    "busy": (["count = yes", "until = {400}"], (10000, 10001), "in force", "overused"),
    "borderline": (["count = yes", "until = {400}"], (10000, 10000), "in force", "used"),
    "soon": (["until = {29}", "owner = ann"], (1, 0), "expiring", "used"),
    "late": (["until = {31}"], (1, 0), "in force", "used"),
    "over": (["until = {-1}"], (0, 0), "expired", "unused"),
    "later": (["from = {1}", "until = {400}"], (0, 0), "not yet", "too early"),
    "young": (["count = yes", "from = {-13}", "until = {400}"], (0, 0), "in force", "too early"),
    "grown": (["count = yes", "from = {-15}", "until = {400}"], (0, 0), "in force", "unused"),
}


def write_policy(directory):
    sections = ["[gateway]", "mode = monitor", "fail = open", "upstream_interfaces = eth0", "control = /nowhere/socket"]
    for number, (name, (lines, _, _, _)) in enumerate(EXEMPTIONS.items(), 1):
        sections += [f"[exempt {name}]", f"prefix = 10.0.0.{number}"]
        for line in lines:
            head, _, days = line.partition("{")
            sections.append(head + date(int(days[:-1])) if days else line)
    path = Path(directory) / "exempt.ini"
    path.write_text("\n".join(sections) + "\n", encoding="utf-8")
    return path


def answer(gateway, days):
    rows = [{"name": name, "attempts": counts[gateway], "packets": counts[gateway], "first": date(-3), "last": date(-2)}
            for name, (_, counts, _, _) in EXEMPTIONS.items() if counts and counts[gateway]]
    return {"host": f"gw{gateway}", "since": date(-days), "digest": "0" * 32, "used": len(rows), "exemptions": rows}


def review(documents, *options):
    path = WHOLE.directory / "uses.json"
    path.write_text("".join(json.dumps(document, indent=1) for document in documents), encoding="utf-8")
    policy = write_policy(WHOLE.directory)
    return WHOLE.log.run("exemptions", "-p", policy, "--uses", path, "--json", *options)


def exemptions_are_told_with_what_is_known():
    run = review([answer(0, 40), answer(1, 20)])
    same(run.code, 0, run.err)
    true("follows another policy" in run.err, "another digest is told")
    found = {row["name"]: row for row in run.json}
    same(list(found), list(EXEMPTIONS), "names")
    for name, (_, counts, state, use) in EXEMPTIONS.items():
        same((found[name]["state"], found[name]["use"]), (state, use), name)
        same(found[name]["attempts"], sum(counts) if counts else None, f"attempts of {name}")
    same(found["counted"]["ticket"], "T-1", "ticket")
    same(found["settled"]["owner"], "desk", "owner")
    same(found["settled"]["counted_since"], None, "of what nobody counts")
    true("count = yes" in found["settled"]["why_not_known"], "why it is not known")
    same(found["idle"]["why_not_known"], None, "it is known")
    true(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+09:00", found["idle"]["counted_since"]), found["idle"])
    true(abs(microseconds(found["idle"]["counted_since"]) - microseconds(date(-20))) < 120000000, "since when the last of them counts")


def nothing_is_unused_too_early():
    found = {row["name"]: row for row in review([answer(0, 40), answer(1, 13)]).json}
    same({found[name]["use"] for name in ("idle", "over", "later", "young", "grown")}, {"too early"}, "counted for 13 days by the last of them")
    same((found["idle"]["problem"], found["later"]["problem"], found["young"]["problem"]), ("no end", None, None), "which is no problem")
    found = {row["name"]: row for row in review([answer(0, 15)]).json}
    same((found["idle"]["use"], found["idle"]["problem"]), ("unused", "unused, no end"), "after 15 days")


def exemptions_within_over_and_problems():
    found = {row["name"]: row for row in review([answer(0, 20)], "--within", "32d", "--over", "400").json}
    same((found["late"]["state"], found["busy"]["use"]), ("expiring", "overused"), "other thresholds")
    same({row["name"]: row["problem"] for row in review([answer(0, 40), answer(1, 20)], "--problems").json},
         {"settled": "no end", "counted": "no end", "idle": "unused, no end", "busy": "overused", "soon": "expiring", "over": "expired, unused",
          "grown": "unused"}, "problems")
    shown = WHOLE.log.run("exemptions", "-p", write_policy(WHOLE.directory), "--uses", WHOLE.directory / "uses.json", "--problems").out
    true(re.search(r"^idle .*unused, no end$", shown, re.MULTILINE), f"which problem it is: {shown}")


def exemptions_that_a_daemon_left_out_are_not_unused():
    short = answer(0, 10)
    short["used"] += 1
    found = {row["name"]: row for row in review([short]).json}
    same((found["idle"]["use"], found["counted"]["use"]), ("not known", "used"), "of a list that is cut")


def uses_that_are_none_are_an_error():
    """Whatever an answer does not say must not be told as "unused"."""
    path, policy = WHOLE.directory / "uses.json", write_policy(WHOLE.directory)
    good = answer(0, 10)
    bad = ["", "[]", "{", "{}", '{"error":"no"}', '{"exemptions":5}', '{"exemptions":[]}', json.dumps(good) + "{}"]
    for key, value in (("since", "soon"), ("since", None), ("digest", 5), ("used", -1), ("used", "9"), ("used", 0), ("exemptions", {}),
                       ("exemptions", [5])):
        bad.append(json.dumps({**good, key: value}))
    for key, value in (("attempts", -5), ("attempts", "7"), ("attempts", None), ("packets", 1.5), ("name", None), ("last", "then")):
        bad.append(json.dumps({**good, "exemptions": [{**good["exemptions"][0], key: value}, *good["exemptions"][1:]]}))
    for text in bad:
        path.write_text(text, encoding="utf-8")
        for command in (["exemptions"], ["report", "--html", "-"]):
            run = WHOLE.log.run(*command, "-p", policy, "--uses", path)
            same((run.code, run.out), (2, ""), f"{command} of {text}")
            true(str(path) in run.err and "op25bctl exemptions --json" in run.err, f"{text}: {run.err}")
    path.write_text(json.dumps(good), encoding="utf-8")
    same(WHOLE.log.run("exemptions", "-p", policy, "--uses", path).code, 0, "a good one")
    same(WHOLE.log.run("report", "--since", "2026-03-01", "--html", "-", "-p", policy, "--uses", path).code, 0, "a good one")


def exemptions_without_a_daemon_have_their_dates():
    run = WHOLE.log.run("exemptions", "-p", write_policy(WHOLE.directory), "--json")
    same(run.code, 0, "code")
    true("uses are not known" in run.err, run.err)
    same({row["use"] for row in run.json}, {"not known"}, "uses")
    same([row["state"] for row in run.json], [state for _, _, state, _ in EXEMPTIONS.values()], "states")
    same(WHOLE.log.run("exemptions", "-p", "/nowhere.ini").code, 2, "no policy")
    same(review([[]]).code, 2, "no answer")


def main():
    global LOSSY, WHOLE  # pylint: disable=global-statement
    if len(sys.argv) != 3:
        sys.exit("usage: work.py OP25B-LOG OP25B-MONTH")
    with tempfile.TemporaryDirectory() as lossy, tempfile.TemporaryDirectory() as whole:
        LOSSY = Month(*sys.argv[1:], lossy, "--gaps", "2", "--duplicates", "4", "--rotate", "1")
        WHOLE = Month(*sys.argv[1:], whole, "--restarts", "0")
        run_cases([nobody_is_called_what_he_is_not, new_ones_are_open_and_the_worst_come_first,
                   who_goes_on_has_relapsed_to_the_microsecond, what_was_entered_outlives_the_store,
                   attempts_since_are_those_of_the_records_behind,
                   notes_and_tickets_change_no_state, who_it_was_is_the_user_logged_in,
                   who_dealt_with_it_is_told_whoever_writes_later, a_grace_is_kept, show_tells_where_he_stands,
                   filters_without_a_meaning_are_refused, slips_are_told, what_makes_no_sense_is_refused,
                   an_address_is_its_subscriber, several_at_once_lose_nothing,
                   gaps_and_duplicates_are_those_of_the_truth, the_ledger_of_one_gateway_is_verified, ledgers_balance_and_one_packet_is_missed,
                   a_ledger_that_is_none_is_an_error, exemptions_are_told_with_what_is_known, nothing_is_unused_too_early,
                   exemptions_within_over_and_problems, exemptions_that_a_daemon_left_out_are_not_unused,
                   uses_that_are_none_are_an_error, exemptions_without_a_daemon_have_their_dates])


if __name__ == "__main__":
    main()
