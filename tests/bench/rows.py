# SPDX-License-Identifier: GPL-2.0-or-later
"""The rows of the bench table: what is compared with what, and how much is wanted. A new row needs an entry in ROWS, and
if no program here measures it yet, an entry in SOURCES of table.py.
"""
import dataclasses
import statistics

GROWTH = (1000, 10_000, 100_000, 1_000_000)


@dataclasses.dataclass
class Row:
    """pairs: of a source's answer and the row's own arguments, the figures of all rounds: ours, the peer's. A row without
    a peer compares with nothing; limit is then the greatest figure wanted, else the greatest ratio. Without a limit the
    row only informs.
    """
    name: str
    work: str
    peer: str
    unit: str
    limit: float
    source: str
    pairs: object
    note: str = ""
    cases: tuple = ()


def of_cases(ours, *theirs):
    """The mean of `theirs` in each round."""
    return lambda found: (found[ours], [statistics.mean(values) for values in zip(*(found[name] for name in theirs))])


def contender(found, addresses, name):
    for one in found[addresses]:
        if one["name"] == name:
            return one
    raise LookupError("DPDK's development package is not installed")


def of_look_up(addresses, ours, theirs):
    return lambda found: (contender(found, addresses, ours)["ns"], contender(found, addresses, theirs)["ns"])


def of_memory(ours, theirs):
    def pairs(found):
        return ([contender(found, "anywhere", ours)["memory"] / 1e6], [contender(found, "anywhere", theirs)["memory"] / 1e6])
    return pairs


def of_growth(kind):
    """The dearest size of each round beside the cheapest one, by the medians of all rounds."""
    def pairs(found):
        sizes = sorted((name for name in found if name.startswith(kind)), key=lambda name: statistics.median(found[name]))
        return found[sizes[-1]], found[sizes[0]]
    return pairs


def of_latency(found):
    return ([one["p99_us"] - other["p99_us"] for one, other in zip(found["queued"], found["direct"])], None)


def datapath_row(name, work, peer, limit, ours, *theirs, note=""):
    return Row(name, work, peer, "ns", limit, "datapath", of_cases(ours, *theirs), note, (ours, *theirs))


def replay_row(name, work, peer, limit, ours, theirs):
    return Row(name, work, peer, "ns", limit, "replay", of_cases(ours, theirs))


def look_up_row(family, peer, limit, addresses, ours, theirs):
    kind = "one by one" if ours.endswith("lookup") else "in batches"
    where = "random addresses" if addresses == "anywhere" else "addresses in the prefixes"
    count = "1,000,000" if family == 4 else "200,000"
    name = f"lookup{family}-{peer}-{'single' if kind == 'one by one' else 'batch'}-{addresses}"
    return Row(name, f"{ours}, {count} prefixes, {where}", theirs, "ns", limit, f"lookup{family}",
               of_look_up(addresses, ours, theirs))


def look_up_rows():
    """IPv4 by random addresses, as wanted. Random IPv6 addresses would nearly all meet no prefix, so the rows that count
    take addresses inside; the others inform."""
    for addresses, limit4, limit6 in (("anywhere", 1.0, None), ("inside", None, 1.0)):
        yield look_up_row(4, "lpm", limit4, addresses, "lpm4_lookup", "rte_lpm_lookup")
        yield look_up_row(4, "lpm", limit4, addresses, "lpm4_lookup_batch", "rte_lpm_lookup_bulk")
        yield look_up_row(6, "lpm6", limit6, addresses, "lpm6_lookup", "rte_lpm6_lookup")
        yield look_up_row(6, "lpm6", limit6, addresses, "lpm6_lookup_batch", "rte_lpm6_lookup_bulk_func")
        yield look_up_row(6, "fib6", limit6, addresses, "lpm6_lookup", "rte_fib6_lookup_bulk of one")
        yield look_up_row(6, "fib6", limit6, addresses, "lpm6_lookup_batch", "rte_fib6_lookup_bulk")


ROWS = [
    datapath_row("drop-classic", "op25bd a packet, all dropped", "nfq_handle_packet loop", 1 / 3, "op25bd-drop", "classic-drop"),
    datapath_row("accept-classic", "op25bd a packet, all accepted", "nfq_handle_packet loop", 1 / 2.4, "op25bd-accept",
                 "classic-accept"),
    datapath_row("drop-bare", "op25bd a packet, all dropped", "recvmmsg, batch verdict", 1.25, "op25bd-drop", "bare-drop"),
    datapath_row("drop-gather", "op25bd a packet, all dropped", "the same, gathering", None, "op25bd-drop", "gather-drop"),
    datapath_row("drop-60000", "the same, 60,000 sources", "op25bd, 1,000 sources", None, "op25bd-drop-60000-sources",
                 "op25bd-drop"),
    datapath_row("mixed", "op25bd a packet, half dropped", "mean of drop and accept", 1.2, "op25bd-mixed", "op25bd-drop",
                 "op25bd-accept"),
    datapath_row("gather-mixed", "a gathering loop, half dropped", "its mean of drop and accept", None, "gather-mixed", "gather-drop",
                 "gather-accept"),
    Row("offload", "60,000 offenders, offload, whole path", "tcp dport 25 drop", "ns", 1.15, "offload",
        of_cases("offload", "drop")),
    *look_up_rows(),
    Row("lookup4-memory", "IPv4 table, 1,000,000 prefixes", "rte_lpm, its tables", "MB", 0.1, "lookup4",
        of_memory("lpm4_lookup", "rte_lpm_lookup")),
    Row("lookup6-memory", "IPv6 table, 200,000 prefixes", "rte_lpm6, its tables", "MB", None, "lookup6",
        of_memory("lpm6_lookup", "rte_lpm6_lookup")),
    Row("compile4", "compile 1,000,000 IPv4 prefixes", "", "s", 0.2, "compile4",
        lambda found: ([one["compile_s"] for one in found], None)),
    Row("compile6", "compile 1,000,000 IPv6 prefixes", "", "s", 0.2, "compile6",
        lambda found: ([one["compile_s"] for one in found], None)),
    Row("read4", "read and check them before that", "", "s", None, "compile4",
        lambda found: ([one["read_s"] for one in found], None)),
    Row("read6", "read and check them before that", "", "s", None, "compile6",
        lambda found: ([one["read_s"] for one in found], None)),
    Row("top", "the 20 greatest of 10,000,000 stored records", "", "s", 1, "top", lambda found: (found["top"], None)),
    Row("top-cut", "the same, of a period that cuts days", "", "s", 1, "top", lambda found: (found["cut"], None)),
    Row("top-memory", "memory of that", "", "MB", None, "top", lambda found: ([found["memory_kib"] / 1024], None)),
    Row("subscriber-memory", "a tracked subscriber of 1,000,000", "", "bytes", 128, "subscribers",
        lambda found: ([one["bytes"] / one["subscribers"] for one in found], None)),
    Row("encode", "write a block record", "jansson's json_dumpf of the same", "ns", 1 / 5, "encode",
        lambda found: (found["encode"], found["jansson"])),
    Row("ingest", "a record line into a new store", "", "ns", 1e9 / 300_000, "ingest", lambda found: (found["store"], None)),
    Row("ingest-jq", "the same", "jq -c . alone", "ns", 1 / 3, "ingest", of_cases("store", "jq")),
    Row("ingest-memory", "the same, largest memory", "", "MB", None, "ingest",
        lambda found: ([one / 1e6 for one in found["memory"]], None)),
    replay_row("replay-tcpdump", "op25b-replay's summary, all to port 25", "tcpdump --count", 1 / 3, "replay", "tcpdump"),
    replay_row("replay-mixed", "the same, one packet in ten to port 25", "tcpdump --count", 1 / 3, "replay-mixed", "tcpdump-mixed"),
    replay_row("replay-tshark", "the same, all to port 25", "tshark -Y, a slice", 1 / 100, "replay", "tshark"),
    replay_row("replay-walk", "the same, all to port 25", "mmap walk over the headers", 3, "replay", "walk"),
    replay_row("replay-cores", "the same on two cores, time that passed", "on one core", 1 / 1.7, "two-passed", "replay-passed"),
    Row("latency", "p99 of connect() at half load, more than", "direct forwarding", "us", 1000, "latency", of_latency),
    Row("policy-growth", "a packet, dearest of 1e3 to 1e6 prefixes", "the cheapest of these", "ns", 2, "growth",
        of_growth("policy"), cases=tuple(f"policy-{size}" for size in GROWTH)),
    Row("subscriber-growth", "a packet, dearest of 1e3 to 1e6 sources", "the cheapest of these", "ns", 2, "growth",
        of_growth("subscribers"), cases=tuple(f"subscribers-{size}" for size in GROWTH)),
]
