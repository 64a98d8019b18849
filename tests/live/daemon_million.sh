#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Spoofed floods from a million addresses and a million delegated prefixes, with offload: every packet stands in the
# records, mail of the relay goes through in the middle of it, and neither the daemon's memory nor the kernel's sets keep
# anything of it. Without OP25B_TEST_LONG=1 from a quarter of a million, which the bounded tables cannot hold either.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"
: "${FLOOD:?}" "${OP25B_RULES:?}"
gateway_bed
mac=$(router_mac)
mac=${mac//:/}
million=$([ -z "${OP25B_TEST_LONG-}" ] && echo 250000 || echo 1000000)
sent=0
policy_write 'mode = enforce' 'fail = closed' 'triangular_guard = no' 'offload = yes' 'offload_after = 2' \
	'offload_seconds = 1' 'workers = 1' <<-END
	[pool all]
	prefix = 10.0.0.0/8
	prefix = 2001:db8:8000::/34
	delegated_prefix_length = 64
	[relay mx]
	address = 192.0.2.25
	interface = srv0
END
sed -i "s/^window = .*/window = 5\nsubscribers_max = 50000/" "$policy"
expect "the rules are loaded" netns_run rtr "$OP25B_RULES" apply -p "$policy"
gateway_start
wait_until 5 offload_in_force

# flood PACKETS SOURCES [OPTION...]: what fills the queue waits, so that the kernel has nothing to drop.
flood()
{
	netns_run sub "$FLOOD" -i eth0 -m "$mac" -c "$1" -n "$2" -q 100 -o "$daemon" "${@:3}" >/dev/null
	sent=$((sent + $1))
}

all_recorded()
{
	[ "$(field status events.subscribers)" = 0 ] &&
		[ "$(grep -o '"packets_blocked":[0-9]*' "$events" | awk -F: '{ sum += $2 } END { printf "%.0f\n", sum }')" = "$sent" ]
}

resident_kb()
{
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$daemon/status"
}

expect "a million addresses" flood "$million" "$million" -s 10.0.0.0
expect "all is in records" wait_until 20 all_recorded
touched=$(resident_kb)

# Each source twice, one after the other, so that the second is for the kernel where it is not full. Mail in the middle of it.
flood $((2 * million)) "$million" -s 2001:db8:8000::1 -x &
flooding=$!
failed=0
for _ in 1 2 3 4 5; do
	connect_from srv 203.0.113.25 25 || failed=$((failed + 1))
	sleep 0.5
done
expect "a million delegated prefixes" wait $flooding
sent=$((sent + 2 * million))
expect_equal "meanwhile the relay's mail goes out" $failed 0
expect "all is in records again" wait_until 20 all_recorded
expect "the ledger balances" ledger_balances
expect "most of it in overflow records: room for subscribers is bounded" test "$(grep '"kind":"overflow"' "$events" |
	grep -o '"packets_blocked":[0-9]*' | awk -F: '{ sum += $2 } END { printf "%.0f\n", sum }')" -gt $((sent / 2))
expect "and once more" flood $((million / 8)) $((million / 8)) -s 10.32.0.0
expect "all is in records once more" wait_until 20 all_recorded
echo "# resident: after the first flood $touched kB, after the third $(resident_kb) kB"
expect "no flood makes the daemon larger than the one before" test "$(resident_kb)" -lt $((touched + 8192))
expect "and the kernel's sets are empty" wait_until 10 none_learned
tap_end
