#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Rules that somebody flushes while the kernel blocks whom it has learned, and of a large policy: loaded again, offload goes on,
# and from then on every packet stands in the records. OP25B_TEST_LONG=1 adds a small policy, and takes one of a million
# prefixes.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"
: "${FLOOD:?}" "${OP25B_RULES:?}"
gateway_bed
mac=$(router_mac)
mac=${mac//:/}
prefixes=$([ -z "${OP25B_TEST_LONG-}" ] && echo 60000 || echo 1000000)

# Counters of somebody else's, which a flush takes along; so they are made anew.
count()
{
	netns_run rtr nft -f - <<-END
		table inet counting {
			counter entered { }
			counter leaked { }
			chain in { type filter hook prerouting priority -500; ip saddr 10.0.0.0/8 tcp dport 25 counter name entered; }
			chain out { type filter hook postrouting priority 0; ip saddr 10.0.0.0/8 tcp dport 25 counter name leaked; }
		}
	END
}

counted()
{
	netns_run rtr nft list counter inet counting "$1" | sed -n 's/.*packets \([0-9]*\) bytes.*/\1/p'
}

# Every second address, so that none joins another.
python3 -c '
import ipaddress, sys
for i in range(int(sys.argv[1])):
    print(ipaddress.IPv4Address(0x0a000001 + 2 * i))' "$prefixes" >"$scratch/large.list"

# policy_with LINE...: of the pool
policy_with()
{
	policy_write 'mode = enforce' 'fail = closed' 'triangular_guard = no' 'offload = yes' 'offload_after = 5' \
		'offload_seconds = 1' < <(printf '%s\n' '[pool all]' "$@" 'prefix = 198.51.100.0/24' '[relay mx]' \
			'address = 192.0.2.25' 'interface = srv0')
	sed -i 's/^window = .*/window = 2/' "$policy"
	netns_run rtr "$OP25B_RULES" apply -p "$policy" >"$scratch/applied" 2>&1 || tap_not_ok "the rules are loaded" "$(cat "$scratch/applied")"
}

flood()
{
	netns_run sub "$FLOOD" -i eth0 -m "$mac" -n 200 -q 100 -o "$daemon" "$@" >/dev/null
}

repairs_are()
{
	[ "$(field status rules.repairs)" = "$1" ] && [ "$(field status rules.state)" = in-order ]
}

in_order()
{
	netns_run rtr "$OP25B_RULES" status -p "$policy"
}

recorded()
{
	records 'total("packets_blocked")' "$events"
}

all_recorded()
{
	[ "$(counted entered)" = $(($(recorded) - recorded_before)) ]
}

all_told()
{
	[ "$(field status events.subscribers)" = 0 ] && [ "$(field status log.waiting_bytes)" = 0 ]
}

some_learned()
{
	[ "$(learned)" -gt 0 ]
}

# repaired NAME SECONDS: a flush in a flood.
repaired()
{
	flood -c 30000 -r 10000 -s 10.0.0.1 -t 2 &
	local flooding=$!
	wait_until 5 some_learned
	netns_run rtr nft flush ruleset
	expect "$1: repaired" wait_until "$2" repairs_are 1
	wait $flooding
	expect "$1: the kernel's rules are the policy's" in_order
	expect "$1: it says that counts are lost" grep -q 'loaded again .*had counted since it was last read, is lost' "$daemon_log"
	expect "$1: the ledger balances" ledger_balances
	expect "$1: offload is in force again" wait_until 10 offload_in_force
	expect "$1: what was learned before is read out" wait_until 10 none_learned
	expect "$1: and told" wait_until 15 all_told
	count
	recorded_before=$(recorded)
	flood -c 10000 -s 10.0.0.1 -t 2
	expect "$1: the kernel learns again" wait_until 5 some_learned
	expect "$1: every packet stands in the records" wait_until 15 all_recorded
	echo "# entered $(counted entered), in records $(recorded), before $recorded_before"
	expect_equal "$1: none has passed" "$(counted leaked)" 0
	expect "$1: the relay's mail goes on" connect_from srv 203.0.113.25 25
}

if [ -n "${OP25B_TEST_LONG-}" ]; then
	policy_with 'prefix = 10.0.0.0/8'
	# shellcheck disable=SC2119
	gateway_start
	expect "offload is in force" wait_until 5 offload_in_force
	repaired "with offload" 6
	process_end "$daemon"
fi

policy_with "file = $scratch/large.list"
# shellcheck disable=SC2119
gateway_start
expect "a large policy: offload is in force" wait_until 10 offload_in_force
repaired "a large policy" 30
process_end "$daemon"
tap_end
