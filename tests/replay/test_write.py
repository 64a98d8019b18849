#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_write.py PROGRAM: captures that op25b-replay writes, files merged by time, and several threads."""
import os
import shutil
import subprocess
import sys

from harness import run_cases, same, true
from packets import LINKS, T0, ethernet, ip4, ip6, pcap, pcapng, tcp

POLICY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "policy.ini")
INTERFACES = os.path.join(os.path.dirname(POLICY), "interfaces.ini")
OUTSIDE = "203.0.113.9"


def syn(source="10.1.0.1", sport=1000, dport=25):
    return ip4(source, OUTSIDE, tcp(sport=sport, dport=dport))


MIXED = pcapng([(1, "ppp0"), (113, None), (1, "eth0"), (101, "ppp0")], [
    (T0, ethernet(syn()), 0),
    (T0 + 1.25, LINKS["sll"][1](syn("10.1.0.25")), 1),
    (T0 + 2, ethernet(syn("10.1.0.2", dport=587)), 0),
    (T0 + 3, ethernet(syn("10.1.0.3")), 2),
    (T0 + 4, ip6("2001:db8:1::1", "2001:db8:ffff::9", tcp()), 3),
    (T0 + 5, b"\x01\x02\x03", 0),
    (T0 + 6, ethernet(syn("10.2.0.1")), 0),  # answered with a reset
])


def tshark(replay, name, *fields):
    arguments = [word for field in fields for word in ("-e", field)]
    done = subprocess.run(["tshark", "-n", "-r", name, "-T", "fields", "-E", "separator=|", *arguments],
                          cwd=replay.directory, capture_output=True, text=True, check=True, timeout=60)
    return [line.split("|") for line in done.stdout.splitlines()]


def listed(replay, *arguments):
    run = replay.run("--list", "--json", *arguments)
    same(run.code, 0, f"exit code ({run.err})")
    return [{key: line[key] for key in line if key not in ("file", "number")} for line in run.lines]


def every_packet_is_in_one_of_the_two(replay):
    replay.write("c", MIXED)
    for policy in (POLICY, INTERFACES):
        whole = listed(replay, "-p", policy, "c")
        run = replay.run("-p", policy, "--write-accepted", "a", "--write-dropped", "d", "--json", "c")
        same((run.code, run.err), (0, ""))
        same(run.json["packets"], 7, "the summary beside it")
        same(listed(replay, "-p", policy, "a"), [line for line in whole if line["verdict"] == "accept"], "accepted")
        same(listed(replay, "-p", policy, "d"), [line for line in whole if line["verdict"] != "accept"], "dropped")


def tshark_shows_the_reason(replay):
    if not shutil.which("tshark"):
        return
    replay.write("c", MIXED)
    same(replay.run("-p", POLICY, "--write-accepted", "a", "--write-dropped", "d", "c").code, 0)
    fields = ("frame.comment", "frame.time_epoch", "frame.len", "frame.interface_name")
    same(tshark(replay, "d", *fields), list(dropped_rows(replay)))
    accepted = tshark(replay, "a", "frame.comment", "frame.time_epoch")
    same([row[0].split()[:3] for row in accepted], [["op25b:", "accept", reason] for reason in ("relay", "not-tcp25", "not-ip")])
    same(accepted[0][1], f"{T0 + 1}.250000000")


def dropped_rows(replay):
    """What the listing says of the dropped packets, as tshark must show it."""
    shown = {T0: ("54", "ppp0"), T0 + 3: ("54", "eth0"), T0 + 4: ("60", "ppp0"), T0 + 6: ("54", "ppp0")}
    lines = [line for line in replay.run("-p", POLICY, "--list", "--json", "c").lines if line["verdict"] != "accept"]
    for (at, rest), line in zip(shown.items(), lines):
        yield [f"op25b: {line['verdict']} {line['reason']} {line['rule']}", f"{at}.000000000", *rest]


def the_same_bytes_again(replay):
    replay.write("c", MIXED)
    written = []
    for name in ("a1", "a2"):
        same(replay.run("-p", POLICY, "--write-accepted", name, "--write-dropped", name + "d", "--events", name + "e", "c").code, 0)
        written.append((replay.read(name), replay.read(name + "d"), replay.read(name + "e")))
    same(written[0], written[1], "written twice")


def times_and_lengths_are_kept(replay):
    odd = pcap([(0, ethernet(syn())), (2 ** 32 - 1, ethernet(syn())[:40], 1500)], nanoseconds=True)
    replay.write("c", odd)
    same(replay.run("-p", POLICY, "--write-accepted", "a", "--write-dropped", "d", "c").code, 0)
    both = listed(replay, "-p", POLICY, "--merge", "a", "d")
    same(both, listed(replay, "-p", POLICY, "c"))


def what_cannot_be_written(replay):
    replay.write("c", MIXED)
    for arguments, code, text in (
        (["--write-accepted", "-"], 2, "need a file"),
        (["--write-accepted", "x", "--write-dropped", "x"], 2, "written twice: x"),
        (["--write-accepted", "x", "--events", "x"], 2, "written twice: x"),
        (["--write-dropped", "c"], 2, "would overwrite c"),
        (["--write-dropped", "no/such/folder"], 5, "no/such/folder"),
        (["--write-accepted", "/dev/full"], 5, "/dev/full"),
        (["--jobs", "0"], 2, "--jobs"),
        (["--jobs", "257"], 2, "--jobs"),
        (["--jobs", "2x"], 2, "--jobs"),
    ):
        run = replay.run("-p", POLICY, *arguments, "c")
        same(run.code, code, f"{arguments}: exit code ({run.err})")
        true(text in run.err, f"{arguments}: {run.err}")
    same(replay.read("c"), MIXED, "the capture afterwards")


def merged_by_time(replay):
    replay.write("a", pcap([(T0 + at, ethernet(syn(sport=1000 + at))) for at in (0, 3, 4, 9)]))
    replay.write("b", pcapng([(1, "ppp0")], [(T0 + at, ethernet(syn(sport=2000 + at)), 0) for at in (1, 3, 5)]))
    replay.write("empty", pcap([]))
    run = replay.run("-p", POLICY, "--merge", "--list", "--json", "a", "b", "empty")
    same(run.code, 0, run.err)
    same([(line["file"], line["number"], line["src_port"]) for line in run.lines],
         [("a", 1, 1000), ("b", 1, 2001), ("a", 2, 1003), ("b", 2, 2003), ("a", 3, 1004), ("b", 3, 2005), ("a", 4, 1009)])
    summary = replay.run("-p", POLICY, "--merge", "--json", "b", "a").json
    same((summary["packets"], "files" in summary), (7, False), "one summary")
    records = replay.run("-p", POLICY, "--merge", "--events", "-", "a", "b").lines
    same(sum(record["op25b"]["packets"] for record in records), 7, "packets in records")
    same((records[0]["pcap_filename"], records[0]["pcap_cnt"]), ("merged", 1))


def a_damaged_one_of_those_merged(replay):
    whole = pcap([(T0 + at, ethernet(syn(sport=1000 + at))) for at in range(5)])
    replay.write("a", whole[:-1])
    replay.write("b", whole)
    run = replay.run("-p", POLICY, "--merge", "--json", "a", "b", "missing")
    same(run.code, 3)
    same(run.json["packets"], 9)
    true("a: damaged at byte 304:" in run.err and "the 4 packets before it" in run.err and "missing:" in run.err, run.err)


def threads_count_the_same(replay):
    """Also where a packet carries what looks like records, so that parts begin in the wrong place."""
    plain = [(T0 + at / 1000, ethernet(syn(f"10.1.{at % 7}.{at % 50}", at % 60000))) for at in range(150000)]
    bait = pcap([(T0, ethernet(syn("10.9.9.9")))] * 600)[24:]
    baited = [(T0 + at, ethernet(ip4("10.1.0.1", OUTSIDE, tcp() + bait))) for at in range(311)]
    for name, data in (("plain", pcap(plain)), ("big", pcap(plain, order=">", nanoseconds=True)),
                       ("baited", pcap(baited)), ("damaged", pcap(plain)[:-5]),
                       ("odd", pcap(plain[:100000] + [(T0, ethernet(syn())[:30], 60)] + plain[100000:], snaplen=54)),
                       ("unknown", pcap(plain, 147))):
        replay.write("c", data)
        one = replay.run("-p", POLICY, "--json", "--jobs", "1", "c")
        for jobs in ("2", "3", "16"):
            more = replay.run("-p", POLICY, "--json", "--jobs", jobs, "c")
            same((more.code, more.err), (one.code, one.err), f"{name}, {jobs} threads")
            true(more.out == one.out, f"{name}: {jobs} threads print the same")


if __name__ == "__main__":
    run_cases([every_packet_is_in_one_of_the_two, tshark_shows_the_reason, the_same_bytes_again, times_and_lengths_are_kept,
               what_cannot_be_written, merged_by_time, a_damaged_one_of_those_merged, threads_count_the_same], sys.argv[1])
