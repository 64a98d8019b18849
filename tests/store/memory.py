#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Memory while a store is filled: memory.py STORE_FILL RECORD_MAKE. Prints TAP, and the figures. Eight times as many records of
the same subscribers take no more memory, but for sqlite's cache of 64 MiB and some, which a small store does not fill. With
OP25B_TEST_LONG=1 there are so many that both fill it, and a day is over in the larger one: what is held to sum it up has a
bound, too.
"""
import os
import subprocess
import sys
import tempfile

from lines import Store

LONG = bool(os.environ.get("OP25B_TEST_LONG"))
RECORDS = 1_000_000 if LONG else 100_000
TIMES = 8
MORE_KIB = (160 if LONG else 72) << 10


def fill(program, make, directory, records):
    """The largest memory in KiB; 0 under sanitizers, which take memory of their own."""
    path = os.path.join(directory, "events.json")
    with open(path, "wb") as file:
        subprocess.run([make, str(records)], stdout=file, check=True)
    store = Store(program, directory)
    found, said = store.fill(path)
    if found["records"] != records:
        sys.exit(f"{found['records']} of {records} records were stored: {said}")
    return found["memory_kib"]


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: memory.py STORE_FILL RECORD_MAKE")
    kib = []
    for records in (RECORDS, RECORDS * TIMES):
        with tempfile.TemporaryDirectory() as directory:
            kib.append(fill(*sys.argv[1:], directory, records))
        print(f"# {records} records: {kib[-1]} KiB", flush=True)
    flat = kib[1] - kib[0] <= MORE_KIB
    print(f"{'ok' if flat else 'not ok'} 1 - {TIMES} times as many records take at most {MORE_KIB} KiB more\n1..1")
    sys.exit(0 if flat else 1)


main()
