#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Faults that a daemon meets in service: a socket buffer of next to nothing, an interface that goes and comes back, a queue that
# somebody else holds, a kill. Every packet that the rules have queued is judged, or stands in the records as unjudged.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"
: "${FLOOD:?}" "${OP25B_RULES:?}" "${NARROW_NETLINK:?}" "${QUEUE_HOLD:?}"
gateway_bed
mac=$(router_mac)
mac=${mac//:/}

write_policy()
{
	policy_write 'mode = enforce' 'triangular_guard = no' 'conntrack = no' 'repair = no' "$@" <<-END
		[pool all]
		prefix = 198.51.100.0/24
		prefix = 10.0.0.0/8
		interface = sub0
		[relay mx]
		address = 192.0.2.25
		interface = srv0
	END
}

rules()
{
	netns_run rtr "$OP25B_RULES" "$@" -p "$policy"
}

counted()
{
	netns_run rtr nft list counter inet op25b "$1" | sed -n 's/.*packets \([0-9]*\) bytes.*/\1/p'
}

flood()
{
	netns_run sub "$FLOOD" -i eth0 -m "$mac" "$@" >/dev/null
}

# notices EXPRESSION: over `n`, the records about the gateway itself.
notices()
{
	python3 -c '
import json, sys
n = [r for r in map(json.loads, open(sys.argv[2])) if r["event_type"] == "engine"]
print(eval(sys.argv[1]))' "$1" "$events"
}

# All that the rules queued since queued_before is received, or told as unjudged.
unjudged()
{
	echo $(($(field status fail_modes.unjudged.passed.packets) + $(field status fail_modes.unjudged.dropped.packets)))
}

all_known()
{
	[ $(($(field status ledger.received) + $(unjudged))) = $(($(counted queued) - queued_before)) ] &&
		[ "$(field status ledger.in_flight)" = 0 ]
}

# SYNs to port 25 that came through to the outside.
outside()
{
	netns_run ext nft list counter inet outside came | sed -n 's/.*packets \([0-9]*\) bytes.*/\1/p'
}

netns_run ext nft -f - <<-END
	table inet outside {
		counter came { }
		chain input { type filter hook prerouting priority 0; tcp dport 25 tcp flags & (syn | ack) == syn counter name came drop; }
	}
END

for mode in closed open; do
	write_policy "fail = $mode"
	rules apply >"$scratch/applied" || cat "$scratch/applied" >&2
	queued_before=$(counted queued)
	rm -f "$events"
	gateway_start env LD_PRELOAD="$NARROW_NETLINK" OP25B_NARROW=1
	came=$(outside)
	flood -c 20000 -n 20000 -s 10.1.0.0
	expect "$mode: with a socket buffer of nothing every packet is known" wait_until 5 all_known
	expect "$mode: the buffer was too small" test "$(field status ledger.overruns)" -gt 0
	expect "$mode: the ledger balances" ledger_balances
	expect_equal "$mode: every packet received is dropped" "$(field status ledger.dropped)" "$(field status ledger.received)"
	of_buffer=$(unjudged)
	passed=0
	[ $mode = closed ] || passed=$of_buffer
	expect_equal "$mode: $passed of the others came through" $(($(outside) - came)) "$passed"
	process_end "$daemon"
	expect_equal "$mode: and every other stands in the records" \
		"$(notices "sum(r['op25b']['buffer_full'] for r in n if r['op25b']['kind'] == 'failed-$mode' and r['op25b']['state'] == 'end')")" "$of_buffer"
	expect "$mode: which are most" test "$of_buffer" -gt 1000
done

# An interface goes, and comes back with another number. The first packet by it is judged as before: a pool bound to it.
rm -f "$events"
write_policy 'fail = open'
# shellcheck disable=SC2119
gateway_start
expect "before: blocked" ! connect_from sub 203.0.113.25 25
ip -n "$(netns_name rtr)" link delete sub0
expect "the interface is gone: said" wait_until 3 grep -q "interface sub0, which the policy names, is not there" "$daemon_log"
expect_equal "and in the status" "$(field status missing_interfaces)" "['sub0']"
before=$(field stats reasons.pool-enforce.drop)
netns_lan rtr sub0 sub 198.51.100 2001:db8:100 10
mac=$(router_mac)
mac=${mac//:/}
wait_until 3 netns_run sub ping -c 1 -W 1 198.51.100.1
flood -c 1 -s 198.51.100.10
judged_one()
{
	[ "$(field stats reasons.pool-enforce.drop)" = $((before + 1)) ]
}
expect "back with another number: its first packet is judged by its name" wait_until 3 judged_one
expect "said" wait_until 3 grep -q "interface sub0 is there" "$daemon_log"
expect_equal "once each" "$(grep -c "interface sub0" "$daemon_log")" 2

# Killed with packets that wait; and packets come while nobody is there.
queue_holds()
{
	# shellcheck disable=SC2016
	netns_run rtr awk -v count="$1" '$1 == 100 { exit $3 != count }' /proc/net/netfilter/nfnetlink_queue
}
came=$(outside)
# It writes down once a second how far it is.
sleep 1.5
kill -STOP "$daemon"
flood -c 300 -n 300 -s 10.2.0.0
expect "packets wait" wait_until 3 queue_holds 300
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null
expect_equal "killed: what waited is lost, with fail = open, too" "$(outside)" "$came"
flood -c 200 -n 200 -s 10.2.0.0
expect_equal "what comes then passes" $(($(outside) - came)) 200
rm -f "$events"
# shellcheck disable=SC2119
gateway_start
sleep 1.2
expect_equal "the next daemon tells of it" \
	"$(notices "[(r['op25b']['kind'], r['op25b']['fail'], r['op25b']['unjudged'], r['op25b']['unjudged_exact']) for r in n]")" \
	"[('absent', 'open', 500, False)]"
process_end "$daemon"
flood -c 100 -n 100 -s 10.2.0.0
rm -f "$events"
# shellcheck disable=SC2119
gateway_start
process_end "$daemon"
expect_equal "after a stop exactly" \
	"$(notices "[(r['op25b']['kind'], r['op25b']['unjudged'], r['op25b']['unjudged_exact']) for r in n]")" \
	"[('absent', 100, True)]"

# A queue that somebody else holds.
mkfifo "$scratch/release"
# shellcheck disable=SC2016
netns_spawn rtr sh -c 'exec "$0" 100 <"$1"' "$QUEUE_HOLD" "$scratch/release"
holder=$spawned
exec 9>"$scratch/release"
wait_until 3 grep -q holding "$spawned_log"
expect "a queue that is taken: by whom" ends_with 5 "queue 100 is taken by process $holder (queue_hold)" \
	netns_run rtr "$OP25BD" -p "$policy"
exec 9>&-
process_end "$holder"
tap_end
