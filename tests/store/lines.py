# SPDX-License-Identifier: GPL-2.0-or-later
"""Record lines with known truth, and a store's answers to compare with it."""
import datetime
import itertools
import json
import os
import sqlite3
import subprocess

BEGIN = 1767193200  # 2026-01-01T00:00:00+0900
DAY_US = 86400 * 1000000
ZONE = datetime.timezone(datetime.timedelta(hours=9))


def moment(seconds):
    return datetime.datetime.fromtimestamp(BEGIN + seconds, ZONE).strftime("%Y-%m-%dT%H:%M:%S.%f%z")


def record(seq, host="gw1", boot="b1", at=None, **changes):
    """A summary; changes go into its op25b object, None takes a field away."""
    at = seq * 7 if at is None else at
    source = f"10.0.{seq // 16 % 4}.{seq % 16}"
    packets = seq % 11 + 1
    own = {"schema": 1, "boot_id": boot, "seq": seq, "kind": "summary", "subscriber": source, "pool": "homes", "rule": "homes",
           "rule_kind": "pool", "reason": "pool-enforce", "verdict": "drop", "monitored": False, "attempts": packets // 2,
           "packets": packets, "packets_blocked": packets, "first_seen": moment(at - 60), "last_seen": moment(at), "window_s": 300,
           "distinct_destinations": 1, "distinct_destinations_exact": True, "policy": "0123abcd"}
    own.update(changes)
    return {"timestamp": moment(at), "event_type": "alert" if own["monitored"] else "drop", "host": host, "in_iface": "ppp0",
            "src_ip": source, "src_port": 40000, "dest_ip": "198.51.100.1", "dest_port": 25, "ip_v": 4, "proto": "TCP",
            "direction": "to_server", "op25b": {name: value for name, value in own.items() if value is not None}}


def notice(seq, host="gw1", boot="b1"):
    return {"timestamp": moment(seq), "log_level": "Warning", "event_type": "engine", "host": host,
            "engine": {"message": "packets passed"},
            "op25b": {"schema": 1, "boot_id": boot, "seq": seq, "kind": "failed-open", "state": "end", "fail": "open",
                      "begin": moment(seq - 5), "end": moment(seq), "unjudged": 12, "unjudged_exact": True, "queue_full": 12,
                      "buffer_full": 0, "policy": "0123abcd"}}


def text(value):
    return json.dumps(value, separators=(",", ":")) + "\n"


def texts(values):
    return "".join(map(text, values))


def varints(data):
    number = bits = 0
    for byte in data:
        number |= (byte & 127) << bits
        bits += 7
        if byte < 128:
            yield number
            number = bits = 0


def unfolded(number):
    return number >> 1 if number % 2 == 0 else -(number >> 1) - 1


class Store:
    """A store in a directory of its own, filled by the program under test."""

    def __init__(self, program, directory):
        self.program = program
        self.path = os.path.join(directory, "records.db")

    def command(self, *arguments):
        return [self.program, *arguments[:0], *(["-r"] if "-r" in arguments else []), "-v", self.path,
                *(name for name in arguments if name != "-r")]

    def fill(self, *arguments, wrong=False):
        """What became of the lines, and what was said of it."""
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, check=False, timeout=120)
        if (done.returncode != 0) != wrong:
            raise RuntimeError(f"exit code {done.returncode}: {done.stderr}")
        return json.loads(done.stdout) if done.stdout else {}, done.stderr

    def ask(self, question, mode="ro"):
        database = sqlite3.connect(f"file:{self.path}?mode={mode}", uri=True)
        try:
            return database.execute(question).fetchall()
        finally:
            database.close()

    def made(self):
        """Who was killed while he made it left a journal, which only who may write can roll back."""
        return os.path.exists(self.path) and self.ask("SELECT count(*) FROM sqlite_schema", "rw")[0][0] > 0

    def sums(self, table="record"):
        return self.ask(f"SELECT {'count(*)' if table == 'record' else 'sum(records)'}, sum(packets), sum(blocked), sum(offloaded),"
                        f" sum(attempts) FROM {table}")[0]

    def listed(self):
        """Of days that are summed up: day, address, records, first, last and subscribers, as store/listed.h has them."""
        for bucket, day, entries in self.ask("SELECT l.bucket, l.day, l.entries FROM listed AS l JOIN listed AS d ON d.day = l.day"
                                             " AND d.bucket = -1 WHERE l.bucket >= 0 AND length(l.entries) > 0"):
            numbers, address = iter(varints(entries)), 0
            for difference in numbers:
                address += difference
                records, first, last, people = (next(numbers) for _ in range(4))
                first, last = unfolded(first) + day * DAY_US, unfolded(last) + unfolded(first) + day * DAY_US
                names = list(itertools.accumulate(next(numbers) for _ in range(people)))
                yield day, address.to_bytes(4 if bucket < 64 else 16, "big"), records, first, last, names

    def lists(self):
        """The same of the records of these days."""
        sums = {}
        for day, subscriber, first, last, dst, exact, reach in self.ask(
                f"SELECT time / {DAY_US}, subscriber, first, last, dst, exact, reach FROM record"
                f" WHERE time / {DAY_US} IN (SELECT day FROM listed WHERE bucket = -1)"):
            reach = reach if reach and (exact or len(reach) != 1024) else b""
            for address in {reach[i:i + len(dst)] for i in range(0, len(reach), len(dst))} | {dst}:
                known = sums.setdefault((day, address), [0, first, last, set()])
                known[0] += 1
                known[1:3] = min(first, known[1]), max(last, known[2])
                known[3] |= {subscriber} - {None}
        return sorted((day, address, *known[:3], sorted(known[3])) for (day, address), known in sums.items())

    def visits(self):
        """Day, subscriber and record, as store/visits.h has them."""
        for day, subscriber, record_id, rest in self.ask("SELECT day, subscriber, first, rest FROM visit"):
            yield day, subscriber, record_id
            for difference in varints(rest or b""):
                record_id += difference
                yield day, subscriber, record_id

    def check(self):
        """What must hold at any time."""
        wrong = []
        totals = self.sums()
        for table in ("hour", "day"):
            if totals[0] and self.sums(table) != totals:
                wrong.append(f"{table}: {self.sums(table)}, and not {totals}")
        stored = self.ask("SELECT (SELECT count(*) FROM record) + (SELECT count(*) FROM notice),"
                          " (SELECT ifnull(sum(last - first + 1), 0) FROM seen)")[0]
        if stored[0] != stored[1]:
            wrong.append(f"{stored[0]} records, and {stored[1]} numbers")
        doubled = self.ask("SELECT source, seq FROM record GROUP BY source, seq HAVING count(*) > 1 LIMIT 3")
        touching = self.ask("SELECT * FROM seen AS a JOIN seen AS b ON a.source = b.source AND b.first > a.first"
                            " AND b.first <= a.last + 1 LIMIT 3")
        segments = self.ask("SELECT count(*) FROM record WHERE NOT EXISTS (SELECT 1 FROM segment WHERE id BETWEEN first_id AND last_id"
                            " AND time BETWEEN min_time AND max_time)")[0][0]
        if sorted(self.visits()) != self.ask("SELECT time / 86400000000, ifnull(subscriber, 0), id FROM record ORDER BY 1, 2, 3"):
            wrong.append("visits are not those of the records")
        if sorted(self.listed()) != self.lists():
            wrong.append("what days list is not what their records list")
        intact = self.ask("PRAGMA integrity_check")
        if doubled or touching or segments or intact != [("ok",)]:
            wrong.append(f"doubled {doubled}, ranges {touching}, outside of segments {segments}, {intact}")
        return wrong


def truth(records):
    """The sums that a store of these records has, each counted once."""
    unique = {(one["host"], one["op25b"]["boot_id"], one["op25b"]["seq"]): one["op25b"] for one in records}.values()
    return (len(unique), sum(one["packets"] for one in unique), sum(one["packets_blocked"] for one in unique),
            sum(one.get("packets_offloaded", 0) for one in unique), sum(one["attempts"] for one in unique))
