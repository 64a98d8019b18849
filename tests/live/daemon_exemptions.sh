#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Uses of exemptions are counted, one by one, under the real ruleset: of those that the daemon is asked about, over reloads.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"
: "${FLOOD:?}" "${OP25B_RULES:?}" "${OP25B_LOG:?}"
gateway_bed
mac=$(router_mac)
mac=${mac//:/}

# exempting [LINE...]: the policy, with LINEs in the section of the exemption that is counted.
exempting()
{
	policy_write 'mode = enforce' 'fail = closed' 'triangular_guard = no' <<-END
		[pool homes]
		prefix = 198.51.96.0/20
		[exempt settled]
		prefix = 198.51.100.60
		[exempt counted]
		prefix = 198.51.100.61
		count = yes
		$(printf '%s\n' "$@")
		[exempt dated]
		prefix = 198.51.100.62
		until = $(date -u -d '+1 day' +%Y-%m-%dT%H:%M:%SZ)
		[exempt unused]
		prefix = 198.51.100.63
		count = yes
	END
	netns_run rtr "$OP25B_RULES" apply -p "$policy" >"$scratch/applied" 2>&1 || cat "$scratch/applied" >&2
}

# syns ADDRESS COUNT
syns()
{
	netns_run sub "$FLOOD" -i eth0 -m "$mac" -c "$2" -n 1 -s "$1" -q 100 -o "$daemon" >/dev/null
}

# used: "NAME ATTEMPTS PACKETS" of each exemption that was used.
used()
{
	ctl --json exemptions | python3 -c '
import json, sys
said = json.load(sys.stdin)
assert said["used"] == len(said["exemptions"]) and said["host"] == "gw1" and len(said["digest"]) == 32
for row in said["exemptions"]:
    assert said["since"] <= row["first"] <= row["last"], row
    print(row["name"], row["attempts"], row["packets"], end=";")'
}

used_are()
{
	[ "$(used)" = "$1" ]
}

exempting
gateway_start
expect "nothing is used at first" used_are ""
syns 198.51.100.60 20
syns 198.51.100.61 30
syns 198.51.100.62 40
syns 198.51.100.10 50
expect "each use is counted where the daemon is asked" wait_until 5 used_are "counted 30 30;dated 40 40;"
expect "the kernel has let the others pass by itself" test \
	"$(netns_run rtr nft list counter inet op25b accepted-exempt | sed -n 's/.*packets \([0-9]*\) bytes.*/\1/p')" = 20
expect "what nobody exempts was blocked" test "$(field stats reasons.pool-enforce.drop)" = 50
exempting 'note_is_no_key = x'
expect "a policy with errors" bash -c "! '$OP25BCTL' --socket '$socket' reload >/dev/null 2>&1"
exempting 'owner = somebody else'
expect "another owner" ctl reload
syns 198.51.100.61 5
expect "counts go on over a reload" wait_until 5 used_are "counted 35 35;dated 40 40;"
sed -i '/^\[exempt counted\]/,/^\[exempt dated\]/{/^\[exempt dated\]/!d}' "$policy"
expect "without the exemption" ctl reload
expect "its counts are forgotten, others are not" wait_until 5 used_are "dated 40 40;"
expect "people read it, too" bash -c "'$OP25BCTL' --socket '$socket' exemptions | grep -q '^dated  *40  *40  '"
expect "the ledger balances" ledger_balances

# review STORE COMMAND...: op25b-log with a store of its own
review()
{
	"$OP25B_LOG" -p "$policy" --store "$scratch/$1" "${@:2}" >"$scratch/said" 2>&1
}

# code_of STORE COMMAND...: its exit code
code_of()
{
	review "$@"
	echo $?
}

told()
{
	[ "$(field stats events.told.blocked)" = "$1" ]
}

expect "the review asks the daemon for uses" review first.db exemptions
expect "of an exemption that was used" grep -q '^dated  *expiring  *used  *40 ' "$scratch/said"
expect "of one that was not yet" grep -q "^unused  *in force  *too early  *0 " "$scratch/said"
expect "of one that the kernel follows by itself" grep -q '^settled  *in force  *not known  *- ' "$scratch/said"
syns 198.51.100.11 70
expect "what was blocked is told when windows end" wait_until 10 told 120
expect "all records are stored" test "$(code_of first.db verify)" = 0
expect "with all their packets" grep -q 'packets in them  *120  *120  *ok' "$scratch/said"
ctl --json status >"$scratch/ledger"
sed -i '2d' "$events"
expect "a record that is lost is missed" test "$(code_of second.db verify --ledger "$scratch/ledger")" = 1
expect "in the numbers, too" grep -q 'numbers  *[0-9]*  *[0-9]*  *differs' "$scratch/said"
expect "which the daemon itself says, too" test "$(code_of third.db verify)" = 1
since=$(field exemptions since)
sleep 1.1 # a start at another second
process_end "$daemon"
expect "a restart: they are in the state directory" grep -q '"name": "dated"' "$scratch/state/exemption-uses.json"
gateway_start
expect "counts go on over a restart" used_are "dated 40 40;"
expect "counted since when it began" test "$(field exemptions since)" = "$since"
syns 198.51.100.62 2
expect "and go on" wait_until 5 used_are "dated 42 42;"
expect "an upgrade" ctl upgrade
upgraded()
{
	[ "$(field status handover.lives)" = 2 ] && used_are "dated 42 42;"
}
expect "counts go on over an upgrade" wait_until 10 upgraded
kill -9 "$daemon"
wait "$daemon" # for all of its threads
sed -i 's/42/x/' "$scratch/state/exemption-uses.json"
gateway_start
expect "a damaged file: counted anew, and it is said" used_are ""
expect "it is put aside" test -s "$scratch/state/exemption-uses.json.damaged"
expect "and told of" grep -q 'exemption-uses.json is damaged' "$daemon_log"
syns 198.51.100.62 40
expect "it counts again" wait_until 5 used_are "dated 40 40;"
tap_end
