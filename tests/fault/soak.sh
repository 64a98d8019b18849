#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# soak.sh [--minutes N] [--build DIR]: the daemon with the real ruleset and offload for half an hour, under a flood without an
# end, with mail of the relay, reloads, rotation of its records, and a kill -9 now and then. Once a minute (four times, when it
# is shorter) a line of a table: what it has judged, how large it is, how many descriptors and threads it has. Closes with a
# verdict and its reasons; the exit code is 0 when it holds. As root; not among the tests of tools/dev/test.
set -u

minutes=30
build=build
while [ $# -gt 0 ]; do
	case $1 in
	--minutes) minutes=${2:?--minutes needs a number}; shift ;;
	--build) build=${2:?--build needs a directory}; shift ;;
	*) sed -n '/^# soak.sh/,/^# verdict/s/^# //p' "$0"; exit 2 ;;
	esac
	shift
done
case $minutes in '' | *[!0-9]* | 0) echo "soak.sh: --minutes wants a whole number from 1" >&2; exit 2 ;; esac
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath "$build") || exit 1
OP25BD=$build/src/daemon/op25bd OP25BCTL=$build/tools/op25bctl OP25B_RULES=$build/tools/op25b-rules
QUEUE_RULE=$build/tests/live/queue_rule FLOOD=$build/tests/live/flood
for program in "$OP25BD" "$OP25BCTL" "$OP25B_RULES" "$FLOOD"; do
	[ -x "$program" ] || { echo "soak.sh: $program is missing: build first" >&2; exit 1; }
done

# shellcheck source-path=SCRIPTDIR source=../live/gateway.sh
. tests/live/gateway.sh
gateway_bed
mac=$(router_mac)
mac=${mac//:/}
rate=3000
slack_kb=8192
faults=()

# policy_for ACTION: what reloads alternate.
policy_for()
{
	policy_write 'mode = enforce' 'fail = closed' 'triangular_guard = no' 'offload = yes' 'offload_after = 20' \
		'offload_seconds = 5' 'workers = 2' <<-END
			[pool all]
			prefix = 10.0.0.0/8
			prefix = 198.51.100.0/24
			action = $1
			[relay mx]
			address = 192.0.2.25
			interface = srv0
	END
	sed -i "s/^window = .*/window = 10\nsubscribers_max = 20000/" "$policy"
}

# start: the daemon, and whose queue the flood looks at.
start()
{
	gateway_start >"$scratch/start" || fault "op25bd did not start again: $(cat "$scratch/start")"
	born_kb=
}

fault()
{
	faults+=("minute $(((SECONDS - began) / 60)): $1")
	echo "! $1"
}

# Two hundred sources send most of it, which the kernel learns; the others are twenty thousand.
flood_begin()
{
	netns_spawn sub "$FLOOD" -i eth0 -m "$mac" -c 1000000000 -n 200 -s 10.0.0.1 -r $((rate / 2))
	flooders=("$spawned")
	netns_spawn sub "$FLOOD" -i eth0 -m "$mac" -c 1000000000 -n 20000 -s 10.1.0.1 -r $((rate / 2))
	flooders+=("$spawned")
}

of_daemon()
{
	sed -n "s/^$1:[^0-9]*\([0-9]*\).*/\1/p" "/proc/$daemon/status"
}

mail_sent=0
mail_failed=0
mail()
{
	mail_sent=$((mail_sent + 1))
	connect_from srv 203.0.113.25 25 2>/dev/null && return
	mail_failed=$((mail_failed + 1))
	fault "the relay's mail was not let through"
}

reloads=0
reload()
{
	policy_for "$([ $((reloads % 2)) = 0 ] && echo reset || echo drop)"
	netns_run rtr "$OP25B_RULES" apply -p "$policy" >"$scratch/out" 2>&1 || fault "apply: $(tail -n 1 "$scratch/out")"
	ctl reload >"$scratch/out" 2>&1 || fault "a reload failed: $(tail -n 1 "$scratch/out")"
	reloads=$((reloads + 1))
}

rotations=0
records_seen=0
rotate()
{
	mv "$events" "$events.old" && kill -USR1 "$daemon"
	wait_until 5 test -e "$events" || fault "no new record file after SIGUSR1"
	rotations=$((rotations + 1))
	look_at_file "$events.old" 0
	rm "$events.old"
}

# look_at_file FILE HALVES: every line must be a record, but for so many that a killed daemon left behind.
look_at_file()
{
	local counted
	counted=$(python3 -c '
import json, sys
lines = broken = 0
for line in open(sys.argv[1]):
    try:
        lines += json.loads(line)["op25b"]["schema"]
    except (ValueError, KeyError):
        broken += 1
print(lines, broken)' "$1")
	records_seen=$((records_seen + ${counted% *}))
	[ "${counted#* }" -le "$2" ] || fault "$1 has ${counted#* } broken lines"
}

kills=0
kill_and_start()
{
	kill -s KILL "$daemon"
	wait "$daemon" 2>/dev/null
	mv "$events" "$events.killed"
	look_at_file "$events.killed" 1
	rm "$events.killed"
	kills=$((kills + 1))
	start
}

sample()
{
	local received queue_dropped rss fds threads lost in_sets
	received=$(field status ledger.received) || { fault "op25bctl status fails"; return; }
	queue_dropped=$(field status kernel.queue_dropped)
	lost=$(field status log.lost)
	rss=$(of_daemon VmRSS)
	threads=$(of_daemon Threads)
	fds=$(find "/proc/$daemon/fd" -type l | wc -l)
	in_sets=$(learned)
	[ "$in_sets" -le "$learned_most" ] || learned_most=$in_sets
	printf '%6d  %12s  %12s  %8s  %8s  %9s  %7s  %8s\n' $((SECONDS - began)) "$received" "$queue_dropped" "$in_sets" "$rss" "$fds" \
		"$threads" "$lost"
	ledger_balances || fault "the ledger does not balance"
	[ "$lost" = 0 ] || fault "$lost records are lost"
	# What a daemon holds after its first minute it holds for good.
	if [ -z "$born_kb" ]; then
		born_kb=$rss born_fds=$fds born_threads=$threads
		return
	fi
	[ "$rss" -le $((born_kb + slack_kb)) ] || fault "memory has grown from $born_kb kB to $rss kB"
	[ "$fds" -le $((born_fds + 2)) ] || fault "descriptors: $fds, and $born_fds at first"
	[ "$threads" -le $((born_threads + 1)) ] || fault "threads: $threads, and $born_threads at first"
}

policy_for drop
began=$SECONDS
netns_run rtr "$OP25B_RULES" apply -p "$policy" >"$scratch/out" 2>&1 || { cat "$scratch/out"; exit 1; }
start
wait_until 5 offload_in_force || fault "offload is not in force"
flood_begin
every=$((minutes < 4 ? minutes * 15 : 60))
killing=$((minutes < 4 ? minutes * 30 : 300))
learned_most=0
until_s=$((began + minutes * 60))
next_sample=$((SECONDS + every / 2))
next_kill=$((SECONDS + killing))
turn=0
echo "seconds      received  kernel drops   learned  RSS (kB)  descript.  threads  recs lost"
while [ $SECONDS -lt $until_s ]; do
	turn=$((turn + 1))
	mail
	[ $((turn % 10)) != 0 ] || reload
	[ $((turn % 20)) != 0 ] || rotate
	if [ $SECONDS -ge $next_sample ]; then
		next_sample=$((SECONDS + every))
		sample
	fi
	if [ $SECONDS -ge $next_kill ]; then
		next_kill=$((SECONDS + killing))
		kill_and_start
	fi
	process_lives "$daemon" || { fault "op25bd has ended: $(tail -n 1 "$daemon_log")"; start; }
	sleep 1
done
sample
kill -s KILL "${flooders[@]}" 2>/dev/null
wait "${flooders[@]}" 2>/dev/null
nothing_waits()
{
	[ "$(field status events.subscribers)" = 0 ] && [ "$(field status ledger.in_flight)" = 0 ]
}
wait_until 45 nothing_waits || fault "something still waits, half a minute after the flood"
ledger_balances || fault "the ledger does not balance at the end"
process_end "$daemon" || fault "SIGTERM: exit code $?"
look_at_file "$events" 0
[ "$learned_most" -gt 0 ] || fault "the kernel was seen to block nobody by itself"

echo "$minutes minutes: $turn turns, $mail_sent connections of the relay ($mail_failed failed), $reloads reloads, $rotations rotations, $kills kills, $records_seen records"
if [ ${#faults[@]} = 0 ]; then
	echo "verdict: it holds"
	exit 0
fi
printf '  %s\n' "${faults[@]}"
echo "verdict: it does not hold, for ${#faults[@]} reasons"
exit 1
