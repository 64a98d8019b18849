#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# op25bd's verdicts on real packets, its records, and what op25bctl says of both.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"

gateway_bed
queue_rule 1
answer_rules

policy_write 'mode = enforce' 'fail = closed' < <(usual_sections)
gateway_start env
expect "a pool's source is blocked" ! connect_from sub 203.0.113.25 25
expect "the same over IPv6" ! connect_from sub 2001:db8:200::25 25
expect "the relay gets through" connect_from srv 203.0.113.25 25
expect "the same over IPv6" connect_from srv 2001:db8:200::25 25
expect "mail coming in gets through" connect_from ext 198.51.100.10 25
expect "the same over IPv6" connect_from ext 2001:db8:100::10 25
expect "other ports are not touched" ! connect_from sub 203.0.113.25 587
expect_equal "and were never queued" "$(field status ledger.received)" "$(rule_packets)"
expect "the ledger balances" ledger_balances

sleep 4 # the window of 3 s ends
expect_equal "one connect is one attempt, its retransmissions are packets" "$(records 'total("attempts")' "$events")" 2
expect_equal "every blocked packet is in a record" "$(records 'total("packets")' "$events")" "$(field status ledger.dropped)"
expect "there were retransmissions" test "$(field status ledger.dropped)" -gt 2
expect_equal "each subscriber has one first record" \
	"$(records 'sorted(x["op25b"]["subscriber"] for x in r if x["op25b"]["kind"] == "first")' "$events")" \
	"['198.51.100.10', '2001:db8:100::/64']"
expect_equal "no record names another host, interface or reason" \
	"$(records 'sorted({(x["host"], x["in_iface"], x["op25b"]["reason"]) for x in r})' "$events")" \
	"[('gw1', 'sub0', 'pool-enforce')]"
expect_equal "numbers of records are unique" "$(records 'len({x["op25b"]["seq"] for x in r}) == len(r)' "$events")" True

expect_equal "explain: exit code of what is blocked" "$(ctl explain 198.51.100.9 203.0.113.25 >"$scratch/out"; echo $?)" 1
expect "explain: names the rule" grep -q 'rule *\[pool homes\]' "$scratch/out"
expect "explain: exit code of what passes" ctl explain 192.0.2.25 203.0.113.25 --iface srv0
expect_equal "explain: a relay's address on another interface" \
	"$(ctl --json explain 192.0.2.25 203.0.113.25 --iface sub0 | python3 -c 'import json, sys; print(json.load(sys.stdin)["reason"])')" spoofed
expect_equal "explain: a bad address is a usage error" "$(ctl explain 198.51.100.900 203.0.113.25 2>/dev/null; echo $?)" 2
expect_equal "explain: as the daemon did" "$(field stats reasons.pool-enforce.drop)" "$(field status ledger.dropped)"
expect_equal "stats: verdicts sum up" "$(field stats verdicts.accept) $(field stats verdicts.drop)" \
	"$(field status ledger.accepted) $(field status ledger.dropped)"
ctl stats >"$scratch/out"
expect "stats: reasons that happened are listed" grep -Eq '^relay +2 ' "$scratch/out"
expect "stats: others are not" ! grep -q unlisted "$scratch/out"
ctl status >"$scratch/out"
expect "status: for people" grep -q '^gw1: op25bd .* mode enforce, fail closed, process' "$scratch/out"
expect "status: shows the kernel's counters" grep -q '^kernel *waiting 0, dropped by a full queue 0' "$scratch/out"

# Actions, exemptions and an unlisted source, by reload.
policy_write 'mode = enforce' 'fail = closed' 'unlisted = drop' 'subscriber_interfaces = srv0' <<-END
	[pool resets]
	prefix = 198.51.100.0/24
	action = reset
	[pool notices]
	prefix = 2001:db8:100::/56
	action = icmp
	[exempt servers]
	prefix = 192.0.2.25
	ticket = T-1
	until = $(date -u -d '+1 day' +%Y-%m-%dT%H:%M:%SZ)
END
expect "reload: the new policy is taken" ctl reload
took=$(milliseconds_of connect_from sub 203.0.113.25 25)
expect "reset: the client hears at once" heard_at_once "$took"
expect "reset: and hears a refusal" bash -c "$(declare -f netns_run netns_name); netns_prefix=$netns_prefix
	netns_run sub bash -c 'connect_to 203.0.113.25 25' 2>&1 | grep -q 'Connection refused'"
took=$(milliseconds_of connect_from sub 2001:db8:200::25 25)
expect "icmp: the client hears at once" heard_at_once "$took"
expect "counted as reset and icmp" test "$(field stats verdicts.reset)" -ge 1 -a "$(field stats verdicts.icmp)" -ge 1
expect "an exempt source gets through" connect_from srv 203.0.113.25 25
expect "an unlisted one does not" ! connect_from srv 2001:db8:200::25 25
expect "and is judged by the right reasons" test "$(field stats reasons.exempt.accept)" -ge 1 -a "$(field stats reasons.unlisted-drop.drop)" -ge 1

# A date passes; nobody reloads. It is far enough ahead for a slow machine to have looked before.
date_s=$(($(date +%s) + 8 * ${OP25B_TEST_SLOW:-1}))
policy_write 'mode = enforce' 'fail = closed' <<-END
	[pool homes]
	prefix = 198.51.100.0/24
	enforce_from = $(date -u -d "@$date_s" +%Y-%m-%dT%H:%M:%SZ)
END
expect "reload: a pool with a date ahead" ctl reload
generation=$(field status policy.generation)
expect "before its date it passes" connect_from sub 203.0.113.25 25
date_has_passed()
{
	[ "$(date +%s)" -gt "$date_s" ]
}
wait_until 20 date_has_passed
expect "after it, it does not" ! connect_from sub 203.0.113.25 25
expect_equal "and nobody reloaded" "$(field status policy.generation)" "$generation"

policy_write 'mode = monitor' 'fail = closed' < <(usual_sections)
expect "reload: monitoring" ctl reload
expect "a monitored gateway lets the pool through" connect_from sub 203.0.113.25 25
monitored()
{
	[ "$(field stats reasons.pool-enforce.monitored)" -ge 1 ]
}
expect "and counts what it would have blocked" wait_until 2 monitored # the answer may be out before the account is
sleep 4
expect_equal "and records it as such" "$(records 'sum(x["op25b"]["packets"] - x["op25b"]["packets_blocked"] for x in r)' "$events")" \
	"$(field stats reasons.pool-enforce.monitored)"

process_end "$daemon"
expect_equal "SIGTERM: exit code 0" "$?" 0
expect "the final ledger is told" grep -q 'ledger: received [0-9]* = .* in flight 0; kernel: waiting 0' "$daemon_log"
expect_equal "without a daemon, status says so" "$(ctl status 2>/dev/null; echo $?)" 6
expect "and the socket is gone" test ! -e "$socket"
tap_end
