#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Floods of exactly known size, from one source to a hundred thousand, IPv4 and IPv6, with mail of the relay, reloads
# and a stop in between: every packet is answered once and stands in one record, whatever room there is.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"
: "${FLOOD:?}"
gateway_bed
queue_rule 1
flood_policy()
{
	policy_write 'mode = enforce' 'fail = closed' <<-END
		[pool all]
		prefix = 10.0.0.0/8
		prefix = 2001:db8:8000::/34
		delegated_prefix_length = 64
		[relay mx]
		address = 192.0.2.25
		interface = srv0
	END
	sed -i "s/^window = .*/window = 2\nsubscribers_max = $1/" "$policy"
}

flood_policy 5000
gateway_start
mac=$(netns_run rtr cat /sys/class/net/sub0/address)
mac=${mac//:/}
sent=0

# flood PACKETS SOURCES [OPTION...]: what fills the queue waits, so that the kernel has nothing to drop.
flood()
{
	local packets=$1 sources=$2
	shift 2
	netns_run sub "$FLOOD" -i eth0 -m "$mac" -c "$packets" -n "$sources" -q 100 -o "$daemon" "$@" >/dev/null
}

all_answered()
{
	[ "$(field status ledger.received)" = "$sent" ] && [ "$(field status ledger.in_flight)" = 0 ]
}

# the packets of all records, once the windows have closed
recorded()
{
	records 'total("packets_blocked")' "$events"
}

all_recorded()
{
	[ "$(recorded)" = "$(field status ledger.dropped)" ]
}

# flooded NAME PACKETS SOURCES [OPTION...]
flooded()
{
	local name=$1
	shift
	expect "$name: sent" flood "$@"
	sent=$((sent + $1))
	expect "$name: every packet is answered" wait_until 10 all_answered
	expect_equal "$name: and dropped" "$(field status ledger.dropped)" "$sent"
	expect "$name: and in a record" wait_until 10 all_recorded
	expect "$name: the ledger balances" ledger_balances
}

flooded "one source" 20000 1 -s 10.0.0.1
flooded "a thousand" 50000 1000 -s 10.1.0.0
flooded "a thousand delegated prefixes" 50000 1000 -s 2001:db8:8000::1
# Slow enough for any machine: what the main thread cannot keep up with is counted without knowing retransmissions.
flooded "each packet twice" 6000 100 -s 10.2.0.0 -x -r 3000
expect_equal "of which every second is a retransmission" "$(field stats events.attempts)" "$((sent - 3000))"
flooded "more sources than there is room for" 100000 100000 -s 10.3.0.0
expect_equal "records are bounded by the room, not by the flood" "$(records 'len(r) < 25000' "$events")" True
expect_equal "and the rest is told as such" \
	"$(records 'sum(x["op25b"]["packets"] for x in r if x["op25b"]["kind"] == "overflow") > 50000' "$events")" True

# Mail and reloads in the middle of it.
flood 300000 50000 -s 10.4.0.0 &
flooding=$!
failed=0
for i in 1 2 3 4 5 6; do
	connect_from srv 203.0.113.25 25 || failed=$((failed + 1))
	[ "$i" != 3 ] || flood_policy 2000
	ctl reload >/dev/null || failed=$((failed + 1))
done
wait $flooding
sent=$((sent + 300000))
expect_equal "the relay's mail and every reload succeed in a flood" $failed 0
relayed()
{
	[ "$(($(field status ledger.dropped) + $(field status ledger.accepted)))" = "$(field status ledger.received)" ] &&
		[ "$(field status ledger.dropped)" = "$sent" ]
}
expect "every packet of it is answered" wait_until 20 relayed
expect "and in a record" wait_until 10 all_recorded

# Without mercy: more than the daemon can answer. What the kernel drops it counts.
netns_run sub "$FLOOD" -i eth0 -m "$mac" -c 300000 -n 300000 -s 10.8.0.0 >/dev/null
unheld()
{
	[ "$(($(field status ledger.received) + $(field status kernel.queue_dropped) + $(field status ledger.lost_ids)))" = \
		"$(rule_packets)" ] && [ "$(field status ledger.in_flight)" = 0 ]
}
expect "a flood without flow control is accounted for, together with the kernel's drops" wait_until 20 unheld
expect "and in records, as far as it came" wait_until 10 all_recorded

# A stop in the middle.
flood 200000 10000 -s 10.12.0.0 &
flooding=$!
sleep 0.5
before=$(field status ledger.dropped)
process_end "$daemon"
expect_equal "SIGTERM in a flood: exit code" $? 0
kill $flooding 2>/dev/null
wait $flooding 2>/dev/null
read -r received accepted dropped _ < <(sed -n 's/.*ledger: //p' "$daemon_log" | tail -n 1 | tr -cs 0-9 ' ')
expect_equal "it answered to the end" "$((dropped >= before && received == accepted + dropped))" 1
expect_equal "and every packet that it dropped is in a record" "$(recorded)" "$dropped"

# A stop with more windows open than records can wait in memory: all are closed at once, and the disk is well.
rm "$events"
flood_policy 50000
sed -i 's/^window = .*/window = 60/' "$policy"
gateway_start
sent=0
expect "twenty thousand subscribers, three packets each" flood 60000 20000 -s 10.3.0.0
sent=60000
expect "are answered" wait_until 10 all_answered
expect_equal "none of their first records is lost" "$(field status log.lost)" 0
process_end "$daemon"
expect "and the stop writes more summaries than that" test "$(records 'len(r)' "$events")" -gt 30000
expect_equal "in which every packet is" "$(recorded)" 60000
tap_end
