#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rules_drift.sh OP25B_RULES SOURCE: what is loaded is read back; every kind of drift from the policy is seen and named.
# OP25B_QUICK=1 leaves out the large set.
tool=$1
root=$2
# shellcheck source=tests/lib/netns.sh
. "$root/tests/lib/netns.sh"
netns_need nft python3 setpriv
netns_add rtr || tap_skip_all "the namespace cannot be set up"

rules()
{
	netns_run rtr "$tool" "$@"
}

nft_do()
{
	netns_run rtr nft "$@"
}

for policy in "$root"/etc/*.ini; do
	name=$(basename "$policy" .ini)
	expect "$name: before, no rules are loaded" ends_with 1 "no rules are loaded" rules status -p "$policy"
	expect "$name: apply reads back the same" ends_with 0 "read back, and the same" rules apply -p "$policy"
	expect "$name: status says so" ends_with 0 "are the policy's" rules status -p "$policy"
	expect "$name: diff has nothing" ends_with 0 "would change nothing" rules diff -p "$policy"
	# The queue may be missing in this kernel; everything else that nft makes of the text must be the same.
	rules delete >/dev/null
	sed -E 's/queue (flags [a-z]+ )?to .*$/drop/' "$root/rules/$name.nft" | netns_run rtr nft -f -
	rules diff -p "$policy" >"$scratch/diff" 2>/dev/null
	expect_equal "$name: loaded by nft, only the queue differs" "$(grep -c '^  ' "$scratch/diff") $(grep -c 'chain to_daemon' "$scratch/diff")" "1 1"
	rules delete >/dev/null
done

# Logging rules have statements of their own.
sed 's/^\[log\]/&\nkernel = yes/' "$root/etc/dual-stack-phased.ini" >"$scratch/logging.ini"
cp -r "$root/etc/lists" "$scratch/"
expect "logging: apply reads back the same" ends_with 0 "read back, and the same" rules apply -p "$scratch/logging.ini"
expect "logging: status says so" ends_with 0 "are the policy's" rules status -p "$scratch/logging.ini"
rules delete >/dev/null
rules generate -p "$scratch/logging.ini" 2>/dev/null | sed -E 's/queue (flags [a-z]+ )?to .*$/drop/' | netns_run rtr nft -f -
rules diff -p "$scratch/logging.ini" >"$scratch/diff" 2>/dev/null
expect_equal "logging: loaded by nft, only the queue differs" "$(grep -c '^  ' "$scratch/diff") $(grep -c 'chain to_daemon' "$scratch/diff")" "1 1"
rules delete >/dev/null

cat >"$scratch/policy.ini" <<-END
	[gateway]
	mode = enforce
	fail = open
	unlisted = drop
	subscriber_interfaces = sub*
	[pool home]
	prefix = 198.51.100.0/24
	prefix = 2001:db8:100::/48
	[relay mail]
	address = 192.0.2.25
	[inside ours]
	prefix = 192.0.2.0/24
	prefix = 255.255.255.0/24
	prefix = 0.0.0.0/8
	prefix = 2001:db8:192::/64
	[exempt one]
	prefix = 198.51.100.7
	ticket = T
	owner = o
	reason = r
END

# drifted DESCRIPTION TEXT NFT...: nft changes the table, diff says TEXT, status sees it, apply mends it.
drifted()
{
	local description=$1 text=$2
	shift 2
	rules apply -p "$scratch/policy.ini" >/dev/null 2>&1
	nft_do "$@" || tap_not_ok "$description: nft refuses"
	expect "$description: status sees it" ends_with 1 "are not the policy's" rules status -p "$scratch/policy.ini"
	expect "$description: diff names it" ends_with 1 "$text" rules diff -p "$scratch/policy.ini"
	expect "$description: apply mends it" rules apply -p "$scratch/policy.ini"
	expect "$description: and then it is gone" rules status -p "$scratch/policy.ini"
}

drifted "an element more" "- 198.51.100.9/32" add element inet op25b exempt_ip4 '{ 198.51.100.9 }'
drifted "a range more" "- 2001:db8:ffff::/48" add element inet op25b exempt_ip6 '{ 2001:db8:ffff::/48 }'
drifted "an element less" "+ 198.51.100.7/32" delete element inet op25b exempt_ip4 '{ 198.51.100.7 }'
drifted "a set emptied" "+ 255.255.255.0/24" flush set inet op25b inside_ip4
drifted "a rule more" "chain undecided: rules differ" insert rule inet op25b undecided accept
drifted "a chain emptied" "chain port25: rules differ from number 1" flush chain inet op25b port25
drifted "a chain more" "chain stray: goes" add chain inet op25b stray
drifted "a set more" "set stray (the set goes)" add set inet op25b stray '{ type ipv4_addr; }'
drifted "a map more" "map stray: goes" add map inet op25b stray '{ type ipv4_addr : mark; }'
drifted "a counter more" "counter stray: goes" add counter inet op25b stray
drifted "a quota more" "other object stray: goes" add quota inet op25b stray '{ 10 mbytes }'
drifted "a chain's policy" 'policy drop" becomes' chain inet op25b forward '{ policy drop; }'
drifted "a dormant table" "dormant" 'add table inet op25b { flags dormant; }'

# Between two policies, as addresses.
sed 's/^prefix = 192.0.2.0\/24/prefix = 192.0.2.128\/25\nprefix = 203.0.113.0\/24/' "$scratch/policy.ini" >"$scratch/other.ini"
rules apply -p "$scratch/policy.ini" >/dev/null 2>&1
expect "diff between policies: what is gained" ends_with 1 "+ 203.0.113.0/24" rules diff -p "$scratch/other.ini"
expect "and what is lost" grep -qF -- "- 192.0.2.0/25" "$scratch/said"
expect "with their sizes" grep -qF "inside, IPv4: 256 addresses gained, 128 addresses lost" "$scratch/said"
rules diff -p "$scratch/other.ini" >"$scratch/said" 2>/dev/null
expect_equal "and nothing else" "$(grep -c '^  [^ ]' "$scratch/said")" 1
expect_equal "likewise as JSON" "$(rules diff --json -p "$scratch/other.ini" 2>/dev/null | python3 -c '
import json, sys
said = json.load(sys.stdin)
print(said["same"], [(c["name"], c["gained"], c["lost"]) for c in said["changes"]])')" \
	"False [('inside_ip4', ['203.0.113.0/24'], ['192.0.2.0/25'])]"

# What cannot be told.
for command in status diff; do
	expect "$command without CAP_NET_ADMIN" ends_with 5 "CAP_NET_ADMIN" \
		netns_run rtr setpriv --bounding-set -net_admin --inh-caps -net_admin "$tool" $command -p "$scratch/policy.ini"
done

if [ -n "${OP25B_QUICK-}" ]; then
	tap_skip "20000 prefixes read back the same" "OP25B_QUICK is set"
	tap_end
fi

# A set of many chunks, with its neighbours in the kernel busy all the while.
python3 - >"$scratch/many.txt" <<-'END'
	for i in range(20000):
	    print(f"16.{i >> 8 & 255}.{i & 255}.0/25")
END
{ cat "$scratch/policy.ini"; printf '[inside many]\nfile = %s\n' "$scratch/many.txt"; } >"$scratch/large.ini"
expect "20000 prefixes read back the same" ends_with 0 "read back, and the same" rules apply -p "$scratch/large.ini"
nft_do delete element inet op25b inside_ip4 '{ 16.40.7.0/25 }'
expect "one of them is missed" ends_with 1 "+ 16.40.7.0/25" rules diff -p "$scratch/large.ini"
netns_spawn rtr sh -c 'while :; do nft add table ip op25b_busy; nft delete table ip op25b_busy; sleep 0.2; done'
expect "also while a neighbour changes its rules" ends_with 1 "+ 16.40.7.0/25" rules diff -p "$scratch/large.ini"
process_end "$spawned" >/dev/null
tap_end
