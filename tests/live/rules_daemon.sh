#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The real ruleset and the real daemon together: what `op25b-rules apply` loads, op25bd decides.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"
: "${OP25B_RULES:?}"

counted()
{
	netns_run rtr nft list counter inet op25b "$1" | sed -n 's/.*packets \([0-9]*\) bytes.*/\1/p'
}

apply()
{
	netns_run rtr "$OP25B_RULES" apply -p "$policy"
}

received()
{
	field status ledger.received
}

received_at_least()
{
	[ "$(received)" -ge "$1" ]
}

# SYNs to port 25 that came through to the outside.
counted_outside()
{
	netns_run ext nft list counter inet outside came | sed -n 's/.*packets \([0-9]*\) bytes.*/\1/p'
}

arrived_at_least()
{
	[ "$(counted_outside)" -ge "$1" ]
}

sections()
{
	cat <<-END
		[pool homes]
		prefix = 198.51.100.0/24
		prefix = 2001:db8:100::/48
		interface = sub0
		delegated_prefix_length = 56
		action = $1
		[pool elsewhere]
		prefix = 198.51.100.128/25
		interface = vlan9
		[relay mx]
		address = 192.0.2.25
		address = 2001:db8:192::25
		interface = srv0
		[inside ours]
		prefix = 192.0.2.0/24
	END
}

gateway_bed
netns_spawn srv python3 -c "$listener" 25
netns_spawn ext python3 -c "$listener" 587
netns_run ext nft -f - <<-END
	table inet outside {
		counter came { }
		chain input { type filter hook input priority 0; tcp dport 25 tcp flags & (syn | ack) == syn counter name came; }
	}
END

# OP25B_QUICK=1 leaves out half of it.
for conntrack in ${OP25B_QUICK:-no} yes; do
	[ "$conntrack" != 1 ] || continue
	policy_write 'mode = enforce' 'fail = closed' 'workers = 4' 'triangular_guard = no' "conntrack = $conntrack" < <(sections drop)
	expect "conntrack $conntrack: the ruleset is loaded" apply
	# shellcheck disable=SC2119
	gateway_start
	queued=$(counted queued)
	expect "a pool's source is blocked" ! connect_from sub 203.0.113.25 25
	expect "the same over IPv6" ! connect_from sub 2001:db8:200::25 25
	expect "587 is not touched" connect_from sub 203.0.113.25 587
	expect "the same over IPv6" connect_from sub 2001:db8:200::25 587
	expect "inbound mail passes" connect_from ext 198.51.100.10 25
	expect "the same over IPv6" connect_from ext 2001:db8:100::10 25
	expect "the relay sends" connect_from srv 203.0.113.25 25
	expect "the same over IPv6" connect_from srv 2001:db8:200::25 25
	expect "subscribers reach the provider's server" connect_from sub 192.0.2.25 25
	expect_equal "the daemon received what the rule queued" "$(received)" $(($(counted queued) - queued))
	expect_equal "and that was the pool's alone" "$(received)" "$(field stats reasons.pool-enforce.drop)"

	# One of the 200 has the router's own address, and is no packet to forward.
	before=$(received)
	send_syns 200 200 >"$scratch/sent" 2>&1 || cat "$scratch/sent" >&2
	wait_until 3 received_at_least $((before + 199))
	expect_equal "sources of a pool on another interface are suspects" "$(counted suspect)" "$(field stats reasons.spoofed.drop)"
	expect "and all workers had a share of them" test "$(field status workers.0.ledger.received)" -gt 0 -a \
		"$(field status workers.1.ledger.received)" -gt 0 -a "$(field status workers.2.ledger.received)" -gt 0 -a \
		"$(field status workers.3.ledger.received)" -gt 0

	# Packets wait in the queues while the ruleset is replaced: a deleted base chain would lose them all. They are told
	# by their arrival outside, because the daemon has its copies already.
	policy_write 'mode = monitor' 'fail = closed' 'workers = 4' 'triangular_guard = no' "conntrack = $conntrack" < <(sections drop)
	expect "the gateway is to let all pass: a reload is enough" ctl reload
	arrived=$(counted_outside)
	queued=$(counted queued)
	kill -STOP "$daemon"
	send_syns 40 40 >"$scratch/sent" 2>&1
	for _ in 1 2 3 4 5; do
		apply >"$scratch/applied" 2>&1 || cat "$scratch/applied" >&2
	done
	waited=$(($(counted queued) - queued))
	expect "packets were waiting" test "$waited" -ge 39
	kill -CONT "$daemon"
	wait_until 3 arrived_at_least $((arrived + waited))
	expect_equal "packets that waited during five loads all arrive" "$(counted_outside)" $((arrived + waited))
	expect "the ledger balances" ledger_balances

	policy_write 'mode = enforce' 'fail = closed' 'workers = 4' 'triangular_guard = no' "conntrack = $conntrack" < <(sections reset)
	expect "the pool's action becomes reset: a reload is enough" ctl reload
	answered=$(counted answered-reset)
	took=$(milliseconds_of connect_from sub 203.0.113.25 25)
	expect "the client hears at once" heard_at_once "$took"
	expect "the answer chain gave the answer" test "$(counted answered-reset)" -gt "$answered"
	took=$(milliseconds_of connect_from sub 2001:db8:200::25 25)
	expect "the same over IPv6" heard_at_once "$took"
	policy_write 'mode = enforce' 'fail = closed' 'workers = 4' 'triangular_guard = no' "conntrack = $conntrack" < <(sections icmp)
	expect "and icmp" ctl reload
	answered=$(counted answered-icmp)
	took=$(milliseconds_of connect_from sub 203.0.113.25 25)
	expect "the client hears at once" heard_at_once "$took"
	took=$(milliseconds_of connect_from sub 2001:db8:200::25 25)
	expect "the same over IPv6" heard_at_once "$took"
	expect "the answer chain gave these answers" test "$(counted answered-icmp)" -ge $((answered + 2))

	process_end "$daemon"
	expect "without the daemon fail = closed holds" ! connect_from sub 203.0.113.25 25
	expect "587 passes all the same" connect_from sub 203.0.113.25 587
	policy_write 'mode = enforce' 'fail = open' 'workers = 4' 'triangular_guard = no' "conntrack = $conntrack" < <(sections drop)
	expect "fail = open is loaded" apply
	expect "and lets port 25 pass without a daemon" connect_from sub 203.0.113.25 25
	expect "the same over IPv6" connect_from sub 2001:db8:200::25 25
	netns_run rtr "$OP25B_RULES" delete >/dev/null
done
tap_end
