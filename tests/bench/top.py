#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""top.py BUILD --scale PERCENT --rounds N: fills a store with a month of some ten million records (at 100 percent; that needs
15 GB for a while), then asks for its greatest talkers. Prints what bench_top does.
"""
import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

WHO = {"--bots": 2000, "--clients": 6000, "--servers": 100}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=Path)
    parser.add_argument("--scale", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=10)
    arguments = parser.parse_args()
    tests = arguments.build / "tests"
    with tempfile.TemporaryDirectory() as directory:
        who = [text for name, count in WHO.items() for text in (name, str(max(count * arguments.scale // 100, 1)))]
        subprocess.run([tests / "month" / "op25b-month", *who, directory], check=True, stdout=subprocess.DEVNULL)
        store = os.path.join(directory, "records.db")
        files = sorted(Path(directory).glob("*/events.json"))
        subprocess.run([tests / "store" / "store_fill", store, *files], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        for file in files:
            file.unlink()
        done = subprocess.run([tests / "bench" / "bench_top", store, str(arguments.rounds)], check=True, capture_output=True,
                              text=True)
    sys.stdout.write(done.stdout)


if __name__ == "__main__":
    main()
