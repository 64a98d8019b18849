#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_expect.py PROGRAM: expectations of a replay in every form of output, recorded ones, and the exit codes."""
import os
import pty
import shutil
import subprocess
import sys
import xml.etree.ElementTree as tree

from harness import run_cases, same, true

HERE = os.path.dirname(os.path.abspath(__file__))
POLICY = os.path.join(HERE, "policy.ini")
PACKETS = b"""at 2026-01-01T00:00:00Z tcp 10.1.0.1 > 192.0.2.1:25 syn times 3
tcp 10.1.0.25 > 192.0.2.1:25 syn
tcp 10.4.0.1 > 192.0.2.1:25 syn
tcp 10.1.0.1 > 192.0.2.1:587 syn
tcp 2001:db8:1::1 > 2001:db8:2::1 syn times 2
"""
GOOD = """# all of these hold
10.1.0.1 blocked pool-enforce exactly 3 attempts
10.1.0.25 never blocked
10.4.0.0/16 monitored
2001:db8:1::/56 blocked at least 2 attempts
others never blocked
"""
BAD = GOOD + "10.1.0.25 blocked\n10.1.0.1 never blocked # a comment\n"


def setup(replay, expectations):
    replay.write("packets", PACKETS)
    replay.write("expect", expectations.encode())
    return ["-p", POLICY, "--synth-file", "packets", "--expect", "expect"]


def as_expected(replay):
    run = replay.run(*setup(replay, GOOD))
    same(run.code, 0, run.err)
    same(run.text.splitlines()[-1], "5 of 5 expectations hold")


def not_as_expected(replay):
    run = replay.run(*setup(replay, BAD))
    same(run.code, 1, run.err)
    lines = run.text.splitlines()
    same(lines[5], "FAIL  expect:7  10.1.0.25 blocked")
    same(lines[6], "      found: 0 packets blocked; 1 allowed (relay)")
    same(lines[7], "FAIL  expect:8  10.1.0.1 never blocked")
    same(lines[8], "      found: 3 packets blocked (pool-enforce), the first packet 1 of synth, "
         "2026-01-01T00:00:00.000000+0000 from 10.1.0.1")
    same(lines[-1], "5 of 7 expectations hold")


def as_json(replay):
    run = replay.run(*setup(replay, BAD), "--output", "json")
    same(run.code, 1, run.err)
    same((run.json["expectations"], run.json["failed"]), (7, 2))
    same([line["line"] for line in run.json["lines"] if not line["holds"]], [7, 8])
    same(run.json["lines"][0]["attempts"], 3)


def as_tap(replay):
    lines = replay.run(*setup(replay, BAD), "--output", "tap").text.splitlines()
    same(lines[:2], ["TAP version 14", "1..7"])
    same([line.split(" - ")[0] for line in lines if "ok " in line[:7]],
         ["ok 1", "ok 2", "ok 3", "ok 4", "ok 5", "not ok 6", "not ok 7"])
    at = lines.index("not ok 6 - 10.1.0.25 blocked")
    same(lines[at + 1:at + 6], ["  ---", '  file: "expect"', "  line: 7",
                                '  found: "0 packets blocked; 1 allowed (relay)"', "  ..."])


def as_junit_by_its_schema(replay):
    name = "a & <b> \"c\" \x01.expect"
    arguments = setup(replay, BAD)
    os.rename(os.path.join(replay.directory, "expect"), os.path.join(replay.directory, name))
    arguments[-1] = name
    run = replay.run(*arguments, "--output", "junit")
    same(run.code, 1, run.err)
    replay.write("report.xml", run.out)
    suite = tree.fromstring(run.out)[0]
    same((suite.get("tests"), suite.get("failures")), ("7", "2"))
    same([case.get("name") for case in suite if case.find("failure") is not None],
         ["line 7: 10.1.0.25 blocked", "line 8: 10.1.0.1 never blocked"])
    same(suite[0].get("classname"), "a & <b> \"c\" ?.expect")
    if shutil.which("xmllint"):
        check = ["xmllint", "--noout", "--schema", os.path.join(HERE, "junit.xsd"), "report.xml"]
        same(subprocess.run(check, cwd=replay.directory, capture_output=True, check=False).returncode, 0, "schema")
        replay.write("report.xml", run.out.replace(b' name="line 7', b' planted="line 7'))
        true(subprocess.run(check, cwd=replay.directory, capture_output=True, check=False).returncode != 0,
             "the schema refuses a planted attribute")


def a_packet_and_its_outcome_in_one_line(replay):
    replay.write("cases", b"at 2026-01-01T00:00:00Z tcp 10.1.0.1 > 192.0.2.1:25 syn => blocked pool-enforce\n"
                 b"tcp 10.1.0.1 > 192.0.2.1:587 syn => allowed not-tcp25\n"
                 b"tcp 10.1.0.25 > 192.0.2.1:25 syn times 5 => never blocked\n")
    same(replay.run("-p", POLICY, "--synth-file", "cases").code, 0)
    run = replay.run("-p", POLICY, "--synth-file", "cases", "--synth", "tcp 10.1.0.1 > 192.0.2.1:25 syn => allowed")
    same(run.code, 1)
    true("FAIL  --synth:2  tcp 10.1.0.1 > 192.0.2.1:25 syn => allowed" in run.text, run.text)
    wrong = replay.run("-p", POLICY, "--synth", "tcp 10.1.0.1 > 192.0.2.1:25 syn => blcked")
    same(wrong.code, 2)
    true("--synth:1:36: error: \"blcked\" is not an outcome" in wrong.err, wrong.err)


def a_record_holds_and_is_stable(replay):
    arguments = setup(replay, GOOD)[:4]
    first = replay.run(*arguments, "--record", "-")
    same(first.code, 0, first.err)
    same(first.text, """\
# What became of each source that sent to TCP port 25. Review it before it is expected.
10.1.0.1             blocked pool-enforce exactly 3 attempts
10.1.0.25            allowed relay exactly 1 packets
10.4.0.1             monitored pool-monitor exactly 1 attempts
2001:db8:1::/56      blocked pool-enforce exactly 2 attempts
others               never blocked
others               never monitored
""")
    true("packets" in replay.run(*arguments, "--record", "file").text, "the summary is still there")
    same(replay.read("file"), first.out)
    same(replay.run(*arguments, "--expect", "file").code, 0)
    other = replay.run("-p", POLICY, "--synth", "tcp 10.2.0.9 > 192.0.2.1 syn", "--expect", "file")
    same(other.code, 1)
    same(other.text.count("FAIL"), 5)


def exit_codes(replay):
    arguments = setup(replay, GOOD)
    replay.write("wrong", b"10.1.0.1 bloked\n\n10.1.0.1/8 blocked\n")
    run = replay.run(*arguments, "--expect", "wrong")
    same((run.code, run.text), (2, ""))
    true("wrong:1:10: error:" in run.err and "             ^~~~~~" in run.err and "wrong:3:1: error:" in run.err, run.err)
    same(replay.run(*arguments, "--expect", "nowhere").code, 2)
    same(replay.run(*arguments, "--output", "xml").code, 2)
    same(replay.run(*arguments[:4], "--output", "tap").code, 2)
    same(replay.run(*arguments, "--list").code, 2)
    for option in ("--record", "--events", "--write-dropped"):
        for read in ("expect", "packets"):
            before = replay.read(read)
            same(replay.run(*arguments, option, read).code, 2, f"{option} {read}")
            same(replay.read(read), before)
    replay.write("damaged", replay.read("expect"))
    same(replay.run(*arguments, "damaged").code, 3)
    replay.write("bad.ini", b"[gateway]\nnonsense = 1\n")
    same(replay.run("-p", "bad.ini", *arguments[2:]).code, 4)


def on_a_terminal(replay, **environment):
    """What the program writes to a terminal."""
    controller, terminal = pty.openpty()
    clean = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    subprocess.run([replay.program, *setup(replay, BAD)], cwd=replay.directory, stdout=terminal, check=False,
                   env={**clean, "TERM": "xterm", **environment}, timeout=60)
    os.close(terminal)
    text = b""
    try:
        while True:
            part = os.read(controller, 65536)
            if not part:
                break
            text += part
    except OSError:  # the other end is closed
        pass
    os.close(controller)
    return text


def coloured_on_a_terminal_alone(replay):
    true(b"\x1b[1;31mFAIL" in on_a_terminal(replay), "colours")
    true(b"\x1b[1;31mFAIL" in on_a_terminal(replay, NO_COLOR=""), "an empty NO_COLOR says nothing")
    true(b"\x1b" not in on_a_terminal(replay, NO_COLOR="1"), "NO_COLOR")
    true(b"\x1b" not in replay.run(*setup(replay, BAD)).out, "a file")


def of_captures_too(replay):
    setup(replay, GOOD)
    replay.run("synth", "-w", "capture", "-f", "packets")
    same(replay.run("-p", POLICY, "--expect", "expect", "capture").code, 0)
    same(replay.run("-p", POLICY, "--expect", "expect", "capture", "capture").code, 1)


if __name__ == "__main__":
    run_cases([as_expected, not_as_expected, as_json, as_tap, as_junit_by_its_schema,
               a_packet_and_its_outcome_in_one_line, a_record_holds_and_is_stable, exit_codes,
               coloured_on_a_terminal_alone, of_captures_too], sys.argv[1])
