#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""op25b-log as people meet it: helps, narrow terminals, the pager, bars: terminal.py OP25B-LOG OP25B-MONTH."""
import fcntl
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

from harness import on_terminal, run_cases, same, true
from work import Month, write_policy

MONTH = POLICY = FAST_CLOCK = None
ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
BAR = re.compile(r"\[#*\.*\] \d+ records, \d+ a second")


def tables():
    """Commands, and columns that must be there however narrow the terminal."""
    bot = max(MONTH.truth["subscribers"], key=lambda entry: entry["attempts"])["subscriber"]
    return {("top", "-n", "9"): "SUBSCRIBER CLASS ATTEMPTS TO LAST",
            ("list", "-n", "9"): "TIME SUBSCRIBER ATTEMPTS PACKETS REASON",
            ("tail", "-n", "9"): "TIME SUBSCRIBER ATTEMPTS PACKETS REASON",
            ("timeline", "-n", "9"): "FROM ATTEMPTS",
            ("show", bot): "class evidence latest",
            ("first-seen", "-n", "9", "--since", "2026-03-02"): "SUBSCRIBER CLASS ATTEMPTS",
            ("destinations", "-n", "9"): "DESTINATION SUBSCRIBERS LAST",
            ("pools",): "NAME SUBSCRIBERS ATTEMPTS LAST",
            ("compare", "--since", "2026-03-02", "--until", "2026-03-03"): "CHANGE SUBSCRIBER CLASS BEFORE ATTEMPTS",
            ("queue", "-n", "9"): "STATE SUBSCRIBER CLASS STOPPED? TICKET NOC-4711",
            ("queue", "--history"): "SUBSCRIBER WHEN WHAT WHO",
            ("verify", "--no-ledger"): "HOST CHECK EXPECTED STORED RESULT",
            ("exemptions", "-p", POLICY): "EXEMPTION STATE USE UNTIL",
            ("ingest",): "FILES LINES RECORDS REFUSED"}


def shown_on(columns, *arguments, **changes):
    shown, _ = on_terminal(MONTH.log, *arguments, columns=columns, **changes)
    return [ESCAPES.sub("", line) for line in shown.replace("\r\n", "\n").split("\n")
            if not line.startswith("op25b-log: ")]


def widest(lines):
    return max((len(line), line) for line in lines)


def tables_fit_the_terminal():
    for arguments, titles in tables().items():
        for columns in (80, 33, 132):
            if arguments[0] == "show" and columns < 60:
                continue  # its curves have a width of their own
            lines = shown_on(columns, "--no-pager", *arguments)
            true(widest(lines)[0] <= columns, f"{arguments} at {columns}: {widest(lines)}")
        lines = shown_on(80, "--no-pager", *arguments)
        for title in titles.split():
            true(any(title in line for line in lines), f"{arguments}: no {title} in {lines[:3]}")


def thresholds(evidence):
    """As the short form has them: what is more than 2 begins at 3."""
    found = set(re.findall(r"(?<!than )\b(\d+)(?: or more)? \([a-z]+_[a-z_]+\)", evidence))
    for words, sign in ((r"more than (\d+) \(\w+_destinations", 1), (r"fewer than (\d+) \(bot_destinations", -1)):
        found |= {str(int(number) + sign) for number in re.findall(words, evidence)}
    return found | set(re.findall(r"than (\d+)\b", evidence))


def classes_stand_with_what_decided():
    for command in (["top", "-n", "50"], ["first-seen", "-n", "50", "--since", "2026-03-01"]):
        rows = MONTH.log.rows(*command)
        true(len({row["class"] for row in rows}) > 1, f"{command}: classes")
        for columns in (45, 68, 80, 120, 200):
            lines = shown_on(columns, "--no-pager", *command)
            true("ATTEMPTS" in lines[0], f"{columns}: {lines[0]}")
            same("WHY" in lines[0], columns > 45, f"{columns}: {lines[0]}")
            place = lines[0].find("WHY")
            for row, line in zip(rows, lines[1:], strict=False):
                true(line.startswith(row["subscriber"] + " ") and f" {row['attempts']}" in line, f"{row['subscriber']}: {line}")
                if place < 0:
                    continue
                why = re.split(r" {2,}", line[place:])[0]
                numbers, bounds = set(re.findall(r"\d+", why)), thresholds(row["evidence"])
                true(numbers <= set(re.findall(r"\d+", row["evidence"])) | bounds, f"{columns}: {why}, and {row['evidence']}")
                true(numbers & bounds or why.endswith((" known", " too short")), f"{columns}: {why}, and {row['evidence']}")


def what_was_only_monitored_is_marked():
    rows = MONTH.log.rows("list")
    same({row["monitored"] for row in rows}, {True, False}, "there are both")
    for columns in (80, 200):
        lines = shown_on(columns, "--no-pager", "list")[1:]
        for row, line in zip(rows, lines, strict=False):
            same(f" ({row['reason']})" in line, row["monitored"], f"{columns}: {line}")


def what_has_no_room_is_named_and_wide_shows_it():
    lines = shown_on(80, "--no-pager", "verify", "--no-ledger")
    true("(no room for BOOT: --wide)" in lines, f"{lines}")
    boot = MONTH.truth["sources"][0]["boot_id"]
    true(not any(boot in line for line in lines), f"{lines}")
    true(any(boot in line for line in shown_on(80, "--no-pager", "--wide", "verify", "--no-ledger")), "--wide")
    run = MONTH.log.run("verify", "--no-ledger", COLUMNS="80")
    true(boot in run.out and "no room" not in run.out, "where there is no terminal all is shown")


def tickets_are_whole():
    """A ticket of which half is shown leads nowhere; other columns go first."""
    names = sorted(MONTH.subscribers, key=len)
    tickets = {names[0]: "PROJECT-NETWORK-2026-0001234", names[-1]: "HD-00000000000000000017"}
    for name, ticket in tickets.items():
        same(MONTH.log.run("ack", name, "--at", "@1", "--ticket", ticket).code, 0, name)
    for command in (["queue", "-n", "0"], ["queue", "--history"]):
        lines = shown_on(80, "--no-pager", *command)
        for ticket in tickets.values():
            true(any(ticket in line for line in lines), f"{command}: {ticket} in {lines}")
    policy = MONTH.directory / "tickets.ini"
    policy.write_text("[gateway]\nfail = open\nunlisted = accept\n[exempt a-rather-long-name]\nprefix = 10.0.0.1\nuntil = 2040-01-01T00:00:00Z\n"
                      f"ticket = {tickets[names[0]]}\nowner = somebody\n", encoding="utf-8")
    lines = shown_on(80, "--no-pager", "exemptions", "-p", policy)
    true(any(tickets[names[0]] in line for line in lines), f"{lines}")


def the_environment_names_the_width():
    lines = shown_on(200, "--no-pager", "list", "-n", "5", COLUMNS="70")
    true(60 < widest(lines)[0] <= 70, f"{widest(lines)}")
    true(widest(shown_on(200, "--no-pager", "list", "-n", "5", COLUMNS="wide"))[0] > 80, "no number")


def the_pager_gets_what_fits():
    lines = shown_on(80, "list", "-n", "5", PAGER="sed s/^/:/")
    true(lines[0].startswith(":TIME") and widest(lines)[0] <= 81, f"{lines}")


def tail_follows_in_one_line_a_record():
    last = MONTH.log.rows("list", "-n", "4")
    # What there is no room for is told though it never ends.
    shown, _ = on_terminal(MONTH.log, "tail", "-f", "-n", "4", columns=80, until="--wide)", NO_COLOR="1")
    lines = shown.split("\r\n")
    true(widest(lines)[0] <= 80, f"{widest(lines)}")
    true(lines[0].startswith("TIME"), f"{lines}")
    for row, line in zip(reversed(last), lines[1:], strict=False):
        true(row["subscriber"] in line and row["reason"] in line, f"{row['subscriber']}: {line}")


def exemptions_say_once_why_nothing_is_known():
    text = " ".join(shown_on(80, "--no-pager", "exemptions", "-p", POLICY))
    same(text.count("count = yes"), 1, "the reason")
    same(text.count("no op25bd was asked"), 1, "the other")


def pools_say_what_the_dash_is():
    true(any(row["name"] is None for row in MONTH.log.rows("pools")), "there are records without a pool")
    true("\n-: sources in no pool" in MONTH.log.run("pools").out, "it is told")
    true("\n-: sources" not in MONTH.log.run("pools", "--src", "100.64.0.0/10", "--by", "host").out, "only where there is one")


def errors_fit_the_terminal_too():
    shown, code = on_terminal(MONTH.log, "--no-pager", "exemptions", "-p", POLICY, columns=80)
    lines = ESCAPES.sub("", shown).split("\r\n")
    true(code == 0 and "uses are not known" in shown and widest(lines)[0] <= 80, f"{widest(lines)}")


def verify_ends_with_a_sentence():
    missing = sum(source["missing"] for source in MONTH.truth["sources"])
    same(MONTH.log.run("verify", "--no-ledger").out.splitlines()[-1], f"Gaps: {missing} records are missing.", "the end")
    same(MONTH.log.run("verify", "--no-ledger", "--json").out[-3:], "\n]\n", "none in JSON")


# ---- helps ----

def long_helps_are_paged():
    shown, code = on_terminal(MONTH.log, "--help", columns=80, PAGER="sed s/^/PAGED:/")
    true(code == 0 and "PAGED:Usage: op25b-log " in shown and "PAGED:of commands that" in shown, shown[-300:])
    shown, code = on_terminal(MONTH.log, "top", "--help", columns=80, PAGER="sed s/^/PAGED:/")
    true(code == 0 and "PAGED:Usage: op25b-log top" in shown, shown[-300:])
    true("PAGED" not in on_terminal(MONTH.log, "--no-pager", "--help", columns=80, PAGER="sed s/^/PAGED:/")[0], "--no-pager")


def names_of(text):
    return set(re.findall(r"--[a-z][a-z-]+", text))


def helps_are_about_their_command():
    whole = MONTH.log.run("--help").out
    commands = re.findall(r"^ {2}([a-z-]+)", whole.split("Commands:")[1].split("Options of all")[0], re.MULTILINE)
    true(len(commands) == 21, f"{commands}")
    own = {name: MONTH.log.run(name, "--help").out for name in commands}
    for name, text in {"": whole, **own}.items():
        true(widest(text.split("\n"))[0] <= 80, f"{name}: {widest(text.split(chr(10)))}")
    for name, text in own.items():
        same(text.count("\n  op25b-log ") in (1, 2), True, f"examples of {name}: {text}")
        true(all(line.startswith(f"  op25b-log {name}") or f" {name} " in line
                 for line in text.split("Examples:\n")[1].splitlines()), f"examples of {name}: {text}")
        true("Exit code 0: " in text and "Exit code 2: " in text, name)
        for other in commands:
            options = set(re.findall(r"^ +(?:-[a-z], )?(--[a-z-]+)", own[other].split("\nAlso ")[0], re.MULTILINE))
            mine = set(re.findall(r"^ +(?:-[a-z], )?(--[a-z-]+)", text.split("\nAlso ")[0], re.MULTILINE))
            for option in options - mine:
                true(option not in names_of(text.split("Examples:")[0]), f"{name} --help names {option} of {other}")
    for name, word in (("verify", "complete"), ("verify", "gaps"), ("top", "at most 20"), ("tail", "at most 10"), ("queue", "20 others"),
                       ("report", "50 subscribers"), ("top", "/var/lib/op25b-review/review.db"), ("ack", "it was entered")):
        true(word in own[name], f"{word} is not in {own[name]}")
    true("review.db" not in own["exemptions"] and "--since" not in own["exemptions"], "exemptions needs no store")


def usual_rows_are_those_of_the_help():
    for name in ("top", "tail", "destinations"):
        most = int(re.search(r"at most (\d+)", MONTH.log.run(name, "--help").out).group(1))
        same(len(MONTH.log.rows(name)), most, f"rows of {name}")


def usual_rows_fit_the_screen():
    for command in (["top"], ["destinations"], ["first-seen", "--since", "2026-03-01"], ["tail"]):
        lines = [line for line in shown_on(80, "--no-pager", *command) if line.strip("\r")]
        true(10 < len(lines) < 23, f"{command}: {len(lines)} lines")
        more = [line for line in shown_on(80, "--no-pager", *command, "-n", "20") if line.strip("\r")]
        true(len(more) > len(lines), f"{command} -n 20: {len(more)} lines")
        tall = [line for line in shown_on(80, "--no-pager", *command, LINES="60") if line.strip("\r")]
        true(len(tall) >= len(lines) and (command == ["tail"] or len(tall) > 20), f"{command} on 60 lines: {len(tall)} lines")


# ---- what is asked ----

def silence_is_told_from_records_that_never_came():
    latest = max(row["time"] for row in MONTH.log.rows("list"))
    said = f"nothing found; the latest record is of {latest[:10]} {latest[11:19]}"
    for command in ("top", "list", "pools", "timeline", "destinations", "first-seen"):
        shown, code = on_terminal(MONTH.log, "--no-pager", command, "--since", "2040-01-01")
        true(code == 1 and said in shown, f"{command}: {said} in {shown}")
    shown, code = on_terminal(MONTH.log, "--no-pager", "exemptions", "--problems", "-p", POLICY)
    true("latest record" not in shown, shown)
    same(MONTH.log.run("top", "--since", "2040-01-01").err, "", "where there is no terminal")
    with tempfile.TemporaryDirectory() as directory:
        page = os.path.join(directory, "page.html")
        run = MONTH.log.run("report", "--since", "2040-01-01", "--until", "2040-01-02", "--html", page)
        true(run.code == 1 and f"the page tells of no record; the latest record is of {latest[:10]}" in run.err, run.err)
        true(os.path.getsize(page) > 1000, "it is written all the same")


def names_that_no_record_tells_are_said():
    host = MONTH.truth["sources"][0]["host"]
    rules = {row["rule"] for row in MONTH.log.rows("top", "-n", "0")} - {None}
    for option, name, wanted in (("--host", host[:-1], f'did you mean "{host}"?'), ("--host", "elsewhere", f"records tell of {host}, "),
                                 ("--rule", "no-such-rule-at-all", min(rules)), ("--rule", min(rules)[:-1], "did you mean")):
        run = MONTH.log.run("top", option, name)
        true(run.code == 1 and f"{option} {name}: no record tells of it" in run.err and wanted in run.err, f"{option} {name}: {run.err}")
    for option, name in (("--host", host), ("--rule", min(rules))):
        run = MONTH.log.run("top", option, name)
        same((run.code, run.err), (0, ""), f"{option} {name}")
    same(MONTH.log.run("top", "--host", host, "--since", "2040-01-01").err, "", "a known one of another time")


def queue_holds_its_limit():
    names = list(MONTH.subscribers)
    for name in names[:4]:
        same(MONTH.log.run("notified", name, "--at", "@1").code, 0, name)
    for rows in (1, 3, 5):
        same(len(MONTH.log.rows("queue", "-n", rows)), rows, f"-n {rows}")
    same({row["state"] for row in MONTH.log.rows("queue", "-n", "3")}, {"relapsed"}, "the most urgent")
    same(len(MONTH.log.rows("queue", "-n", "0")), len(names), "-n 0")
    true("There are more" in MONTH.log.run("queue", "-n", "3").out, "that there are more is told")
    true("There are more" not in MONTH.log.run("queue", "-n", "0").out, "that there are none, not")


def arguments_are_counted_in_english():
    for arguments, text in ((["show"], "show takes 1 argument: SUBSCRIBER"), (["top", "x"], "top takes no arguments"),
                            (["note", "x"], "note takes 2 arguments: SUBSCRIBER TEXT"),
                            (["queue", "x", "y"], "queue takes at most 1 argument: [SUBSCRIBER]")):
        run = MONTH.log.run(*arguments)
        true(run.code == 2 and f"op25b-log: {text}\n" in run.err, f"{arguments}: {run.err}")


def a_pager_that_cannot_be_run_is_told():
    for pager in ("/nowhere/pager", "no-such-pager-anywhere -x", "/tmp", " /nowhere/less -S"):
        shown, code = on_terminal(MONTH.log, "pools", PAGER=pager)
        true(code == 0 and f"PAGER is \"{pager}\", which cannot be run" in shown and "dynamic" in shown, f"{pager}: {shown}")
        same(shown.count("cannot be run"), 1, "it is told once")
    shown, code = on_terminal(MONTH.log, "pools", PAGER="LC_ALL=C sed s/^/PAGED:/")
    true(code == 0 and "PAGED:" in shown and "cannot" not in shown, shown)
    shown, code = on_terminal(MONTH.log, "pools", PAGER="(exit 127)")
    true("could not be run" in shown, shown)


def periods_of_all_times_are_answered():
    bot = max(MONTH.truth["subscribers"], key=lambda entry: entry["attempts"])
    period = ("--since", "1970-01-01", "--until", "9999-12-31")
    for arguments in (["show", bot["subscriber"]], ["top"], ["timeline"], ["list", "-n", "3"], ["pools"], ["first-seen"], ["queue"],
                      ["destinations"], ["timeline", "--step", "1h"], ["compare"]):
        run = MONTH.log.run(*arguments, *period, "--json")
        same((run.code, run.err), (0, ""), f"{arguments}")
        if arguments[0] == "timeline":
            true(len(run.json) <= 100, f"{arguments}: {len(run.json)} steps")
            same(sum(row["attempts"] for row in run.json), MONTH.truth["totals"]["attempts"], f"{arguments}")
    row = MONTH.log.rows("show", bot["subscriber"], *period)[0]
    same(row, MONTH.log.rows("show", bot["subscriber"])[0], "of all times")


# ---- the bar ----

def stopped_while_filling(start):
    """A run that waits for the store, is stopped for longer than a bar waits, and then fills it; start(store) begins it."""
    with tempfile.TemporaryDirectory() as directory:
        store = os.path.join(directory, "review.db")
        same(MONTH.log.run("--store", store, "--log", "/dev/null", "ingest").code in (1, 2), True, "a store")
        with open(store + "-ingest", "a", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            pid, output = start(store)
            shown = b""
            while b"waiting for another run" not in shown:
                true(select.select([output], [], [], 30)[0], f"it waits: {shown}")
                shown += os.read(output, 65536)
            os.kill(pid, signal.SIGSTOP)
        time.sleep(1.3)
        os.kill(pid, signal.SIGCONT)
        while select.select([output], [], [], 30)[0]:
            try:
                data = os.read(output, 65536)
            except OSError:
                break
            if not data:
                break
            shown += data
        return shown.decode("utf-8", "replace")


def a_terminal_sees_a_bar():
    def start(store):
        pid, terminal = os.forkpty()
        if pid == 0:
            os.chdir(MONTH.log.directory)
            os.execve(MONTH.log.program, [MONTH.log.program, *MONTH.log.files, "--store", store, "--no-pager", "pools"], MONTH.log.environment())
        started.append(pid)
        return pid, terminal
    started = []
    shown = stopped_while_filling(start)
    same(os.waitstatus_to_exitcode(os.waitpid(started[0], 0)[1]), 0, shown)
    true(BAR.search(shown), shown)
    # What comes behind stands in a line that was cleared, and the bar in no other.
    before, after = shown.rsplit("a second", 1)
    true("\r\x1b[Kop25b-log: [" in before and "\n" not in before and after.startswith("\r\x1b[K"), repr(shown))


def no_terminal_sees_none():
    def start(store):
        # pylint: disable-next=consider-using-with
        process = subprocess.Popen([MONTH.log.program, *MONTH.log.files, "--store", store, "--no-pager", "pools"], env=MONTH.log.environment(),
                                   cwd=MONTH.log.directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        started.append(process)
        return process.pid, process.stderr.fileno()
    started = []
    shown = stopped_while_filling(start)
    same(started[0].wait(30), 0, shown)
    true(not BAR.search(shown) and "\r" not in shown and "\x1b" not in shown, repr(shown))


def patience(*command, columns=100):
    """Of a program whose clock runs ahead: what a terminal sees of it, and its exit code."""
    options = os.environ.get("ASAN_OPTIONS", "")
    return on_terminal(MONTH.log, "--no-ingest", *command, columns=columns, LD_PRELOAD=FAST_CLOCK,
                       ASAN_OPTIONS=f"{options}:verify_asan_link_order=0".lstrip(":"))


def long_questions_are_said_to_be_at_work():
    """From two seconds on, and wiped away before the answer; a pager, too, begins only with it."""
    MONTH.log.run("ingest")
    ask = ("destinations", "--pool", "dynamic", "-n", "3")
    calm, code = on_terminal(MONTH.log, "--no-ingest", *ask, "--no-pager", columns=100)
    same(code, 0, calm)
    true("looking through" not in calm, repr(calm))
    for options in (("--no-pager",), ("--no-pager", "--json")):
        shown, code = patience(*ask, *options)
        same(code, 0, shown)
        told = re.findall(r"\r\x1b\[Kop25b-log: looking through the store, (\d+) s so far", shown)
        true(len(told) > 1 and all(2 <= int(a) < int(b) for a, b in zip(told, told[1:])), repr(shown))
        wiped, answer = shown.rsplit(" s so far", 1)
        true("\n" not in wiped and answer.startswith("\r\x1b[K") and answer.count("\r\x1b[K") == 1, repr(shown))
        if options == ("--no-pager",):
            same(answer[len("\r\x1b[K"):], calm, "the same answer")


def main():
    global MONTH, POLICY, FAST_CLOCK  # pylint: disable=global-statement
    if len(sys.argv) != 4:
        sys.exit("usage: terminal.py OP25B-LOG OP25B-MONTH FAST-CLOCK")
    FAST_CLOCK = os.path.abspath(sys.argv[3])
    with tempfile.TemporaryDirectory() as directory:
        MONTH = Month(*sys.argv[1:3], directory, "--gaps", "1", "--rotate", "1")
        POLICY = write_policy(directory)
        name = next(name for name in MONTH.subscribers if ":" in name)
        MONTH.log.run("notified", name, "--at", "@1", "--ticket", "NOC-4711", "--note", "calls back on Monday, as soon as he has asked all of his tenants")
        run_cases([tables_fit_the_terminal, classes_stand_with_what_decided, what_was_only_monitored_is_marked,
                   what_has_no_room_is_named_and_wide_shows_it, the_environment_names_the_width, the_pager_gets_what_fits, tail_follows_in_one_line_a_record, exemptions_say_once_why_nothing_is_known,
                   pools_say_what_the_dash_is, errors_fit_the_terminal_too, verify_ends_with_a_sentence, long_helps_are_paged,
                   helps_are_about_their_command, usual_rows_are_those_of_the_help, usual_rows_fit_the_screen,
                   silence_is_told_from_records_that_never_came, names_that_no_record_tells_are_said, queue_holds_its_limit, tickets_are_whole,
                   arguments_are_counted_in_english, a_pager_that_cannot_be_run_is_told, periods_of_all_times_are_answered,
                   a_terminal_sees_a_bar, no_terminal_sees_none, long_questions_are_said_to_be_at_work])


if __name__ == "__main__":
    main()
