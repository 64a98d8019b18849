#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""op25b-log report from record files to the page: report.py OP25B-LOG OP25B-MONTH. Prints TAP.

The figures of the page beside the truth of a month, the same bytes again, hostile records, and what becomes of the file
when something goes wrong.
"""
import ipaddress
import json
import os
import re
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path

from page import HOSTILE, Page, Tap, attribute_problems, policy_problems

DAY_S = 86400


class Tables(HTMLParser):
    """The cells of every table: what they sort by, else their text."""

    def __init__(self, text):
        super().__init__()
        self.tables, self.cell, self.figures, self.figure = {}, None, [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "table":
            self.rows = self.tables.setdefault(attributes["id"], [])
        elif tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.cell = [attributes.get("data-v"), ""]
        self.figure = tag == "dd" and attributes.get("class") == "value"

    def handle_endtag(self, tag):
        if tag in ("td", "th") and self.cell:
            self.rows[-1].append(self.cell[0] if self.cell[0] is not None else self.cell[1].strip())
            self.cell = None

    def handle_data(self, data):
        if self.cell:
            self.cell[1] += data
        elif self.figure and data.strip():
            self.figures.append(int(data.replace(",", "")))

    def body(self, name):
        return self.tables.get(name, [[]])[1:]


class Run:
    def __init__(self, program, directory):
        self.program, self.directory = program, Path(directory)

    def __call__(self, *arguments):
        environment = dict(os.environ, XDG_CACHE_HOME=str(self.directory / "cache"), TZ="Asia/Tokyo")
        return subprocess.run([self.program, *map(str, arguments)], capture_output=True, env=environment, check=False)


def same(name, got, wanted):
    return [] if got == wanted else [f"{name}: {got!r}, not {wanted!r}"]


def headline_problems(page, truth):
    totals, figures = truth["totals"], page.figures
    yield from same("attempts", figures[0], totals["attempts"])
    yield from same("subscribers", figures[1], totals["subscribers"])
    yield from same("blocked", figures[2], totals["blocked"])
    yield from same("monitored", figures[3], totals["packets"] - totals["blocked"])
    yield from same("unjudged", figures[5], sum(notice["packets"] for notice in truth["notices"]))
    yield from same("lost", figures[7], sum(source["missing"] for source in truth["sources"]))


def group_problems(page, truth):
    for name in ("pools", "rules", "reasons", "hosts"):
        found = {row[0]: int(row[1]) for row in page.body(name)}
        for key, sums in truth[name].items():
            if sums["attempts"]:
                got = [value for title, value in found.items() if title.startswith(key)]
                yield from same(f"{name}, {key}", sums["attempts"] in got, True)


def talker_problems(page, truth):
    people = {person["subscriber"]: person for person in truth["subscribers"]}
    rows = page.body("talkers")
    most = sorted((person["attempts"] for person in people.values()), reverse=True)
    for row in rows:
        address = row[0]
        family, value = address.split(":")
        known = people.get(text_of(int(family), int(value, 16)))
        if family == "0":
            continue
        if known is None:
            yield f"nobody is {address}"
        else:
            yield from same(f"attempts of {address}", int(row[2]), known["attempts"])
    told = [int(row[2]) for row in rows if not row[0].startswith("0:")]
    yield from same("those with most attempts", told, most[:len(told)])


def text_of(family, value):
    """As the truth names subscribers: IPv4 addresses, IPv6 prefixes by their length."""
    return str(ipaddress.IPv4Address(value)) if family == 4 else f"{ipaddress.IPv6Address(value)}/56"


def timeline_problems(page, truth):
    found = {int(row[0]) // 1_000_000: row for row in page.body("timeline-figures")}
    step = sorted(found)[1] - sorted(found)[0]
    wanted = {}
    for hour in truth["hours"]:
        start = hour["start_s"] // step * step
        sums = wanted.setdefault(start, [0, 0])
        sums[0] += hour["attempts"]
        sums[1] += hour["packets"]
    for start, (attempts, packets) in wanted.items():
        yield from same(f"step {start}", [int(cell) for cell in found[start][1:3]], [attempts, packets])


def notice_problems(page, truth):
    wanted = sorted((notice["first_us"], notice["packets"]) for notice in truth["notices"])
    yield from same("notices", sorted((int(row[0]), int(row[4])) for row in page.body("notices")), wanted)


def hostile_file(directory, month):
    """A record file in which every name is hostile."""
    source = next(iter(sorted(Path(month).glob("*/events.json"))))
    target = directory / "hostile.json"
    with open(source, encoding="utf-8") as lines, open(target, "w", encoding="utf-8") as out:
        for number, line in zip(range(60), lines):
            record = json.loads(line)
            names = [HOSTILE[(number + i) % len(HOSTILE)] for i in range(3)]
            record["host"] = names[0]
            if "pool" in record["op25b"]:
                record["op25b"]["pool"], record["op25b"]["rule"] = names[1], names[2]
            out.write(json.dumps(record) + "\n")
    return target


def month_cases(tap, run, month, directory):
    truth = json.loads((month / "truth.json").read_text(encoding="utf-8"))
    begin, end = truth["start_s"], truth["start_s"] + truth["days"] * DAY_S
    files = [argument for path in truth["files"] for argument in ("--log", month / path["path"])]
    common = [*files, "--policy", month / "op25b.ini", "--store", directory / "records.db", "--utc", "report", "--since", f"@{begin}",
              "--until", f"@{end}", "--now", f"@{end}", "--limit", "200"]
    target = directory / "page.html"
    made = run(*common, "--html", target)
    tap.case("a page is made of record files", same("exit code", (made.returncode, made.stderr), (0, b"")))
    text = target.read_text(encoding="utf-8")
    page = Tables(text)
    tap.case("its figures are those of the packets that were sent", headline_problems(page, truth))
    tap.case("so are those by pool, rule, reason and gateway", group_problems(page, truth))
    tap.case("those of the subscribers", talker_problems(page, truth))
    tap.case("and those of the timeline", timeline_problems(page, truth))
    tap.case("times when nobody judged are told", notice_problems(page, truth))
    tap.case("exemptions are listed", same("count", len(page.body("exempt")), len(truth["exempt"])))
    again = run(*common, "--html", "-")
    answer = {"digest": "", "since": "2026-01-01T00:00:00Z", "used": 0, "exemptions": []}
    (directory / "uses.json").write_text(json.dumps(answer), encoding="utf-8")
    counting = (month / "op25b.ini").read_text(encoding="utf-8")
    (directory / "counting.ini").write_text(re.sub(r"(\[exempt [^\]]+\])", r"\1\ncount = yes", counting), encoding="utf-8")
    with_uses = run(*common, "--policy", directory / "counting.ini", "--html", "-", "--uses", directory / "uses.json")
    tap.case("what op25bd counted of them is taken, where it is known", same("exit code", with_uses.returncode, 0) +
             same("rows", {row[2] for row in page.body("exempt")}, {"not known"}) +
             same("rows", {row[2] for row in Tables(with_uses.stdout.decode()).body("exempt")} , {"unused"}))
    tap.case("the same store and time make the same bytes", same("page", again.stdout.decode() == text, True))
    japanese = Tables(run(*common, "--html", "-", "--lang", "ja").stdout.decode())
    tap.case("the Japanese page has the same figures", same("figures", japanese.figures, page.figures))
    tap.case("a file is left as new ones are", same("mode", oct(target.stat().st_mode & 0o777), oct(0o666 & ~umask())))
    return common, target, text


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def refused(tap, run, name, arguments, part):
    result = run(*arguments)
    tap.case(name, same("exit code", result.returncode, 2) + ([] if part in result.stderr else [f"says {result.stderr!r}"]))


def failing_cases(tap, run, common, target, text, directory):
    refused(tap, run, "without --html it says so", common, b"--html")
    refused(tap, run, "another language is refused", [*common, "--html", target, "--lang", "xx"], b"--lang")
    refused(tap, run, "a time that is none is refused", [*common, "--html", target, "--now", "soon"], b"--now")
    refused(tap, run, "the store is not overwritten", [*common, "--html", directory / "records.db"], b"overwrite")
    refused(tap, run, "a directory that is not there is told", [*common, "--html", directory / "none" / "page.html"], b"No such file")
    refused(tap, run, "a full disk is told", [*common, "--html", "/dev/full"], b"/dev/full")
    tap.case("nothing of this changed the page, or left anything beside it",
             same("page", target.read_text(encoding="utf-8") == text, True) +
             same("files", sorted(path.name for path in directory.glob("page*")), ["page.html"]))
    empty = run(*common, "--html", "-", "--pool", "nobody")
    tap.case("nothing found: the page says so, and the exit code is 1",
             same("exit code", empty.returncode, 1) + same("page", b"No block records in this period." in empty.stdout, True) +
             same("filters", b"--pool nobody" in empty.stdout, True))


def hostile_cases(tap, run, month, directory):
    path = hostile_file(directory, month)
    made = run("--log", path, "--store", directory / "hostile.db", "--policy", month / "op25b.ini", "report", "--since", "@0", "--until",
               "@1900000000", "--html", "-")
    page = Page(made.stdout.decode())
    told = {page.text(element) for element in page.elements if element[0] == "bdi"}
    tap.case("hostile records: a page is made", same("exit code", made.returncode, 0))
    tap.case("hostile records: their names are texts", same("shown", bool(told & set(HOSTILE)), True) + page.problems)
    tap.case("hostile records: nothing else came of them", list(attribute_problems(page)) + list(policy_problems(page)))


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as scratch:
        directory = Path(scratch)
        month = directory / "month"
        month.mkdir()
        subprocess.run([sys.argv[2], "--days", "4", "--routers", "2", "--gaps", "1", "--flood-sources", "100", str(month)], check=True,
                       capture_output=True)
        run = Run(sys.argv[1], directory)
        common, target, text = month_cases(tap, run, month, directory)
        failing_cases(tap, run, common, target, text, directory)
        hostile_cases(tap, run, month, directory)
    tap.end()


if __name__ == "__main__":
    main()
