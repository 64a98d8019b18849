#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon under a flood while its record file has no room, or no directory; while its policy is garbage, or changes a
# hundred times (a thousand with OP25B_TEST_LONG=1), each judged right by the first packet after the reload's reply; while
# malformed packets come, and the control socket is fuzzed. At the end every packet that was sent stands in the ledger and in
# the records, and the daemon's memory is where it was.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"
: "${FLOOD:?}"
gateway_bed
queue_rule 1
answer_rules
# Mounted before the daemon starts: each `ip netns exec` has mounts of its own.
disk=$scratch/disk
mkdir "$disk"
mount -t tmpfs -o size=48m,mode=777 op25b-test "$disk" || tap_skip_all "tmpfs cannot be mounted here"
trap 'code=$?; umount "$disk" 2>/dev/null; (exit "$code"); netns_cleanup' EXIT
mkdir "$disk/log"
events=$disk/log/events.json
mac=$(router_mac)
mac=${mac//:/}
reloads=100
[ "${OP25B_TEST_LONG:-0}" != 1 ] || reloads=1000
slack_kb=4096

# Two policies, which differ in what becomes of 198.51.100.10, the subscriber's host.
policy_for()
{
	policy_write 'mode = enforce' 'fail = closed' 'unlisted = drop' <<-END
		[pool homes]
		prefix = 198.51.96.0/20
		prefix = 10.0.0.0/8
		prefix = 2001:db8:100::/44
		delegated_prefix_length = 64
		[pool host]
		prefix = 198.51.100.10
		$1
		[relay mx]
		address = 192.0.2.25
		interface = srv0
	END
	sed -i 's/^window = .*/window = 1/' "$policy"
}
policy_for 'enforce_from = 2099-01-01T00:00:00Z'
mv "$policy" "$scratch/lets.ini"
policy_for 'action = reset'
cp "$policy" "$scratch/resets.ini"
gateway_start

# flood PACKETS SOURCES FIRST [OPTION...]: what fills the queue waits, so that the kernel has nothing to drop.
flood()
{
	netns_run sub "$FLOOD" -i eth0 -m "$mac" -c "$1" -n "$2" -s "$3" -q 100 -o "$daemon" "${@:4}" >/dev/null
}

sent=0 # from 198.51.104.0 to 198.51.107.255
flood_begin()
{
	flood "$1" 1000 198.51.104.1 -r 20000 &
	flooding=$!
	sent=$((sent + $1))
}

resident_kb()
{
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$daemon/status"
}

descriptors()
{
	find "/proc/$daemon/fd" -type l | wc -l
}

disk_fill()
{
	! dd if=/dev/zero of="$disk/filler" bs=64k 2>/dev/null && ! dd if=/dev/zero of="$disk/filler2" bs=1 2>/dev/null
}

disk_free()
{
	rm "$disk/filler" "$disk/filler2"
}

said()
{
	grep -c -- "$1" "$daemon_log"
}

all_told()
{
	[ "$(field status events.subscribers)" = 0 ] && [ "$(field status log.waiting_bytes)" = 0 ]
}

# reload_by_turns COUNT: the first connection after each reply is judged by the policy that the reply is about.
cat >"$scratch/reloads.py" <<-'END'
	import os, shutil, socket, sys
	path, policy, directory, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
	def reload():
	    with socket.socket(socket.AF_UNIX) as client:
	        client.settimeout(10)
	        client.connect(path)
	        client.sendall(b'{"op25b":1,"command":"reload"}\n')
	        return client.makefile().readline()
	def probe():
	    with socket.socket() as client:
	        client.settimeout(5)
	        try:
	            client.connect(("203.0.113.25", 25))
	        except ConnectionRefusedError:
	            return "resets"
	        return "lets"
	for n in range(count):
	    name = ("lets", "resets")[n % 2]
	    shutil.copy(f"{directory}/{name}.ini", policy + ".new")
	    os.replace(policy + ".new", policy)
	    reply = reload()
	    got = probe()
	    if '"digest"' not in reply or got != name:
	        sys.exit(f"reload {n}: {got}, and not {name}: {reply}")
END
reload_by_turns()
{
	netns_run sub python3 "$scratch/reloads.py" "$socket" "$policy" "$scratch" "$1"
}

# For as long as a reload takes there are two policies: the memory to come back to is that of a daemon that has done some.
flood_begin 8000
expect "some reloads" reload_by_turns 20
wait $flooding

# The disk is full and has room again: nothing is lost that fits into memory.
expect "a flood is recorded" flood 2000 200 10.0.0.1
expect "the disk is full" disk_fill
flood 2000 200 10.1.0.1
expect "that is said" wait_until 5 said 'cannot be written: No space left on device'
flood 2000 200 10.1.0.1
sleep 1.5
disk_free
expect "room comes back" wait_until 5 said 'is written again; 0 records were lost'
expect "all is told" wait_until 10 all_told
expect_equal "no record is lost" "$(records 'total("packets")' "$events")" "$(field status ledger.dropped)"

# More than fits into memory: what is lost is counted.
expect "the disk is full once more" disk_fill
flood 24000 12000 10.2.0.1
sleep 1.5
expect "records are lost" test "$(field status log.lost)" -gt 0
disk_free
expect "how many is said" wait_until 5 said "is written again; [1-9][0-9]* records were lost"
expect "all else is told" wait_until 10 all_told
expect_equal "each failure was said once" "$(said 'cannot be written')" 2
expect_equal "each record is in the file or counted as lost" \
	"$(($(wc -l <"$events") + $(field status log.lost)))" "$(field status events.records)"
expect_equal "no line is broken" "$(records 'len(r)' "$events")" "$(field status log.written)"
dropped_before=$(field status ledger.dropped)
recorded_before=$(records 'total("packets_blocked")' "$events")
expect "the ledger balances" ledger_balances
touched=$(resident_kb)
held=$(descriptors)

# The directory goes, with a flood, and comes back.
flood_begin 10000
mv "$disk/log" "$disk/gone"
mv "$disk/gone/events.json" "$disk/before.json" # the open file follows
kill -USR1 "$daemon"
expect "a directory that is gone is said" wait_until 5 said 'cannot be written: No such file or directory'
wait $flooding
mkdir "$disk/log"
expect "the directory comes back" wait_until 5 test -s "$events"
expect "all is told" wait_until 10 all_told

# Garbage for a policy, malformed packets, and rude clients, all of them in one flood.
cat >"$scratch/fuzz.py" <<-'END'
	import json, random, socket, sys, time
	chance, until, count = random.Random(25), time.monotonic() + float(sys.argv[2]), 0
	good = [json.dumps({"op25b": 1, "command": c}).encode() + b"\n" for c in ("status", "stats", "offenders", "explain", "metrics")]
	while time.monotonic() < until:
	    line = bytearray(chance.choice(good) * chance.choice((1, 1, 30)))
	    for _ in range(chance.choice((0, 1, 5, 50))):
	        line[chance.randrange(len(line))] = chance.randrange(256)
	    with socket.socket(socket.AF_UNIX) as client:
	        client.settimeout(0.05)
	        try:
	            client.connect(sys.argv[1])
	            client.sendall(line)
	            client.recv(chance.choice((0, 10, 100000)))
	        except OSError:
	            pass
	    count += 1
	print(count)
END
digest=$(field status policy.digest)
flood_begin 40000
python3 "$scratch/fuzz.py" "$socket" 1.5 >"$scratch/fuzzed" &
fuzzing=$!
head -c 20000 /dev/urandom >"$policy"
expect_equal "a policy of garbage is refused" "$(timeout 5 "$OP25BCTL" --socket "$socket" reload >/dev/null 2>&1; echo $?)" 4
expect "malformed packets are sent" netns_run sub "$lib/evasions.py" eth0 "$(router_mac)"
expect "the relay's mail goes out" connect_from srv 203.0.113.25 25
wait $fuzzing
expect "hundreds of strange requests" test "$(cat "$scratch/fuzzed")" -gt 100
expect "the daemon answers" ctl status
wait $flooding
expect_equal "the old policy is in force" "$(field status policy.digest)" "$digest"

generation=$(field status policy.generation)
flood_begin $((reloads * 400))
expect "$reloads reloads, each judged right from its first packet" \
	reload_by_turns $reloads
expect "the flood lasted as long" kill -0 $flooding
expect_equal "each is a generation" "$(field status policy.generation)" $((generation + reloads))
wait $flooding

expect "all is told" wait_until 15 all_told
expect "the ledger balances" ledger_balances
expect_equal "nothing is in flight" "$(field status ledger.in_flight)" 0
expect_equal "every packet that came is in the ledger" \
	"$(($(field status ledger.received) + $(field status kernel.queue_dropped) + $(field status ledger.lost_ids)))" "$(rule_packets)"
# Whose source is false, or cannot be read, is nobody's.
nobodys=$(($(field stats reasons.spoofed.packets) + $(field stats reasons.malformed-ip.packets)))
expect "malformed packets were judged" test $nobodys -gt 0
expect_equal "every blocked packet that is somebody's is in a record" \
	"$(($(records 'total("packets_blocked")' "$disk/before.json" "$events") - recorded_before))" \
	"$(($(field status ledger.dropped) - dropped_before - nobodys))"
expect_equal "every packet of the floods, too" "$(records \
	'sum(x["op25b"]["packets_blocked"] for x in r if x["src_ip"].startswith(("198.51.104.", "198.51.105.", "198.51.106.", "198.51.107.")))' \
	"$disk/before.json" "$events")" "$sent"
expect_equal "as many descriptors as before" "$(descriptors)" "$held"
echo "# resident: $touched kB before, $(resident_kb) kB after; slack $slack_kb kB"
expect "memory is where it was" test "$(resident_kb)" -lt $((touched + slack_kb))
process_end "$daemon"
expect_equal "SIGTERM: exit code 0" "$?" 0
tap_end
