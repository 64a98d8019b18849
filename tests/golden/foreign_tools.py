#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The files for other people's tools, with these tools: foreign_tools.py lnav|goaccess|rsyslog SOURCE MAN_TABLES.

What lnav, goaccess and rsyslogd make of records.json is compared with what stands in it. Prints TAP; skipped where the
tool is not there.
"""
import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))
from repo_rules import Tap  # noqa: E402

SKIP = 77
PATIENCE_S = 15 * int(os.environ.get("OP25B_TEST_SLOW", "1"))
SAMPLE = HERE / "records.json"
ETC = Path()
TABLES = ""


def run(*command, directory):
    environment = {**os.environ, "HOME": str(directory), "LC_ALL": "C.UTF-8", "TZ": "UTC", "TERM": "xterm-256color"}
    environment.pop("XDG_CONFIG_HOME", None)
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, encoding="utf-8",
                          errors="replace", stdin=subprocess.DEVNULL, env=environment, cwd=directory, timeout=60,
                          check=False)


def records():
    return [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]


def sums(key):
    """{value of key: [records, packets]} of all records that are about one subscriber."""
    found = {}
    for record in records():
        if "subscriber" in record["op25b"]:
            row = found.setdefault(key(record), [0, 0])
            row[0] += 1
            row[1] += record["op25b"]["packets"]
    return found


def equal(tap, description, got, wanted):
    tap.case(description, [] if got == wanted else [f"got:    {got!r}", f"wanted: {wanted!r}"])


# ---- lnav ----

class Lnav:
    def __init__(self, directory, text=None):
        self.directory = directory
        formats = directory / "config" / "formats" / "op25b"
        formats.mkdir(parents=True, exist_ok=True)
        (formats / "op25b.json").write_text(text or (ETC / "lnav/op25b.json").read_text(encoding="utf-8"), encoding="utf-8")

    def run(self, *arguments):
        return run("lnav", "-I", self.directory / "config", *arguments, directory=self.directory)

    def select(self, query):
        result = self.run("-n", "-c", f";SELECT {query}", "-c", ":write-csv-to -", SAMPLE)
        return list(csv.DictReader(io.StringIO(result.stdout)))


def table_fields(directory):
    """(name in the format, kind in the format) of every field that the encoders may write."""
    kinds = {"text": "string", "number": "integer", "boolean": "boolean"}
    for table, part in (("fields", "top"), ("fields", "op25b"), ("notices", "top"), ("notices", "engine"),
                        ("notices", "op25b")):
        text = run(TABLES, table, part, directory=directory).stdout.replace("\\", "")
        for name, kind in re.findall(r"^\*(\w+)\*: _([a-z ]+)_$", text, re.MULTILINE):
            yield ("" if part == "top" else f"{part}/") + name, kinds.get(kind, "json")


def lnav_field_problems(fields, values):
    # lnav has columns of its own for these.
    for name, kind in fields:
        if name not in ("timestamp", "log_level") and values.get(name, {}).get("kind") != kind:
            yield f"{name}: {kind} in the table, {values.get(name)} in the format"


def test_lnav(tap, directory):
    lnav = Lnav(directory)
    checked = lnav.run("-C", "-W")
    equal(tap, "lnav takes the format", (checked.returncode, checked.stderr), (0, ""))
    broken = Lnav(directory / "broken", '{"op25b_log": {"json": true, "value": {"host": {"kind": "planted"}}}}')
    tap.case("planted and found: an unknown kind", [] if broken.run("-C").returncode else ["it is taken"])
    text = (ETC / "lnav/op25b.json").read_text(encoding="utf-8")
    values, fields = json.loads(text)["op25b_log"]["value"], list(table_fields(directory))
    tap.case("the tables have fields", [] if len(fields) > 40 else [repr(fields)])
    tap.case("every field of a record is a column of its kind", lnav_field_problems(fields, values))
    tap.found("planted and found: a new field", lnav_field_problems([*fields, ("op25b/planted", "integer")], values),
              "planted")
    levels = {"drop": "warning", "alert": "info", "engine": "error"}
    rows = lnav.select('log_level, log_opid, host, "op25b/seq" AS seq, "op25b/kind" AS kind, "op25b/packets" AS packets '
                       'FROM op25b_log')
    equal(tap, "each record is a line with its level, subscriber and numbers",
          [tuple(row.values()) for row in rows],
          [(levels[r["event_type"]], r["op25b"].get("subscriber", "<NULL>"), r["host"], str(r["op25b"]["seq"]),
            r["op25b"]["kind"], str(r["op25b"].get("packets", "<NULL>"))) for r in records()])
    rows = lnav.select('"op25b/subscriber" AS s, count(*) AS n, sum("op25b/packets") AS p FROM op25b_log '
                       'WHERE s IS NOT NULL GROUP BY s')
    equal(tap, "sums by subscriber", {row["s"]: [int(row["n"]), int(row["p"])] for row in rows},
          sums(lambda record: record["op25b"]["subscriber"]))
    shown = lnav.run("-n", SAMPLE).stdout
    equal(tap, "a line of the screen", re.sub(" +", " ", shown.splitlines()[3]),
          "2026-10-01T09:01:00.100 gw1.example.net summary 1200 400 321 drop pool-enforce 198.51.100.7 homes 203.0.113.99")
    tap.case("messages of the gateway are shown, control characters are not",
             [] if "packets are looked at again: 250 had passed without" in shown and "\x1b" not in shown else [shown])


# ---- goaccess ----

def panel(report, name):
    return {row["data"]: [row["hits"]["count"], row["bytes"]["count"]] for row in report[name]["data"]}


def test_goaccess(tap, directory):
    config = ETC / "goaccess/op25b.conf"
    result = run("goaccess", "-p", config, "--no-global-config", "-o", "report.json", SAMPLE, directory=directory)
    equal(tap, "goaccess reads the records", result.returncode, 0)
    report = json.loads((directory / "report.json").read_text(encoding="utf-8"))
    about_one = sum(row[0] for row in sums(lambda record: 0).values())
    equal(tap, "what is about no subscriber is left out, and counted",
          [report["general"][key] for key in ("valid_requests", "failed_requests")], [about_one, len(records()) - about_one])
    for name, key in (("hosts", lambda r: r["op25b"]["subscriber"]), ("requests", lambda r: r["dest_ip"]),
                      ("vhosts", lambda r: r["host"]), ("remote_user", lambda r: r["op25b"]["pool"]),
                      ("referrers", lambda r: r["op25b"]["reason"]), ("visit_time", lambda r: r["timestamp"][11:13]),
                      ("visitors", lambda r: r["timestamp"][:10].replace("-", ""))):
        equal(tap, f"records and packets of panel {name}", panel(report, name), sums(key))
    equal(tap, "there is no other panel", len(report), 8)
    result = run("goaccess", "-p", config, "--no-global-config", "-o", "report.html", SAMPLE, directory=directory)
    page = (directory / "report.html").read_text(encoding="utf-8")
    tap.case("a page is made", [] if "198.51.100.7" in page else [result.stderr])


# ---- rsyslog ----

def wait_for(path, lines):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if path.exists() and path.read_bytes().count(b"\n") >= lines:
            break
        time.sleep(0.05)
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def rsyslog_config(directory, kafka):
    """Both files as they are, but for the places of files; and what Debian's rsyslog.conf has of it."""
    text = (ETC / "rsyslog/op25b.conf").read_text(encoding="utf-8")
    for name, there in (("/var/log/op25b/events.json", "events.json"), ("/var/log/op25b-records.log", "records.log"),
                        ("/var/log/op25b-refused.log", "refused.log")):
        assert f'"{name}"' in text
        text = text.replace(f'"{name}"', f'"{directory / there}"')
    if kafka:
        assert "\t\t# call op25b-kafka\n" in text
        text = text.replace("# call op25b-kafka", "call op25b-kafka")
        shutil.copy(ETC / "rsyslog/op25b-kafka.conf", directory / "op25b-kafka.conf")
    (directory / "op25b.conf").write_text(text, encoding="utf-8")
    (directory / "work").mkdir(exist_ok=True)
    (directory / "rsyslog.conf").write_text(f'global(workDirectory="{directory}/work")\n'
                                            f'include(file="{directory}/op25b*.conf")\n', encoding="utf-8")
    return directory / "rsyslog.conf"


def check_rsyslog(tap, directory):
    def check(kafka):
        result = run("rsyslogd", "-N1", "-f", rsyslog_config(directory, kafka), directory=directory)
        return [] if result.returncode == 0 else [result.stderr]

    tap.case("rsyslogd takes op25b.conf", check(False))
    library = list(Path("/usr/lib").glob("*/rsyslog/omkafka.so")) + list(Path("/usr/lib/rsyslog").glob("omkafka.so"))
    if library:
        tap.case("and op25b-kafka.conf with it", check(True))
        (directory / "op25b-kafka.conf").unlink()
        result = run("rsyslogd", "-N1", "-f", directory / "rsyslog.conf", directory=directory)
        tap.case("planted and found: op25b-kafka without its file",
                 [] if "op25b-kafka" in result.stderr else ["it is taken"])
    else:
        tap.case("op25b-kafka.conf # SKIP omkafka (Debian package rsyslog-kafka) is not there", [])


def line_for_people(record):
    block, engine = record["op25b"], record.get("engine", {})
    escaped = block.get("pool", "").replace("\x1b", "#027")
    return " ".join([record["timestamp"], record["host"], record["event_type"], block["kind"], block.get("subscriber", ""),
                     block.get("reason", "") + engine.get("message", ""), escaped, str(block.get("packets", ""))])


def test_rsyslog(tap, directory):
    check_rsyslog(tap, directory)
    config = rsyslog_config(directory, False)
    sample = SAMPLE.read_text(encoding="utf-8").splitlines(keepends=True)
    events, shown = directory / "events.json", directory / "records.log"
    events.write_text("".join(sample[:4]), encoding="utf-8")
    daemon = subprocess.Popen(["rsyslogd", "-n", "-f", str(config), "-i", str(directory / "pid")], cwd=directory,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(shown, 4)
        with events.open("a", encoding="utf-8") as file:
            file.write("".join(sample[4:8]) + '{"timestamp":"2026-10\n')
        wait_for(shown, 8)
        events.rename(directory / "events.json-20261001")
        events.write_text("".join(sample[8:]), encoding="utf-8")
        lines, refused = wait_for(shown, len(sample)), wait_for(directory / "refused.log", 1)
    finally:
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
    equal(tap, "each record is a line, also over a rotation", lines, [line_for_people(record) for record in records()])
    equal(tap, "a cut line is put aside", refused, ['{"timestamp":"2026-10'])


TESTS = {"lnav": ("lnav", test_lnav), "goaccess": ("goaccess", test_goaccess), "rsyslog": ("rsyslogd", test_rsyslog)}


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in TESTS:
        sys.exit("usage: foreign_tools.py lnav|goaccess|rsyslog SOURCE MAN_TABLES")
    global ETC, TABLES
    program, test = TESTS[sys.argv[1]]
    ETC, TABLES = Path(sys.argv[2]).resolve() / "etc", Path(sys.argv[3]).resolve()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if not shutil.which(program):
        print(f"1..0 # SKIP {program} is not there")
        sys.exit(SKIP)
    tap = Tap()
    with tempfile.TemporaryDirectory() as directory:
        test(tap, Path(directory))
    tap.end()


if __name__ == "__main__":
    main()
