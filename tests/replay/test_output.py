#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_output.py PROGRAM [--update]: every form of output, byte for byte against golden/ (--update writes it anew), and
what the options change.
"""
import os
import pty
import re
import select
import subprocess
import sys

from harness import run_cases, same, true
from packets import ACK, FIN, RST, SYN, T0, ethernet, ip4, ip6, pcap, pcapng, tcp, vlan

HERE = os.path.dirname(os.path.abspath(__file__))
POLICY, INTERFACES = os.path.join(HERE, "policy.ini"), os.path.join(HERE, "interfaces.ini")
OUTSIDE, OUTSIDE6 = "203.0.113.9", "2001:db8:ffff::9"
DIGEST = re.compile(rb'"policy":"[0-9a-f]{32}"')
BOOT = re.compile(rb'"boot_id":"(replay-[0-9a-f]{16})"')


def syn(src, dst=OUTSIDE, **how):
    return ethernet((ip6 if ":" in src else ip4)(src, dst, tcp(**how)))


STORY = pcap([
    (T0 + 0.5, syn("10.1.0.1")),
    (T0 + 1.5, syn("10.1.0.1")),  # the same SYN again
    (T0 + 2, syn("10.1.0.1", seq=1)),
    (T0 + 3, syn("10.1.0.1", "198.51.100.1")),  # inside
    (T0 + 4, syn("10.1.0.1", flags=ACK)),
    (T0 + 5, syn("10.1.0.1", flags=SYN | FIN)),
    (T0 + 6, ethernet(ip4("10.1.0.1", OUTSIDE, tcp()[:8], fragment=0x2000))),  # too small to show its flags
    (T0 + 7, syn("10.1.0.25")),
    (T0 + 8, syn("10.2.0.1", sport=1024)),
    (T0 + 8, syn("10.3.0.1")),
    (T0 + 8, syn("10.4.0.1")),
    (T0 + 9, syn("10.5.0.1")),  # the second before its phases
    (T0 + 10, syn("10.5.0.1")),  # monitored from this second
    (T0 + 19, syn("10.5.0.1", sport=2)),
    (T0 + 20, syn("10.5.0.1")),  # enforced from this second
    (T0 + 29, syn("10.1.0.80")),  # exempt
    (T0 + 30, syn("10.1.0.80")),  # not any more
    (T0 + 31, syn("192.0.2.1")),  # in no list
    (T0 + 32, syn("2001:db8:1:1::1", OUTSIDE6)),
    (T0 + 33, syn("2001:db8:1:2::1", OUTSIDE6, sport=5)),  # the same /56
    (T0 + 34, vlan(ip4("10.1.0.1", "203.0.113.10", tcp(sport=9, flags=SYN | RST)), (0x8100, 5))),
    (T0 + 35, bytes(12) + b"\x08\x06" + bytes(28)),  # ARP
    (T0 + 36, syn("10.1.0.1", dport=587)),
    (T0 + 300, syn("10.1.0.1", sport=40001)),  # newly blocked, after quiet windows
    (T0 + 301, syn("10.1.0.1", "203.0.113.11")),
    (T0 + 302, syn("10.1.0.1")[:46], 54),  # cut before its flags
    (T0 + 303, syn("10.1.0.1")[:36], 54),  # cut before its ports
])


def golden(replay, name, run):
    same(run.err, "", "standard error")
    same(run.code, 0, "exit code")
    path = os.path.join(HERE, "golden", name)
    got = BOOT.sub(b'"boot_id":"replay-DIGEST"', DIGEST.sub(b'"policy":"DIGEST"', run.out))
    if "--update" in sys.argv:
        with open(path, "wb") as file:
            file.write(got)
    with open(path, "rb") as file:
        wanted = file.read()
    for number, (a, b) in enumerate(zip(got.splitlines(), wanted.splitlines()), 1):
        same(a, b, f"line {number} of {name}")
    same(got, wanted, name)


def summary(replay):
    replay.write("story.pcap", STORY)
    golden(replay, "summary.txt", replay.run("-p", POLICY, "story.pcap"))


def summary_as_json(replay):
    replay.write("story.pcap", STORY)
    golden(replay, "summary.json", replay.run("-p", POLICY, "--json", "story.pcap"))


def several_files(replay):
    replay.write("a.pcap", pcap([(T0, syn("10.1.0.9"))]))
    replay.write("story.pcap", STORY)
    golden(replay, "several.txt", replay.run("-p", POLICY, "a.pcap", "story.pcap"))
    golden(replay, "several-list.txt", replay.run("-p", POLICY, "--list", "a.pcap", "story.pcap"))
    golden(replay, "several.json", replay.run("-p", POLICY, "--json", "a.pcap", "story.pcap"))


def listing(replay):
    replay.write("story.pcap", STORY)
    golden(replay, "list.txt", replay.run("-p", POLICY, "--list", "story.pcap"))


def listing_as_json(replay):
    replay.write("story.pcap", STORY)
    golden(replay, "list.ndjson", replay.run("-p", POLICY, "--list", "--json", "story.pcap"))


def events(replay):
    replay.write("story.pcap", STORY)
    golden(replay, "events.json", replay.run("-p", POLICY, "--events", "-", "story.pcap"))


def events_of_each_input_have_a_boot_id_of_their_own(replay):
    """The names, the content, the policy and, of a pipe, the first packet recorded tell runs apart."""
    def boot(*arguments, data=None):
        found = set(BOOT.findall(replay.run("-p", POLICY, "--events", "-", *arguments, **({"stdin": data} if data else {})).out))
        same(len(found), 1, f"boot ids of {arguments}")
        return found.pop()
    replay.write("a.pcap", pcap([(T0, syn("10.1.0.9"))]))
    first = boot("a.pcap")
    same(boot("a.pcap"), first, "again")
    replay.write("b.pcap", replay.read("a.pcap"))
    replay.write("c.pcap", pcap([(T0, syn("10.1.0.9")), (T0 + 1, syn("10.1.0.9"))]))
    others = [boot("b.pcap"), boot("c.pcap"), boot("a.pcap", "b.pcap"), boot("--merge", "b.pcap", "a.pcap"), first]
    replay.write("a.pcap", replay.read("c.pcap"))
    others.append(boot("a.pcap"))
    others += [boot("-", data=pcap([(T0 + late, syn("10.1.0.9"))])) for late in (0, 1)]
    same(len(set(others)), len(others), f"different ones: {others}")


def events_in_a_file_are_the_same(replay):
    replay.write("story.pcap", STORY)
    run = replay.run("-p", POLICY, "--json", "--events", "e.json", "story.pcap")
    same(run.code, 0, "exit code")
    same(replay.read("e.json"), replay.run("-p", POLICY, "--events", "-", "story.pcap").out)
    same(run.out, replay.run("-p", POLICY, "--json", "story.pcap").out, "the summary beside it")


def every_blocked_packet_is_in_one_record(replay):
    replay.write("story.pcap", STORY)
    listed = replay.run("-p", POLICY, "--list", "--json", "story.pcap").lines
    records = replay.run("-p", POLICY, "--events", "-", "story.pcap").lines
    blocked = [line for line in listed if line["would"] != "accept"]
    same(sum(record["op25b"]["packets"] for record in records), len(blocked), "packets")
    same([record["op25b"]["seq"] for record in records], list(range(len(records))), "numbers")
    same({record["src_ip"] for record in records} <= {line["src_ip"] for line in blocked}, True, "sources")


def numbers_go_on_over_files(replay):
    replay.write("a.pcap", pcap([(T0, syn("10.1.0.9"))]))
    replay.write("b.pcap", pcap([(T0, syn("10.1.0.9"))]))
    records = replay.run("-p", POLICY, "--events", "-", "a.pcap", "b.pcap").lines
    same([(r["pcap_filename"], r["pcap_cnt"], r["op25b"]["seq"]) for r in records],
         [("a.pcap", 1, 0), ("b.pcap", 1, 1)])


def standard_input(replay):
    replay.write("story.pcap", STORY)
    same(replay.run("-p", POLICY, "--json", "-", stdin=STORY).json,
         replay.run("-p", POLICY, "--json", "story.pcap").json)


def reasons(replay, *arguments):
    run = replay.run(*arguments)
    same(run.code, 0, f"exit code ({run.err})")
    return [line["reason"] for line in run.lines]


def the_side_is_told_by_options(replay):
    replay.write("c", pcap([(T0, syn("10.1.0.1")), (T0, syn("192.0.2.1"))]))
    arguments = ("-p", INTERFACES, "--list", "--json", "c")
    blocked = ["pool-enforce", "unlisted-drop"]
    same(reasons(replay, *arguments), blocked, "unknown interfaces are the subscriber side")
    same(reasons(replay, "--outbound", *arguments), blocked, "--outbound")
    same(reasons(replay, "--inbound", *arguments), ["inbound"] * 2, "--inbound")
    same(reasons(replay, "--interface", "ppp7", *arguments), blocked, "--interface ppp7")
    same(reasons(replay, "--interface", "eth0", *arguments), ["inbound"] * 2, "--interface eth0")


def the_side_is_told_by_the_capture(replay):
    names = [(1, "ppp0"), (1, "eth0"), (1, "ppp1")]
    packets = [(T0, syn("10.1.0.1"), at) for at in (0, 1, 2, 0)]
    replay.write("c", pcapng(names, packets))
    arguments = ("-p", INTERFACES, "--list", "--json", "c")
    same(reasons(replay, *arguments), ["pool-enforce", "inbound", "pool-enforce", "pool-enforce"])
    same(reasons(replay, "--outbound", *arguments), ["pool-enforce"] * 4, "--outbound")
    same(reasons(replay, "--interface", "eth0", *arguments), ["inbound"] * 4, "--interface")
    records = replay.run("-p", INTERFACES, "--events", "-", "c").lines
    same([record["in_iface"] for record in records], ["ppp0", "ppp0"])


def a_clock_that_steps_back(replay):
    times = [100, 0, 50, 500, 1]
    replay.write("c", pcap([(T0 + at, syn("10.1.0.1", sport=1000 + at)) for at in times]))
    records = replay.run("-p", POLICY, "--events", "-", "c").lines
    same(sum(record["op25b"]["packets"] for record in records), len(times))


def counting_is_the_same_as_looking_at_each(replay):
    """The summary alone takes shorter ways; one source also has more packets than a small number can count."""
    flood = pcap([(T0 + 1, syn("10.1.0.1"))] * 70000 + [(T0 + 1, syn("10.1.0.1", flags=ACK))] * 66000)
    others = pcap([(T0 + at % 40, syn(f"10.{at % 5 + 1}.{at % 7}.{at % 3 * 40}", sport=at, dport=25 if at % 4 else 443))
                   for at in range(5000)])
    for number, data in enumerate((flood, others, STORY)):
        replay.write(f"c{number}", data)
    files = ("c0", "c1", "c2")
    counted = replay.run("-p", POLICY, "--json", "--jobs", "1", *files)
    source = next(one for one in counted.json["files"][0]["sources"] if one["address"] == "10.1.0.1")
    same((source["tcp25"], source["syn25"]), (136000, 70000))
    same(replay.run("-p", POLICY, "--json", "--jobs", "2", *files).out, counted.out, "two threads")
    looked = replay.run("-p", POLICY, "--json", "--write-dropped", "dropped", *files)
    same(looked.code, 0, looked.err)
    same(looked.out, counted.out, "with the packets looked at one by one")


def peak_kib(replay, *arguments):
    """Once it prints, which a pipe that nobody empties keeps it at."""
    with subprocess.Popen([replay.program, "-p", POLICY, *arguments], cwd=replay.directory, stdout=subprocess.PIPE) as process:
        process.stdout.read(1)
        with open(f"/proc/{process.pid}/status", encoding="ascii", errors="replace") as status:
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
        true(len(process.communicate(timeout=60)[0]) > 65536, "more than a pipe holds")
    same(process.returncode, 0, f"exit code of {arguments}")
    return peak


def memory_grows_with_sources_and_not_with_packets(replay):
    """Sixty times as many packets of the same sources."""
    some = pcap([(T0 + at % 40, syn(f"10.{at % 5 + 1}.{at % 7}.{at % 250}", sport=at)) for at in range(10000)])
    replay.write("some", some)
    replay.write("many", some + some[24:] * 59)
    for options in ((), ("--json",), ("--events", "/dev/null")):
        few, many = (peak_kib(replay, "--jobs", "1", *options, name) for name in ("some", "many"))
        print(f"# {few} KiB, {many} KiB {' '.join(options)}")
        true(many < few + 4096, f"{few} KiB, and with more packets {many} KiB")


def all_of_terminal(terminal):
    """What stands there by now: one read gives no more than 4,096 bytes of it, which a slow machine's bar goes beyond."""
    said = b""
    while select.select([terminal], [], [], 0)[0]:
        said += os.read(terminal, 65536)
    return said


def progress_is_for_people_who_wait(replay):
    """A bar on a terminal, nothing in CI or in a pipe, and in no case anything of it in the output."""
    path = os.path.join(replay.directory, "long")
    replay.write("long", pcap([(T0, syn("10.1.0.1"))]))
    os.truncate(path, os.path.getsize(path) + 16 * 4 * 1024 * 1024)  # the rest reads as records without bytes
    quiet = replay.run("-p", POLICY, "--json", "long")
    same((quiet.code, quiet.err), (0, ""), "no terminal")
    for variables, shown in (({"TERM": "xterm"}, True), ({"TERM": "xterm", "CI": "true"}, False), ({"TERM": "dumb"}, False)):
        for jobs in ("1", "2"):
            ours, theirs = pty.openpty()
            environment = {key: value for key, value in os.environ.items() if key not in ("CI", "TERM")}
            done = subprocess.run([replay.program, "-p", POLICY, "--json", "--jobs", jobs, "long"], cwd=replay.directory, stderr=theirs,
                                  stdout=subprocess.PIPE, env={**environment, **variables}, timeout=60, check=True)
            said = all_of_terminal(ours)
            os.close(theirs)
            os.close(ours)
            same(b"long: [" in said, shown, f"a bar with {variables}: {said!r}")
            same(said.endswith(b"\r\x1b[K"), shown, "it is wiped away")
            true(done.stdout == quiet.out, "the output")


def help_and_version(replay):
    for option, text in (("--help", "examples:"), ("--version", "op25b-replay ")):
        run = replay.run(option)
        same((run.code, run.err), (0, ""))
        true(text in run.text, option)


if __name__ == "__main__":
    run_cases([summary, summary_as_json, several_files, listing, listing_as_json, events,
               events_of_each_input_have_a_boot_id_of_their_own, events_in_a_file_are_the_same,
               every_blocked_packet_is_in_one_record, numbers_go_on_over_files, standard_input,
               the_side_is_told_by_options, the_side_is_told_by_the_capture, a_clock_that_steps_back,
               counting_is_the_same_as_looking_at_each, memory_grows_with_sources_and_not_with_packets,
               progress_is_for_people_who_wait, help_and_version], sys.argv[1])
