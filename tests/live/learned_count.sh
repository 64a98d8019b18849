#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the kernel has learned is read out to the last packet while generations change under a flood: the daemon's hand on
# the sets (net/learned.h) alone, with a rule in the daemon's place that marks every packet to be learned.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"
: "${FLOOD:?}" "${OP25B_RULES:?}" "${LEARNED_COUNT:?}"
gateway_bed
netns_run ext nft -f - <<-END
	table inet counting {
		counter came { }
		chain in { type filter hook prerouting priority -500; tcp dport 25 counter name came drop; }
	}
END
mac=$(router_mac)
mac=${mac//:/}

# Without a daemon what is queued passes (fail = open), and comes to these marks. One of two is for the generation that is
# not in force.
policy_write 'mode = enforce' 'fail = open' 'triangular_guard = no' 'offload = yes' 'offload_seconds = 1' <<-END
	[pool all]
	prefix = 10.0.0.0/8
	prefix = 2001:db8:8000::/34
	delegated_prefix_length = 56
	[relay mx]
	address = 192.0.2.25
	interface = srv0
END
sed -i "s/^window = .*/window = 2\nsubscribers_max = 40000/" "$policy"
expect "the ruleset is loaded" netns_run rtr "$OP25B_RULES" apply -p "$policy"
netns_run rtr nft -f - <<-END
	table inet marking {
		chain by_test { type filter hook forward priority 5; tcp dport 25 meta mark set numgen random mod 2 map { 0 : 0x25b00100, 1 : 0x25b00101 }; }
	}
END
came()
{
	netns_run ext nft list counter inet counting came | sed -n 's/.*packets \([0-9]*\) bytes.*/\1/p'
}

ready()
{
	grep -q ready "$spawned_log"
}

# counted NAME MILLISECONDS PACKETS SOURCES [OPTION...]
counted()
{
	local name=$1 milliseconds=$2 packets=$3 sources=$4 elements full stale read switches
	shift 4
	full_before=${full_after:-0} stale_before=${stale_after:-0}
	netns_spawn rtr "$LEARNED_COUNT" "$policy" "$milliseconds"
	wait_until 5 ready
	expect "$name: sent" netns_run sub "$FLOOD" -i eth0 -m "$mac" -c "$packets" -n "$sources" "$@"
	process_end "$spawned"
	expect_equal "$name: the end" $? 0 || cat "$spawned_log" >&2
	read -r elements full stale read switches < <(tail -n 1 "$spawned_log")
	full_after=$full stale_after=$stale
	expect_equal "$name: every packet is counted once" $((elements + full - full_before + stale - stale_before)) "$packets"
	expect_equal "$name: none came through" "$(came)" 0
	echo "# $elements in $read elements, $((full - full_before)) without room, $((stale - stale_before)) stale, $switches changes" >&2
	expect "$name: so many by their elements" test $((elements * 10)) -gt $((packets * ${share:-8}))
}

counted "one source" 100 200000 1 -s 10.0.0.1
counted "a thousand" 50 400000 1000 -s 10.1.0.0
share=4 counted "sixty thousand" 300 800000 60000 -s 10.2.0.0
counted "a thousand delegated prefixes" 50 400000 1000 -s 2001:db8:8000::1 -t 256
share=0 counted "more than there is room for" 3000 600000 300000 -s 10.8.0.0
expect "some of them found none" test $((full_after - full_before)) -gt 0
tap_end
