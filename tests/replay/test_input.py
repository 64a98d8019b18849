#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_input.py PROGRAM: what op25b-replay says to wrong usage, bad policies and damaged captures, and that no bytes at
all make it fail in any other way.
"""
import json
import os
import random
import subprocess
import sys

from harness import run_cases, same, true
from packets import T0, ethernet, ip4, ip6, pcap, pcapng, tcp

POLICY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "policy.ini")
INTERFACES = os.path.join(os.path.dirname(POLICY), "interfaces.ini")
PACKETS = [ethernet(ip4("10.1.0.1", "203.0.113.9", tcp(sport=n))) for n in range(1000, 1004)]
PACKETS.append(ethernet(ip6("2001:db8:1::1", "2001:db8:ffff::9", tcp())))
PCAP = pcap([(T0, packet) for packet in PACKETS])
PCAPNG = pcapng([(1, "ppp0")], [(T0, packet, 0) for packet in PACKETS])


def refused(run, code, *texts):
    same(run.code, code, f"exit code ({run.err})")
    same(run.out, b"", "standard output")
    for text in texts:
        true(text in run.err, f"the message has {text!r}: {run.err!r}")


def wrong_usage(replay):
    replay.write("c", PCAP)
    for arguments, text in (
        ([], "no capture"),
        (["--colour", "c"], "--colour"),
        (["-p"], "requires an argument"),
        (["--interface", "ppp 0", "c"], "ppp 0"),
        (["--interface", "ppp*", "c"], "ppp*"),
        (["--interface", "", "c"], "interface"),
        (["--interface", "a-name-that-is-too-long", "c"], "too-long"),
        (["--interface", "ppp0", "--inbound", "c"], "excludes"),
        (["--inbound", "--outbound", "c"], "exclude"),
        (["--events", "-", "--json", "c"], "--events -"),
        (["--events", "-", "--list", "c"], "--events -"),
        (["--json=yes", "c"], "--json"),
    ):
        refused(replay.run("-p", POLICY, *arguments), 2, text, "--help")


def captures_that_are_none(replay):
    os.mkdir(os.path.join(replay.directory, "folder"))
    replay.write("empty", b"")
    replay.write("short", PCAP[:10])
    replay.write("garbage", bytes(range(256)) * 40)
    replay.write("text", b"[gateway]\nmode = enforce\n")
    for name in ("missing", "folder", "empty", "short", "garbage", "text"):
        for form in ([], ["--json"], ["--list"]):
            refused(replay.run("-p", POLICY, *form, name), 3, name + ":")


def the_other_files_are_still_replayed(replay):
    replay.write("good", PCAP)
    run = replay.run("-p", POLICY, "--json", "missing", "good", "good")
    same(run.code, 3, "exit code")
    same(run.json["packets"], 10)
    same([entry["file"] for entry in run.json["files"]], ["good", "good"])


def a_damaged_capture_is_replayed_up_to_there(replay):
    replay.write("cut", PCAP[:-10])
    replay.write("huge", PCAP + b"\xff" * 16 + PCAP[24:])
    offset = len(PCAP) - 16 - len(PACKETS[4])
    for name, packets, at in (("cut", 4, offset), ("huge", 5, len(PCAP))):
        run = replay.run("-p", POLICY, "--json", name)
        same(run.code, 3, "exit code")
        same(run.json["packets"], packets)
        true(f"{name}: damaged at byte {at}:" in run.err, run.err)
        same(len(replay.run("-p", POLICY, "--list", name).text.splitlines()), packets)
        records = replay.run("-p", POLICY, "--events", "-", name).lines
        same(sum(record["op25b"]["packets"] for record in records), packets, "packets in records")


def check_any_bytes(replay, data, most):
    replay.write("c", data)
    run = replay.run("-p", POLICY, "--json", "c")
    true(run.code in (0, 3), f"exit code {run.code} ({run.err})")
    same(run.code == 3, bool(run.err) and "warning" not in run.err, f"exit code 3 has a message ({run.err})")
    if run.out:
        summary = run.json
        true(summary["packets"] <= most, f"{summary['packets']} packets")
        same(sum(summary["verdicts"].values()), summary["packets"], "verdicts")
        same(sum(summary["reasons"].values()), summary["packets"], "reasons")
        return summary["packets"]
    return 0


def captures_cut_anywhere(replay):
    for whole in (PCAP, PCAPNG):
        lengths = [*range(200), *range(200, len(whole), 7), len(whole)]
        seen = [check_any_bytes(replay, whole[:length], 5) for length in lengths]
        same(seen, sorted(seen), "more bytes, more packets")
        same(seen[-1], 5, "the whole capture")


def captures_with_flipped_bytes(replay):
    chance = random.Random(25)
    for whole in (PCAP, PCAPNG):
        for _ in range(150):
            data = bytearray(whole)
            for _ in range(chance.randrange(1, 6)):
                data[chance.randrange(len(data))] = chance.randrange(256)
            check_any_bytes(replay, bytes(data), 1000)


def bad_policies(replay):
    replay.write("c", PCAP)
    refused(replay.run("-p", "missing.ini", "c"), 4, "missing.ini")
    replay.write("bad.ini", b"[gateway]\nmode = enforced\nfail = open\nunlisted = accept\nqueues = 3\n")
    refused(replay.run("-p", "bad.ini", "c"), 4, "bad.ini:2:8: error", "bad.ini:5:")
    refused(replay.run("c"), 4, "/op25b/op25b.ini")


def output_that_cannot_be_written(replay):
    replay.write("c", PCAP)
    refused(replay.run("-p", POLICY, "--events", "no/such/folder", "c"), 5, "no/such/folder")
    with open("/dev/full", "wb") as full:
        for form in ([], ["--json"], ["--list"], ["--events", "-"]):
            run = replay.run("-p", POLICY, *form, "c", stdout=full)
            same(run.code, 5, f"exit code with {form}")
            true("standard output" in run.err, run.err)
    run = replay.run("-p", POLICY, "--events", "/dev/full", "c")
    same(run.code, 5, "exit code")
    true("/dev/full" in run.err, run.err)


def records_never_overwrite_what_is_read(replay):
    replay.write("c", PCAP)
    replay.write("other", PCAP)
    with open(POLICY, "rb") as policy:
        replay.write("p.ini", policy.read())
    path = os.path.join(replay.directory, "c")
    os.link(path, os.path.join(replay.directory, "hard"))
    os.symlink("c", os.path.join(replay.directory, "soft"))
    for target in ("c", "hard", "soft", "./c"):
        refused(replay.run("-p", "p.ini", "--events", target, "other", "c"), 2, "would overwrite c")
    refused(replay.run("-p", "p.ini", "--events", "p.ini", "c"), 2, "would overwrite p.ini")
    with open(path, "rb") as capture:
        same(capture.read(), PCAP, "the capture afterwards")
    same(replay.run("-p", "p.ini", "--events", "/dev/null", "c").code, 0, "a device may be written to")


def closed_standard_files(replay):
    """Messages and summaries must not land in the records' file, which would else get the closed number."""
    replay.write("c", PCAP[:-10])
    for closed in ("0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"):
        shell = f'exec "$0" -p "$1" --events ev c {closed}'
        code = subprocess.run(["sh", "-c", shell, replay.program, POLICY], cwd=replay.directory, check=False,
                              capture_output=True, timeout=20).returncode
        same(code, 5 if "1>" in closed else 3, f"exit code with {closed}")
        with open(os.path.join(replay.directory, "ev"), encoding="utf-8") as records:
            for line in records:
                same(json.loads(line)["event_type"], "drop", f"a record with {closed}")


def hostile_names(replay):
    name = 'a "b"\n\x1b[31m.pcap'
    replay.write(name, PCAP)
    run = replay.run("-p", POLICY, "--json", name, name)
    same([entry["file"] for entry in run.json["files"]], [name, name])
    same(replay.run("-p", POLICY, "--list", "--json", name).lines[0]["file"], name)
    same(replay.run("-p", POLICY, "--events", "-", name).lines[0]["pcap_filename"], name)


def many_interfaces(replay):
    """Three times as many interfaces take three times as long, not nine times, and each keeps its name."""
    def seconds(count):
        names = [(1, ("ppp" if n % 2 else "srv") + str(n % (count - 10))) for n in range(count)]
        replay.write("many", pcapng(names, [(T0, PACKETS[0], n) for n in range(count)]))
        least = 60.0
        for _ in range(3):
            began = os.times().children_user
            run = replay.run("-p", INTERFACES, "--json", "many")
            least = min(least, os.times().children_user - began)
            same(run.json["packets"], count)
        return least
    few, many = seconds(20000), seconds(60000)
    true(many < 6 * few + 0.3, f"20000 interfaces {few:.2f} s, 60000 interfaces {many:.2f} s")
    # All of them twice, so that each is also found again.
    names = [(1, ("ppp" if n % 2 else "srv") + str(n)) for n in range(5000)]
    replay.write("twice", pcapng(names, [(T0, PACKETS[0], n) for _ in range(2) for n in range(5000)]))
    reasons = [line["reason"] for line in replay.run("-p", INTERFACES, "--list", "--json", "twice").lines]
    same(reasons, ["inbound", "pool-enforce"] * 5000)


if __name__ == "__main__":
    run_cases([wrong_usage, captures_that_are_none, the_other_files_are_still_replayed,
               a_damaged_capture_is_replayed_up_to_there, captures_cut_anywhere, captures_with_flipped_bytes,
               bad_policies, output_that_cannot_be_written, records_never_overwrite_what_is_read, closed_standard_files,
               hostile_names, many_interfaces], sys.argv[1])
