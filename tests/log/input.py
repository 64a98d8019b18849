#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What op25b-log does with records that attack its reader, with wrong usage, and on terminals: input.py OP25B-LOG OP25B-MONTH."""
import gzip
import json
import os
import re
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import Log, on_terminal, run_cases, same, true

PROGRAM = GENERATOR = TEMPLATE = None
HOSTILE = "\x1b[31mred\x07\u202egnp.exe\u2066\x9b1m\n<script>alert(1)</script>"


def make_template():
    """A record as the gateway writes it."""
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([GENERATOR, "--days", "1", "--routers", "1", "--bots", "1", "--clients", "0", "--servers", "0", "--rare", "0",
                        "--floods", "0", "--notices", "0", directory], check=True, stdout=subprocess.DEVNULL)
        line = next(Path(directory).glob("*/events.json")).read_text(encoding="utf-8").splitlines()[0]
    return json.loads(line)


def record(seq, **changes):
    new = json.loads(json.dumps(TEMPLATE))
    new["op25b"]["seq"] = seq
    for name, value in changes.items():
        target = new if name in new else new["op25b"]
        target[name] = value
    return json.dumps(new, ensure_ascii=False)


class Home:
    """A directory with one record file."""

    def __init__(self, *lines, policy=None):
        self.place = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.directory = Path(self.place.name)
        self.file = self.directory / "events.json"
        self.file.write_bytes(b"".join(line.encode("utf-8", "surrogateescape") + b"\n" for line in lines))
        self.policy = self.directory / "op25b.ini"
        self.policy.write_text(policy or f"[gateway]\nfail = open\nunlisted = accept\nstate = {self.directory}/state\n"
                               f"[log]\nfile = {self.file}\n[pool dynamic]\nprefix = 100.64.0.0/10\n", encoding="utf-8")
        self.log = Log(PROGRAM, self.directory)

    def run(self, *arguments, **changes):
        return self.log.run("-p", self.policy, *arguments, **changes)


def nothing_is_to_be_set_up():
    home = Home(record(1), record(2))
    run = home.run("list", "--json")
    same((run.code, len(run.json)), (0, 2), run.err)
    true((home.directory / "home/.cache/op25b/review.db").exists(), "the store in the user's cache")
    (home.directory / "state").mkdir()
    run = home.run("list", "--json")
    same((run.code, len(run.json)), (0, 2), run.err)
    true((home.directory / "state/review.db").exists(), "the store where the gateway keeps its state")
    with home.file.open("a", encoding="utf-8") as file:
        file.write(record(3) + "\n")
    same(len(home.run("list", "--json").json), 3, "with the record that came")
    same(len(home.run("list", "--json", "--no-ingest", "--store", home.directory / "home/.cache/op25b/review.db").json), 2, "as it was")


def hostile_names_never_reach_the_terminal():
    home = Home(record(1, pool=HOSTILE, host=HOSTILE, rule=HOSTILE))
    true("\\x1b[31mred\\x07\\u202egnp.exe" in home.run("list").out, "the name is told")
    run = home.run("top", "--log", "\x1b[31m")
    true(run.code == 2 and "\x1b" not in run.err, run.err)
    for command in (["list"], ["top"], ["pools"], ["pools", "--by", "host"], ["show", TEMPLATE["src_ip"]], ["timeline"]):
        for form in ("table", "json", "ndjson", "csv"):
            run = home.run(*command, "--output", form)
            same((run.code, run.err), (0, ""), f"{command} as {form}")
            text = run.out.replace("\r\n", "\n").replace("\n", "")
            wrong = [character for character in text if ord(character) < 32 or 0x7f <= ord(character) < 0xa0 or character in "\u202e\u2066"]
            same(wrong, [], f"{command} as {form}")


def formulas_are_no_formulas():
    home = Home(record(1, pool="=HYPERLINK(\"x\")"))
    true("\"'=HYPERLINK(\"\"x\"\")\"" in home.run("pools", "--output", "csv").out, "with an apostrophe")


def damaged_lines_are_told():
    home = Home(record(1), "{", "\0\0", record(2)[:100], "{\"event_type\":\"dns\"}", "[" * 100000, "\udcff", record(2))
    run = home.run("ingest", "--json")
    same(run.code, 0, run.err)
    row = run.json[0]
    same((row["records"], row["foreign"], row["refused"]), (2, 1, 5), "of the lines")
    true(f"{home.file}:2: byte " in run.err, run.err)
    same(len(home.run("list", "--json").json), 2, "records")


def files_that_were_not_read_whole_are_named():
    home = Home(record(1))
    (home.directory / "events.json.1").mkdir()
    packed = gzip.compress("".join(record(seq) + "\n" for seq in range(2, 3000)).encode())
    (home.directory / "events.json.2.gz").write_bytes(packed[:len(packed) // 2])
    for refusals in (1, 0):
        run = home.run("top", "--json")
        same((run.code, len(run.json)), (0, 1), run.err)
        same((run.err.count("1 line is no record, and was left out"), run.err.count("move it away")), (refusals, 1), run.err)
        true(f"{home.file}.2.gz: not read whole: the packed data end too early" in run.err, run.err)
    run = home.run("top", "--no-ingest")
    true(run.code == 0 and f"{home.file}.2.gz: not read whole" in run.err, run.err)
    (home.directory / "events.json.2.gz").write_bytes(packed)
    true("not read whole" not in home.run("top").err, "mended")


def an_unfinished_line_waits():
    home = Home(record(1))
    with home.file.open("a", encoding="utf-8") as file:
        file.write(record(2)[:40])
    same(len(home.run("list", "--json").json), 1, "records")
    with home.file.open("a", encoding="utf-8") as file:
        file.write(record(2)[40:] + "\n")
    same(len(home.run("list", "--json").json), 2, "records")


def refused(home, text, *arguments):
    run = home.run(*arguments)
    true(run.code == 2 and text in run.err and run.out == "", f"{arguments}: {run.code}, {run.err!r}, {run.out!r}")


def wrong_usage_is_told():
    home = Home(record(1))
    refused(home, "no command")
    refused(home, "did you mean \"timeline\"", "timelin")
    refused(home, "--help", "top", "--loud")
    for arguments in (["top", "--log", ""], ["top", "--store", ""], ["ingest", ""]):
        refused(home, "the name of a file is wanted", *arguments)
    refused(home, "unrecognized option", "top", "--step", "1h")
    refused(home, "--since noon: not a time", "top", "--since", "noon")
    refused(home, "there is no such time", "top", "--until", "2026-02-30")
    refused(home, "+09:00", "top", "--since", "2026-11-22 10:00 JST")
    refused(home, "--since is later than --until", "top", "--since", "now", "--until", "-1h")
    refused(home, "--src 1.2.3: ", "top", "--src", "1.2.3")
    refused(home, "--limit -1: not a number", "top", "-n", "-1")
    refused(home, "--output xml: ", "top", "--output", "xml")
    refused(home, "did you mean \"attempts\"", "top", "--sort", "attempt")
    refused(home, "--step 0: not a length", "timeline", "--step", "0")
    refused(home, "show takes 1", "show")
    refused(home, "nobody: ", "show", "nobody")
    refused(home, "--by colour", "pools", "--by", "colour")
    refused(home, "No such file", "ingest", home.directory / "missing.json")
    refused(home, "No such file", "--log", home.directory / "missing.json", "top")
    refused(home, "No such file", "--no-ingest", "--store", home.directory / "missing.db", "top")
    run = home.log.run("-p", home.directory / "missing.ini", "top")
    same((run.code, run.out), (2, ""), "without the policy that was named")
    (home.directory / "text.db").write_text("this is no store\n" * 100, encoding="utf-8")
    refused(home, "text.db", "--store", home.directory / "text.db", "top")
    store = home.directory / "torn.db"
    home.run("ingest", "--store", store)
    home.run("queue", "--store", store)
    with sqlite3.connect(f"{store}-work") as database:
        database.execute("ALTER TABLE work RENAME TO away")
    same(home.run("queue", "--no-ingest", "--store", store).err.count(str(store)), 1, "the store is named once")
    for arguments in (["--store", store, "note", "192.0.2.1"], ["--store", store, "tops"], ["--store", store, "--store", store]):
        refused(home, "Try 'op25b-log", *arguments)


def errors_name_the_file_and_what_to_do():
    home = Home(record(1))
    for command in (["top", "--log", home.directory], ["ingest", home.directory]):
        same(home.run(*command).err, f"op25b-log: {home.directory}: a directory: name a record file in it\n", command[0])
    same(home.run("top", "--log", "/dev/zero").err, "op25b-log: /dev/zero: no plain file: records are read from files alone\n", "a device")
    store = home.directory / "torn.db"
    for change in ("ALTER TABLE record RENAME TO away", "DELETE FROM subscriber", "DELETE FROM meta",
                   "UPDATE meta SET value = 1 WHERE key = 'schema'"):
        home.run("ingest", "--store", store)
        with sqlite3.connect(store) as database:
            database.execute(change)
        run = home.run("list", "--no-ingest", "--store", store)
        same((run.code, run.out), (2, ""), change)
        true(f"op25b-log: {store}: " in run.err and "move it away" in run.err and run.err.count(str(store)) == 1, run.err)
        for file in home.directory.glob("torn.db*"):
            file.unlink()


def helps_show_examples():
    home = Home()
    text = home.run("--help").out
    for command in re.findall(r"^ {2}([a-z-]+)", text.split("Commands:")[1].split("Options of all")[0], re.MULTILINE):
        run = home.run(command, "--help")
        true(run.code == 0 and f"op25b-log {command}" in run.out and "Examples:" in run.out, f"{command}: {run.out}")
    true(home.run("--version").out.startswith("op25b-log "), "version")


def an_error_without_words_is_told_by_its_name():
    home = Home(record(1))
    socket = home.directory / "control.sock"
    home.policy.write_text(home.policy.read_text(encoding="utf-8").replace("[log]", f"control = {socket}\n[log]"), encoding="utf-8")
    with subprocess.Popen([sys.executable, Path(__file__).parents[1] / "lib/strange_server.py", socket,
                           '{"op25b":1,"ok":false,"error":"busy"}'], stdout=subprocess.PIPE) as server:
        server.stdout.readline()
        run = home.run("verify")
        server.kill()
    true(run.code == 2 and "op25bd answers: busy\n" in run.err, run.err)


def nothing_found_is_1():
    home = Home(record(1))
    for command, out in (["top"], ""), (["top", "--json"], "[]\n"), (["list", "--output", "ndjson"], ""), (["compare"], None):
        run = home.run(*command, "--since", "@1", "--until", "@2")
        same(run.code, 1, f"{command}: {run.err}")
        true(out is None or run.out == out, f"{command}: {run.out!r}")


def a_closed_pipe_is_quiet():
    home = Home(*(record(seq) for seq in range(2000)))
    home.run("ingest")
    shell = f"{home.log.program} -p {home.policy} list --reverse --output ndjson | head -n 1"
    done = subprocess.run(["bash", "-c", shell], env=home.log.environment(), capture_output=True, timeout=60, check=False)
    same((done.returncode, done.stderr, done.stdout.count(b"\n")), (0, b"", 1), "head")


def a_full_disk_is_told():
    home = Home(record(1))
    with open("/dev/full", "wb") as full:
        done = subprocess.run([home.log.program, "-p", home.policy, "list"], env=home.log.environment(), stdout=full,
                              stderr=subprocess.PIPE, timeout=60, check=False)
    true(done.returncode == 2 and b"No space left" in done.stderr, f"{done.returncode}, {done.stderr}")


def terminals_get_colour_and_a_pager():
    home = Home(*(record(seq) for seq in range(100)))
    shown, code = on_terminal(home.log, "-p", home.policy, "list", PAGER="sed s/^/PAGED:/")
    same(code, 0, shown)
    true("PAGED:" in shown and "\x1b[1m" in shown, shown[:300])
    shown, code = on_terminal(home.log, "-p", home.policy, "--no-pager", "list", PAGER="sed s/^/PAGED:/", NO_COLOR="1")
    true(code == 0 and "PAGED:" not in shown and "\x1b[" not in shown, shown[:300])
    shown, code = on_terminal(home.log, "-p", home.policy, "top", "--pool", "nowhere")
    true(code == 1 and "nothing found" in shown, shown[:300])
    if shutil.which("less"):
        # Who may start this program alone by sudo gets no shell from the pager.
        shown, code = on_terminal(home.log, "-p", home.policy, "list", "-n", "3", PAGER="sed s/^/PAGED:/", SUDO_UID="1")
        true(code == 0 and "PAGED:" not in shown and TEMPLATE["src_ip"] in shown, shown[:300])


def tail_follows():
    home = Home(record(1))
    process = subprocess.Popen([home.log.program, "-p", home.policy, "tail", "-f", "--json"], env=home.log.environment(),  # pylint: disable=consider-using-with
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        same(json.loads(process.stdout.readline())["seq"], 1, "the record that was there")
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S.000000+0000", time.gmtime())
        # The second is as old as the first, as of a file that is copied from elsewhere.
        for seq, more in ((2, {}), (3, {"timestamp": stamp}), (4, {"timestamp": stamp})):
            with home.file.open("a", encoding="utf-8") as file:
                file.write(record(seq, **more) + "\n")
            ready = select.select([process.stdout], [], [], 20)[0]
            true(ready, f"record {seq} is told")
            same(json.loads(process.stdout.readline())["seq"], seq, "the record that came")
    finally:
        process.kill()
        process.wait()


def wide_record(seq, **changes):
    return record(seq, src_ip="2001:db8:100:4200::1", subscriber="2001:db8:100:4200::/56", dest_ip="2001:db8::25", ip_v=6,
                  **changes)


def followed(*more, wanted):
    """So many lines of tail -f: those of a narrow record, and of others that come later, all at once."""
    home = Home(record(1))
    process = subprocess.Popen([home.log.program, "-p", home.policy, "tail", "-f"], env=home.log.environment(),  # pylint: disable=consider-using-with
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    shown = b""
    try:
        for lines in (2, wanted):
            while shown.count(b"\n") < lines:
                true(select.select([process.stdout], [], [], 20)[0], f"{lines} lines: {shown}")
                shown += os.read(process.stdout.fileno(), 65536)
            if lines == 2:
                with home.file.open("a", encoding="utf-8") as file:
                    file.write("".join(line + "\n" for line in more))
    finally:
        process.kill()
        process.wait()
    reason = f"({TEMPLATE['op25b']['reason']})"  # only monitored
    lines = shown.decode("utf-8").splitlines()
    return lines, [line.find("REASON" if line.startswith("TIME") else reason) for line in lines]


def later_rows_stand_below_the_first_titles():
    lines, places = followed(wide_record(2), wanted=3)
    same(set(places), {places[0]}, f"{lines}")


def what_is_wider_than_expected_has_titles_of_its_own():
    lines, places = followed(wide_record(2, host="a" * 60), wanted=4)
    true(lines[2].startswith("TIME"), f"{lines}")
    same((places[0], places[2]), (places[1], places[3]), f"{lines}")


def exemptions_are_shown():
    name = TEMPLATE["src_ip"]
    home = Home(record(1))
    home.policy.write_text(home.policy.read_text(encoding="utf-8") +
                           f"[exempt mailshop]\nprefix = {name}\nuntil = 2020-01-01T00:00:00Z\nticket = NOC-7\nowner = desk\n",
                           encoding="utf-8")
    row = home.run("show", name, "--json").json[0]
    same([(entry["name"], entry["state"], entry["ticket"]) for entry in row["exemptions"]], [("mailshop", "expired", "NOC-7")], "exemptions")
    true("mailshop, expired, until 2020-01-01 09:00:00, ticket NOC-7, owner desk" in home.run("show", name).out, "as text")


def records_of_wrong_clocks_are_shown():
    """A step of an hour over eight thousand years would be seventy million questions."""
    times = ["1970-01-02T00:00:00.000000+0000", TEMPLATE["timestamp"], "9999-12-30T00:00:00.000000+0000"]
    home = Home(*(record(seq, timestamp=time_, first_seen=time_, last_seen=time_) for seq, time_ in enumerate(times, 1)))
    for period, shown in (([], 1), (["--since", "1970-01-01", "--until", "9999-12-31"], 3)):
        run = home.run("show", TEMPLATE["src_ip"], *period, "--json")
        same((run.code, run.err), (0, ""), f"show {period}")
        row = run.json[0]
        same((row["records"], sum(row["attempts_by_hour"])), (3, row["attempts"]), f"show {period}")
        same((len(row["attempts_by_day"]), row["attempts_by_day"][:-2]), (60, [0] * 58), "the last days before the last record")
        run = home.run("timeline", *period, "--json")
        same((run.code, len(run.json) < 200, sum(step["records"] for step in run.json)), (0, True, shown), f"timeline {period}: {run.err}")
        same("2 records of times more than 400 days away" in run.err, not period, f"timeline {period}: {run.err}")
        same(home.run("timeline", *period, "--json", "--step", "30d").code, 0, f"timeline {period}, in steps")
    run = home.run("timeline", "--step", "1d", "--json")
    same((run.code, sum(step["records"] for step in run.json), len(run.json) < 4), (0, 1, True), run.err)
    true("2 records of times more than 400 days away" in home.run("timeline").out, "below the table")
    last = max(home.run("list", "--json", "--utc").json, key=lambda row: row["time"])
    same((last["time"], last["last"]), ("9999-12-30T00:00:00.000000Z",) * 2, "the date is right")


def hours_before_1970_are_hours():
    times = ["1969-12-31T10:30:00.000000+0000", "1969-12-31T23:30:00.000000+0000", "0002-01-01T05:30:00.000000+0000"]
    home = Home(*(record(seq, timestamp=time_, first_seen=time_, last_seen=time_) for seq, time_ in enumerate(times, 1)))
    run = home.run("show", TEMPLATE["src_ip"], "--json", "--utc")
    same((run.code, run.err), (0, ""), "show")
    same([hour for hour, attempts in enumerate(run.json[0]["attempts_by_hour"]) if attempts], [5, 10, 23], "the hours")
    run = home.run("show", TEMPLATE["src_ip"], "--json")
    same([hour for hour, attempts in enumerate(run.json[0]["attempts_by_hour"]) if attempts], [8, 14, 19], "the hours in Tokyo")


def who_may_only_read_the_store_gets_what_is_in_it():
    home = Home(record(1))
    store = home.directory / "readable.db"
    same(home.run("ingest", "--store", store).code, 0, "filled")
    with home.file.open("a", encoding="utf-8") as file:
        file.write(record(2) + "\n")
    for path in (home.directory, *home.directory.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    nobody = {"user": 65534, "group": 65534, "extra_groups": []}
    reached = os.geteuid() == 0 and subprocess.run([PROGRAM, "--version"], capture_output=True, check=False, cwd="/",
                                                   **nobody).returncode == 0
    if not reached:
        return
    done = subprocess.run([PROGRAM, "-p", home.policy, "--store", store, "list", "--json"], env=home.log.environment(),
                          capture_output=True, timeout=60, check=False, cwd="/", **nobody)
    same((done.returncode, len(json.loads(done.stdout))), (0, 1), done.stderr.decode())
    true(b"shown as it was filled last" in done.stderr, done.stderr.decode())


def main():
    global PROGRAM, GENERATOR, TEMPLATE  # pylint: disable=global-statement
    if len(sys.argv) != 3:
        sys.exit("usage: input.py OP25B-LOG OP25B-MONTH")
    PROGRAM, GENERATOR = map(os.path.abspath, sys.argv[1:])
    TEMPLATE = make_template()
    run_cases([nothing_is_to_be_set_up, hostile_names_never_reach_the_terminal, formulas_are_no_formulas,
               damaged_lines_are_told, files_that_were_not_read_whole_are_named, an_unfinished_line_waits, wrong_usage_is_told,
               errors_name_the_file_and_what_to_do, helps_show_examples,
               an_error_without_words_is_told_by_its_name, nothing_found_is_1, a_closed_pipe_is_quiet, a_full_disk_is_told,
               terminals_get_colour_and_a_pager, tail_follows, later_rows_stand_below_the_first_titles,
               what_is_wider_than_expected_has_titles_of_its_own,
               exemptions_are_shown, records_of_wrong_clocks_are_shown, hours_before_1970_are_hours,
               who_may_only_read_the_store_gets_what_is_in_it])


if __name__ == "__main__":
    main()
