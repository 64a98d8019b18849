#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Names of files and arguments that would drive a terminal, in what each program says of them: hostile_names.py SOURCE BUILD.

Prints TAP.
"""
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from man_pages import Build  # noqa: E402 pylint: disable=wrong-import-position
from repo_rules import Tap  # noqa: E402 pylint: disable=wrong-import-position

RED = "\x1b[31m"
NAME = f"{RED}red\x07\r\u202egnp\x9b.ini"
SHOWN = "\\x1b[31mred\\x07\\x0d\\u202egnp\\u009b.ini"
BROKEN = "[gateway]\nmode = loud\n"  # found by each reader of policies, which shows file, line and caret


def problems(program, arguments, directory, shown):
    # op25bd holds SIGTERM back.
    done = subprocess.run(["timeout", "-s", "KILL", "20", program, *arguments], cwd=directory, stdin=subprocess.DEVNULL,
                          capture_output=True, check=False, env={**os.environ, "HOME": str(directory), "LC_ALL": "C.UTF-8"})
    text = done.stderr.decode("utf-8", "surrogateescape")
    if done.returncode in (0, -9, 137):
        yield f"it ends with {done.returncode}"
    wrong = [c for c in text if (ord(c) < 32 and c not in "\n\t") or 0x7f <= ord(c) < 0xa0 or c == "\u202e" or 0xdc80 <= ord(c) < 0xdd00]
    if wrong:
        yield f"it says {text!r}"
    if shown not in text:
        yield f"it says {text!r}, without {shown}"


def cases(root):
    """Arguments of each program, and what its error shows of them."""
    policy, broken = str(root / NAME), str(root / ("broken" + NAME))
    Path(broken).write_text(BROKEN, encoding="utf-8")
    good = root / "good.ini"
    good.write_text("[gateway]\nfail = open\nunlisted = accept\n", encoding="utf-8")
    for name, commands in {"op25b-rules": [["check"]], "op25b-log": [["top"]], "op25b-replay": [["none.pcap"]], "op25bd": [[]],
                           "op25b-exporter": [["--listen", "127.0.0.1:0"]], "op25bctl": [["status"]]}.items():
        yield name, [f"--{RED}loud"], "\\x1b[31mloud"
        for command in commands:
            if name == "op25bctl":
                yield name, ["--socket", policy, *command], SHOWN
            elif name != "op25b-exporter":
                yield name, ["-p", policy, *command], SHOWN
                yield name, ["-p", broken, *command], SHOWN
    for name in ("op25b-rules", "op25b-log", "op25bctl"):
        yield name, [f"{RED}status"], "\\x1b[31mstatus"
    yield "op25b-replay", ["-p", str(good), policy], SHOWN
    yield "op25b-replay", ["-p", str(good), "--expect", policy, "none.pcap"], SHOWN
    yield "op25b-log", ["-p", str(good), "--log", policy, "top"], SHOWN
    yield "op25b-log", ["-p", str(good), "top", "--output", f"{RED}up"], "\\x1b[31mup"
    yield "op25b-log", ["-p", str(good), "--store", "/nowhere/" + NAME, "top"], SHOWN
    yield "op25bd", [f"{RED}now"], "\\x1b[31mnow"


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: hostile_names.py SOURCE BUILD")
    programs = Build(Path(sys.argv[2])).programs()
    tap = Tap()
    with tempfile.TemporaryDirectory() as directory:
        for name, arguments, shown in cases(Path(directory)):
            if name in programs:
                what = ascii(" ".join(arguments)).replace(directory, "")
                tap.case(f"{name} {what}", problems(programs[name], arguments, directory, shown))
    tap.end()


if __name__ == "__main__":
    main()
