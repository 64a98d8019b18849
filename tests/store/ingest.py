#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Filling a store: ingest.py STORE_FILL. Prints TAP. Every figure is compared with what the lines were made from."""
import gzip
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

from lines import Store, notice, record, text, texts, truth

CASES = []


def case(function):
    CASES.append(function)
    return function


def same(found, wanted, what=""):
    if found != wanted:
        raise AssertionError(f"{what}: {found}, and not {wanted}")


def write(path, content, mode="w"):
    with open(path, mode, encoding=None if "b" in mode else "utf-8") as file:
        file.write(content)


def zstd(path, target):
    subprocess.run(["zstd", "-q", "-f", path, "-o", target], check=True)


@case
def plain_gzip_and_zstd(store, directory):
    """a file is read once, whatever it is packed by"""
    lines = [record(seq) for seq in range(5000)]
    path = f"{directory}/events.json"
    write(path, texts(lines))
    same(store.fill(path)[0]["records"], 5000)
    with open(path, "rb") as source, gzip.open(f"{directory}/other.gz", "wb") as target:
        shutil.copyfileobj(source, target)
    zstd(path, f"{directory}/another")
    same(store.fill(path, f"{directory}/other.gz", f"{directory}/another")[0]["lines"], 0, "read again")
    same(store.sums(), truth(lines))
    for name in ("other.gz", "another"):
        fresh = Store(store.program, os.path.join(directory, name + ".d"))
        os.mkdir(os.path.dirname(fresh.path))
        same(fresh.fill(f"{directory}/{name}")[0]["records"], 5000)
        same(fresh.sums(), truth(lines))
        same(fresh.check(), [])


@case
def grows_and_rotates(store, directory):
    """what comes behind is read on, through renaming, packing and copying"""
    path = f"{directory}/events.json"
    lines = [record(seq) for seq in range(3000)]
    write(path, texts(lines[:1000]))
    store.fill("-r", path)
    write(path, texts(lines[1000:1500]), "a")
    same(store.fill("-r", path)[0]["records"], 500, "grown")
    write(path, texts(lines[1500:1600]), "a")
    os.rename(path, path + ".1")
    write(path, texts(lines[1600:2000]))
    found = store.fill("-r", path)[0]
    same((found["records"], found["duplicates"]), (500, 0), "renamed")
    subprocess.run(["gzip", "-f", path + ".1"], check=True)
    os.rename(path + ".1.gz", path + ".2.gz")
    shutil.copy(path, path + ".1")
    write(path, texts(lines[2000:2300]))
    found = store.fill("-r", path)[0]
    same((found["lines"], found["records"]), (300, 300), "copied and emptied")
    zstd(path, path + "-20260102.zst")
    write(path, texts(lines[2300:]))
    same(store.fill("-r", path)[0]["records"], 700)
    same(store.fill("-r", path)[0]["bytes"], 0, "nothing is new")
    same(store.sums(), truth(lines))
    same(store.ask("SELECT first, last FROM seen"), [(0, 2999)])


@case
def half_a_line_waits(store, directory):
    """a line without its end is read when it has it"""
    path = f"{directory}/events.json"
    last = text(record(11))
    write(path, texts(record(seq) for seq in range(11)) + last[:200])
    found = store.fill(path)[0]
    same((found["records"], found["refused"]), (11, 0))
    write(path, last[200:], "a")
    found = store.fill(path)[0]
    same((found["records"], found["refused"]), (1, 0))
    write(path, "", "w")
    same(store.fill(path)[0]["lines"], 0)
    write(path, last[:50], "w")
    same(store.fill(path)[0]["lines"], 0)


@case
def everything_is_in_one_count(store, directory):
    """records, notices, duplicates, other programs' records, damaged lines: each in one count"""
    path = f"{directory}/events.json"
    good = [record(seq) for seq in range(20)]
    write(path, texts(good) + texts(good[5:8]) + text(notice(20)) + '{"event_type":"stats","stats":{}}\n' + "no JSON\n\n"
          + text(record(21, packets=-1)) + '{"timestamp":"x"}\n' + text(good[0])[:100] + "\n" + "\0\0\0\n" + '{"a":' * 100000 + "\n")
    found, said = store.fill(path)
    wanted = {"lines": 32, "records": 20, "notices": 1, "duplicates": 3, "foreign": 1, "refused": 7}
    same({name: found[name] for name in wanted}, wanted)
    same(len([line for line in said.splitlines() if "events.json:" in line]), 7, said)
    same("packets: no whole number" in said, True, said)
    same(store.ask("SELECT records, duplicates, refused, foreign_lines FROM file"), [(21, 3, 7, 1)])
    same(store.ask("SELECT count(*) FROM refused"), [(7,)])
    same(store.ask("SELECT duplicates FROM source"), [(3,)])
    same(store.ask("SELECT name.text, packets, open FROM notice JOIN name ON name.id = what"), [("failed-open", 12, 1)])
    same(store.sums(), truth(good))


@case
def gaps_and_several_writers(store, directory):
    """numbers of each writer are known, in whatever order they come"""
    order = [5, 6, 9, 3, 4, 7, 20, 21, 8, 6, 0, 100, 99, 98]
    lines = [record(seq, host=host, boot=boot) for seq in order for host in ("gw1", "gw2") for boot in ("b1", "b2")]
    write(f"{directory}/a.json", texts(lines))
    write(f"{directory}/b.json", texts(lines[20:]) + texts(record(seq, host="gw2", boot="b1") for seq in (1, 2)))
    store.fill(f"{directory}/a.json")
    same(store.ask("SELECT DISTINCT group_concat(first || '-' || last) FROM seen GROUP BY source"), [("0-0,3-9,20-21,98-100",)])
    found = store.fill(f"{directory}/b.json")[0]
    same((found["records"], found["duplicates"]), (2, len(lines) - 20))
    same(store.ask("SELECT count(*) FROM seen"), [(15,)])
    same(store.sums(), truth(lines + [record(seq, host="gw2", boot="b1") for seq in (1, 2)]))


@case
def any_order_of_numbers(store, directory):
    """numbers in random order, doubled, in several runs: the ranges are those of the numbers"""
    seed = int(os.environ.get("OP25B_TEST_SEED") or time.time_ns() % 1000000)
    print(f"# seed {seed}")
    source = random.Random(seed)
    lines, duplicates = [], 0
    for run in range(8):
        more = []
        while len(more) < 300:
            first, length = source.randrange(400), source.randrange(1, 40)
            order = [first + i for i in range(length)]
            if source.random() < 0.3:
                source.shuffle(order)
            more += [record(seq, boot=source.choice(("b1", "b2", "b3"))) for seq in order]
        write(f"{directory}/{run}.json", texts(more))
        duplicates += store.fill(f"{directory}/{run}.json")[0]["duplicates"]
        lines += more
    numbers = {(one["op25b"]["boot_id"], one["op25b"]["seq"]) for one in lines}
    begins = sorted((boot, seq) for boot, seq in numbers if (boot, seq - 1) not in numbers)
    ends = sorted((boot, seq) for boot, seq in numbers if (boot, seq + 1) not in numbers)
    same(store.ask("SELECT boot, first FROM seen JOIN source ON source.id = source ORDER BY boot, first"), begins)
    same(store.ask("SELECT boot, last FROM seen JOIN source ON source.id = source ORDER BY boot, last"), ends)
    same((duplicates, store.sums()), (len(lines) - len(numbers), truth(lines)))


@case
def a_long_line_is_not_held(store, directory):
    """a line of 100 MB is refused in little memory, and what follows is read"""
    path = f"{directory}/events.json"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text(record(0)))
        for _ in range(100):
            file.write("x" * 1_000_000)
    same(store.fill(path)[0]["lines"], 1, "without its end")
    write(path, "\n" + text(record(1)), "a")
    found, said = store.fill(path)
    same((found["records"], found["refused"]), (1, 1), said)
    same("longer than any record" in said, True)
    if found["memory_kib"] > 60000:
        raise AssertionError(f"{found['memory_kib']} KiB")
    same(store.fill(path)[0]["lines"], 0)


@case
def a_long_line_stands_first(store, directory):
    """a line that is too long is refused where nothing was read before it, too"""
    path = f"{directory}/events.json"
    write(path, "x" * 2_000_000 + "\n" + text(record(0)))
    found, said = store.fill(path)
    same((found["records"], found["refused"]), (1, 1), said)
    same("events.json:1 (byte 0): longer than any record" in said, True, said)


@case
def a_file_that_begins_alike(store, directory):
    """a file that only begins like one that was read is read whole"""
    path = f"{directory}/events.json"
    write(path, texts(record(seq) for seq in range(100)))
    store.fill(path)
    write(path, texts(record(seq) for seq in [0, *range(200, 500)]))
    found = store.fill(path)[0]
    same((found["records"], found["duplicates"]), (300, 1))


@case
def several_rules_and_reasons(store, directory):
    """a record counts in the ways of its parts, and no packet or attempt is lost by sharing"""
    part = {"rule": "homes", "rule_kind": "pool", "pool": "homes", "verdict": "drop", "monitored": False, "attempts": 3, "packets": 7,
            "policy": "0123abcd"}
    other = {**part, "rule": "dated", "rule_kind": "destination", "monitored": True, "attempts": 2, "packets": 4}
    rest = {"others": True, "monitored": False, "attempts": 1, "packets": 2}
    lines = [record(0, packets=13, attempts=6, packets_blocked=9, packets_offloaded=5, rules=[part, other, rest]),
             record(1, packets=10, attempts=7, packets_blocked=10, packets_offloaded=3, reasons={"unlisted": 3, "pool-enforce": 7}),
             record(2, packets=11, attempts=5, packets_blocked=7, reasons={"unlisted": 5, "pool-enforce": 6}, rules=[part, other]),
             record(3, packets=0, attempts=0, packets_blocked=0)]
    write(f"{directory}/events.json", texts(lines))
    same(store.fill(f"{directory}/events.json")[0]["records"], 4)
    same(store.sums(), truth(lines))
    ways = store.ask("SELECT r.text, k.text, why.text, monitored, records, packets, blocked, offloaded, attempts FROM day"
                     " JOIN way ON way.id = way JOIN name AS r ON r.id = rule JOIN name AS k ON k.id = rule_kind"
                     " JOIN name AS why ON why.id = reason ORDER BY subscriber, day.way")
    same(ways[:3], [("homes", "pool", "pool-enforce", 0, 1, 7, 7, 3, 3), ("dated", "destination", "pool-enforce", 1, 0, 4, 0, 0, 2),
                    ("", "others", "pool-enforce", 0, 0, 2, 2, 2, 1)])
    same(sorted(ways[3:5]), [("homes", "pool", "pool-enforce", 0, 1, 7, 7, 3, 5), ("homes", "pool", "unlisted", 0, 0, 3, 3, 0, 2)])
    same(ways[5:8], [("homes", "pool", "pool-enforce", 0, 1, 6, 6, 0, 2), ("homes", "pool", "unlisted", 0, 0, 1, 1, 0, 1),
                     ("dated", "destination", "unlisted", 1, 0, 4, 0, 0, 2)])
    same(store.ask("SELECT sum(packets), count(DISTINCT record) FROM part JOIN way ON way.id = way WHERE divided"), [(11, 1)])
    same(store.ask("SELECT count(*) FROM record WHERE detail LIKE '{\"reasons\":{%' OR detail LIKE '{\"rules\":[%'"), [(3,)])


@case
def destinations_unite(store, directory):
    """a day's destinations are the union of its records' lists and estimates"""
    def listed(seq, first, count):
        return record(seq, at=seq, subscriber="10.0.0.0/24", distinct_destinations=count,
                      destinations=[f"198.51.100.{first + i}" for i in range(count)])
    lines = [listed(0, 1, 5), listed(1, 4, 5), record(2, at=2, subscriber="10.0.0.0/24")]
    write(f"{directory}/a.json", texts(lines))
    store.fill(f"{directory}/a.json")
    same(store.ask("SELECT count, exact, length(reach) FROM reach"), [(8, 1, 32)])
    write(f"{directory}/b.json", text(listed(3, 20, 3)))
    store.fill(f"{directory}/b.json")
    same(store.ask("SELECT count, exact, length(reach) FROM reach"), [(11, 1, 44)])
    lost = record(4, at=4, subscriber="10.0.0.0/24", distinct_destinations=30, distinct_destinations_exact=False)
    write(f"{directory}/c.json", text(lost))
    store.fill(f"{directory}/c.json")
    same(store.ask("SELECT count, exact, length(reach) FROM reach"), [(30, 0, 44)])
    many = record(5, at=5, subscriber="10.0.0.0/24", distinct_destinations=700, distinct_destinations_exact=False,
                  destinations_sketch="B" * 1024)
    write(f"{directory}/d.json", text(many))
    store.fill(f"{directory}/d.json")
    count, exact, size = store.ask("SELECT count, exact, length(reach) FROM reach")[0]
    same((exact, size, count > 700), (0, 1024, True))


@case
def days_that_are_over_are_summed_up(store, directory):
    """the sums of a day's destinations are made when it is over, and anew when something comes late"""
    def listed(seq, day, subscriber, first, count, **more):
        names = {"destinations": [f"198.51.100.{first + i}" for i in range(count)]} if count > 1 else {}
        return record(seq, at=day * 86400 + seq, subscriber=subscriber, distinct_destinations=count, packets=100, packets_blocked=100,
                      attempts=100, **names, **more)
    days = "SELECT count(DISTINCT day), count(*) FROM listed WHERE bucket = -1"
    lines = [listed(seq, seq % 4, f"10.0.0.0/{12 + seq % 7}", seq % 50, 1 + seq % 40) for seq in range(400)]
    lines += [record(400, at=90, kind="overflow", subscriber=None), record(401, at=80, subscriber="2001:db8::/56")]
    lines[-1].update(src_ip="2001:db8::1", dest_ip="2001:db8:ffff::25", ip_v=6)
    write(f"{directory}/a.json", texts(lines))
    same((store.fill(f"{directory}/a.json")[0]["records"], store.check()), (402, []))
    same(store.ask(days), [(3, 3)])
    same(sum(entry[2] for entry in store.listed()) > 3000, True)
    write(f"{directory}/b.json", text(listed(402, 1, "10.0.0.0/9", 1, 50)))
    store.fill(f"{directory}/b.json")
    same((store.ask(days), store.check()), ([(3, 3)], []))
    same(max(len(entry[5]) for entry in store.listed() if entry[0] == min(store.listed())[0] + 1), 8, "the late one, too")
    write(f"{directory}/c.json", text(listed(403, 9, "10.0.0.0/9", 1, 50)))
    store.fill(f"{directory}/c.json")
    same((store.ask(days), store.check()), ([(4, 4)], []))


@case
def a_packed_file_that_ends_within_a_line(store, directory):
    """nobody writes on in a packed file: its half line is refused, once; that of a plain one waits"""
    path = f"{directory}/events.json"
    whole, half = texts(record(seq) for seq in range(5)), texts([record(5)])[:-40]
    with gzip.open(path + ".1.gz", "wt") as target:
        target.write(whole + half)
    write(path, half)
    found, said = store.fill("-r", path)
    same((found["records"], found["refused"], "ends within a line" in said), (5, 1, True), said)
    same(store.fill("-r", path)[0]["refused"], 0, "again")


def unread(said):
    """The files that were not read whole, and why."""
    told = [line.removeprefix("unread ").split(": ", 1) for line in said.splitlines() if line.startswith("unread ")]
    return {os.path.basename(path): why for path, why in told}


@case
def an_odd_one_beside_is_told(store, directory):
    """what only has a rotated file's name is told with what to do, and the others are read"""
    path = f"{directory}/events.json"
    write(path, texts(record(seq) for seq in range(10)))
    write(path + ".2", texts(record(seq) for seq in range(10, 15)))
    os.mkdir(path + ".1")
    os.mkfifo(path + ".3")
    os.symlink(f"{directory}/loop.json", f"{directory}/loop.json")
    os.symlink(f"{directory}/loop.json", path + ".4")
    found, said = store.fill("-r", path)
    told = unread(said)
    same((found["records"], sorted(told)), (15, ["events.json.1", "events.json.3", "events.json.4"]), said)
    same(("a directory; move it away" in told["events.json.1"], "no plain file; move" in told["events.json.3"]), (True, True), said)
    same("directory" in store.fill(path + ".1", wrong=True)[1], True, "named")


@case
def damage_is_remembered(store, directory):
    """what of a packed file can be read is stored, its damage told as refused once, and named as long as it stays"""
    path = f"{directory}/events.json"
    lines = [record(seq) for seq in range(3000)]
    packed = gzip.compress(texts(lines).encode())
    write(path, "")
    write(path + ".2.gz", packed[:len(packed) // 2], "wb")
    write(path + ".3.gz", packed[:15], "wb")
    found, said = store.fill("-r", path)
    stored = found["records"]
    same((found["refused"], 100 < stored < 3000, sorted(unread(said))), (2, True, ["events.json.2.gz", "events.json.3.gz"]), said)
    same("end too early" in unread(said)["events.json.2.gz"], True, said)
    found, said = store.fill("-r", path)
    same((found["refused"], found["bytes"], sorted(unread(said))), (0, 0, ["events.json.2.gz", "events.json.3.gz"]), said)
    os.rename(path + ".3.gz", path + ".4.gz")
    os.rename(path + ".2.gz", path + ".3.gz")
    found, said = store.fill("-r", path)
    same((found["refused"], sorted(unread(said))), (0, ["events.json.3.gz", "events.json.4.gz"]), said)
    same(store.ask("SELECT path FROM file WHERE unread IS NOT NULL ORDER BY path"), [(path + ".3.gz",), (path + ".4.gz",)])
    write(path + ".3.gz", packed[:len(packed) // 2 + 100], "wb")
    found, said = store.fill("-r", path)
    same((found["refused"], sorted(unread(said))), (1, ["events.json.3.gz", "events.json.4.gz"]), "it changed: " + said)
    write(path + ".3.gz", packed, "wb")
    write(path + ".4.gz", packed, "wb")
    found, said = store.fill("-r", path)
    same((found["refused"], unread(said), store.sums()), (0, {}, truth(lines)), said)
    same(store.ask("SELECT count(*) FROM file WHERE unread IS NOT NULL"), [(0,)])


@case
def packings_that_their_tools_take(store, directory):
    """zeros behind gzip's data, frames that zstd skips, and windows as large as zstd takes; larger ones with what to do"""
    lines = texts(record(seq) for seq in range(500)).encode()
    write(f"{directory}/zeros.gz", gzip.compress(lines) + bytes(200_000), "wb")
    same((store.fill(f"{directory}/zeros.gz")[0]["records"], store.ask("SELECT count(*) FROM refused")), (500, [(0,)]))
    write(f"{directory}/tail.gz", gzip.compress(texts(record(seq) for seq in range(500, 600)).encode()) + b"behind", "wb")
    found, said = store.fill(f"{directory}/tail.gz")
    same((found["records"], found["refused"], "left out" in unread(said)["tail.gz"]), (100, 1, True), said)
    plain = f"{directory}/plain"
    write(plain, texts(record(seq) for seq in range(600, 700)))
    zstd(plain, plain + ".zst")
    with open(plain + ".zst", "rb") as file:
        frame = file.read()
    skipped = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"hello"
    write(f"{directory}/skipped.zst", skipped + frame + skipped, "wb")
    found, said = store.fill(f"{directory}/skipped.zst")
    same((found["records"], found["refused"]), (100, 0), said)
    for window, records in ((27, 100), (31, 0)):
        write(plain, texts(record(window * 100 + seq) for seq in range(100)))
        with open(plain, "rb") as file:
            done = subprocess.run(["zstd", "-q", f"--long={window}", "-c"], stdin=file, capture_output=True, check=True)
        write(f"{directory}/window{window}.zst", done.stdout, "wb")
        found, said = store.fill(f"{directory}/window{window}.zst")
        same((found["records"], "pack it again without --long" in said), (records, records == 0), f"--long={window}: {said}")
        same(found["memory_kib"] < 300_000, True, f"--long={window}: {found['memory_kib']} KiB")


@case
def all_bytes_are_counted(store, directory):
    """bytes are those of all lines, of refused ones that are too long, too"""
    path = f"{directory}/events.json"
    write(path, text(record(0)) + "x" * 3_000_000 + "\n" + text(record(1)) + "y" * 1_000_000 + "\n")
    found, said = store.fill(path)
    same((found["bytes"], found["refused"]), (os.path.getsize(path), 2), said)
    with gzip.open(path + ".1.gz", "wt") as file:
        file.write(text(record(2)) + "z" * 2_000_000)
    found, said = store.fill(path + ".1.gz")
    same((found["bytes"], found["refused"]), (len(text(record(2))) + 2_000_000, 1), said)


@case
def damage_is_told(store, directory):
    """damaged packings, stores of others, and files that are none"""
    path = f"{directory}/events.json"
    write(path, texts(record(seq) for seq in range(3000)))
    with open(path, "rb") as source:
        packed = gzip.compress(source.read())
    write(path + ".1.gz", packed[:len(packed) // 2], "wb")
    write(path, "")
    found, said = store.fill("-r", path)
    same(("too early" in said, found["refused"], found["records"] > 100), (True, 1, True), said)
    write(path + ".1.gz", packed, "wb")
    store.fill("-r", path)
    same(store.sums()[0], 3000)
    for wrong, part in ((directory, "directory"), (f"{directory}/none.json", "No such file"), ("/dev/null", "no plain file")):
        same(part in store.fill(wrong, wrong=True)[1], True, wrong)
    os.unlink(store.path + "-wal")
    with open(store.path, "r+b") as file:
        file.seek(8192)
        file.write(os.urandom(os.path.getsize(store.path) - 8192))
    write(path, texts(record(seq) for seq in range(3000, 9000)))
    same("damaged" in store.fill(path, wrong=True)[1], True)


@case
def a_full_disk(store, directory):
    """a full disk is told, and when it has room again nothing is lost"""
    path = f"{directory}/events.json"
    write(path, texts(record(seq) for seq in range(20000)))
    script = """mount -t tmpfs -o size=4m none "$2" && head -c 3500000 /dev/zero >"$2/ballast" || exit 77
        "$1" "$2/records.db" "$3" >"$3.first" 2>"$3.said" && exit 1
        rm "$2/ballast" && mount -o remount,size=64m "$2" && "$1" "$2/records.db" "$3" >"$3.second" 2>/dev/null && cp "$2/records.db" "$4" """
    os.mkdir(f"{directory}/disk")
    done = subprocess.run(["unshare", "--mount", "--map-root-user", "sh", "-c", script, "sh", store.program, f"{directory}/disk", path,
                           store.path], check=False, capture_output=True, text=True)
    if done.returncode != 77:
        same((done.returncode, done.stderr), (0, ""))
        with open(path + ".said", encoding="utf-8") as file:
            same("the disk is full: make room" in file.read(), True)
        same(store.sums(), truth([record(seq) for seq in range(20000)]))


@case
def readers_and_other_writers(store, directory):
    """readers are not held up, and a writer between two batches is waited for"""
    path = f"{directory}/events.json"
    write(path, texts(record(seq) for seq in range(100)))
    store.fill(path)
    held = sqlite3.connect(store.path, isolation_level=None)
    held.execute("BEGIN")
    same(held.execute("SELECT count(*) FROM record").fetchone(), (100,))
    write(path, texts(record(seq) for seq in range(100, 200)), "a")
    same(store.fill(path)[0]["records"], 100)
    same(held.execute("SELECT count(*) FROM record").fetchone(), (100,), "its snapshot")
    held.execute("COMMIT")
    same(held.execute("SELECT count(*) FROM record").fetchone(), (200,))
    held.close()


@case
def two_runs_at_once(store, directory):
    """two runs wait for each other, and nothing is doubled"""
    lines = [record(seq) for seq in range(20000)]
    write(f"{directory}/events.json", texts(lines))
    runs = [subprocess.Popen(store.command(f"{directory}/events.json"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            for _ in range(4)]
    for run in runs:
        same((run.wait(timeout=60), b"wrong" in run.stderr.read()), (0, False))
        run.stderr.close()
    same(store.sums(), truth(lines))


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: ingest.py STORE_FILL")
    failures = 0
    for number, function in enumerate(CASES, 1):
        with tempfile.TemporaryDirectory() as directory:
            store = Store(sys.argv[1], directory)
            try:
                function(store, directory)
                same(store.check() if store.made() and function is not damage_is_told else [], [])
                print(f"ok {number} - {function.__doc__}", flush=True)
            except (AssertionError, RuntimeError, OSError, sqlite3.Error) as why:
                failures += 1
                print(f"not ok {number} - {function.__doc__}", flush=True)
                print(f"# {type(why).__name__}: {why}", file=sys.stderr)
    print(f"1..{len(CASES)}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
