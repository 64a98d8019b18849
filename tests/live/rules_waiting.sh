#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rules_waiting.sh OP25B_RULES SOURCE QUEUE_HOLD: packets wait in the queue, and none is lost by whatever is asked about the
# rules, nor across fifty reloads: with connection tracking used by nobody, and with conntrack = yes. OP25B_QUICK=1 takes
# fewer reloads, and fewer prefixes.
tool=$1
root=$2
queue_hold=$3
# shellcheck source=tests/lib/netns.sh
. "$root/tests/lib/netns.sh"
netns_need nft python3
netns_build || tap_skip_all "the namespaces cannot be set up"
rounds=25
prefixes=30000
[ -z "${OP25B_QUICK-}" ] || { rounds=3; prefixes=2000; }

rules()
{
	netns_run rtr "$tool" "$@"
}

# policy CONNTRACK INSIDE
policy()
{
	cat <<-END
		[gateway]
		mode = enforce
		fail = closed
		unlisted = drop
		conntrack = $1
		subscriber_interfaces = sub*
		upstream_interfaces = up0
		[pool home]
		prefix = 198.51.100.0/24
		interface = sub*
		[relay mail]
		address = 192.0.2.25
		interface = srv0
		[inside ours]
		prefix = $2
	END
}
python3 - "$prefixes" >"$scratch/many.txt" <<-'END'
	import sys
	for i in range(int(sys.argv[1])):
	    print(f"16.{i >> 10 & 255}.{i >> 2 & 255}.{(i & 3) << 6}/28")
END
for conntrack in no yes; do
	policy $conntrack 192.0.2.0/25 >"$scratch/$conntrack.ini"
	policy $conntrack 192.0.2.0/24 >"$scratch/$conntrack-other.ini"
	{ policy $conntrack 192.0.2.0/24; printf '[inside many]\nfile = %s\n' "$scratch/many.txt"; } >"$scratch/$conntrack-large.ini"
done

rules apply -p "$scratch/no.ini" >/dev/null
netns_run ext nft -f - <<-'END'
	table inet outside {
		counter came { }
		chain in { type filter hook input priority 0; tcp dport 25 counter name came drop; }
	}
END
mkfifo "$scratch/go"
exec 9<>"$scratch/go"
# shellcheck disable=SC2016
netns_spawn rtr bash -c 'exec "$0" 100 <"$1"' "$queue_hold" "$scratch/go"
held_log=$spawned_log
wait_until 5 grep -q holding "$held_log" || tap_not_ok "somebody holds the queue" "$(cat "$held_log")"

# The third number of a queue's line is how many packets wait in it, the sixth and seventh what was dropped.
waiting()
{
	# shellcheck disable=SC2016
	netns_run rtr awk '$1 == 100 { print $3, $6 + $7 }' /proc/net/netfilter/nfnetlink_queue
}
waiting_is()
{
	[ "$(waiting)" = "$1" ]
}
came()
{
	netns_run ext nft list counter inet outside came | sed -n 's/.*packets \([0-9]*\) bytes.*/\1/p'
}
came_is()
{
	[ "$(came)" = "$1" ]
}

# harmless CONNTRACK CODE TEXT COMMAND...: it ends so, and all packets wait still.
harmless()
{
	local description="conntrack = $1: ${*:4}" code=$2 text=$3
	description=${description% -p *}
	shift 3
	expect "$description" ends_with "$code" "$text" rules "$@"
	expect_equal "$description: all packets wait still" "$(waiting)" "200 0"
}

# reload CONNTRACK: every other one is a difference.
reload()
{
	local i ok=yes
	for i in $(seq $rounds); do
		rules apply -p "$scratch/$1$([ $((i % 2)) = 0 ] || echo -other).ini" >"$scratch/said" 2>&1 &&
			grep -q "only the difference" "$scratch/said" || ok="no: $(cat "$scratch/said")"
		rules apply --whole -p "$scratch/$1.ini" >"$scratch/said" 2>&1 || ok="no: $(cat "$scratch/said")"
	done
	expect_equal "conntrack = $1: $((rounds * 2)) reloads, every other one a difference" "$ok" yes
	expect_equal "conntrack = $1: no packet was lost by them" "$(waiting)" "200 0"
}

mac=$(netns_run rtr cat /sys/class/net/sub0/address)
netns_run sub python3 "$root/tests/lib/send_syns.py" eth0 "$mac" 201 201 >/dev/null
expect "200 packets wait" wait_until 10 waiting_is "200 0"
for conntrack in no yes; do
	harmless $conntrack 0 "" apply -p "$scratch/$conntrack.ini"
	harmless $conntrack 0 "" status -p "$scratch/$conntrack.ini"
	harmless $conntrack 0 "" status --full -p "$scratch/$conntrack.ini"
	harmless $conntrack 1 "apply would change" diff -p "$scratch/$conntrack-large.ini"
	harmless $conntrack 0 "packets go to op25bd" check --kernel
	reload $conntrack
done
expect "one that is not confirmed" rules apply --confirm-within 1 -p "$scratch/yes-large.ini"
wait_until 15 rules status -p "$scratch/yes.ini" || tap_not_ok "it was taken back" "$(cat "$scratch/expect.log")"
expect_equal "nor do packets get lost when it is taken back" "$(waiting)" "200 0"
expect_equal "none has come through" "$(came)" 0
echo go >&9
expect "they are let go" wait_until 10 grep -q "let go 200" "$held_log"
expect "and all come out on the other side" wait_until 10 came_is 200
rm -f "/run/op25b/rules-$(netns_run rtr stat -L -c %i /proc/self/ns/net)".*
tap_end
