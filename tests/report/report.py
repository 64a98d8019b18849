#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""op25b-log report from record files to the page: report.py OP25B-LOG OP25B-MONTH. Prints TAP.

The figures of the page beside the truth of a month, the same bytes again, hostile records, and what becomes of the file
when something goes wrong.
"""
import datetime
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
        self.evidence, self.proving = [], None  # None: elsewhere; else whether a paragraph has begun
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
        if tag == "td":
            self.proving = False if attributes.get("class") == "evidence" else None
        elif tag == "p" and self.proving is False:
            self.proving = True
            self.evidence.append("")

    def handle_endtag(self, tag):
        if tag in ("td", "th") and self.cell:
            self.rows[-1].append(self.cell[0] if self.cell[0] is not None else self.cell[1].strip())
            self.cell = None

    def handle_data(self, data):
        if self.proving:
            self.evidence[-1] += data
        if self.cell:
            self.cell[1] += data
        elif self.figure and data.strip():
            self.figures.append(int(data.replace(",", "")))

    def body(self, name):
        return self.tables.get(name, [[]])[1:]


class Run:
    def __init__(self, program, directory):
        self.program, self.directory = program, Path(directory)

    def __call__(self, *arguments, seconds=60):
        return self.to(subprocess.PIPE, *arguments, seconds=seconds)

    def to(self, output, *arguments, seconds=60):
        environment = dict(os.environ, XDG_CACHE_HOME=str(self.directory / "cache"), TZ="Asia/Tokyo")
        return subprocess.run([self.program, *map(str, arguments)], stdout=output, stderr=subprocess.PIPE, env=environment, check=False,
                              timeout=seconds)


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


def facts_of(evidence):
    """Numbers, and the keys of the policy, in whatever order the language has them."""
    return sorted(re.findall(r"[a-z]+_[a-z_]+|[0-9.]+", evidence.rstrip(".")))


def evidence_problems(page, japanese):
    told = [(english, other) for english, other in zip(page.evidence, japanese.evidence, strict=True)]
    if len({tuple(re.findall("[a-z]+_[a-z_]+", english)) for english, _ in told}) < 3 or len(told) < 20:
        yield f"too few rows or kinds of them: {told}"
    for english, other in told:
        yield from same("facts", facts_of(other), facts_of(english))
        if not re.search("[\u3040-\u30ff\u4e00-\u9fff]", other) or re.search("[A-Za-z]{3}", re.sub("[a-z]+_[a-z_]+", "", other)):
            yield f"not Japanese: {other}"


def notice_problems(page, truth):
    wanted = sorted((notice["first_us"], notice["packets"]) for notice in truth["notices"])
    yield from same("notices", sorted((int(row[0]), int(row[4])) for row in page.body("notices")), wanted)


def hostile_file(directory, month):
    """A record file in which every name is hostile."""
    source = next(iter(sorted(Path(month).glob("*/events.json"))))
    target = directory / "hostile.json"
    names_there = [*HOSTILE, "dyn\u200bamic\u2067"]
    with open(source, encoding="utf-8") as lines, open(target, "w", encoding="utf-8") as out:
        for number, line in zip(range(60), lines):
            record = json.loads(line)
            names = [names_there[(number + i) % len(names_there)] for i in range(3)]
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
    began = datetime.datetime.fromtimestamp(end - 10 * DAY_S, datetime.timezone.utc)
    (directory / "early.json").write_text(json.dumps({**answer, "since": began.strftime("%Y-%m-%dT%H:%M:%SZ")}), encoding="utf-8")
    counting = (month / "op25b.ini").read_text(encoding="utf-8")
    (directory / "counting.ini").write_text(re.sub(r"(\[exempt [^\]]+\])", r"\1\ncount = yes", counting), encoding="utf-8")
    with_uses = run(*common, "--policy", directory / "counting.ini", "--html", "-", "--uses", directory / "uses.json")
    tap.case("what op25bd counted of them is taken, where it is known", same("exit code", with_uses.returncode, 0) +
             same("rows", {row[2] for row in page.body("exempt")}, {"not known"}) +
             same("rows", {row[2] for row in Tables(with_uses.stdout.decode()).body("exempt")} , {"unused"}))
    early = [run(*common, "--policy", directory / "counting.ini", "--html", "-", "--uses", directory / "early.json", "--lang", language)
             for language in ("en", "ja")]
    tap.case("what was counted for ten days is not called unused",
             [problem for page_of, word in zip(early, ("too early to say", "判断には早い"))
              for problem in same("rows", {row[2] for row in Tables(page_of.stdout.decode()).body("exempt")}, {word})])
    tap.case("the same store and time make the same bytes", same("page", again.stdout.decode() == text, True))
    japanese = Tables(run(*common, "--html", "-", "--lang", "ja").stdout.decode())
    tap.case("the Japanese page has the same figures", same("figures", japanese.figures, page.figures))
    tap.case("and the same evidence, with the thresholds' names", evidence_problems(page, japanese))
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
    refused(tap, run, "a directory that is not there is told", [*common, "--html", directory / "none" / "page.html"], b"make it")
    refused(tap, run, "a full disk is told", [*common, "--html", "/dev/full"], b"/dev/full")
    tap.case("nothing of this changed the page, or left anything beside it",
             same("page", target.read_text(encoding="utf-8") == text, True) +
             same("files", sorted(path.name for path in directory.glob("page*")), ["page.html"]))
    empty = run(*common, "--html", "-", "--pool", "nobody")
    tap.case("nothing found: the page says so, and the exit code is 1",
             same("exit code", empty.returncode, 1) + same("page", b"No block records in this period." in empty.stdout, True) +
             same("filters", b"--pool nobody" in empty.stdout, True))


def target_cases(tap, run, common, target, text, directory):
    """Every kind of thing that --html may lead to: it works, or says what to do."""
    place = directory / "targets"
    (place / "real").mkdir(parents=True)
    real, link, dangling = place / "real" / "page.html", place / "link", place / "dangling"
    real.write_text("old", encoding="utf-8")
    link.symlink_to("second")
    (place / "second").symlink_to("real/page.html")
    dangling.symlink_to("real/new.html")
    number = real.stat().st_ino
    results = [run(*common, "--html", path).returncode for path in (link, dangling)]
    tap.case("links are followed, and stay", same("exit codes", results, [0, 0]) +
             same("links", [str(path.readlink()) for path in (link, place / "second", dangling)],
                  ["second", "real/page.html", "real/new.html"]) +
             same("pages", [path.read_text(encoding="utf-8") == text for path in (real, place / "real" / "new.html")], [True, True]) +
             same("replaced whole", real.stat().st_ino != number, True) +
             same("nothing beside them", sorted(path.name for path in (place / "real").iterdir()), ["new.html", "page.html"]))
    fifo = place / "fifo"
    os.mkfifo(fifo)
    with open(place / "read", "wb") as sink, subprocess.Popen(["cat", fifo], stdout=sink) as reader:
        code = run(*common, "--html", fifo).returncode
        reader.wait(60)
    got = (place / "read").read_text(encoding="utf-8")
    tap.case("a pipe with a name is written to, and stays one", same("exit code", code, 0) + same("page", got == text, True) +
             same("kind", fifo.is_fifo(), True))
    output = place / "output.html"
    with open(output, "wb") as stream:
        stream.write(b"before\n")
        stream.flush()
        code = run.to(stream, *common, "--html", "/dev/stdout").returncode
    tap.case("/dev/stdout is standard output, also where that is a file", same("exit code", code, 0) +
             same("page", output.read_text(encoding="utf-8") == "before\n" + text, True))
    refused(tap, run, "a directory: a name in it is proposed", [*common, "--html", place], f"{place}/report.html".encode())
    refused(tap, run, "a name that ends as a directory's", [*common, "--html", f"{place}/none/"], b"directory")
    refused(tap, run, "an empty name", [*common, "--html", ""], b"name a file")
    (place / "ring").symlink_to("ring")
    refused(tap, run, "links in a ring", [*common, "--html", place / "ring"], b"symbolic links")
    refused(tap, run, "a full device", [*common, "--html", "/dev/full"], b"No space left on device")
    locked = place / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    if os.access(locked, os.W_OK):  # root: a file system that cannot be written to is as good
        locked = Path("/proc/self")
    refused(tap, run, "a directory without room for us: another way is told", [*common, "--html", locked / "page.html"], b"--html - >FILE")
    tap.case("the page of before is as it was", same("page", target.read_text(encoding="utf-8") == text, True))


def size_cases(tap, program, directory):
    """The page is bounded by its rows, not by how many subscribers there are; OP25B_TEST_LONG=1: about a million of them."""
    long = os.environ.get("OP25B_TEST_LONG") == "1"
    month, rare = directory / "many", 1_000_000 if long else 2500
    month.mkdir()
    subprocess.run([program, "--days", "1", "--routers", "1", "--floods", "0", "--bots", "3", "--rare", str(rare), "--table", "1300000",
                    str(month)], check=True, capture_output=True)
    run = Run(sys.argv[1], directory)
    common = ["--log", next(iter(month.glob("*/events.json"))), "--policy", month / "op25b.ini", "--store", directory / "many.db", "report",
              "--since", "2026-03-01", "--until", "2026-03-03"]
    for limit, rows, most in ((50, 50, 400_000), (0, 1000, 3_000_000)):
        made = run(*common, "--html", "-", "--limit", limit, seconds=900 if long else 60)
        page = Tables(made.stdout.decode())
        tap.case(f"many subscribers, --limit {limit}: {len(made.stdout)} bytes", same("rows", len(page.body("talkers")), rows) +
                 same("so many are counted", page.figures[1] > rare * 0.6, True) + same("bounded", len(made.stdout) < most, True))


def hostile_cases(tap, run, month, directory):
    path = hostile_file(directory, month)
    made = run("--log", path, "--store", directory / "hostile.db", "--policy", month / "op25b.ini", "report", "--since", "@0", "--until",
               "@1900000000", "--html", "-")
    page = Page(made.stdout.decode())
    told = {page.text(element) for element in page.elements if element[0] == "bdi"}
    tap.case("hostile records: a page is made", same("exit code", made.returncode, 0))
    tap.case("hostile records: their names are texts", same("shown", bool(told & set(HOSTILE)), True) + page.problems)
    tap.case("hostile records: what nobody sees is shown", same("shown", "dyn\\u200bamic\\u2067" in told, True))
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
        target_cases(tap, run, common, target, text, directory)
        hostile_cases(tap, run, month, directory)
        size_cases(tap, sys.argv[2], directory)
    tap.end()


if __name__ == "__main__":
    main()
