#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# op25bd stops, and starts, in the middle of a flood: every packet is answered, and every blocked one recorded.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"

gateway_bed

# Where all is slow it may be over before it was that many.
flood_runs()
{
	[ "$(rule_packets)" -gt "$1" ] || process_ended "$flood"
}

# flood_begin SECONDS [OPTION...]: returns when some thousand packets are under way.
flood_begin()
{
	local seconds=$(($1 * ${OP25B_TEST_SLOW:-1})) before
	before=$(rule_packets)
	shift
	send_syns 0 2000 --seconds "$seconds" "$@" >"$scratch/sent" &
	flood=$!
	netns_pids+=("$flood")
	wait_until 10 flood_runs $((before + 5000))
}

# The numbers of the ledger that the daemon printed last, in its order.
final_ledger()
{
	sed -n 's/.*ledger: //p' "$daemon_log" | tail -n 1 | tr -cs 0-9 ' '
}

# stop_in_flood NAME WORKERS [OPTION...]
stop_in_flood()
{
	local name=$1 workers=$2 received accepted dropped open flying waiting rest
	shift 2
	rm -f "$events"
	policy_write 'mode = enforce' 'fail = closed' "workers = $workers" < <(usual_sections)
	gateway_start env
	flood_begin 2 "$@"
	process_end "$daemon"
	expect_equal "$name: exit code 0" "$?" 0
	wait "$flood"
	read -r received accepted dropped open flying waiting rest < <(final_ledger)
	expect "$name: thousands of packets were judged" test "$received" -gt 2000
	expect_equal "$name: the ledger balances" "$received" "$((accepted + dropped + open + flying))"
	expect_equal "$name: no packet is left unanswered" "$flying $waiting" "0 0"
	expect_equal "$name: every blocked packet is in a record" \
		"$(records 'total("packets")' "$events")" "$dropped"
	expect "$name: the queue is free" ! grep -q . <(netns_run rtr cat /proc/net/netfilter/nfnetlink_queue)
}

# OP25B_QUICK=1 leaves out what is much like the rest.
if [ -z "${OP25B_QUICK-}" ]; then
	queue_rule 1
	stop_in_flood "one worker" 1
	netns_run rtr nft delete table inet op25b-test
fi
queue_rule 4
[ -n "${OP25B_QUICK-}" ] || stop_in_flood "four workers" 4
stop_in_flood "four workers, IPv6" 4 --ip6
# A first record begins a window of three seconds, of which a slow machine sees more than one.
expect_equal "four workers: a subscriber has one first record a window, whichever queues its packets took" "$(python3 - "$events" <<-'END'
	import datetime, json, sys
	firsts = {}
	for record in map(json.loads, open(sys.argv[1])):
	    if record["op25b"].get("kind") == "first":
	        firsts.setdefault(record["op25b"]["subscriber"], []).append(datetime.datetime.fromisoformat(record["timestamp"]))
	apart = [(b - a).total_seconds() for times in map(sorted, firsts.values()) for a, b in zip(times, times[1:])]
	print(len(firsts) > 0 and all(seconds >= 2.9 for seconds in apart))
END
)" True
netns_run rtr nft delete table inet op25b-test

# A daemon that stands still while packets come: what does not fit is the kernel's loss, counted by the kernel; what
# fits is judged when the daemon goes on.
queue_rule 1
rm -f "$events"
policy_write 'mode = enforce' 'fail = closed' < <(usual_sections)
gateway_start env
kill -STOP "$daemon"
send_syns 20000 2000 >"$scratch/sent"
kill -CONT "$daemon"
expect "a daemon that stood still answers again" wait_until 5 ledger_balances
nothing_waits()
{
	[ "$(field status kernel.waiting) $(field status ledger.in_flight)" = "0 0" ]
}
expect "and works off what waited" wait_until 5 nothing_waits
expect_equal "all that came is accounted for" \
	"$(($(field status ledger.received) + $(field status kernel.queue_dropped) + $(field status kernel.user_dropped)))" "$(rule_packets)"
expect "the queue was full" test "$(field status kernel.queue_dropped)" -gt 0
process_end "$daemon"
netns_run rtr nft delete table inet op25b-test

packets_fly()
{
	[ "$(field status ledger.in_flight)" -gt 0 ]
}

# A kernel that takes no verdicts: the stop ends all the same, well before the unit's TimeoutStopSec, and says what is left.
stop_while_refused()
{
	queue_rule 1
	policy_write 'mode = enforce' 'fail = closed' < <(usual_sections)
	gateway_start env LD_PRELOAD="$REFUSE_VERDICTS" OP25B_REFUSE="$scratch/refuse"
	touch "$scratch/refuse"
	send_syns 20 20 >"$scratch/sent"
	expect "refused verdicts: packets wait for them" wait_until 5 packets_fly
	kill -TERM "$daemon"
	expect "refused verdicts: it ends within ten seconds" wait_until 10 process_ended "$daemon"
	process_end "$daemon"
	expect_equal "refused verdicts: exit code 0" "$?" 0
	expect "refused verdicts: it says what is left, and why" grep -qE \
		'[1-9][0-9]* packets are left unanswered, and the kernel drops them: .*\(No buffer space available\)' "$daemon_log"
	read -r received accepted dropped open flying waiting rest < <(final_ledger)
	expect_equal "refused verdicts: the ledger balances" "$received" "$((accepted + dropped + open + flying))"
	netns_run rtr nft delete table inet op25b-test
}
if [ -n "${REFUSE_VERDICTS-}" ]; then
	stop_while_refused
else
	tap_skip "a kernel that takes no verdicts" "the library that plays it is not named (REFUSE_VERDICTS)"
fi

# With fail = open nothing at all is lost over a stop: what waits is judged, what comes later passes by itself.
queue_rule 4 bypass
netns_run rtr nft -f - <<-END
	table inet op25b-count {
		chain out {
			type filter hook postrouting priority 0
			tcp dport 25 tcp flags syn / syn,rst,ack counter
		}
	}
END
passed()
{
	netns_run rtr nft list chain inet op25b-count out | sed -n 's/.*counter packets \([0-9]*\).*/\1/p'
}
policy_write 'mode = enforce' 'fail = open' 'workers = 4' <<-END
	[exempt everybody]
	prefix = 198.51.96.0/20
	ticket = T-2
	until = $(date -u -d '+1 day' +%Y-%m-%dT%H:%M:%SZ)
END
gateway_start env
flood_begin 2
process_end "$daemon"
expect_equal "fail = open: exit code 0" "$?" 0
read -r received accepted _ < <(final_ledger)
expect "fail = open: thousands were judged" test "$received" -gt 2000
expect_equal "fail = open: all of them passed" "$accepted" "$received"
wait "$flood"
expect_equal "fail = open: every packet that came went through, over the stop" "$(passed)" "$(rule_packets)"
tap_end
