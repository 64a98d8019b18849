#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The keys that op25b-log prints as JSON and CSV, against those that its manual tells: manual.py OP25B-LOG OP25B-MONTH."""
import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import run_cases, same, true
from work import Month, answer, ledgers, write_policy

PAGE = Path(__file__).resolve().parents[2] / "src" / "man" / "op25b-log.1.scd.in"
MONTH = POLICY = SUBSCRIBER = None


def told():
    """{heading: keys} of the page's section."""
    section = PAGE.read_text(encoding="utf-8").split("\n# JSON AND CSV\n")[1].split("\n# ")[0]
    found = {}
    for part in section.split("\n## ")[1:]:
        heading, _, body = part.partition("\n")
        entries = re.findall(r"^- (.*?): ", re.sub(r"\n {2}", " ", body), re.MULTILINE)
        found[heading] = {name.strip("*").replace("\\_", "_") for entry in entries for name in entry.split(", ")}
    return found


def keys_of(value):
    if isinstance(value, dict):
        return set(value) | {name for inner in value.values() for name in keys_of(inner)}
    if isinstance(value, list):
        return {name for inner in value for name in keys_of(inner)}
    return set()


def command_lines(heading):
    for command in heading.split(", "):
        yield {"show": ["show", SUBSCRIBER], "compare": ["compare", "--since", "2026-03-02", "--until", "2026-03-03"],
               "ack": ["ack", SUBSCRIBER], "notified": ["notified", SUBSCRIBER], "reopen": ["reopen", SUBSCRIBER], "close": ["close", SUBSCRIBER],
               "note": ["note", SUBSCRIBER, "x"], "ticket": ["ticket", SUBSCRIBER, "x"], "verify": ["verify", "--no-ledger"],
               "exemptions": ["exemptions", "-p", POLICY], "first-seen": ["first-seen", "--since", "2026-03-02"]}.get(command, command.split())


def the_manual_tells_the_keys_of_every_command():
    for heading, keys in told().items():
        for words in command_lines(heading):
            same(sorted(keys_of(MONTH.log.run(*words, "--json").json)), sorted(keys), f"keys of {words}")
            if words[0] != "show":
                head = MONTH.log.run(*words, "--output", "csv").out.split("\r\n")[0]
                same(sorted(head.split(",")), sorted(keys), f"CSV of {words}")
    head = MONTH.log.run("show", SUBSCRIBER, "--output", "csv").out.split("\r\n")[0]
    same(sorted(head.split(",")), sorted(told()["top, first-seen"]), "CSV of show")


def no_command_is_left_out():
    block = MONTH.log.run("--help").out.split("Commands:")[1].split("Options of all")[0]
    commands = set(re.findall(r"^ {2}([a-z-]+)", block, re.MULTILINE))
    names = {name.split()[0] for heading in told() for name in heading.split(", ")}
    same(names, commands - {"report", "watch"}, "commands with rows")


def there_are_examples():
    examples = re.findall(r"^\$ op25b-log (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    for command in ("queue", "ack", "verify", "exemptions", "tail", "top", "show"):
        true(any(command in line.split() for line in examples), f"there is an example of {command}")


# ---- the examples, as they are written ----

LIVE = ("watch", "ssh")  # need a daemon, or a gateway to ask


def examples():
    """Lines of the manual and of each help."""
    yield from re.findall(r"^\$ (op25b-log .*|ssh .*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    whole = MONTH.log.run("--help").out
    commands = re.findall(r"^ {2}([a-z-]+)", whole.split("Commands:")[1].split("Options of all")[0], re.MULTILINE)
    for text in [whole, *(MONTH.log.run(name, "--help").out for name in commands)]:
        yield from re.findall(r"^ {2}(op25b-log .*)$", text.split("Examples:\n")[1], re.MULTILINE)


def write_what_examples_name(line, directory):
    files = sorted(MONTH.directory.glob("*/events.json"))
    for name in ("east.json", "west.json", "events.json", "events.json-20260301.gz"):
        shutil.copy(files[0], directory / name)
    told = [answer(0, 10)] if "--uses" in line else ledgers(MONTH)
    (directory / "gateways.json").write_text("\n".join(json.dumps(document) for document in told), encoding="utf-8")


def first_line(words, directory):
    """Of a command that goes on for ever, which is then stopped: by its own number, and nothing else with it."""
    with subprocess.Popen([MONTH.log.program, *MONTH.log.files, *words], cwd=directory, env=MONTH.log.environment(), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        line = process.stdout.readline().decode("utf-8")
        process.kill()
        process.wait(30)
    return line


def noon():
    """A time zone where it is about noon: "06:00" of an example is over, and no day ends meanwhile."""
    return f"NOON{time.gmtime().tm_hour - 12:+d}"


def run_line(line, directory):
    """Its exit code, and what it said; by a shell, as people do."""
    common = [MONTH.log.program, "-p", str(POLICY)] if "exemptions" in line else [MONTH.log.program, *MONTH.log.files]
    script = f'op25b-log() {{ {shlex.join(common)} "$@"; }}\n{line}\n'
    run = subprocess.run(["bash", "-c", script], cwd=directory, env=MONTH.log.environment(TZ=noon()), stdin=subprocess.DEVNULL, capture_output=True,
                         timeout=60, check=False)
    return run.returncode, run.stderr.decode("utf-8", "replace")


def examples_do_what_they_say():
    lines = sorted(set(examples()))
    true(len(lines) > 30, f"{lines}")
    for line in lines:
        if any(word in line.split() for word in LIVE):
            print(f"# not run, as it needs a gateway: {line}")
            continue
        with tempfile.TemporaryDirectory() as directory:
            if "-f" in line.split():
                true(first_line(shlex.split(line)[1:], directory).startswith("TIME"), line)
                continue
            write_what_examples_name(line, Path(directory))
            code, said = run_line(line, directory)
        # Of "op25b-log verify" alone a daemon is to be asked.
        true(code in (0, 1) or (line == "op25b-log verify" and "does not answer" in said), f"{line}: {code}, {said}")


def main():
    global MONTH, POLICY, SUBSCRIBER  # pylint: disable=global-statement
    if len(sys.argv) != 3:
        sys.exit("usage: manual.py OP25B-LOG OP25B-MONTH")
    with tempfile.TemporaryDirectory() as directory:
        MONTH = Month(*sys.argv[1:], directory, "--gaps", "1")
        SUBSCRIBER = max(MONTH.truth["subscribers"], key=lambda entry: entry["attempts"])["subscriber"]
        POLICY = write_policy(directory)
        policy = MONTH.directory / "op25b.ini"
        policy.write_text(policy.read_text(encoding="utf-8") + f"[exempt for-the-test]\nprefix = {SUBSCRIBER}\n", encoding="utf-8")
        run_cases([no_command_is_left_out, the_manual_tells_the_keys_of_every_command, there_are_examples, examples_do_what_they_say])


if __name__ == "__main__":
    main()
