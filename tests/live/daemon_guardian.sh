#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Rules that somebody else deletes or changes: said once, in the records, and loaded again; what op25b-rules does is left alone.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"
: "${FLOOD:?}" "${OP25B_RULES:?}"
gateway_bed

write_policy()
{
	policy_write 'mode = enforce' 'fail = closed' 'triangular_guard = no' 'conntrack = no' "$@" <<-END
		[pool all]
		prefix = 198.51.100.0/24
		prefix = 10.0.0.0/8
		[relay mx]
		address = 192.0.2.25
		interface = srv0
	END
}

rules()
{
	netns_run rtr "$OP25B_RULES" "$@" -p "$policy"
}

foreign()
{
	netns_run rtr nft "$@"
}

in_order()
{
	rules status
}

# What the status of the daemon says of the rules.
state()
{
	field status rules.state
}

state_is()
{
	[ "$(state)" = "$1" ]
}

repairs_are()
{
	[ "$(field status rules.repairs)" = "$1" ]
}

# The kinds of the records about the rules, in their order.
told()
{
	python3 -c '
import json, sys
print(" ".join(r["op25b"]["kind"] for r in map(json.loads, open(sys.argv[1])) if r["event_type"] == "engine" and r["op25b"]["kind"].startswith("rules-")))' "$events"
}

told_is()
{
	[ "$(told)" = "$1" ]
}

write_policy
rules apply >"$scratch/applied" || cat "$scratch/applied" >&2
# shellcheck disable=SC2119
gateway_start
expect_equal "rules are seen in order" "$(state)" in-order

# Everything flushed, in a flood.
mac=$(router_mac)
netns_run sub "$FLOOD" -i eth0 -m "${mac//:/}" -c 40000 -n 1000 -s 10.1.0.0 -r 10000 >/dev/null &
flooding=$!
sleep 0.5
begin=$(date +%s%N)
foreign flush ruleset
expect "flushed by somebody else: repaired within 5 seconds" wait_until 5 repairs_are 1
took=$((($(date +%s%N) - begin) / 1000000))
expect "within that, however slow this machine" test $took -lt $((5000 * ${OP25B_TEST_SLOW:-1}))
expect "the kernel's rules are the policy's" in_order
expect_equal "told with begin and end" "$(told)" "rules-changed rules-back"
expect "and who is blocked is blocked again" ! connect_from sub 203.0.113.25 25
wait $flooding
expect "the ledger balances" ledger_balances
expect_equal "nothing waits" "$(field status ledger.in_flight)" 0

# One rule, left until the policy wants repairs again: how soon the daemon would repair depends on when it last did.
write_policy 'repair = no'
ctl reload >/dev/null
handle=$(foreign -a list chain inet op25b to_daemon 2>/dev/null | sed -n 's/.*# handle //p' | tail -n 1)
foreign delete rule inet op25b to_daemon handle "$handle"
expect "a single rule deleted is seen" wait_until 10 state_is broken
expect "and warned of in the fail modes" grep -q "no rule that queues" <(ctl status)
for _ in 1 2 3 4 5 6 7 8 9 10; do
	foreign 'add table ip somebody; add chain ip somebody else; delete table ip somebody'
done
write_policy
ctl reload >/dev/null
expect "and repaired" wait_until 12 repairs_are 2
expect "the kernel's rules are the policy's again" in_order
expect_equal "other people's tables are no news" "$(told)" "rules-changed rules-back rules-changed rules-back"

# What op25b-rules does.
write_policy 'unlisted = accept'
rules apply >/dev/null
expect "another apply is its operator's will" wait_until 3 state_is in-order
rules delete >/dev/null
expect "and so is a delete" wait_until 3 state_is none
sleep 1.5
expect "which stays" ! foreign list table inet op25b
expect_equal "nothing more was told" "$(told)" "rules-changed rules-back rules-changed rules-back"
rules apply >/dev/null
expect "an apply after it is looked after again" wait_until 3 state_is in-order

# A change that waits for its confirmation.
write_policy
rules apply --confirm-within 6 >/dev/null
foreign delete table inet op25b
expect "deleted while a confirmation is waited for: seen" wait_until 3 state_is broken
expect "not repaired, but rolled back" wait_until 12 state_is in-order
expect_equal "by op25b-rules" "$(field status rules.repairs)" 2

# Not wanted.
write_policy 'repair = no'
ctl reload >/dev/null
foreign flush ruleset
expect "repair = no: seen" wait_until 3 state_is broken
sleep 1.2
expect_equal "and left" "$(field status rules.repairs)" 2
process_end "$daemon"
expect "the ledger at the end" grep -q "in flight 0;" "$daemon_log"
tap_end
