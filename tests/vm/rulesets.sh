#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rulesets.sh SOURCE: every example policy's ruleset, and that of a bridge, with and without logging, as text and through
# netlink, with the nft queue expression, in a kernel that has it. OP25B_RULES is the program.
root=$1
: "${OP25B_RULES:?}"
# shellcheck source-path=SCRIPTDIR source=../lib/netns.sh
. "$root/tests/lib/netns.sh"
netns_need nft
netns_add rtr || exit 1

# The ruleset as the kernel has it, without what counts.
listed()
{
	netns_run rtr nft list table "$family" op25b | sed -E 's/packets [0-9]+ bytes [0-9]+/packets N bytes N/'
}

# Each set, chain and so on as one line, in an order of their own.
blocks()
{
	awk '{ block = block $0 "|" } /^\t}$/ { print block; block = "" } END { if (block) print block }' | sort
}

# What the kernel runs, instruction by instruction: what `nft list` leaves out, such as a register, is here. Elements of
# sets are left out, because nft begins each set with an element of its own that means nothing.
instructions()
{
	netns_run rtr nft --debug=netlink list table "$family" op25b 2>&1 | grep -v '^[[:space:]]*element' |
		sed -E 's/^([a-z]+ op25b [a-z0-9_]+) [0-9]+( [0-9]+)*/\1/; s/(pkts|bytes) [0-9]+/\1 N/g'
}

queue_of()
{
	sed -n '/chain to_daemon {/,/^\t}/p' "$1" | grep -oE '\bqueue .*' | sort
}

apply()
{
	netns_run rtr "$OP25B_RULES" apply -p "$1" >"$scratch/said" || return 1
	cat "$scratch/said"
}

# with_logging POLICY: a copy of it that has the kernel log.
with_logging()
{
	sed 's/^\[log\]/&\nkernel = yes/' "$1" >"$scratch/$(basename "$1" .ini)-logging.ini"
	grep -q '^\[log\]' "$1" || printf '[log]\nkernel = yes\n' >>"$scratch/$(basename "$1" .ini)-logging.ini"
}

cp -r "$root/etc/lists" "$scratch/"
with_logging "$root/etc/dual-stack-phased.ini"
with_logging "$root/tests/golden/bridge.ini"
sed 's/^conntrack = no/conntrack = yes/' "$root/tests/golden/bridge.ini" >"$scratch/bridge-conntrack.ini"
sed 's/^conntrack = no/&\noffload = yes/' "$root/tests/golden/bridge.ini" >"$scratch/bridge-offload.ini"
for policy in "$root"/etc/*.ini "$root/tests/golden/bridge.ini" "$scratch"/*.ini; do
	name=$(basename "$policy" .ini)
	text=$scratch/$name.nft
	family=inet
	! grep -q '^family = bridge' "$policy" || family=bridge
	"$OP25B_RULES" generate -p "$policy" >"$text" 2>/dev/null
	expect "$name: nft loads the text" netns_run rtr nft -f "$text"
	listed >"$scratch/loaded"
	expect "$name: nft loads it again over itself" netns_run rtr nft -f "$text"
	expect_equal "$name: loaded twice is loaded once" "$(listed)" "$(cat "$scratch/loaded")"
	expect "$name: op25b-rules finds it to be the policy's" netns_run rtr "$OP25B_RULES" status -p "$policy"
	expect "$name: what the kernel has is listed with its queue" test -n "$(queue_of "$scratch/loaded")"
	instructions >"$scratch/loaded.code"
	netns_run rtr nft delete table "$family" op25b
	# What offload needs cannot be said in JSON.
	if ! grep -q '^offload = yes' "$policy"; then
		"$OP25B_RULES" generate --json -p "$policy" 2>/dev/null >"$scratch/$name.json"
		expect "$name: nft loads the JSON" netns_run rtr nft -j -f "$scratch/$name.json"
		instructions | grep -v auto-merge >"$scratch/json.code" # nft 1.0.6 leaves it out of JSON
		grep -v auto-merge "$scratch/loaded.code" >"$scratch/text.code"
		expect "$name: JSON is text, to the last instruction" diff -u "$scratch/text.code" "$scratch/json.code"
		netns_run rtr nft delete table "$family" op25b
	fi
	expect "$name: op25b-rules applies the policy" apply "$policy"
	expect "$name: and says that it uses the nft queue expression" grep -q 'using the nft queue expression' "$scratch/said"
	listed >"$scratch/applied"
	expect "$name: applied is loaded, the queue included" diff -u "$scratch/loaded" "$scratch/applied"
	instructions >"$scratch/applied.code"
	expect "$name: to the last instruction" diff -u "$scratch/loaded.code" "$scratch/applied.code"
	expect "$name: nft loads the text over what was applied" netns_run rtr nft -f "$text"
	expect_equal "$name: and nothing changes" "$(listed)" "$(cat "$scratch/loaded")"
	expect "$name: the policy is applied over the text" apply "$policy"
	# What op25bd fills has stayed, and stands before what was made anew.
	expect_equal "$name: and nothing changes, either" "$(listed | blocks)" "$(blocks <"$scratch/loaded")"
	expect "$name: op25b-rules deletes it" netns_run rtr "$OP25B_RULES" delete
	expect_equal "$name: nothing is left" "$(netns_run rtr nft list ruleset)" ""
done
tap_end
