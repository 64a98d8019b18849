# SPDX-License-Identifier: GPL-2.0-or-later
"""Who answers the queue of the test bed that gateway.sh makes, and what is sent through it."""
import argparse
import json
import os
import signal
import subprocess
import time

QUEUE = 100
START_SECONDS = 30
WAIT_SECONDS = 0.05
WAITS = 400
STABLE = 40
# Flood and gateway each get a processor of their own, where there are two.
FLOOD_CPU = "0"
GATEWAY_CPU = "1" if os.cpu_count() > 1 else "0"


def parser(description):
    made = argparse.ArgumentParser(description=description)
    for name in ("--build", "--prefix", "--mac", "--directory"):
        made.add_argument(name, required=True)
    made.add_argument("--rounds", type=int, default=10)
    return made


class Bed:
    """The namespaces, the programs built, and a directory for files."""

    def __init__(self, arguments):
        self.arguments = arguments

    def inside(self, namespace, *command):
        return ["ip", "netns", "exec", f"{self.arguments.prefix}-{namespace}", *command]

    def program(self, path):
        return os.path.join(self.arguments.build, path)

    def path(self, name):
        return os.path.join(self.arguments.directory, name)

    def add_queue_rule(self):
        subprocess.run(self.inside("rtr", self.program("tests/live/queue_rule"), str(QUEUE), "1"), check=True)

    def remove_queue_rule(self):
        subprocess.run(self.inside("rtr", "nft", "delete", "table", "inet", "op25b-test"), check=True)

    def write_policy(self, name, unlisted, pool, prefixes, more="", gateway=""):
        """The pool is every second address from 10.0.0.0 on, so that its neighbours are no part of it."""
        listing = self.path(f"list-{prefixes}")
        if not os.path.exists(listing):
            with open(listing, "w", encoding="ascii") as out:
                for i in range(prefixes):
                    out.write(f"10.{i * 2 >> 16 & 255}.{i * 2 >> 8 & 255}.{i * 2 & 255}\n")
        with open(self.path(name), "w", encoding="ascii") as out:
            out.write(f"[gateway]\nname = bench\nqueue = {QUEUE}\nmode = enforce\nfail = closed\n"
                      f"unlisted = {unlisted}\nupstream_interfaces = up0\nsubscriber_interfaces = sub0\n"
                      f"control = {self.path('control')}\n{gateway}"
                      f"[log]\nfile = {self.path('events.json')}\nwindow = 300\nsubscribers_max = 2000000\n"
                      f"[pool homes]\nfile = {listing}\n{pool}\n{more}\n")
        return self.path(name)

    def flood_command(self, *options):
        return self.inside("sub", "taskset", "-c", FLOOD_CPU, self.program("tests/live/flood"), "-i", "eth0",
                           "-m", self.arguments.mac, "-s", "10.0.0.0", *options)

    def flood(self, owner, packets, sources, step=1):
        """As fast as the queue takes them; nothing is lost. owner: the process that answers it."""
        subprocess.run(self.flood_command("-c", str(packets), "-n", str(sources), "-t", str(step), "-q", str(QUEUE),
                                          "-o", str(owner)), check=True, stdout=subprocess.DEVNULL)

    def waiting(self):
        text = subprocess.run(self.inside("rtr", "cat", "/proc/net/netfilter/nfnetlink_queue"), check=True,
                              capture_output=True, text=True).stdout
        return sum(int(line.split()[2]) for line in text.splitlines())


def stop(process):
    process.send_signal(signal.SIGTERM)
    out = process.communicate(timeout=120)[0]
    if process.returncode != 0:
        raise SystemExit(f"{process.args}: exit code {process.returncode}\n{out}")
    return out


def ksoftirqd(cpu):
    """The kernel's thread for what packets do on a processor when that is too much to be done at once."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm", encoding="ascii", errors="replace") as file:
                if file.read().strip() == f"ksoftirqd/{cpu}":
                    return pid
        except OSError:
            pass
    return None


KSOFTIRQD = ksoftirqd(GATEWAY_CPU)


def processor_ns(pid):
    """Of all threads of a process, as the kernel's scheduler counts it, and of the kernel's thread that may do a part of what
    it began: the flood's processor is another one."""
    paths = [f"/proc/{pid}/task/{task}/schedstat" for task in os.listdir(f"/proc/{pid}/task")]
    if KSOFTIRQD and GATEWAY_CPU != FLOOD_CPU:
        paths.append(f"/proc/{KSOFTIRQD}/schedstat")
    total = 0
    for path in paths:
        with open(path, encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total


class Peer:
    """A loop of queue_peer.c."""

    def __init__(self, bed, mode):
        self.bed = bed
        self.process = subprocess.Popen(
            bed.inside("rtr", "taskset", "-c", GATEWAY_CPU, bed.program("tests/bench/queue_peer"), mode, str(QUEUE)),
            stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise SystemExit(f"queue_peer {mode} does not start")

    def wait(self, sent):
        """It says only at its end how many it answered."""
        for _ in range(WAITS):
            if self.bed.waiting() == 0:
                return sent
            time.sleep(WAIT_SECONDS)
        raise SystemExit("queue_peer does not answer all packets")

    def end(self):
        """How many packets it answered."""
        return int(stop(self.process))


class Daemon:
    """op25bd with a policy."""

    def __init__(self, bed, policy):
        self.bed = bed
        self.process = subprocess.Popen(
            bed.inside("rtr", "taskset", "-c", GATEWAY_CPU, bed.program("src/daemon/op25bd"), "-p", policy),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        until = time.monotonic() + START_SECONDS
        while not os.path.exists(bed.path("control")):
            if time.monotonic() > until or self.process.poll() is not None:
                self.process.kill()
                raise SystemExit("op25bd does not start:\n" + self.process.communicate()[0])
            time.sleep(0.02)
        time.sleep(0.3)

    def ledger(self):
        text = subprocess.run([self.bed.program("tools/op25bctl"), "--socket", self.bed.path("control"), "--json",
                               "status"], check=True, capture_output=True, text=True).stdout
        return json.loads(text)["ledger"]

    def wait(self, sent):
        """Until it has received what was sent, or nothing more comes; returns how many that are."""
        last, same = -1, 0
        while True:
            ledger = self.ledger()
            same = same + 1 if ledger["received"] == last and ledger["in_flight"] == 0 else 0
            last = ledger["received"]
            if (last == sent and ledger["in_flight"] == 0) or same == STABLE:
                return last
            time.sleep(WAIT_SECONDS)

    def end(self):
        """How many packets it answered."""
        answered = self.ledger()["received"]
        stop(self.process)
        if os.path.exists(self.bed.path("events.json")):
            os.remove(self.bed.path("events.json"))
        return answered
