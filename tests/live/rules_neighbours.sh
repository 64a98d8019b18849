#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rules_neighbours.sh OP25B_RULES SOURCE: apply warns of rules that come before its own, and takes turns with another apply.
tool=$1
root=$2
# shellcheck source=tests/lib/netns.sh
. "$root/tests/lib/netns.sh"
netns_need nft python3 flock
netns_add rtr || tap_skip_all "the namespace cannot be set up"
policy="$root/etc/small-isp.ini"

rules()
{
	netns_run rtr "$tool" "$@"
}

# What apply warns of, without the words that are always there.
warned()
{
	rules apply -p "$policy" 2>&1 >/dev/null | sed -n 's/^op25b-rules: warning: //p'
}

neighbour()
{
	netns_run rtr nft -f - || tap_not_ok "nft takes the neighbour"
}

# gone FAMILY TABLE...
gone()
{
	while [ $# -gt 0 ]; do
		netns_run rtr nft delete table "$1" "$2"
		shift 2
	done
}

expect_equal "alone there is nothing to warn of" "$(warned)" ""
neighbour <<-END
	table inet harmless {
		chain forward { type filter hook forward priority -5; ct state established accept; counter; }
		chain late { type filter hook forward priority 5; policy drop; }
		chain input { type filter hook input priority -5; policy drop; }
		chain unused { drop; }
	}
END
expect_equal "nor of chains that accept, come later, or are never asked" "$(warned)" ""
gone inet harmless
neighbour <<-END
	table inet firewall {
		chain deep { tcp dport 25 drop; }
		chain middle { goto deep; }
		chain forward { type filter hook forward priority -5; jump middle; }
	}
END
expect_equal "a drop two chains deep" "$(warned)" \
	"chain forward of table firewall inet (forward, priority -5) drops or rejects packets; it comes before op25b's rules"
expect_equal "likewise as JSON" "$(rules apply --json -p "$policy" 2>/dev/null | python3 -c '
import json, sys
for one in json.load(sys.stdin)["before_ours"]:
    print(one["family"], one["table"], one["chain"], one["hook"], one["priority"], one["does"])')" \
	"inet firewall forward forward -5 ['drops']"
gone inet firewall
neighbour <<-END
	table ip old {
		chain FORWARD { type filter hook forward priority 0; policy drop; }
	}
	table ip6 old {
		chain FORWARD { type filter hook forward priority -1; reject; }
	}
END
expect_equal "an equal priority is no certainty; a policy and a reject count" "$(warned | sort)" \
	"chain FORWARD of table old ip (forward, priority 0) drops or rejects packets; it may come before op25b's rules
chain FORWARD of table old ip6 (forward, priority -1) drops or rejects packets; it comes before op25b's rules"
gone ip old ip6 old
neighbour <<-END
	table inet maps {
		map m { type inet_service : verdict; elements = { 25 : drop } }
		chain forward { type filter hook forward priority -3; tcp dport vmap @m; }
	}
END
expect "a verdict map" test "$(warned | grep -c 'asks a verdict map')" = 1
gone inet maps
netns_run rtr ip link add edge0 type veth peer name edge1
neighbour <<-END
	table netdev edge {
		chain in { type filter hook ingress device "edge0" priority 0; tcp dport 25 drop; }
	}
END
expect_equal "ingress" "$(warned)" \
	"chain in of table edge netdev (ingress, priority 0) drops or rejects packets; it comes before op25b's rules"
gone netdev edge
cat >"$scratch/flows.nft" <<-END
	table inet flows {
		flowtable f { hook ingress priority 0; devices = { edge0 }; }
		chain forward { type filter hook forward priority 10; flow add @f; }
	}
END
if netns_run rtr nft -f "$scratch/flows.nft" 2>/dev/null; then
	expect "a flowtable, at whatever priority" test "$(warned | grep -c 'flowtable')" = 1
	gone inet flows
else
	tap_skip "a flowtable" "this kernel has none"
fi
expect_equal "in the end there is nothing to warn of again" "$(warned)" ""

# Taking turns.
lock=/run/op25b/rules-$(netns_run rtr stat -L -c %i /proc/self/ns/net).lock
expect "the lock bears the namespace's number" test -e "$lock"
flock "$lock" sleep 2 &
holder=$!
sleep 0.5
before=$(date +%s%N)
expect "an apply waits for another one" rules apply -p "$policy"
expect "it has waited" test $(($(date +%s%N) - before)) -gt 500000000
wait $holder
flock "$lock" sleep 9 &
holder=$!
sleep 0.3
rules delete >/dev/null 2>"$scratch/said"
expect_equal "it does not wait for ever" $? 5
expect "and says why" grep -q "another op25b-rules is changing the rules; nothing was changed" "$scratch/said"
expect "nothing was changed" netns_run rtr nft list table inet op25b
kill $holder
wait $holder 2>/dev/null
ok=yes
for ((i = 0; i < 6 / ${OP25B_TEST_SLOW:-1}; i++)); do
	rules apply -p "$policy" >/dev/null 2>>"$scratch/many" &
	waited+=($!)
done
for pid in "${waited[@]}"; do
	wait "$pid" || ok=no
done
expect_equal "several at once, one after the other" "$ok$(cat "$scratch/many")" yes
expect "and the rules are the policy's" rules status -p "$policy"
rm -f "$lock"
tap_end
