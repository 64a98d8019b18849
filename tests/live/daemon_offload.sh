#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Offload with the real ruleset, the real sets and floods of exactly known size: what the kernel blocks by itself stands in
# the records to the last packet, through changes of generation, reloads, applies, a kill and a stop; and a subscriber whom
# a new policy lets go is let go at once.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"
: "${FLOOD:?}" "${OP25B_RULES:?}"
gateway_bed
# What comes from subscribers, and what of it goes out; nobody answers the flood.
netns_run rtr nft -f - <<-END
	table inet counting {
		counter entered { }
		chain in { type filter hook prerouting priority -500; iifname sub0 tcp dport 25 tcp flags & (syn | ack) == syn counter name entered; }
	}
END
netns_run ext nft -f - <<-END
	table inet counting {
		counter came { }
		chain in { type filter hook prerouting priority -500
			tcp dport 25 tcp flags & (syn | ack) == syn ip saddr != 192.0.2.25 counter name came
			tcp dport 25 tcp flags & (syn | ack) == syn ip6 saddr 2001:db8:8000::/34 counter name came; }
		chain out { type filter hook input priority 0; ip saddr 10.0.0.0/8 tcp dport 25 drop; ip6 saddr 2001:db8:8000::/34 tcp dport 25 drop; }
	}
END
mac=$(router_mac)
mac=${mac//:/}

# offload_policy [SECTION LINE...]
offload_policy()
{
	policy_write 'mode = enforce' "fail = ${fail:-closed}" 'triangular_guard = no' 'offload = yes' 'offload_after = 5' \
		'offload_seconds = 1' "${workers:-workers = 1}" < <(
		cat <<-END
			[pool all]
			prefix = 10.0.0.0/8
			prefix = 198.51.100.0/24
			prefix = 2001:db8:8000::/34
			delegated_prefix_length = 56
			action = ${action:-drop}
			[relay mx]
			address = 192.0.2.25
			interface = srv0
		END
		[ $# = 0 ] || printf '%s\n' "$@"
	)
	sed -i "s/^window = .*/window = 2\nsubscribers_max = 200000/" "$policy"
}

apply()
{
	netns_run rtr "$OP25B_RULES" apply -p "$policy"
}

# flood PACKETS SOURCES [OPTION...]: what fills the queue waits, so that the kernel has nothing to drop.
flood()
{
	local packets=$1 sources=$2
	shift 2
	netns_run sub "$FLOOD" -i eth0 -m "$mac" -c "$packets" -n "$sources" -q 100 -o "$daemon" "$@" >/dev/null
}

# counted NAMESPACE COUNTER
counted()
{
	netns_run "$1" nft list counter inet counting "$2" | sed -n 's/.*packets \([0-9]*\) bytes.*/\1/p'
}

# sum_of KEY FILE...: of all records. A flood writes hundreds of thousands of them.
sum_of()
{
	local key=$1
	shift
	cat "$@" 2>/dev/null | grep -o "\"$key\":[0-9]*" | awk -F: '{ sum += $2 } END { printf "%.0f\n", sum }'
}

# the packets of all records, once the windows have closed
told_before=0
recorded()
{
	echo $((told_before + $(sum_of packets_blocked "$events")))
}

offloaded()
{
	sum_of packets_offloaded "$events"
}

# What is accounted for need not be added up again: the daemon begins a new file, as for logrotate.
put_records_away()
{
	mv "$events" "$events.old"
	kill -USR1 "$daemon"
	wait_until 5 test -e "$events"
	told_before=$((told_before + $(sum_of packets_blocked "$events.old")))
}

# Every SYN either went out or stands in a record.
all_accounted()
{
	[ "$(counted rtr entered)" = $(($(recorded) + $(counted ext came))) ]
}

accounted()
{
	expect "$1" wait_until 15 all_accounted ||
		echo "# entered $(counted rtr entered), recorded $(recorded), came out $(counted ext came)" >&2
}

# flooded NAME SHARE PACKETS SOURCES [OPTION...]: SHARE is a percentage, at least so many the kernel counted
flooded()
{
	local name=$1 share=$2
	shift 2
	expect "$name: sent" flood "$@"
	accounted "$name: every packet is in a record"
	expect_equal "$name: none came through" "$(counted ext came)" 0
	expect "$name: the ledger balances" ledger_balances
	expect "$name: so much of it the kernel counted" test $(($(offloaded) * 100)) -ge $((share * $1))
	put_records_away
}

# packets that the elements of all learned sets have counted
learned_packets()
{
	netns_run rtr nft -j list table inet op25b | python3 -c '
import json, sys
print(sum(e["elem"]["counter"]["packets"] for x in json.load(sys.stdin)["nftables"]
      if "set" in x and x["set"]["name"].startswith("learned_") for e in x["set"].get("elem", [])))'
}

some_learned()
{
	[ "$(learned_packets)" -gt 0 ]
}

# told PACKETS: the records' sum is this many
told()
{
	[ "$(recorded)" = "$1" ]
}

offload_policy
expect "the ruleset is loaded" apply
gateway_start
wait_until 5 offload_in_force
flooded "one source" 90 20000 1 -s 10.0.0.1
flooded "a thousand" 80 100000 1000 -s 10.1.0.0
flooded "a thousand delegated prefixes" 80 100000 1000 -s 2001:db8:8000::1 -t 256
flooded "through several generations" 80 80000 500 -s 10.2.0.0 -r 20000
flooded "through several generations, IPv6" 80 80000 500 -s 2001:db8:8000::1 -t 256 -r 20000
flooded "forged sources, one packet each" 0 100000 100000 -s 10.3.0.0
flooded "sixty thousand, twelve packets each" 5 720000 60000 -s 10.8.0.0
expect "when it is quiet, no element stays in the kernel" wait_until 10 none_learned

# Mail, reloads and applies in the middle of it.
flood 600000 5000 -s 10.4.0.0 -r 150000 &
flooding=$!
failed=0
for _ in 1 2 3 4 5 6; do
	connect_from srv 203.0.113.25 25 || failed=$((failed + 1))
	ctl reload >/dev/null || failed=$((failed + 1))
	apply >"$scratch/apply.log" 2>&1 || failed=$((failed + 1))
done
wait $flooding
expect_equal "the relay's mail, every reload and every apply succeed in a flood" $failed 0
accounted "and every packet of it is in a record"
expect_equal "and none came through" "$(counted ext came)" 0

# A subscriber who is learned, and then let go by a new policy.
flood 2000 1 -s 198.51.100.10
expect "a learned subscriber's own connection is blocked" ! connect_from sub 203.0.113.25 25
offload_policy '[exempt let-go]' 'prefix = 198.51.100.10'
ctl reload >/dev/null
took=$(milliseconds_of connect_from sub 203.0.113.25 25)
expect "who is exempted by a reload is let go at once" test "$took" -lt $((1000 * ${OP25B_TEST_SLOW:-1}))
offload_policy
ctl reload >/dev/null
expect "and blocked again after the next" ! connect_from sub 203.0.113.25 25
accounted "all of that is in records, but for what was let go"

# Killed in a flood: the kernel goes on blocking whom it has learned, and the next daemon tells what it counted, to the packet.
netns_run sub "$FLOOD" -i eth0 -m "$mac" -c 120000 -n 10 -s 10.5.0.0 -r 15000 >/dev/null &
flooding=$!
expect "in a flood they are learned" wait_until 5 some_learned
process_end "$daemon" KILL
killed_at=$(learned_packets)
wait $flooding
left=$(learned_packets)
expect "without a daemon the kernel goes on counting" test "$left" -gt "$killed_at"
before=$(recorded)
gateway_start
wait_until 5 offload_in_force
expect "what the kernel has counted is told by the next daemon" wait_until 15 told $((before + left))
expect "and no element stays in the kernel" wait_until 10 none_learned

# A stop in the middle of a flood.
netns_run sub "$FLOOD" -i eth0 -m "$mac" -c 200000 -n 1000 -s 10.6.0.0 -r 80000 >/dev/null &
flooding=$!
sleep 1
process_end "$daemon"
expect_equal "SIGTERM in a flood: exit code" $? 0
wait $flooding
expect "after a stop nothing is learned in the kernel" none_learned

# The same with fail = open, where the kernel lets pass what no daemon judges: so nothing is dropped that nobody counts.
fail=open
offload_policy
expect "with fail = open: the ruleset is loaded" apply
rm -f "$events"
told_before=0
gateway_start
wait_until 5 offload_in_force
entered_before=$(counted rtr entered) came_before=$(counted ext came)
netns_run sub "$FLOOD" -i eth0 -m "$mac" -c 200000 -n 500 -s 10.9.0.0 -r 60000 >/dev/null &
flooding=$!
sleep 2
process_end "$daemon"
wait $flooding
expect_equal "every packet of a flood over a stop is in a record, or went through" \
	$(($(recorded) + $(counted ext came) - came_before)) $(($(counted rtr entered) - entered_before))
expect "and many are in records" test "$(recorded)" -gt 10000
expect "with fail = open: nothing is learned in the kernel" none_learned
tap_end
