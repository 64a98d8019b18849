#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Measures op25b beside its peers and prints one table. tools/dev/bench builds what this needs and calls it.

Every row's programs run in the same run, round by round and by turns. A figure is the median of the rounds; a ratio is
the median of the rounds' ratios, so that a machine that grows busier does not bend it.
"""
import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys

from rows import GROWTH, ROWS

HERE = os.path.dirname(os.path.abspath(__file__))
SKIPPED = 77
EXAMPLES = """examples:
  tools/dev/bench                          every row, 10 rounds: fifteen minutes and more
  tools/dev/bench --list                   the rows' names
  tools/dev/bench drop-bare lookup4        one row, and all whose name begins with lookup4
  tools/dev/bench --rounds 30 --json latency
  tools/dev/bench --quick                  does all of it still run? the figures mean nothing
"""


class Skip(Exception):
    """The row cannot be measured here; says why."""


class Bench:
    """What the sources need to know."""

    def __init__(self, arguments, rows):
        self.build = arguments.build
        self.quick = arguments.quick
        self.rounds = 1 if arguments.quick else arguments.rounds
        self.rows = rows

    def sized(self, full, tiny):
        return tiny if self.quick else full

    def program(self, name, *arguments):
        return self.run([os.path.join(self.build, "tests", "bench", name), *map(str, arguments)])

    def gateway(self, name, *arguments):
        return self.run(["bash", os.path.join(HERE, "gateway.sh"), self.build, name, "--rounds", str(self.rounds),
                         *map(str, arguments)])

    def run(self, command):
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode == SKIPPED:
            raise Skip(done.stdout.partition("SKIP ")[2].strip() or "cannot run here")
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr[-2000:]}")
        return json.loads(done.stdout)

    def cases(self, source):
        """Of all rows that are wanted, once each."""
        return list(dict.fromkeys(case for row in self.rows if row.source == source for case in row.cases))


def growth(bench):
    """Quick runs leave the large sizes out."""
    cases = [case for case in bench.cases("growth") if not (bench.quick and case.endswith("0000"))]
    return bench.gateway("datapath.py", "--packets", bench.sized(100_000, 1000), *cases)


SOURCES = {
    "datapath": lambda bench: bench.gateway("datapath.py", "--packets", bench.sized(200_000, 2000), *bench.cases("datapath")),
    "offload": lambda bench: bench.gateway("offload.py", "--packets", bench.sized(15_000_000, 500_000)),
    "growth": growth,
    "latency": lambda bench: bench.gateway("latency.py", "--packets", bench.sized(200_000, 2000),
                                           "--connections", bench.sized(500, 20)),
    "lookup4": lambda bench: bench.program("bench_lookup", 4, bench.sized(1_000_000, 5000), bench.rounds),
    "lookup6": lambda bench: bench.program("bench_lookup", 6, bench.sized(200_000, 5000), bench.rounds),
    "compile4": lambda bench: bench.program("bench_policy", "scattered4", bench.sized(1_000_000, 5000), bench.rounds),
    "compile6": lambda bench: bench.program("bench_policy", "scattered6", bench.sized(1_000_000, 5000), bench.rounds),
    "replay": lambda bench: bench.run([sys.executable, os.path.join(HERE, "replay.py"), bench.build, "--rounds",
                                       str(bench.rounds), "--packets", str(bench.sized(10_000_000, 20_000))]),
    "encode": lambda bench: bench.program("bench_encode", bench.sized(300_000, 300), bench.rounds),
    "top": lambda bench: bench.run([sys.executable, os.path.join(HERE, "top.py"), bench.build, "--rounds", str(bench.rounds),
                                    "--scale", str(bench.sized(100, 1))]),
    "ingest": lambda bench: bench.run([sys.executable, os.path.join(HERE, "ingest.py"), bench.build, "--rounds",
                                       str(bench.rounds), "--records", str(bench.sized(300_000, 2000))]),
    "subscribers": lambda bench: [bench.program("bench_subscribers", bench.sized(1_000_000, 5000))
                                  for _ in range(bench.rounds)],
}


# ---- figures ----

def figures(row, found, quick):
    ours, theirs = row.pairs(found)
    result = {"figure": statistics.median(ours), "peer_figure": None, "ratio": None, "reached": None}
    judged = result["figure"]
    if theirs is not None:
        result["peer_figure"] = statistics.median(theirs)
        judged = result["ratio"] = statistics.median(one / other for one, other in zip(ours, theirs))
    if row.limit is not None and not quick:
        result["reached"] = judged <= row.limit
    return result


def describe(row):
    return {"name": row.name, "work": row.work, "peer": row.peer or None, "unit": row.unit, "limit": row.limit,
            "limit_of": None if row.limit is None else "ratio" if row.source != "latency" and row.peer else "figure"}


def measure(bench):
    """Results by row name, and what the sources said."""
    said, results = {}, []
    for row in bench.rows:
        result = describe(row)
        try:
            if row.source not in said:
                print(f"measuring {row.source} ...", file=sys.stderr, flush=True)
                said[row.source] = SOURCES[row.source](bench)
            if isinstance(said[row.source], Exception):
                raise said[row.source]
            result.update(figures(row, said[row.source], bench.quick))
        except (Skip, LookupError) as why:
            said.setdefault(row.source, why)
            result["skipped"] = str(why.args[0])
        except (RuntimeError, ValueError) as why:
            said.setdefault(row.source, why)
            result["failed"] = str(why)
        results.append(result)
    return results, said


# ---- the machine ----

def first_of(path, key):
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith(key):
                return line.partition(":")[2].strip()
    return "unknown"


def machine(bench):
    virtual = " (virtual machine)" if " hypervisor" in first_of("/proc/cpuinfo", "flags") else ""
    return {"cpu": first_of("/proc/cpuinfo", "model name") + virtual, "cores": os.cpu_count(),
            "memory": first_of("/proc/meminfo", "MemTotal"), "kernel": platform.release(),
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "load_before": [round(load, 2) for load in os.getloadavg()], "rounds": bench.rounds, "quick": bench.quick}


# ---- text ----

def number(value):
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def wanted(result):
    if result["limit"] is None:
        return "-"
    if result["limit_of"] == "figure":
        return f"<= {number(result['limit'])} {result['unit']}"
    return f"<= {result['limit']:.3g}"


def text_row(result):
    why = result.get("skipped") or (result.get("failed") and "failed")
    if why:
        return [result["name"], result["work"], result["peer"] or "-", "", "", "", wanted(result),
                f"skipped: {why}" if "skipped" in result else "failed"]
    reached = {True: "yes", False: "NO", None: "-"}[result["reached"]]
    theirs = number(result["peer_figure"])
    return [result["name"], result["work"], result["peer"] or "-", f"{number(result['figure'])} {result['unit']}",
            f"{theirs} {result['unit']}" if theirs else "", "" if result["ratio"] is None else f"{result['ratio']:.3f}",
            wanted(result), reached]


def print_columns(lines):
    """Numbers stand to the right."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        print("  ".join(text.rjust(width) if i in (3, 4, 5) else text.ljust(width)
                        for i, (text, width) in enumerate(zip(line, widths))).rstrip())


def print_growth(found):
    print("\nGrowth: nanoseconds a packet")
    lines = [["", "", "", *(f"{size:,}" for size in GROWTH)]]
    for kind, what in (("policy", "prefixes in the policy"), ("subscribers", "subscribers blocked")):
        lines.append([what, "", "", *(number(statistics.median(found[f"{kind}-{size}"])) if f"{kind}-{size}" in found else ""
                                      for size in GROWTH)])
    print_columns(lines)


def print_latency(found):
    print(f"\nLatency: connect() at {number(found['rate'])} SYNs a second, half of what was reached; microseconds")
    for which in ("direct", "queued"):
        print(f"{which:8} p50 {number(statistics.median(one['p50_us'] for one in found[which]))}"
              f"  p99 {number(statistics.median(one['p99_us'] for one in found[which]))}")


def print_text(about, results, said):
    print(f"{about['cpu']}, {about['cores']} cores, {about['memory']}; Linux {about['kernel']}; {about['date']}")
    print(f"load average {about['load_before'][0]} before, {about['load_after'][0]} after; median of {about['rounds']} rounds\n")
    if about["quick"]:
        print("A quick run: everything is tiny, and the figures mean nothing.\n")
    print_columns([["row", "work", "peer", "op25b", "peer's", "ratio", "wanted", "reached"], *map(text_row, results)])
    if isinstance(said.get("growth"), dict):
        print_growth(said["growth"])
    if isinstance(said.get("latency"), dict):
        print_latency(said["latency"])
    for result in results:
        if "failed" in result:
            print(f"\n{result['name']}: {result['failed']}", file=sys.stderr)


def arguments_of():
    parser = argparse.ArgumentParser(prog="tools/dev/bench", formatter_class=argparse.RawDescriptionHelpFormatter,
                                     description=__doc__, epilog=EXAMPLES)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="a row's name, or how the names of some begin (all)")
    parser.add_argument("--rounds", type=int, default=10, help="rounds of each measurement (10)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--quick", action="store_true", help="one tiny round of each row, to see that all of it runs")
    parser.add_argument("--list", action="store_true", help="print the rows' names and end")
    parser.add_argument("--no-install", action="store_true", help="install no packages")
    parser.add_argument("--build", default="build-bench", metavar="DIR", help="build directory (build-bench)")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds must be at least 1")
    for name in arguments.rows:
        if not any(row.name.startswith(name) for row in ROWS):
            parser.error(f"no row's name begins with '{name}' (see --list)")
    return arguments


def main():
    arguments = arguments_of()
    rows = [row for row in ROWS if not arguments.rows or any(row.name.startswith(name) for name in arguments.rows)]
    if arguments.list:
        print("\n".join(row.name for row in rows))
        return 0
    bench = Bench(arguments, rows)
    about = machine(bench)
    results, said = measure(bench)
    about["load_after"] = [round(load, 2) for load in os.getloadavg()]
    if arguments.json:
        json.dump({"machine": about, "rows": results,
                   "sources": {name: found for name, found in said.items() if not isinstance(found, Exception)}}, sys.stdout,
                  indent=1)
        print()
    else:
        print_text(about, results, said)
    return 1 if any("failed" in result for result in results) else 0


sys.exit(main())
