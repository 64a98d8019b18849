#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_synth.py PROGRAM: packets made from lines, read by tshark and judged like captured ones."""
import os
import shutil
import subprocess
import sys

from harness import run_cases, same, true

POLICY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "policy.ini")
INTERFACES = os.path.join(os.path.dirname(POLICY), "interfaces.ini")

# Each line, and what tshark must read out of its packet.
LINES = [
    ("at 2026-10-01T00:00:00+09:00 on ppp0 tcp 203.0.113.7 > 192.0.2.1:25 syn ttl 9 tos 8 df id 77",
     {"frame.time_epoch": "1790780400.000000000", "frame.interface_name": "ppp0", "ip.src": "203.0.113.7",
      "ip.dst": "192.0.2.1", "tcp.dstport": "25", "tcp.flags": "0x0002", "ip.ttl": "9", "ip.dsfield": "0x08",
      "ip.flags.df": "1", "ip.id": "0x004d", "ip.checksum.status": "1", "tcp.checksum.status": "1"}),
    ("tcp [2001:db8::1]:4000 > [2001:db8::2]:587 syn ack seq 5 window 100 payload 3",
     {"ipv6.src": "2001:db8::1", "ipv6.dst": "2001:db8::2", "tcp.srcport": "4000", "tcp.dstport": "587",
      "tcp.flags": "0x0012", "tcp.seq_raw": "5", "tcp.window_size_value": "100", "tcp.len": "3",
      "tcp.checksum.status": "1"}),
    ("tcp 10.0.0.1 > 10.0.0.2 syn option mss option sackok option timestamp option nop option wscale",
     {"tcp.options.mss_val": "1460", "tcp.options.wscale.shift": "7", "tcp.options.timestamp.tsval": "1",
      "tcp.hdr_len": "40", "tcp.checksum.status": "1"}),
    ("vlan 100 vlan 7 pppoe 5 tcp 10.0.0.1 > 10.0.0.2 syn",
     {"ieee8021ad.id": "100", "vlan.id": "7", "pppoe.session_id": "0x0005", "tcp.dstport": "25", "tcp.checksum.status": "1"}),
    ("tcp 2001:db8::1 > 2001:db8::2 syn hop-by-hop destination-options routing authentication",
     {"ipv6.hopopts.nxt": "60", "ipv6.dstopts.nxt": "43", "ipv6.routing.type": "2", "ah.next_header": "6",
      "tcp.dstport": "25"}),
    ("tcp 2001:db8::1 > 2001:db8::2 syn fragment 0+ id 9",
     {"ipv6.fraghdr.offset": "0", "ipv6.fraghdr.more": "1", "ipv6.fraghdr.ident": "0x00000009"}),
    ("tcp 10.0.0.1 > 10.0.0.2 fragment 8", {"ip.frag_offset": "8", "ip.flags.mf": "0", "ip.len": "28"}),
    ("tcp 10.0.0.1 > 10.0.0.2 syn ip-options 8", {"ip.hdr_len": "28", "ip.checksum.status": "1", "tcp.dstport": "25"}),
    ("udp 10.0.0.1:5 > 10.0.0.2:53 payload 4", {"udp.dstport": "53", "udp.length": "12", "udp.checksum.status": "1"}),
    ("icmp 2001:db8::1 > 2001:db8::2", {"icmpv6.type": "128", "icmpv6.checksum.status": "1"}),
    ("tcp 10.0.0.1 > 10.0.0.2 syn cut 24", {"frame.len": "54", "frame.cap_len": "38", "tcp.dstport": "25"}),
]


def tshark_reads_what_the_line_says(replay):
    same(replay.run("synth", "-w", "all.pcapng", *(line for line, _ in LINES)).code, 0)
    names = sorted({field for _, wanted in LINES for field in wanted})
    fields = [part for name in names for part in ("-e", name)]
    checks = [part for what in ("ip.check_checksum", "tcp.check_checksum", "udp.check_checksum", "ip.defragment",
                                "ipv6.defragment") for part in ("-o", what + (":FALSE" if "defrag" in what else ":TRUE"))]
    done = subprocess.run(["tshark", "-r", "all.pcapng", "-T", "fields", "-E", "occurrence=a", *checks, *fields],
                          cwd=replay.directory, capture_output=True, text=True, check=True)
    rows = done.stdout.splitlines()
    same(len(rows), len(LINES), "packets")
    for row, (line, wanted) in zip(rows, LINES):
        read = dict(zip(names, row.split("\t")))
        if read.get("ip.frag_offset") == "1":  # some versions of tshark count units of 8 bytes
            read["ip.frag_offset"] = "8"
        for flag in ("ip.flags.df", "ip.flags.mf", "ipv6.fraghdr.more"):
            read[flag] = {"True": "1", "False": "0"}.get(read[flag], read[flag])
        same({name: read[name] for name in wanted}, wanted, line)


def judged_like_a_capture(replay):
    lines = [line for line, _ in LINES]
    replay.run("synth", "-w", "all.pcapng", "at 2026-01-01T00:00:00Z " + lines[2], *lines)
    replay.write("lines", ("at 2026-01-01T00:00:00Z " + "\n# comment\n\n".join([lines[2], *lines]) + "\n").encode())
    captured = replay.run("-p", POLICY, "--list", "all.pcapng")
    made = replay.run("-p", POLICY, "--list", "--synth-file", "lines")
    same((captured.code, made.code), (0, 0), "exit codes")
    same(made.text, captured.text, "the listing")
    same(len(made.text.splitlines()), len(LINES) + 1, "packets")


def lines_of_the_command_line_stand_beside_captures(replay):
    replay.run("synth", "-w", "c", "tcp 10.4.0.1 > 192.0.2.1 syn")
    listed = replay.run("-p", POLICY, "--json", "--list", "--synth", "tcp 10.1.0.1 > 192.0.2.1 syn times 2", "c",
                        "--synth", "tcp 10.1.0.25 > 192.0.2.1:25 syn").lines
    same([(line["file"], line["reason"]) for line in listed],
         [("synth", "pool-enforce"), ("synth", "pool-enforce"), ("synth", "relay"), ("c", "pool-monitor")])


def interfaces_are_those_of_the_line(replay):
    listed = replay.run("-p", INTERFACES, "--json", "--list", "--synth", "on ppp1 tcp 10.1.0.1 > 192.0.2.1 syn",
                        "--synth", "on eth0 tcp 10.1.0.1 > 192.0.2.1 syn").lines
    same([line["reason"] for line in listed], ["pool-enforce", "inbound"])


def all_findings_with_their_places(replay):
    replay.write("lines", b"tcp 10.0.0.1 > 10.0.0.2\n\ntcp 10.0.0.1 > 10.0.0.2 sny\ntcp 10.0.0.1\n")
    run = replay.run("-p", POLICY, "--list", "--synth-file", "lines")
    same((run.code, run.text), (2, ""), "exit code and output")
    true("lines:3:25: error: \"sny\" is not a word of a packet" in run.err, run.err)
    true("  did you mean \"syn\"?" in run.err, run.err)
    true("lines:4:13: error: no \">\" behind the source" in run.err, run.err)
    same(replay.run("-p", POLICY, "--synth", "tcp 10.0.0.1").code, 2)
    same(replay.run("-p", POLICY, "--synth-file", "nowhere").code, 2)


def many_packets_of_one_line(replay):
    summary = replay.run("-p", POLICY, "--json", "--synth", "tcp 10.1.0.1 > 192.0.2.1:25 syn times 100000").json
    same(summary["sources"], [{"address": "10.1.0.1", "tcp25": 100000, "syn25": 100000}])


if __name__ == "__main__":
    run_cases(([tshark_reads_what_the_line_says] if shutil.which("tshark") else []) +
              [judged_like_a_capture, lines_of_the_command_line_stand_beside_captures, interfaces_are_those_of_the_line,
               all_findings_with_their_places, many_packets_of_one_line], sys.argv[1])
