#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The triangular-spam guard: somebody elsewhere (away) sends SYNs with the pool's addresses to a mail host outside, which
# answers by the gateway. The answers are real ones.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"
: "${OP25B_RULES:?}"

gateway_bed
expect "somebody elsewhere has a line to the mail host" netns_add away || tap_end
netns_link ext away0 away
netns_run rtr ip route add 2001:db8:100::/44 via 2001:db8:100::10 dev sub0
netns_run ext sh -c 'echo 1 >/proc/sys/net/ipv4/tcp_synack_retries'
netns_spawn srv python3 -c "$listener" 25
netns_run sub nft -f - <<-END
	table inet inside {
		counter came { }
		chain input { type filter hook prerouting priority 0; tcp sport 25 tcp flags & (syn | ack) == (syn | ack) counter name came; }
	}
END

guard_policy()
{
	policy_write 'fail = closed' "$@" <<-END
		[pool homes]
		prefix = 198.51.100.0/24
		prefix = 2001:db8:100::/44
		action = reset
		[relay mx]
		address = 192.0.2.25
		address = 2001:db8:192::25
		[exempt dated]
		prefix = 198.51.100.77
		ticket = T-1
		until = $(date -u -d '+1 day' +%Y-%m-%dT%H:%M:%SZ)
	END
	netns_run rtr "$OP25B_RULES" apply -p "$policy" >"$scratch/applied" 2>&1 || cat "$scratch/applied" >&2
}

# Answers of port 25 that reached the subscriber.
came()
{
	netns_run sub nft list counter inet inside came | sed -n 's/.*packets \([0-9]*\) bytes.*/\1/p'
}

came_more_than()
{
	[ "$(came)" -gt "$1" ]
}

triangular()
{
	field stats reasons.triangular."$1"
}

triangular_at_least()
{
	[ "$(triangular "$1")" -ge "$2" ]
}

# forgotten: the mail host waits for nobody any more, so that it answers a SYN like the one before, too.
forgotten()
{
	[ -z "$(netns_run ext ss -Htn state syn-recv)" ]
}

# forge [--ip6]: a SYN each from ten addresses of the pool. The first one of IPv4 is the router's own.
forge()
{
	wait_until 15 forgotten &&
		netns_run away "$lib/send_syns.py" eth0 "$(netns_run ext cat /sys/class/net/away0/address)" 10 10 "$@"
}

exempt_connects()
{
	netns_run sub python3 -c '
import socket
socket.create_connection(("203.0.113.25", 25), timeout=3, source_address=("198.51.100.77", 0))'
}

netns_run sub ip address add 198.51.100.77/24 dev eth0
guard_policy 'mode = enforce' 'conntrack = no'
gateway_start env
for conntrack in no yes; do
	guard_policy 'mode = enforce' "conntrack = $conntrack"
	expect "conntrack $conntrack: reload" ctl reload
	wait_until 15 forgotten
	before=$(came)
	dropped=$(triangular drop)
	expect "answers to forged SYNs" forge
	expect "are dropped by the daemon" wait_until 3 triangular_at_least drop $((dropped + 5))
	dropped=$(triangular drop)
	expect "answers to forged SYNs over IPv6" forge --ip6
	expect "are dropped, too" wait_until 3 triangular_at_least drop $((dropped + 5))
	expect_equal "none came through" "$(came)" "$before"
	expect "mail coming in passes" connect_from ext 198.51.100.10 25
	expect "the same over IPv6" connect_from ext 2001:db8:100::10 25
	expect "what the relay answers passes" connect_from sub 192.0.2.25 25
	expect "the relay itself gets its answers" connect_from srv 203.0.113.25 25
	inbound=$(field stats reasons.inbound.accept)
	expect "an exempt host gets its answers" exempt_connects
	[ "$conntrack" = yes ] && inbound=$((inbound - 1))
	expect_equal "which the daemon looked at only without conntrack" "$(field stats reasons.inbound.accept)" $((inbound + 1))
	expect "the pool's own connections are blocked as ever" ! connect_from sub 203.0.113.25 25

	guard_policy 'mode = monitor' "conntrack = $conntrack"
	expect "monitoring: reload" ctl reload
	before=$(came)
	monitored=$(triangular monitored)
	expect "monitoring: answers to forged SYNs" forge
	expect "come through" wait_until 3 came_more_than "$before"
	expect "and are counted" wait_until 3 triangular_at_least monitored $((monitored + 5))

	guard_policy 'mode = enforce' "conntrack = $conntrack" 'triangular_guard = no'
	expect "without the guard: reload" ctl reload
	before=$(came)
	expect "without the guard: answers to forged SYNs" forge
	expect "come through, too" wait_until 3 came_more_than "$before"
done
sleep 4
expect_equal "nobody is charged for any of it" "$(records '[x for x in r if x["op25b"]["reason"] == "triangular"]' "$events")" "[]"
expect "the ledger balances" ledger_balances
process_end "$daemon"
tap_end
