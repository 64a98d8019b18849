#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The rules of the source tree, as tests: repo_rules.py modules|files|purity SOURCE [BUILD].

  modules  who may include whom (src/README.md): #include lines against the table MAY_INCLUDE
  files    lengths of files and functions, licence lines, words and calls that must not appear
  purity   packet, the prefix look-up and the decision do no I/O, read no clock and allocate nothing: every symbol that
           their objects leave undefined is of another such object, or on an allowlist

Prints TAP. Each rule is also shown to fail, on a planted violation in a temporary copy.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

MAY_INCLUDE = {
    "base": set(),
    "lpm": {"base"},
    "packet": {"base"},
    "event": {"base"},
    "policy": {"base"},
    "engine": {"base", "lpm", "packet", "policy"},
    "capture": {"base", "packet"},
    "synth": {"base"},
    "anonymise": {"base", "packet", "policy"},
    "explain": {"base", "packet", "policy", "engine"},
    "expect": {"base", "packet", "engine"},
    "record": {"base", "packet", "policy", "engine", "event"},
    "ruleset": {"base", "policy", "engine"},
    "net": {"base", "ruleset"},
    "store": {"base", "event"},
    "control": {"base"},
    "report": {"base", "event", "store"},
}
LIBRARIES = set(MAY_INCLUDE)
MAY_INCLUDE["man"] = {"base", "control", "engine", "event", "policy"}
MAY_INCLUDE["daemon"] = LIBRARIES
MAY_INCLUDE["tools"] = LIBRARIES

# System headers that only one module may know.
OWNED_HEADERS = [
    (re.compile(r"^(libmnl/|libnftnl/|libnetfilter|libnfnetlink|linux/netfilter|linux/netlink|linux/rtnetlink)"), "net"),
    (re.compile(r"^pcap(/|\.h$)"), "capture"),
    (re.compile(r"^sqlite3\.h$"), "store"),
    (re.compile(r"^ini\.h$"), "policy"),
]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)

LINES_MAX = 600
FUNCTION_LINES_MAX = 40  # between its braces
TEST_LINES_MAX = 1000  # tables of cases are long and simple
SOURCE_SUFFIXES = {".c", ".h", ".py", ".sh"}
CODE_DIRECTORIES = ("src", "tools")
ALL_DIRECTORIES = ("src", "tools", "tests", "etc", "rules", ".ci")
# Spelt in halves, because the rule is about this file too.
WORDS = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|st" r"ub|place" r"holder|not imple" r"mented)\b")
CALLS = re.compile(r"(?<![\w.>])(?:atoi|atol|atof|strcpy|strcat|sprintf|vsprintf|gets|system|popen)\s*\(")
MACHINE = re.compile(r"/wo" r"rk/(?:main|shared|wt-)|/home/\w+/|/ro" r"ot/")

# What pure code may call: functions that only touch the memory handed to them, and the compiler's own helpers.
PURE_CALLS = {
    "memcpy", "memmove", "memset", "memcmp", "memchr", "strlen", "strcmp", "strncmp", "bcmp",
    "__memcpy_chk", "__memmove_chk", "__memset_chk", "__stack_chk_fail", "__assert_fail", "__popcountdi2",
    "_GLOBAL_OFFSET_TABLE_",
}
SANITIZER = re.compile(r"^__(?:asan|ubsan|tsan|gcov|sancov|sanitizer|llvm_profile)")
# Source files whose objects must be pure; the rest of these modules compiles a policy, and may allocate.
PURE_SOURCES = {
    "base": re.compile(r"^addr\.c$"),
    "packet": re.compile(r"."),
    "lpm": re.compile(r"^lookup\.c$"),
    "engine": re.compile(r"^(?:decide|override|reasons|whole)\.c$"),
}


def source_files(root, directories, suffixes):
    for directory in directories:
        for path in sorted((root / directory).rglob("*")):
            if path.is_file() and path.suffix in suffixes and "__pycache__" not in path.parts:
                yield path


def module_of(root, path):
    parts = path.relative_to(root).parts
    return parts[1] if parts[0] == "src" else parts[0]


def check_include(module, bracket, header):
    """None, or what is wrong with this #include in this module."""
    if header.endswith(".c"):
        return "includes a .c file"
    for pattern, owner in OWNED_HEADERS:
        if pattern.match(header):
            return None if module == owner else f"only src/{owner} may include it"
    if bracket == "<":
        return None
    if header.startswith(".") or "/../" in header:
        return "leaves its directory; include from src/ down"
    target = header.split("/")[0] if "/" in header else module
    if target == module or target in MAY_INCLUDE.get(module, set()):
        return None
    return f"{module} may include only {', '.join(sorted(MAY_INCLUDE.get(module, set()))) or 'itself'}"


def module_violations(root):
    for path in source_files(root, CODE_DIRECTORIES, {".c", ".h"}):
        module = module_of(root, path)
        if module not in MAY_INCLUDE:
            yield f"{path.relative_to(root)}: the module {module} has no row in MAY_INCLUDE"
            continue
        for bracket, header in INCLUDE.findall(path.read_text(encoding="utf-8")):
            wrong = check_include(module, bracket, header)
            if wrong:
                yield f"{path.relative_to(root)}: {header}: {wrong}"


def scripts(root):
    for directory in ("tools/dev", ".ci"):
        for path in sorted((root / directory).glob("*")):
            if path.is_file() and not path.suffix and path.read_bytes()[:2] == b"#!":
                yield path


def long_functions(lines):
    """(number of the line with the brace, length) of each; clang-format puts a function's braces first in their lines."""
    begin = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            begin = number
        elif line == "}" and begin:
            if number - begin - 1 > FUNCTION_LINES_MAX:
                yield begin, number - begin - 1
            begin = None


def text_violations(relative, text, is_code):
    lines = text.splitlines()
    most = TEST_LINES_MAX if str(relative).startswith("tests/") else LINES_MAX
    if len(lines) > most:
        yield f"{relative}: {len(lines)} lines, at most {most}"
    if not any("SPDX-License-Identifier: GPL-2.0-or-later" in line for line in lines[:3]):
        yield f"{relative}: no SPDX line on top"
    if is_code and relative.suffix in (".c", ".h"):
        for number, length in long_functions(lines):
            yield f"{relative}:{number}: a function of {length} lines, at most {FUNCTION_LINES_MAX}"
    for number, line in enumerate(lines, 1):
        if MACHINE.search(line):
            yield f"{relative}:{number}: a path of one machine: {line.strip()}"
        if is_code and WORDS.search(line):
            yield f"{relative}:{number}: unfinished: {line.strip()}"
        if is_code and CALLS.search(line) and relative.suffix in (".c", ".h"):
            yield f"{relative}:{number}: a forbidden call: {line.strip()}"


def file_violations(root):
    paths = list(source_files(root, ALL_DIRECTORIES, SOURCE_SUFFIXES)) + list(scripts(root))
    for path in paths:
        relative = path.relative_to(root)
        text = path.read_text(encoding="utf-8")
        yield from text_violations(relative, text, relative.parts[0] in CODE_DIRECTORIES)


def nm(path, *options):
    output = subprocess.run(["nm", "--format=posix", *options, str(path)], check=True, capture_output=True, text=True)
    return {line.split()[0] for line in output.stdout.splitlines() if line and not line.endswith(":")}


def pure_objects(build):
    """The objects of the pure sources; their names in a meson build are <library>.a.p/<source>.o."""
    for module, pattern in PURE_SOURCES.items():
        for path in sorted((build / "src" / module).glob("*.a.p/*.c.o")):
            if pattern.match(path.name[: -len(".o")]):
                yield path


def impure_symbols(objects):
    """(object, symbol) for every symbol that is neither another pure object's nor on the allowlist."""
    defined = set().union(*(nm(path, "--defined-only") for path in objects)) if objects else set()
    for path in objects:
        for symbol in sorted(nm(path, "--undefined-only")):
            if symbol not in defined and symbol not in PURE_CALLS and not SANITIZER.match(symbol):
                yield path, symbol


def purity_violations(build):
    for path, symbol in impure_symbols(list(pure_objects(build))):
        yield f"{path.name}: needs {symbol}"


class Tap:
    def __init__(self):
        self.count = 0
        self.failures = 0

    def case(self, description, problems):
        self.count += 1
        problems = list(problems)
        print(f"{'not ok' if problems else 'ok'} {self.count} - {description}", flush=True)
        for problem in problems:
            print(f"# {problem}", file=sys.stderr)
        self.failures += bool(problems)

    def found(self, description, violations, part):
        """A planted violation must be found."""
        violations = list(violations)
        self.case(description, [] if any(part in text for text in violations) else [f"not found: {part}"])

    def end(self):
        print(f"1..{self.count}")
        sys.exit(1 if self.failures or not self.count else 0)


def copy_of(source, target):
    for directory in ALL_DIRECTORIES:
        if (source / directory).is_dir():
            shutil.copytree(source / directory, target / directory, ignore=shutil.ignore_patterns("__pycache__"))


def plant(root, relative, text):
    path = root / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("/* SPDX-License-Identifier: GPL-2.0-or-later */\n" + text, encoding="utf-8")


def test_modules(tap, source, _build):
    tap.case("every #include is allowed", module_violations(source))
    plants = [
        ("src/base/planted.c", '#include "policy/policy.h"', "policy/policy.h"),
        ("src/packet/planted.c", "#include <libmnl/libmnl.h>", "only src/net"),
        ("src/engine/planted.c", "# include <pcap/pcap.h>", "only src/capture"),
        ("src/ruleset/planted.h", '#include "../engine/engine.h"', "leaves its directory"),
        ("tools/planted.c", '#include "daemon/daemon.h"', "daemon/daemon.h"),
        ("src/lpm/planted.c", '#include "lpm/build.c"', "a .c file"),
        ("src/elsewhere/planted.c", "", "no row"),
    ]
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        copy_of(source, root)
        for relative, text, _ in plants:
            plant(root, relative, text + "\n")
        found = list(module_violations(root))
        for relative, text, part in plants:
            tap.found(f"planted and found: {text or 'an unknown module'} in {relative}",
                      (line for line in found if line.startswith(relative)), part)


def test_files(tap, source, _build):
    tap.case("lengths, licence lines, words and calls", file_violations(source))
    plants = [
        ("src/base/planted1.c", "int x;\n" * LINES_MAX, "lines, at most"),
        ("src/base/planted6.c", "int f(void)\n{\n" + "\tg();\n" * (FUNCTION_LINES_MAX + 1) + "}\n", "a function of 41 lines"),
        ("src/base/planted2.c", "/* TO" "DO */\n", "unfinished"),
        ("tools/planted3.c", "int y = ato" "i(text);\n", "a forbidden call"),
        ("tools/planted4.h", "char *path = \"/wo" "rk/shared/x\";\n", "one machine"),
    ]
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        copy_of(source, root)
        for relative, text, _ in plants:
            plant(root, relative, text)
        (root / "src/base/planted5.c").write_text("int z;\n", encoding="utf-8")
        found = list(file_violations(root))
        for relative, _, part in plants + [("src/base/planted5.c", "", "no SPDX line")]:
            tap.found(f"planted and found: {part}", (line for line in found if line.startswith(relative)), part)


def compiled(directory, name, text):
    source = directory / f"{name}.c"
    source.write_text(text, encoding="utf-8")
    compiler = os.environ.get("CC", "cc").split()
    subprocess.run([*compiler, "-O1", "-c", str(source), "-o", str(source) + ".o"], check=True)
    return Path(str(source) + ".o")


def test_purity(tap, source, build):
    for module, pattern in PURE_SOURCES.items():
        sources = [path for path in (source / "src" / module).glob("*.c") if pattern.match(path.name)]
        objects = [path for path in pure_objects(build) if path.parent.parent.name == module]
        if (source / "src" / module / "meson.build").is_file():
            tap.case(f"the pure objects of {module} are there",
                     [] if sources and len(sources) == len(objects) else [f"{len(objects)} of {len(sources)} sources"])
    tap.case("nothing pure needs I/O, a clock or memory", purity_violations(build))
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        for name, text in (("clock", "#include <time.h>\nlong f(void) { return (long)time(0); }\n"),
                           ("malloc", "#include <stdlib.h>\nvoid *f(void) { return malloc(3); }\n"),
                           ("write", "#include <unistd.h>\nlong f(void) { return write(1, \"\", 1); }\n")):
            planted = compiled(root, name, text)
            wanted = "time" if name == "clock" else name
            tap.found(f"planted and found: {wanted}()", (symbol for _, symbol in impure_symbols([planted])), wanted)


TESTS = {"modules": test_modules, "files": test_files, "purity": test_purity}


def main():
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in TESTS:
        sys.exit("usage: repo_rules.py modules|files|purity SOURCE [BUILD]")
    tap = Tap()
    TESTS[sys.argv[1]](tap, Path(sys.argv[2]).resolve(), Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else None)
    tap.end()


if __name__ == "__main__":
    main()
