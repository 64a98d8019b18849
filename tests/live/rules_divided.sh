#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rules_divided.sh DIVIDED SOURCE: divided sets in a real kernel. As text, as JSON and through netlink they are the same, and
# packets are judged as if they were whole.
divided=$1
root=$2
# shellcheck source=tests/lib/netns.sh
. "$root/tests/lib/netns.sh"
netns_need nft python3
netns_build || tap_skip_all "the namespaces cannot be set up"

# policy FAMILY UNLISTED: prefixes enough for a part or two in each set, hosts among them.
policy()
{
	cat <<-END
		[gateway]
		mode = enforce
		fail = closed
		family = $1
		unlisted = $2
		conntrack = no
		upstream_interfaces = up9
		triangular_guard = yes
		[pool home]
	END
	python3 - <<-'END'
		for i in range(40):
		    print(f"prefix = 10.{i}.0.0/{16 + i % 3}\nprefix = 2001:db8:1{i:02d}:100::/{56 + i % 9}")
		print("prefix = 198.51.100.0/25\nprefix = 198.51.100.200/31\nprefix = 2001:db8:100::/64")
		print("[inside ours]")
		for i in range(40):
		    print(f"prefix = 172.16.{4 * i}.0/{24 - i % 2}\nprefix = 2001:db8:{2 * i + 128:x}00::/{40 + i % 7}")
		print("prefix = 192.0.2.24/31\nprefix = 2001:db8:192::20/123")
	END
}

listed()
{
	netns_run rtr nft list table "$1" op25b 2>/dev/null | grep -vE 'packets [0-9]* bytes|^#|auto-merge' | sed '/chain to_daemon {/,/^\t}/d; /chain answer {/,/^\t}/d'
}

counted()
{
	netns_run rtr nft list counter inet op25b "$1" | sed -n 's/.*packets \([0-9]*\) bytes.*/\1/p'
}

# counts COUNTER NAMESPACE ADDRESS: a connection to port 25 there is counted so.
counts()
{
	local before
	before=$(counted "$1")
	netns_run "$2" bash -c "connect_to $3 25" 2>/dev/null
	[ "$(counted "$1")" -gt "$before" ]
}

for part_max in 1 7 20; do
	for unlisted in accept drop; do
		name="parts of $part_max, unlisted = $unlisted"
		policy inet $unlisted >"$scratch/policy.ini"
		"$divided" "$scratch/policy.ini" $part_max text | sed -E 's/queue (flags [a-z]+ )?to .*$/drop/' >"$scratch/text"
		expect "$name: the sets are divided" grep -qE '^	set inside_ip6_[0-9a-f]+_[0-9]+ \{' "$scratch/text"
		[ $unlisted = drop ] || expect "$name: also behind a negated look-up" grep -qF 'chain not_in_pools_ip4 {' "$scratch/text"
		expect "$name: nft loads the text" netns_run rtr nft -f "$scratch/text"
		expect "$name: and loads it again over itself" netns_run rtr nft -f "$scratch/text"
		listed inet >"$scratch/loaded"
		netns_run rtr nft delete table inet op25b
		"$divided" "$scratch/policy.ini" $part_max json | sed -E 's/\{"queue":.*\}\]\}\}\}/{"drop":null}]}}}/' >"$scratch/json"
		expect "$name: nft loads the JSON" netns_run rtr nft -j -f "$scratch/json"
		listed inet >"$scratch/json_loaded"
		expect "$name: JSON and text load the same" diff -u "$scratch/loaded" "$scratch/json_loaded"
		netns_run rtr nft delete table inet op25b
		expect "$name: applied, it reads back the same" netns_run rtr "$divided" "$scratch/policy.ini" $part_max apply
		listed inet >"$scratch/applied"
		expect "$name: applied is loaded" diff -u "$scratch/loaded" "$scratch/applied"
		expect "$name: to an inside address" counts accepted-inside sub 192.0.2.25
		expect "$name: and IPv6" counts accepted-inside sub 2001:db8:192::25
		expect "$name: from a pool to anywhere" counts queued sub 203.0.113.25
		expect "$name: and IPv6" counts queued sub 2001:db8:200::25
		if [ $unlisted = accept ]; then
			expect "$name: from no pool to anywhere" counts accepted-unlisted srv 203.0.113.25
			expect "$name: and IPv6" counts accepted-unlisted srv 2001:db8:200::25
		else
			expect "$name: from no pool to anywhere" counts queued srv 203.0.113.25
		fi
		netns_run rtr nft delete table inet op25b
	done
done
policy bridge accept >"$scratch/policy.ini"
"$divided" "$scratch/policy.ini" 7 text | sed -E 's/queue (flags [a-z]+ )?to .*$/drop/; s/reject with .*$/drop/' >"$scratch/text"
if netns_run rtr nft -c -f "$scratch/text" 2>/dev/null; then
	expect "a bridge's text is loaded" netns_run rtr nft -f "$scratch/text"
	listed bridge >"$scratch/loaded"
	netns_run rtr nft delete table bridge op25b
	"$divided" "$scratch/policy.ini" 7 json |
		sed -E 's/\{"queue":.*\}\]\}\}\}/{"drop":null}]}}}/; s/\{"reject":.*\}\]\}\}\}/{"drop":null}]}}}/' >"$scratch/json"
	expect "and its JSON" netns_run rtr nft -j -f "$scratch/json"
	listed bridge >"$scratch/json_loaded"
	expect "which is the same" diff -u "$scratch/loaded" "$scratch/json_loaded"
else
	tap_skip "divided sets of a bridge" "this kernel's nf_tables has no bridges"
fi
tap_end
