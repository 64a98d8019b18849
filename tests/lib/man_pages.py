#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The manual against the programs: man_pages.py SOURCE BUILD.

Every key, reason, record field and metric is in its page; every option of a program's --help is in its page, and the reverse;
exit codes are those of src/base/exitcode.h, and those that the program's sources use; the example policies are
accepted; the pages are free of formatting errors. Prints TAP. Each comparison is also shown to fail on planted input.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from repo_rules import Tap

SKIP = 77
WIDTH = 400
OVERVIEW = "op25b.7"
OVERVIEWS = {"op25b-log"}  # programs whose --help leaves the options of commands to these
OWN_LIBRARIES = {"op25bd": ["op25b-daemon"]}  # libraries that are no other program's
OPTION = re.compile(r"(?<![\w/.-])(--[a-z][a-z0-9-]+|-[A-Za-z0-9])(?![\w-])")
ENTRY = re.compile(r"^ {7,}(-{1,2}[A-Za-z].*)$")


def planted(tap, description, problems):
    tap.found(f"planted and found: {description}", problems, "")


def output(*command, **options):
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": str(WIDTH), "MANPAGER": "cat", "MANROFFOPT": ""}
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, encoding="utf-8",
                          stdin=subprocess.DEVNULL, env=environment, timeout=60, check=False, **options)


def rendered(page):
    """The page as text without backspaces, in lines too long to be wrapped."""
    if shutil.which("mandoc"):
        text = output("mandoc", "-Tutf8", f"-Owidth={WIDTH}", page).stdout
    else:
        text = output("man", "-l", page).stdout
    return re.sub(".\b", "", text).replace("\u2010", "-").replace("\u2212", "-")


def sections(text):
    """{heading: body} of a rendered page; "SECTION/subsection" for the bodies below a subsection."""
    found = {}
    section = key = ""
    for line in text.splitlines():
        if re.match(r"^\S", line):
            section = key = line.strip()
        elif re.match(r"^ {3}\S", line):
            key = f"{section}/{line.strip()}"
        found.setdefault(key, []).append(line)
    return {name: "\n".join(lines) for name, lines in found.items()}


def body_of(page_sections, wanted):
    return "\n".join(body for name, body in page_sections.items() if name == wanted or name.startswith(wanted + "/"))


# ---- names ----

HEADS = {"gateway": "[gateway]", "log": "[log]", "triage": "[triage]"}
OBJECTS = {"top": "The record"}
RECORDS = {"field": "FIELDS", "notice": "RECORDS ABOUT THE GATEWAY"}


def missing_names(names, policy_page, events_page, metrics_page):
    """names: what op25b-man-tables names says. The pages: their sections()."""
    for line in names.splitlines():
        kind, where, name = line.split()
        if kind == "key":
            body = policy_page.get(f"SECTIONS/{HEADS.get(where, f'[{where} NAME]')}", "")
            pattern = rf"^ {{7}}{re.escape(name)} = "
        elif kind == "reason":
            body = policy_page.get("REASONS", "")
            pattern = rf"^ {{7}}{re.escape(name)} \({where}\): "
        elif kind == "metric":
            body = metrics_page.get("METRICS", "")
            pattern = rf"^ {{7}}{re.escape(name)}( \{{[a-z, ]+\}})?: {where}, "
        else:
            body = events_page.get(f"{RECORDS[kind]}/{OBJECTS.get(where, where)}", "")
            pattern = rf"^ {{7}}{re.escape(name)}: "
        if not re.search(pattern, body, re.MULTILINE):
            yield f"{kind} {name} ({where}) is not in the page"


def fields_too_many(names, events_page):
    """The reverse: what the page heads as a field, and no table has."""
    known = set(names.splitlines())
    places = {page: where for where, page in OBJECTS.items()}
    for kind, section in RECORDS.items():
        for heading, body in events_page.items():
            if not heading.startswith(section + "/"):
                continue
            where = heading.removeprefix(section + "/")
            for name in re.findall(r"^ {7}([a-z]\S*): ", body, re.MULTILINE):
                if f"{kind} {places.get(where, where)} {name}" not in known:
                    yield f"{name} ({heading}) is in the page, and in no table"


# ---- options ----

def help_options(program, text):
    """Below "examples", other programs' options are left out."""
    explained, *examples = re.split(r"^examples?:.*$", text, maxsplit=1, flags=re.MULTILINE | re.IGNORECASE)
    found = set(OPTION.findall(explained))
    for command in re.split(r"[|\n;&]", "".join(examples)):
        if re.match(rf"[\s$#]*{re.escape(program)}\b", command):
            found.update(OPTION.findall(command))
    return found


def help_commands(text):
    block = re.search(r"^commands:\n((?:^ .*\n)+)", text, re.MULTILINE | re.IGNORECASE)
    return set(re.findall(r"^ {2}([a-z][a-z-]*)", block.group(1), re.MULTILINE)) if block else set()


def program_options(name, program):
    """Those of --help; where that is an overview, those of each command's --help, too."""
    text = output(program, "--help").stdout
    found = help_options(name, text)
    for command in sorted(help_commands(text)) if name in OVERVIEWS else ():
        found |= help_options(name, output(program, command, "--help").stdout)
    return found


def page_options(text):
    """The options that head an entry of the page."""
    entries = set()
    for line in text.splitlines():
        match = ENTRY.match(line)
        if match:
            entries.update(re.findall(r"(?:^|, )(--?[A-Za-z0-9][\w-]*)", match.group(1)))
    return entries


def used_options(program, page_sections):
    for line in body_of(page_sections, "SYNOPSIS").splitlines():
        yield from OPTION.findall(line)
    for body in page_sections.values():
        for command in re.findall(rf"(?:[$#|] ){re.escape(program)}\b([^|>;&\n]*)", body):
            yield from OPTION.findall(command)


def option_problems(program, in_help, page_text):
    in_page = page_options(page_text)
    if not in_help:
        yield f"{program} --help names no option"
    for option in sorted(in_help - in_page):
        yield f"{option} is in {program} --help, and not in its page"
    for option in sorted(in_page - in_help):
        yield f"{option} is in the page of {program}, and not in its --help"
    for option in sorted(set(used_options(program, sections(page_text))) - in_page):
        yield f"{option} is used in the page of {program}, and not explained there"


# ---- exit codes ----

def header_codes(header):
    return {name: int(number) for name, number in re.findall(r"^\s*(EXIT_CODE_\w+) = (\d+),", header, re.MULTILINE)}


def page_codes(page_sections):
    return [int(number) for number in re.findall(r"^ {7}(\d+)$", body_of(page_sections, "EXIT STATUS"), re.MULTILINE)]


def code_problems(listed, wanted):
    if len(listed) != len(set(listed)):
        yield f"a code is listed twice: {listed}"
    for number in sorted(set(wanted) - set(listed)):
        yield f"{number} is not listed"
    for number in sorted(set(listed) - set(wanted)):
        yield f"{number} is listed, and not used"


def used_codes(sources, codes):
    """The numbers of the codes that the program's own sources name."""
    text = "\n".join(Path(path).read_text(encoding="utf-8") for path in sources)
    return {codes[name] for name in re.findall(r"\bEXIT_CODE_\w+", text) if name in codes}


# ---- example policies ----

def example_policies(source_text):
    """The literal blocks of a page's source that are whole policies."""
    for block in re.findall(r"^```\n(.*?)^```$", source_text, re.MULTILINE | re.DOTALL):
        if block.startswith("[gateway]"):
            yield block.replace("\\", "")


def policy_problems(checker, text):
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        for number, name in enumerate(re.findall(r"^file = ([^/\n].*)$", text, re.MULTILINE)):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(f"203.0.{number}.0/24\n", encoding="utf-8")
        (root / "policy.ini").write_text(text, encoding="utf-8")
        result = output(checker, "check", "-p", root / "policy.ini")
    if result.returncode != 0:
        yield f"exit code {result.returncode}: {result.stdout}{result.stderr}"


# ---- formatting ----

def format_problems(page):
    if shutil.which("mandoc"):
        yield from output("mandoc", "-Tlint", "-Werror", page).stdout.splitlines()
    if shutil.which("man"):
        result = output("man", "--warnings", "-E", "UTF-8", "-l", page)
        yield from result.stderr.splitlines()
        if result.returncode != 0:
            yield f"man: exit code {result.returncode}"


# ---- references ----

def reference_problems(text, pages):
    for name, section in sorted(set(re.findall(r"(?<![\w.-])(op25b[\w.-]*)\((\d)\)", text))):
        if f"{name}.{section}" not in pages:
            yield f"there is no {name}({section})"


# ---- what was built ----

class Build:
    def __init__(self, build):
        self.installed = json.loads((build / "meson-info" / "intro-installed.json").read_text(encoding="utf-8"))
        self.targets = json.loads((build / "meson-info" / "intro-targets.json").read_text(encoding="utf-8"))
        self.tables = build / "src" / "man" / "op25b-man-tables"

    def pages(self):
        return {Path(path).name: Path(path) for path, to in self.installed.items()
                if Path(to).parent.name.startswith("man") and Path(path).name.startswith("op25b")}

    def programs(self):
        return {Path(path).name: Path(path) for path, to in self.installed.items()
                if Path(to).parent.name in ("bin", "sbin") and Path(path).name.startswith("op25b")}

    def sources(self, program):
        names = {program, *OWN_LIBRARIES.get(program, ())}
        return [path for target in self.targets if target["name"] in names
                for part in target["target_sources"] for path in part.get("sources", ())]


def test_names(tap, build, texts):
    names = output(build.tables, "names").stdout
    pages = [sections(texts[name]) for name in ("op25b.ini.5", "op25b-events.5", "op25b-metrics.7")]
    tap.case("there are keys, reasons, fields and metrics",
             [kind for kind in ("key", "reason", "field", "notice", "metric") if not re.search(rf"^{kind} ", names, re.MULTILINE)])
    tap.case("every key, reason, field and metric is in its page", missing_names(names, *pages))
    tap.case("and no other field is", fields_too_many(names, pages[1]))
    for line in ("field op25b ticket_of", "field rules seq", "notice engine message_text", "notice op25b seqs"):
        kind, where, name = line.split()
        heading = f"{RECORDS[kind]}/{where}"
        more = {**pages[1], heading: pages[1][heading] + f"\n       {name}: text\n           Nothing.\n"}
        planted(tap, f"only in the page: {line}", fields_too_many(names, more))
        planted(tap, f"only in the table: {line}", missing_names(line, *pages))
    for line in ("key pool prefixes", "key log prefix", "reason 9 pool-enforced", "reason 8 pool-enforce",
                    "field drop attempts", "field elsewhere seq", "metric gauge op25b_upp", "metric counter op25b_up"):
        planted(tap, line, missing_names(line, *pages))


def test_options(tap, build, texts):
    programs = build.programs()
    paged = {name.rsplit(".", 1)[0]: name for name in texts if name.endswith((".1", ".8"))}
    tap.case("every program has a page", (f"{name} has none" for name in sorted(set(programs) - set(paged))))
    tap.case("every page has a program", (f"{name} has none" for name in sorted(set(paged) - set(programs))))
    for name in sorted(set(programs) & set(paged)):
        result = output(programs[name], "--help")
        text = texts[paged[name]]
        tap.case(f"{name} --help works", [] if result.returncode == 0 and result.stdout else [result.stderr])
        options = program_options(name, programs[name])
        tap.case(f"the options of {name}", option_problems(name, options, text))
        planted(tap, f"an option only in {name} --help",
                option_problems(name, options | help_options(name, "  --planted  x\n"), text))
        planted(tap, f"an option only in the page of {name}",
                option_problems(name, options, text + "\n       --planted NAME\n           Nothing.\n"))


def test_codes(tap, source, build, texts):
    codes = header_codes((source / "src/base/exitcode.h").read_text(encoding="utf-8"))
    tap.case("exitcode.h has codes", [] if len(codes) >= 7 else [str(codes)])
    listed = page_codes(sections(texts[OVERVIEW]))
    tap.case("op25b(7) lists them all", code_problems(listed, codes.values()))
    planted(tap, "a code too many", code_problems(listed + [9], codes.values()))
    planted(tap, "a code missing", code_problems(listed[:-1], codes.values()))
    for name, page in sorted((name.rsplit(".", 1)[0], name) for name in texts if name.endswith((".1", ".8"))):
        used = used_codes(build.sources(name), codes)
        tap.case(f"the exit codes of {name}", code_problems(page_codes(sections(texts[page])), used))


def test_examples(tap, source, build):
    checker = build.programs()["op25b-rules"]
    policies = list(example_policies((source / "src/man/op25b.ini.5.scd.in").read_text(encoding="utf-8")))
    tap.case("op25b.ini(5) has examples", [] if len(policies) >= 3 else [f"{len(policies)} found"])
    for number, policy in enumerate(policies, 1):
        tap.case(f"example {number} of op25b.ini(5) is accepted", policy_problems(checker, policy))
    planted(tap, "a bad key in an example", policy_problems(checker, policies[0] + "\nplanted = 1\n"))


def test_format(tap, pages):
    for name, path in sorted(pages.items()):
        tap.case(f"{name} is well formed", format_problems(path))
    with tempfile.TemporaryDirectory() as directory:
        page = Path(directory) / "planted.1"
        page.write_text('.TH X 1 2026-01-01\n.SH NAME\nx \\- y\n.TS\nl l.\na\n.so ../../etc/passwd\n.RE\n.nosuch\n', encoding="utf-8")
        planted(tap, "a malformed page", format_problems(page))


def test_references(tap, texts):
    for name, text in sorted(texts.items()):
        tap.case(f"the pages that {name} points to are there", reference_problems(text, texts))
    planted(tap, "a pointer to nowhere", reference_problems("see op25b-planted(8)", texts))


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: man_pages.py SOURCE BUILD")
    source, build = Path(sys.argv[1]), Build(Path(sys.argv[2]))
    pages = build.pages()
    why = ""
    if not pages:
        why = "the manual pages are not built: scdoc is not there"
    elif not shutil.which("mandoc") and not shutil.which("man"):
        why = "neither mandoc nor man is there"
    if why:
        print(f"1..0 # SKIP {why}")
        sys.exit(SKIP)
    tap = Tap()
    texts = {name: rendered(path) for name, path in pages.items()}
    test_format(tap, pages)
    test_references(tap, texts)
    test_names(tap, build, texts)
    test_options(tap, build, texts)
    test_codes(tap, source, build, texts)
    test_examples(tap, source, build)
    tap.end()


if __name__ == "__main__":
    main()
