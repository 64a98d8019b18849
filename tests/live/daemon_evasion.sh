#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# SYNs to port 25 in every dress (tests/lib/evasions.py) against the real ruleset and the real daemon. What reaches the
# mail host outside is looked at there, behind its own reassembly: that is what would open a connection.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"

: "${OP25B_RULES:?}"
gateway_bed
# shellcheck disable=SC2016
netns_run rtr sh -c 'for name in all sub0; do echo 1 >/proc/sys/net/ipv4/conf/$name/accept_source_route; done'

# The ports that SYNs came from, one a line.
arrived()
{
	netns_run ext nft -j list set inet op25b-test arrived | python3 -c '
import json, sys
for item in json.load(sys.stdin)["nftables"]:
    for port in item.get("set", {}).get("elem", []):
        print(port)'
}

# evade NAME [LINE...]: all of them, under a policy with LINEs in its [gateway] section.
evade()
{
	local name=$1 port wanted what got
	shift
	netns_run ext nft -f - <<-END
		table inet op25b-test
		delete table inet op25b-test
		table inet op25b-test {
			set arrived { type inet_service; flags dynamic; size 1000; }
			chain look {
				type filter hook input priority 0
				ct state invalid counter comment "IPv6, too, is put together before this"
				tcp dport { 25, 465, 587 } tcp flags & (syn | ack) == syn add @arrived { tcp sport }
			}
		}
	END
	policy_write 'mode = enforce' 'fail = closed' 'unlisted = drop' 'workers = 2' "$@" < <(usual_sections)
	expect "$name: the rules load" netns_run rtr "$OP25B_RULES" apply -p "$policy"
	gateway_start
	netns_run sub "$lib/evasions.py" eth0 "$(router_mac)" >"$scratch/sent"
	wait_until 5 grep -qx "$(sed -n 's/ pass .*//p' "$scratch/sent" | tail -n 1)" <(arrived)
	sleep 0.3
	arrived >"$scratch/arrived"
	while read -r port wanted what; do
		got=block
		grep -qx "$port" "$scratch/arrived" && got=pass
		expect_equal "$name: $what" "$got" "$wanted"
	done <"$scratch/sent"
	expect "$name: the ledger balances" ledger_balances
	expect_equal "$name: nothing was accepted but later fragments, and one that opens nothing" \
		"$(field stats verdicts.accept)" \
		"$(($(field stats reasons.fragment-later.packets) + $(field stats reasons.established.packets)))"
	process_end "$daemon"
	expect_equal "$name: exit code" "$?" 0
	netns_run rtr "$OP25B_RULES" delete >/dev/null
}

evade "with conntrack" 'conntrack = yes'
evade "without conntrack" 'conntrack = no'
tap_end
