#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_explain.py PROGRAM: op25b-replay explain, of two addresses and of a capture's packet."""
import os
import sys

from harness import run_cases, same, true

HERE = os.path.dirname(os.path.abspath(__file__))
POLICY = os.path.join(HERE, "policy.ini")
INTERFACES = os.path.join(HERE, "interfaces.ini")
DST = ["--dst", "203.0.113.9"]


def line_of(text):
    with open(POLICY, encoding="utf-8") as file:
        return file.read().splitlines().index(text) + 1


def explain(replay, *arguments, policy=POLICY):
    run = replay.run("explain", "-p", policy, *arguments)
    same(run.code, 0, run.err)
    return run


def an_exemption_with_its_place_ticket_and_end(replay):
    text = explain(replay, "--src", "10.1.0.80", *DST, "--at", "2026-01-01T09:00:00+09:00").text
    true("accept, exempt, rule shop\n" in text, text)
    true(f"-> exempt               [exempt shop] at {POLICY}:{line_of('[exempt shop]')}, 10.1.0.80/32 at "
         f"{POLICY}:{line_of('prefix = 10.1.0.80')}: from ever until 2026-01-01T00:00:30Z, ticket 4711: in force\n" in text,
         text)
    true("\nfrom 2026-01-01T09:00:30+09:00: drop, pool-enforce, rule homes\n" in text, text)
    text = explain(replay, "--src", "10.1.0.80", *DST, "--at", "2026-01-01T00:00:30Z").text
    true("ticket 4711: over\n-> pool                 [pool homes]" in text, text)
    true(text.endswith("\nno date changes this answer\n"), text)


def all_changes_to_come(replay):
    answer = explain(replay, "--json", "--src", "10.5.0.1", *DST, "--at", "2025-06-01T00:00:00Z").json
    same((answer["verdict"], answer["reason"], answer["rule"]["name"]), ("accept", "pool-off", "phased"))
    same([(change["at"], change["verdict"], change["reason"]) for change in answer["changes"]],
         [("2026-01-01T00:00:10Z", "accept", "pool-monitor"), ("2026-01-01T00:00:20Z", "drop", "pool-enforce")])
    same([step["question"] for step in answer["steps"]],
         ["direction", "port 25", "source valid here", "from a relay", "to a relay or inside", "exempt", "pool"])
    same([step["decides"] for step in answer["steps"]], [False] * 6 + [True])


def each_packet_of_a_capture_as_it_was_judged(replay):
    lines = ["at 2026-01-01T00:00:00Z on ppp0 tcp 10.1.0.1 > 192.0.2.1:25 syn", "on eth0 tcp 192.0.2.1 > 10.1.0.1:25 syn",
             "on ppp0 tcp 10.1.0.1 > 192.0.2.1:25 ack", "on ppp0 tcp 10.1.0.1 > 192.0.2.1:587 syn",
             "on ppp0 tcp 10.9.0.1 > 192.0.2.1:25 syn", "on ppp0 tcp 10.1.0.1 > 192.0.2.1:25 syn rst",
             "on ppp0 tcp 10.1.0.1 > 192.0.2.1 fragment 800"]
    replay.run("synth", "-w", "c", *lines)
    listed = replay.run("-p", INTERFACES, "--list", "--json", "c").lines
    same(len(listed), len(lines))
    for number, line in enumerate(listed, 1):
        answer = explain(replay, "--json", "--packet", str(number), "c", policy=INTERFACES).json
        same((answer["verdict"], answer["reason"], (answer["rule"] or {"name": ""})["name"]),
             (line["verdict"], line["reason"], line["rule"]), f"packet {number}")
        same(sum(step["decides"] for step in answer["steps"]), 1, f"deciding steps of packet {number}")
    other = explain(replay, "--json", "--iface", "eth0", "--packet", "1", "c", policy=INTERFACES).json
    same(other["reason"], "inbound")


def the_longest_prefix_is_named(replay):
    replay.write("list.txt", b"10.1.2.0/24\n10.1.2.128/25\n")
    replay.write("nested.ini", b"[gateway]\nmode = enforce\nfail = open\nunlisted = accept\n"
                 b"[pool homes]\nprefix = 10.1.0.0/16\nfile = list.txt\n")
    text = explain(replay, "--src", "10.1.2.200", *DST, policy="nested.ini").text
    true("[pool homes] at nested.ini:5, 10.1.2.128/25 at list.txt:2: enforced at all times\n" in text, text)


def wrong_usage(replay):
    replay.run("synth", "-w", "c", "tcp 10.0.0.1 > 10.0.0.2")
    for arguments in ([], ["--src", "10.0.0.1"], ["--src", "10.0.0.1", "--dst", "::1"], ["--packet", "0", "c"],
                      ["--packet", "1"], ["--packet", "1", "c", "c"], ["--src", "10.0.0.300", *DST],
                      ["--src", "10.0.0.1", *DST, "--at", "noon"], ["--src", "10.0.0.1", *DST, "--packet", "1", "c"]):
        same(replay.run("explain", "-p", POLICY, *arguments).code, 2, arguments)
    same(replay.run("explain", "-p", POLICY, "--packet", "2", "c").code, 3)
    same(replay.run("explain", "-p", "nowhere", "--packet", "1", "c").code, 4)


if __name__ == "__main__":
    run_cases([an_exemption_with_its_place_ticket_and_end, all_changes_to_come,
               each_packet_of_a_capture_as_it_was_judged, the_longest_prefix_is_named, wrong_usage], sys.argv[1])
