# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs op25b-log in a home of its own, and reports in TAP."""
import csv
import fcntl
import io
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import traceback
from pathlib import Path


class Run:
    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout.decode("utf-8", "surrogateescape")
        self.err = done.stderr.decode("utf-8", "surrogateescape")

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def csv(self):
        return list(csv.DictReader(io.StringIO(self.out, newline="")))


class Log:
    """op25b-log whose home, policy and record files are in a directory of its own; files are those that are always named."""

    def __init__(self, program, directory, files=()):
        self.program = os.path.abspath(program)
        self.directory = Path(directory)
        self.files = [word for file in files for word in ("--log", str(file))]

    def environment(self, **changes):
        home = self.directory / "home"
        home.mkdir(exist_ok=True)
        kept = {name: value for name, value in os.environ.items()
                if name not in ("XDG_CACHE_HOME", "NO_COLOR", "PAGER", "LESS", "SUDO_UID", "COLUMNS")}
        return {**kept, "HOME": str(home), "LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo", "TERM": "xterm", **changes}

    def run(self, *arguments, **changes):
        return Run(subprocess.run([self.program, *self.files, *map(str, arguments)], env=self.environment(**changes),
                                  cwd=self.directory, stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                                  check=False))

    def rows(self, *arguments):
        """What a command finds, as JSON; it must find something."""
        run = self.run(*arguments, "--json")
        same(run.code, 0, f"code of {arguments}: {run.err}")
        return run.json


def on_terminal(log, *arguments, columns=200, until=None, **changes):
    """What comes out of a terminal of 24 lines, and the exit code; it is killed when `until` was shown."""
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        os.chdir(log.directory)
        os.execve(log.program, [log.program, *log.files, *map(str, arguments)], log.environment(**changes))
    shown = b""
    end = time.monotonic() + 20
    while time.monotonic() < end and not (until and until in shown.decode("utf-8", "replace")):
        if not select.select([terminal], [], [], 0.5)[0]:
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        if not data:
            break
        shown += data
    else:
        os.kill(pid, signal.SIGKILL)
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    return shown.decode("utf-8", "replace"), os.waitstatus_to_exitcode(status)


def same(got, wanted, what="result"):
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, wanted {wanted!r}")


def true(condition, what):
    if not condition:
        raise AssertionError(what)


def run_cases(cases):
    """Functions without arguments, by their names. Exits with 1 if one failed."""
    failed = 0
    print(f"1..{len(cases)}")
    for number, case in enumerate(cases, 1):
        name = case.__name__.replace("_", " ")
        try:
            case()
            print(f"ok {number} - {name}")
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f"not ok {number} - {name}")
            print("# " + traceback.format_exc().replace("\n", "\n# "))
        sys.stdout.flush()
    sys.exit(1 if failed else 0)
