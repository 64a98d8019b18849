#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_recipe.py PROGRAM README: the commands of README's workflow, run in a policy repository, pass and fail as they should."""
import os
import re
import shutil
import subprocess
import sys

from harness import run_cases, same, true

CASES = b"""at 2026-10-01T00:00:00+09:00 tcp 10.1.0.1 > 192.0.2.1:25 syn => blocked pool-enforce
tcp 10.1.0.1 > 192.0.2.1:587 syn => allowed not-tcp25
"""
POLICY = """[gateway]
mode = enforce
fail = open
unlisted = accept

[pool homes]
prefix = 10.1.0.0/16

[relay mx]
address = 192.0.2.25
"""


def workflow(readme):
    """The steps' names and commands, of the one YAML block."""
    with open(readme, encoding="utf-8") as file:
        block = re.search(r"```yaml\n(.*?)```", file.read(), re.DOTALL).group(1)
    steps = []
    for name, rest in re.findall(r"- name: (.*)\n((?:(?! *- ).*\n)+)", block):
        command = re.search(r"run: \|\n((?: {10}.*\n)+)", rest)
        text = re.sub(r"(?m)^ {10}", "", command.group(1)) if command else re.search(r"run: (.*)\n", rest).group(1)
        steps.append((name, text))
    return steps


def run(replay, command):
    """Without git's own variables: whoever runs this from a hook or a rebase has them set to another repository."""
    path = os.path.dirname(replay.program) + os.pathsep + os.environ["PATH"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(["bash", "-e", "-o", "pipefail", "-c", command], cwd=replay.directory, capture_output=True,
                          text=True, check=False, timeout=120,
                          env={**clean, "PATH": path, "GIT_CONFIG_GLOBAL": "/dev/null",
                               "GIT_CEILING_DIRECTORIES": os.path.dirname(replay.directory)})


def repository(replay):
    replay.write("policy.ini", POLICY.encode())
    replay.write("cases.txt", CASES)
    os.mkdir(os.path.join(replay.directory, "captures"))
    done = run(replay, """
op25b-replay synth -w captures/monday.pcapng "at 2026-10-01T00:00:00Z tcp 10.1.0.1 > 192.0.2.1:25 syn times 3" \\
    "tcp 10.2.0.1 > 192.0.2.1:25 syn"
op25b-replay -p policy.ini --record captures/monday.expect captures/monday.pcapng
git init -q -b main .
git add policy.ini
git -c user.name=x -c user.email=x@example.net commit -qm first
git update-ref refs/remotes/origin/main HEAD""")
    same(done.returncode, 0, done.stderr)


def codes(replay):
    return {name.split(" (")[0]: run(replay, command) for name, command in workflow(sys.argv[2]) if "install" not in name}


def a_good_policy_passes(replay):
    repository(replay)
    results = codes(replay)
    same(len(results), 5)
    for name, done in results.items():
        same(done.returncode, 0, f"{name}: {done.stdout}{done.stderr}")
    true(b"<testsuites" in replay.read("reports/monday.xml"), "a report")


def a_policy_that_blocks_more_fails(replay):
    repository(replay)
    replay.write("policy.ini", POLICY.replace("10.1.0.0/16", "10.0.0.0/8").encode())
    same({name: done.returncode for name, done in codes(replay).items() if done.returncode},
         {"captures": 1, "nobody is newly blocked": 1})


def a_policy_that_blocks_less_fails(replay):
    repository(replay)
    replay.write("policy.ini", POLICY.replace("10.1.0.0/16", "10.3.0.0/16").encode())
    same({name: done.returncode for name, done in codes(replay).items() if done.returncode}, {"captures": 1, "cases": 1})


def a_policy_with_errors_fails_everywhere(replay):
    repository(replay)
    replay.write("policy.ini", POLICY.replace("mode =", "mood =").encode())
    same([done.returncode for done in codes(replay).values()], [4, 1, 4, 4, 4])


if __name__ == "__main__":
    run_cases([a_good_policy_passes, a_policy_that_blocks_more_fails, a_policy_that_blocks_less_fails,
               a_policy_with_errors_fails_everywhere] if shutil.which("git") and shutil.which("bash") else [], sys.argv[1])
