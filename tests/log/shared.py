#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One work queue for root and the members of a group, and what others are told: shared.py OP25B-LOG OP25B-MONTH.

The users are numbers that need no names; root alone can be them.
"""
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import Log, Run, run_cases, same, true

GROUP, ANN, BOB, STRANGER = 64100, 64101, 64102, 64103
PLACE = None


class Place:
    """A gateway's directories as op25b.tmpfiles makes them, with other names."""

    def __init__(self, program, generator, directory):
        self.directory = Path(directory)
        subprocess.run([generator, "--days", "1", "--bots", "4", "--clients", "4", "--servers", "0", "--rare", "0", "--routers", "1",
                        directory], check=True, stdout=subprocess.DEVNULL)
        self.records = next(self.directory.glob("*/events.json"))
        self.state, self.review = self.directory / "state", self.directory / "state-review"
        self.policy = self.directory / "shared.ini"
        self.policy.write_text(f"[gateway]\nfail = open\nunlisted = accept\nstate = {self.state}\n[log]\nfile = {self.records}\n", encoding="utf-8")
        self.program = self.directory / "op25b-log"
        shutil.copy(program, self.program)
        for path in (self.directory, *self.directory.rglob("*")):
            path.chmod(0o755 if path.is_dir() or path == self.program else 0o644)
        self.state.mkdir(mode=0o700)
        self.environment = Log(program, directory).environment()

    def make_review(self):
        self.review.mkdir()
        os.chown(self.review, 0, GROUP)
        self.review.chmod(0o2770)

    def run(self, user, *arguments):
        """As that user, in the group unless a stranger; root's mask lets nobody else in."""
        home = self.directory / f"home-{user}"
        home.mkdir(exist_ok=True)
        os.chown(home, user, user)
        group = GROUP if user in (ANN, BOB) else user
        who = [] if user == 0 else ["setpriv", f"--reuid={user}", f"--regid={user}", f"--groups={group}"]
        words = [*who, str(self.program), "-p", str(self.policy), *map(str, arguments)]
        done = subprocess.run(["sh", "-c", "umask 077; exec \"$@\"", "sh", *words], env={**self.environment, "HOME": str(home)}, cwd="/",
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
        return Run(done)

    def subscriber(self, number=0):
        rows = self.run(0, "top", "--json", "--store", self.directory / "other.db").json
        return [row["subscriber"] for row in rows if row["subscriber"] != "(unknown)"][number]


def without_a_place_for_all_everybody_is_told():
    name = PLACE.subscriber()
    for user in (0, ANN):
        run = PLACE.run(user, "note", name, "x", "--by", "somebody")
        same(run.code, 0, run.err)
        true("yours alone" in run.err and str(PLACE.review) in run.err and "systemd-tmpfiles" in run.err, run.err)
    same(PLACE.run(ANN, "top").err, "", "who does not look at the queue need not know")
    true("yours alone" not in PLACE.run(ANN, "queue", "--store", PLACE.directory / "home-64101/own.db").err, "a store that was named")


def root_and_members_share_one_queue():
    PLACE.make_review()
    name = PLACE.subscriber()
    run = PLACE.run(0, "queue")
    same((run.code, "holds what was entered before" in run.err), (0, True), run.err)
    (PLACE.state / "review.db-work").unlink()
    for user, who in ((0, "root"), (ANN, "ann"), (BOB, "bob")):
        run = PLACE.run(user, "ack", name, "--by", who)
        same((run.code, run.err), (0, ""), f"{who}: {run.err}")
    for user in (0, ANN, BOB):
        run = PLACE.run(user, "queue", "--history", name, "--json")
        same((run.code, run.err), (0, ""), f"{user}: {run.err}")
        same([event["who"] for event in run.json], ["root", "ann", "bob"], f"what {user} sees")
    files = sorted(PLACE.review.iterdir())
    true({"review.db", "review.db-work", "review.db-ingest"} <= {file.name for file in files}, f"{files}")
    for file in files:
        found = file.stat()
        same((stat.S_IMODE(found.st_mode), found.st_gid), (0o660, GROUP), file.name)


def a_member_may_come_first():
    for file in PLACE.review.iterdir():
        file.unlink()
    name = PLACE.subscriber(1)
    for user, who in ((BOB, "bob"), (0, "root"), (ANN, "ann")):
        run = PLACE.run(user, "note", name, "x", "--by", who)
        same((run.code, run.err), (0, ""), f"{who}: {run.err}")
    same(len(PLACE.run(BOB, "queue", "--history", "--json").json), 3, "notes")


def a_stranger_is_told_that_he_is_alone():
    name = PLACE.subscriber()
    before = PLACE.run(0, "queue", "--history", "--json").out
    for command in (["ack", name], ["notified", name], ["reopen", name], ["note", name, "x"], ["ticket", name, "T"]):
        run = PLACE.run(STRANGER, *command, "--by", "eve")
        same((run.code, run.err.count("yours alone"), str(PLACE.review) in run.err), (0, 1, True), f"{command}: {run.err}")
    for command in (["queue"], ["queue", "--history"]):
        run = PLACE.run(STRANGER, *command)
        same((run.code, run.err.count("yours alone")), (0, 1), f"{command}: {run.err}")
    same(PLACE.run(0, "queue", "--history", "--json").out, before, "the queue of all")


def links_of_members_lead_root_nowhere():
    target = PLACE.directory / "target"
    for name in ("review.db", "review.db-work", "review.db-ingest"):
        for file in PLACE.review.iterdir():
            file.unlink()
        (PLACE.review / name).symlink_to(target)
        run = PLACE.run(0, "queue")
        same((run.code, target.exists()), (2, False), f"{name}: {run.err}")
        true(name in run.err, run.err)
        (PLACE.review / name).unlink()


def who_asks_for_the_first_time_is_told_what_to_do():
    PLACE.records.chmod(0o640)
    run = PLACE.run(STRANGER, "top")
    same((run.code, f"op25b-log: {PLACE.records}: Permission denied" in run.err, "usermod -aG op25b" in run.err), (2, True, True), run.err)
    PLACE.records.rename(PLACE.directory / "away.json")
    for user in (0, STRANGER):
        run = PLACE.run(user, "top")
        same((run.code, run.err.startswith(f"op25b-log: {PLACE.records}: No such file"), "no records yet" in run.err, "--log" in run.err),
             (2, True, True, True), run.err)
    run = PLACE.run(0, "top", "--log", PLACE.records)
    same((run.code, "no records yet" in run.err), (2, False), run.err)


def main():
    global PLACE  # pylint: disable=global-statement
    if len(sys.argv) != 3:
        sys.exit("usage: shared.py OP25B-LOG OP25B-MONTH")
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        print("1..0 # SKIP needs root and setpriv")
        return
    with tempfile.TemporaryDirectory() as directory:
        PLACE = Place(*sys.argv[1:], directory)
        run_cases([without_a_place_for_all_everybody_is_told, root_and_members_share_one_queue, a_member_may_come_first,
                   a_stranger_is_told_that_he_is_alone, links_of_members_lead_root_nowhere,
                   who_asks_for_the_first_time_is_told_what_to_do])


if __name__ == "__main__":
    main()
