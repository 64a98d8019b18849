#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The keys that op25b-log prints as JSON and CSV, against those that its manual tells: manual.py OP25B-LOG OP25B-MONTH."""
import re
import sys
import tempfile
from pathlib import Path

from harness import run_cases, same, true
from work import Month, write_policy

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
               "ack": ["ack", SUBSCRIBER], "notified": ["notified", SUBSCRIBER], "reopen": ["reopen", SUBSCRIBER],
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
        run_cases([no_command_is_left_out, the_manual_tells_the_keys_of_every_command, there_are_examples])


if __name__ == "__main__":
    main()
