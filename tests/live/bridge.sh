#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# family = bridge: op25bd between two ports of a bridge that no host knows of. Where the kernel has no nft queue
# expression nothing can be queued from a bridge; there only is shown that op25b-rules says so and changes nothing.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"
: "${OP25B_RULES:?}"
netns_need nft python3

# Addresses outside, and of the pool; with those in the VLAN where the kernel knows VLANs.
out="203.0.113.25 2001:db8:200::25"
in="203.0.113.10 2001:db8:200::10"

# bridge_bed: sub and ext on one LAN, and with VLAN 5 on another, both through the bridge br0 in rtr, which has no address.
bridge_bed()
{
	local host last
	for host in sub rtr ext; do
		netns_add "$host" || return 1
	done
	ip -n "$(netns_name rtr)" link add br0 type bridge mcast_snooping 0 && ip -n "$(netns_name rtr)" link set br0 up &&
		netns_link rtr sub0 sub && netns_link rtr up0 ext || return 1
	for host in sub0 up0; do
		ip -n "$(netns_name rtr)" link set "$host" master br0 || return 1
	done
	for host in sub:10 ext:25; do
		last=${host#*:}
		host=${host%:*}
		ip -n "$(netns_name "$host")" -batch - <<-END || return 1
			address add 203.0.113.$last/24 dev eth0
			address add 2001:db8:200::$last/64 dev eth0 nodad
		END
		ip -n "$(netns_name "$host")" link add link eth0 name tagged type vlan id 5 || continue
		ip -n "$(netns_name "$host")" -batch - <<-END || return 1
			link set tagged up
			address add 192.0.2.$last/24 dev tagged
			address add 2001:db8:192::$last/64 dev tagged nodad
		END
		out="203.0.113.25 2001:db8:200::25 192.0.2.25 2001:db8:192::25"
		in="203.0.113.10 2001:db8:200::10 192.0.2.10 2001:db8:192::10"
	done
	ip -n "$(netns_name sub)" address add 203.0.113.11/24 dev eth0
	for host in sub ext; do
		for port in 25 587; do
			netns_spawn "$host" python3 -c "$listener" "$port"
		done
	done
	wait_until 5 connect_from sub 203.0.113.25 587
}

# bridge_policy [LINE...]: LINEs for [gateway]; every pool has the action $action.
bridge_policy()
{
	policy_write 'mode = enforce' 'fail = closed' 'family = bridge' "$@" <<-END
		[pool homes]
		prefix = 203.0.113.10/31
		prefix = 192.0.2.10
		prefix = 2001:db8:200::10
		prefix = 2001:db8:192::10
		action = ${action:-drop}
		[exempt office]
		prefix = 203.0.113.11
		ticket = T-1
		until = $(date -u -d '+1 day' +%Y-%m-%dT%H:%M:%SZ)
		[inside ours]
		prefix = 192.0.2.77
	END
}

rules()
{
	netns_run rtr "$OP25B_RULES" "$@"
}

tables()
{
	netns_run rtr nft list tables | tr '\n' ' '
}

exempt_connects()
{
	netns_run sub python3 -c '
import socket
socket.create_connection(("203.0.113.25", 25), timeout=3, source_address=("203.0.113.11", 0))'
}

policy=$scratch/policy.ini
socket=$scratch/control
events=$scratch/events.json
expect "the bed: two hosts that reach each other through a bridge" bridge_bed || tap_end
bridge_policy 'conntrack = no'
expect "nothing is loaded, says status" ends_with 1 "no rules are loaded" rules status -p "$policy"
if ! rules check --kernel | grep -q 'family = bridge can be used'; then
	expect "a kernel that cannot queue from a bridge refuses, and says why" ends_with 5 "queueing in the bridge family" rules apply -p "$policy"
	expect_equal "and nothing was changed" "$(tables)" ""
	# Everything but the queue, and where reject is missing the answers, is there to be loaded.
	rules generate -p "$policy" | sed -E 's/queue (flags [a-z]+ )?to .*$/drop/;s/reject with .*$/drop/' >"$scratch/text.nft"
	expect "the text without its queue loads" netns_run rtr nft -f "$scratch/text.nft"
	for to in $out; do
		expect "then a SYN from the pool is lost: $to" ! connect_from sub "$to" 25
		expect "587 passes: $to" connect_from sub "$to" 587
	done
	for to in $in; do
		expect "mail coming in passes: $to" connect_from ext "$to" 25
	done
	expect "delete removes it" ends_with 0 "deleted table op25b" rules delete
	expect_equal "nothing is left" "$(tables)" ""
	tap_end
fi

expect "the rules load" ends_with 0 "made table bridge op25b" rules apply -p "$policy"
expect "status says that they are the policy's" rules status -p "$policy"
rules generate -p "$policy" >"$scratch/text.nft"
expect "nft loads the text over it" netns_run rtr nft -f "$scratch/text.nft"
expect "and status sees no difference" rules status -p "$policy"
expect "fail = closed: without a daemon nothing passes" ! connect_from sub 203.0.113.25 25
expect "mail coming in does" connect_from ext 203.0.113.10 25

[ "${out% 2001:db8:192::25}" = "$out" ] && tap_skip "frames with a VLAN tag" "this kernel knows no VLANs"
gateway_start env
for to in $out; do
	expect "the pool is blocked: $to" ! connect_from sub "$to" 25
	expect "587 is not: $to" connect_from sub "$to" 587
done
for to in $in; do
	expect "mail coming in passes: $to" connect_from ext "$to" 25
done
expect "a dated exemption passes" exempt_connects
expect_equal "by the daemon's decision" "$(field stats reasons.exempt.accept)" 1
expect "all that was blocked was the pool's" test "$(field status ledger.dropped)" = "$(field stats reasons.pool-enforce.drop)"
expect_equal "records name the port, not the bridge" "$(records '{x["in_iface"] for x in r}' "$events")" "{'sub0'}"
expect_equal "each subscriber has a first record" "$(records 'len({x["op25b"]["subscriber"] for x in r})' "$events")" "$(wc -w <<<"$out")"
expect "the ledger balances" ledger_balances

# Answers, and conntrack.
for action in reset icmp; do
	bridge_policy 'conntrack = yes' 'workers = 1'
	expect "$action, conntrack: the rules load" rules apply -p "$policy"
	expect "$action, conntrack: the daemon reloads" ctl reload
	for to in $out; do
		connect_from sub "$to" 587 # the neighbour is known then
		took=$(milliseconds_of connect_from sub "$to" 25)
		expect "$action: the client hears at once: $to, $took ms" heard_at_once "$took"
	done
	expect_equal "$action: these were the daemon's verdicts" "$(field stats "verdicts.$action")" "$(wc -w <<<"$out")"
done
expect "mail coming in passes with conntrack" connect_from ext 2001:db8:200::10 25
process_end "$daemon"

# One family at a time.
sed 's/^family = bridge/family = inet/' "$policy" >"$scratch/routed.ini"
expect "diff to another family says that the table goes" ends_with 1 "table bridge op25b: goes" rules diff -p "$scratch/routed.ini"
expect "apply of another family removes it, and says so" ends_with 0 "removed table bridge op25b" rules apply -p "$scratch/routed.ini"
expect_equal "one table is there" "$(tables)" "table inet op25b "
expect "an apply that nobody confirms" rules apply --confirm-within 2 -p "$policy"
expect_equal "changes the family at first" "$(tables)" "table bridge op25b "
back()
{
	[ "$(tables)" = "table inet op25b " ] && rules status -p "$scratch/routed.ini"
}
expect "and then the rules of before come back" wait_until 10 back
expect "bridge again" rules apply -p "$policy"
netns_run rtr nft add table inet op25b
expect "a table of the other family is drift" ends_with 1 "are not the policy's" rules status -p "$policy"
expect "which delete removes, too" ends_with 0 "deleted table op25b" rules delete
expect_equal "nothing is left" "$(tables)" ""
netns_run rtr nft -f - <<-END
	table bridge before {
		chain early { type filter hook prerouting priority -300; ether type ip drop; }
	}
	table inet routed {
		chain early { type filter hook forward priority -300; tcp dport 26 drop; }
	}
END
rules apply -p "$policy" >/dev/null 2>"$scratch/warned"
expect "another bridge table that comes before is warned of" grep -q 'chain early of table before bridge (prerouting, priority -300) drops' "$scratch/warned"
expect "one that packets of a bridge do not meet is not" ! grep -q routed "$scratch/warned"
tap_end
