#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the store answers about months of records against what was sent: queries.py OP25B-MONTH OP25B-ASK.

The records of a generated month go into a store, rotated and packed ones among them; totals, pools, rules, reasons, hosts,
hours, subscribers and notices are compared with the truth, and so are periods that cut hours. Also shown to fail: on
a record less, and on a truth that differs in one figure.
Prints TAP.
"""
import copy
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

SUMS = ("packets", "blocked", "offloaded", "attempts")
TIMES = ("first_us", "last_us")
# Four times the standard error of the estimate, 3.3 %.
ESTIMATE_ERROR = 0.13
EXACT_MAX = 64


class Tap:
    def __init__(self):
        self.count = self.failures = 0

    def case(self, description, problems):
        problems = list(problems)
        self.count += 1
        self.failures += bool(problems)
        print(f"{'not ok' if problems else 'ok'} {self.count} - {description}", flush=True)
        for problem in problems[:20]:
            print(f"# {problem}", file=sys.stderr)

    def end(self):
        print(f"1..{self.count}")
        sys.exit(1 if self.failures or not self.count else 0)


def files_of(directory):
    """All record files, in any order: the store must not mind."""
    files = sorted(str(path) for path in directory.glob("*/events.json*"))
    random.Random(25).shuffle(files)
    return files


def ask(program, store, files, since="-", until="-"):
    command = [program, str(store), str(since), str(until), *files]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(f"op25b-ask ended with {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)


def differences(what, found, truth, names):
    for name in names:
        if found.get(name) != truth[name]:
            yield f"{what}: {name} {found.get(name)}, in truth {truth[name]}"


def by_name(what, found, truth, names):
    for name, sums in truth.items():
        yield from differences(f"{what} {name}", found.get(name, {}), sums, names if sums["packets"] else ())
    for name in set(found) - set(truth) - {""}:
        yield f"{what}: {name} was never there"


def hours(found, truth):
    starts = {hour["start_s"]: hour for hour in found}
    for hour in truth["hours"]:
        if hour["packets"]:
            yield from differences(f"hour {hour['start_s']}", starts.get(hour["start_s"], {}), hour, ("subscribers", *SUMS, *TIMES))
    if sum(hour["packets"] for hour in found) != truth["totals"]["packets"]:
        yield "the hours' sum is not the total"


def destinations(name, found, truth):
    if not truth["destinations_known"]:
        return
    wanted = truth["destinations"]
    if wanted <= EXACT_MAX:
        yield from differences(name, found, {"destinations": wanted, "destinations_exact": True},
                               ("destinations", "destinations_exact"))
    elif found["destinations_exact"]:
        if found["destinations"] != wanted:
            yield f"{name}: {found['destinations']} destinations, in truth {wanted}"
    elif abs(found["destinations"] - wanted) > ESTIMATE_ERROR * wanted:
        yield f"{name}: {found['destinations']} destinations, in truth {wanted}"


def subscribers(found, truth):
    for one in truth["subscribers"]:
        name = one["subscriber"]
        if name not in found:
            yield f"{name}: missing"
            continue
        yield from differences(name, found[name], one, (*SUMS, *TIMES, "hours_active", "days_active", "clock_hours", "several_ways"))
        yield from differences(name, found[name], {"ever_first_us": one["first_us"]}, ("ever_first_us",))
        yield from destinations(name, found[name], one)
    if set(found) - {""} != {one["subscriber"] for one in truth["subscribers"]}:
        yield "subscribers that were never there"
    if truth["overflow"]["packets"]:
        yield from differences("overflow", found.get("", {}), truth["overflow"], SUMS)


def notices(found, truth):
    told = sorted((one["host"], one["boot_id"], one["kind"], one["packets"]) for one in truth["notices"])
    periods = [(one["host"], one["boot_id"], one["kind"], one["packets"]) for one in found if one["packets"]]
    if not set(told) <= set(periods):
        yield f"notices: {set(told) - set(periods)} missing"


def records(found, truth):
    wanted = sum(source["records"] - source["notices"] for source in truth["sources"])
    if len(found) != wanted or len(set(found)) != wanted:
        yield f"{len(found)} records, {len(set(found))} different ones, in truth {wanted}"


def check(answers, truth, mixed):
    """All that differs. Of records of several rules or reasons only the sums are known by each, not their times."""
    names = ("subscribers", *SUMS) if mixed else ("subscribers", *SUMS, *TIMES)
    yield from differences("totals", answers["totals"], truth["totals"], ("subscribers", *SUMS, *TIMES))
    yield from by_name("rule", answers["rules"], truth["rules"], names)
    yield from by_name("pool", answers["pools"], truth["pools"], names)
    yield from by_name("host", answers["hosts"], truth["hosts"], SUMS)
    yield from by_name("reason", answers["reasons"], truth["reasons"], names)
    yield from hours(answers["hours"], truth)
    yield from subscribers(answers["subscribers"], truth)
    yield from notices(answers["notices"], truth)
    yield from records(answers["records"], truth)


def check_cut(program, store, truth, whole):
    """A period that cuts hours and days at both ends: what it holds and what is left of it make the whole."""
    start = truth["start_s"] * 1_000_000
    since, until = start + 5 * 3_600_000_000 + 1_234_567_890, start + 29 * 3_600_000_000 + 987_654_321
    parts = [ask(program, store, [], *ends) for ends in (("-", since), (since, until), (until, "-"))]
    for name in SUMS:
        if sum(part["totals"][name] for part in parts) != whole["totals"][name]:
            yield f"{name}: {[part['totals'][name] for part in parts]} are not {whole['totals'][name]}"
    for group in ("pools", "rules", "reasons", "hosts", "subscribers"):
        for one, sums in whole[group].items():
            for name in SUMS:
                if sum(part[group].get(one, {}).get(name, 0) for part in parts) != sums[name]:
                    yield f"{group} {one}: {name} of the parts are not {sums[name]}"
    if sorted(one for part in parts for one in part["records"]) != sorted(whole["records"]):
        yield "the parts' records are not all records"


def month(tap, programs, title, *options):
    make, program = programs
    mixed = "--mixed" in options
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        subprocess.run([make, *options, directory], check=True, stdout=subprocess.DEVNULL, timeout=120)
        truth = json.loads((place / "truth.json").read_text(encoding="utf-8"))
        answers = ask(program, place / "records.db", files_of(place))
        tap.case(f"{title}: as sent", check(answers, truth, mixed))
        tap.case(f"{title}: read again, nothing is added",
                 check(ask(program, place / "records.db", files_of(place)), truth, mixed))
        tap.case(f"{title}: a period that cuts hours", check_cut(program, place / "records.db", truth, answers))
        return place, truth, answers


def shown_to_fail(tap, programs):
    make, program = programs
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        subprocess.run([make, "--days", "1", directory], check=True, stdout=subprocess.DEVNULL, timeout=120)
        truth = json.loads((place / "truth.json").read_text(encoding="utf-8"))
        path = next(place.glob("*/events.json"))
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        at = next(i for i, line in enumerate(lines) if '"kind":"summary"' in line)
        path.write_text("".join(lines[:at] + lines[at + 1:]), encoding="utf-8")
        answers = ask(program, place / "records.db", files_of(place))
        found = list(check(answers, truth, False))
        for part in ("totals: packets", "hour ", "pool ", "records, "):
            tap.case(f"a record less is found: {part}", [] if any(part in line for line in found) else ["not found"])
        wrong = copy.deepcopy(truth)
        wrong["subscribers"][0]["destinations"] = 1 + wrong["subscribers"][0]["destinations"] * 2
        wrong["subscribers"][1]["clock_hours"] ^= 1
        found = list(check(answers, wrong, False))
        for part in ("destinations, in truth", "clock_hours"):
            tap.case(f"another truth is found: {part}", [] if any(part in line for line in found) else ["not found"])


def main():
    tap = Tap()
    programs = sys.argv[1:3]
    month(tap, programs, "two days", "--days", "2")
    month(tap, programs, "lost, doubled, rotated", "--days", "2", "--seed", "7", "--gaps", "3", "--duplicates", "20", "--rotate", "4")
    month(tap, programs, "several rules at once", "--days", "2", "--seed", "3", "--mixed", "60", "--offloaded", "60")
    shown_to_fail(tap, programs)
    tap.end()


if __name__ == "__main__":
    main()
