#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Records against the schema of EVE: eve.py OP25B-MONTH OP25B-REPLAY OP25B-MAN-TABLES SCHEMA [OTHER-SCHEMA].

Records of every kind (drops, alerts, overflow, what the kernel blocked by itself, notices; from captures also with VLAN ids)
are valid without their object op25b, every field of the encoder's table is known to the schema, and wrong fields are found.
With OTHER-SCHEMA, such as Suricata's own etc/schema.json, the records are checked against that, too. Prints TAP.
"""
import copy
import ipaddress
import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import jsonschema
except ImportError:
    print("1..0 # SKIP python3-jsonschema is not there")
    sys.exit(0)

POLICY = """[gateway]
name = gw
mode = enforce
fail = open
unlisted = accept
[log]
window = 60
[pool homes]
prefix = 10.1.0.0/16
prefix = 2001:db8:1::/48
[pool watched]
prefix = 10.4.0.0/16
monitor_from = 2020-01-01T00:00:00Z
"""


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def case(self, name, found):
        found = list(found)
        self.count += 1
        self.failed += bool(found)
        print(f"{'not ok' if found else 'ok'} {self.count} - {name}")
        for line in found[:20]:
            print(f"# {line}")

    def end(self):
        print(f"1..{self.count}")
        return 1 if self.failed else 0


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, timeout=120, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit code {done.returncode}: {done.stderr}")
    return done.stdout


# ---- records ----

def frame(source, tags):
    """A SYN to port 25 behind Ethernet and VLAN tags."""
    tcp = struct.pack(">HHIIBBHHH", 40000, 25, 1000, 0, 0x50, 2, 64240, 0, 0)
    if ":" in source:
        packet = struct.pack(">IHBB", 6 << 28, len(tcp), 6, 60) + ipaddress.ip_address(source).packed + \
            ipaddress.ip_address("2001:db8:ffff::25").packed + tcp
        kind = 0x86dd
    else:
        packet = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 60, 6, 0) + ipaddress.ip_address(source).packed + \
            ipaddress.ip_address("192.0.2.25").packed + tcp
        kind = 0x0800
    layers = b"".join(struct.pack(">HH", 0x8100, tag) for tag in tags)
    return bytes(12) + layers + struct.pack(">H", kind) + packet


def capture(frames):
    head = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1)
    return head + b"".join(struct.pack("<IIII", 1_780_000_000 + i, 0, len(one), len(one)) + one for i, one in enumerate(frames))


def replayed(program, directory):
    (directory / "policy.ini").write_text(POLICY, encoding="utf-8")
    frames = [frame(source, tags) for source in ("10.1.0.1", "10.4.0.1", "2001:db8:1::1") for tags in ((), (7,), (100, 7))]
    (directory / "tagged.pcap").write_bytes(capture(frames))
    lines = run(program, "-p", "policy.ini", "--events", "-", "tagged.pcap", cwd=directory)
    return [json.loads(line) for line in lines.splitlines()]


def monthly(program, directory):
    run(program, "--days", 2, "--bots", 8, "--clients", 10, "--mixed", 50, "--offloaded", 50, "--floods", 2, "--flood-sources", 20,
        "--notices", 3, directory)
    return [json.loads(line) for path in sorted(directory.glob("*/events.json"))
            for line in path.read_text(encoding="utf-8").splitlines()]


def without_ours(record):
    return {name: value for name, value in record.items() if name != "op25b"}


def kinds_of(records):
    for record in records:
        ours = record["op25b"]
        yield f"{record['event_type']} {ours['kind']}"
        for name in ("packets_offloaded", "destinations", "destinations_sketch", "rules"):
            if name in ours:
                yield name
        for name in ("vlan", "pcap_cnt"):
            if name in record:
                yield name


# ---- checks ----

def problems(validator, records):
    for record in records:
        for error in validator.iter_errors(without_ours(record)):
            yield f"{'/'.join(map(str, error.path)) or 'record'}: {error.message[:200]}"


def unknown_fields(schema, names):
    """Of the encoder's table, outside op25b: what the schema does not know."""
    known = {"top": schema["properties"], "drop": schema["definitions"]["dropped"]["properties"],
             "alert": schema["definitions"]["alerted"]["properties"], "engine": schema["definitions"]["engine"]["properties"]}
    for line in names.splitlines():
        kind, where, name = line.split()
        if kind in ("field", "notice") and where in known and name not in known[where]:
            yield f"{where} {name}"


def wrongs(record):
    """(what is wrong, a record in which it is)"""
    def changed(*path, value):
        copied = copy.deepcopy(record)
        place = copied
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value
        return copied

    yield "a field that EVE has not", changed("subscriber", value="192.0.2.1")
    yield "one within drop", changed("drop", "attempts", value=1)
    yield "a number that is text", changed("dest_port", value="25")
    yield "a flag that is a number", changed("drop", "syn", value=1)
    yield "a time with Z", changed("timestamp", value="2026-01-01T00:00:00.000000Z")
    yield "another event_type", changed("event_type", value="alert")
    yield "no host", {name: value for name, value in record.items() if name != "host"}


def main():
    if len(sys.argv) not in (5, 6):
        sys.exit("usage: eve.py OP25B-MONTH OP25B-REPLAY OP25B-MAN-TABLES SCHEMA [OTHER-SCHEMA]")
    month, replay, tables = (Path(path).resolve() for path in sys.argv[1:4])
    schemas = [json.loads(Path(path).read_text(encoding="utf-8")) for path in sys.argv[4:]]
    tap = Tap()
    with tempfile.TemporaryDirectory() as scratch:
        records = replayed(replay, Path(scratch)) + monthly(month, Path(scratch) / "month")
    kinds = set(kinds_of(records))
    for kind in ("drop first", "drop summary", "drop overflow", "alert first", "alert summary", "engine failed-open",
                 "packets_offloaded", "destinations", "destinations_sketch", "rules", "vlan", "pcap_cnt"):
        tap.case(f"there are records: {kind}", [] if kind in kinds else [f"only {sorted(kinds)}"])
    validator = jsonschema.Draft7Validator(schemas[0])
    tap.case(f"the {len(records)} records are valid", problems(validator, records))
    tap.case("the schema knows the encoder's fields", unknown_fields(schemas[0], run(tables, "names")))
    tap.case("planted and found: a field it does not know",
             [] if list(unknown_fields(schemas[0], "field drop attempts")) else ["nothing was found"])
    shown = next(record for record in records if record["event_type"] == "drop" and "dest_port" in record)
    for what, wrong in wrongs(shown):
        tap.case(f"planted and found: {what}", [] if list(problems(validator, [wrong])) else ["nothing was found"])
    for schema in schemas[1:]:
        other = jsonschema.validators.validator_for(schema)(schema)
        tap.case("they are valid by the other schema, too", problems(other, records))
        tap.case("which finds a field it does not know", [] if list(problems(other, [next(wrongs(shown))[1]])) else ["no"])
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
