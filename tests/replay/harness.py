# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs op25b-replay and reports in TAP."""
import json
import os
import subprocess
import sys
import tempfile
import traceback


class Run:
    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr.decode(errors="replace")

    @property
    def text(self):
        return self.out.decode()

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


class Replay:
    """op25b-replay in a directory of its own."""

    def __init__(self, program, directory):
        self.program = os.path.abspath(program)
        self.directory = directory

    def write(self, name, data):
        with open(os.path.join(self.directory, name), "wb") as file:
            file.write(data)
        return name

    def read(self, name):
        with open(os.path.join(self.directory, name), "rb") as file:
            return file.read()

    def run(self, *arguments, stdin=b"", stdout=subprocess.PIPE):
        environment = {**os.environ, "LC_ALL": "C", "TZ": "Asia/Tokyo"}
        return Run(subprocess.run([self.program, *arguments], cwd=self.directory, env=environment, input=stdin,
                                  stdout=stdout, stderr=subprocess.PIPE, timeout=60, check=False))


def same(got, wanted, what="result"):
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, wanted {wanted!r}")


def true(condition, what):
    if not condition:
        raise AssertionError(what)


def run_cases(cases, program):
    """Cases: functions that take a Replay; each has a fresh directory. Exits with 1 if one failed."""
    failed = 0
    print(f"1..{len(cases)}")
    for number, case in enumerate(cases, 1):
        name = case.__name__.replace("_", " ")
        with tempfile.TemporaryDirectory() as directory:
            try:
                case(Replay(program, directory))
                print(f"ok {number} - {name}")
            except Exception:  # pylint: disable=broad-except
                failed += 1
                print(f"not ok {number} - {name}")
                print("# " + traceback.format_exc().replace("\n", "\n# "))
        sys.stdout.flush()
    sys.exit(1 if failed else 0)
