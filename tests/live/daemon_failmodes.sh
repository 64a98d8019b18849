#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What becomes of packets that the daemon does not take, in both fail modes: what op25bctl status says of it, what the kernel
# does, and what stands in the records. Every packet sent is accounted for.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"
: "${FLOOD:?}" "${OP25B_RULES:?}"
gateway_bed
mac=$(router_mac)
mac=${mac//:/}

sections()
{
	cat <<-END
		[pool all]
		prefix = 198.51.100.0/24
		prefix = 10.0.0.0/8
		[relay mx]
		address = 192.0.2.25
		interface = srv0
	END
}

write_policy()
{
	policy_write 'mode = enforce' 'triangular_guard = no' 'conntrack = no' "$@" < <(sections)
}

rules()
{
	netns_run rtr "$OP25B_RULES" "$@" -p "$policy"
}

counted()
{
	netns_run rtr nft list counter inet op25b "$1" | sed -n 's/.*packets \([0-9]*\) bytes.*/\1/p'
}

# SYNs to port 25 that came through to the outside.
outside()
{
	netns_run ext nft list counter inet outside came | sed -n 's/.*packets \([0-9]*\) bytes.*/\1/p'
}

netns_run ext nft -f - <<-END
	table inet outside {
		counter came { }
		chain input { type filter hook prerouting priority 0; tcp dport 25 tcp flags & (syn | ack) == syn counter name came drop; }
	}
END

fate()
{
	field status "fail_modes.cases.$1.fate"
}

fates()
{
	ctl --json status | python3 -c '
import json, sys
cases = json.load(sys.stdin)["fail_modes"]["cases"]
print(" ".join(cases[name]["fate"] + ("/" + cases[name]["then"] if cases[name]["fate"] == "waits" else "")
	for name in ("no-daemon", "queue-full", "buffer-full", "killed", "stalled")))'
}

warnings()
{
	ctl --json status | python3 -c '
import json, sys
print("\n".join(json.load(sys.stdin)["fail_modes"]["warnings"]))'
}

# notices EXPRESSION: over `n`, the records about the gateway itself.
notices()
{
	python3 -c '
import json, sys
n = [r for r in map(json.loads, open(sys.argv[2])) if r["event_type"] == "engine"]
print(eval(sys.argv[1]))' "$1" "$events"
}

flood()
{
	netns_run sub "$FLOOD" -i eth0 -m "$mac" "$@" >/dev/null
}

queued_are()
{
	[ "$(counted queued)" = "$1" ]
}

period_is_over()
{
	[ "$(field status fail_modes.unjudged.now)" = False ] && [ "$(field status ledger.in_flight)" = 0 ]
}

# account KIND: all that the rules queued is judged, or stands in the records as unjudged; and that number in the status.
account()
{
	local unjudged
	unjudged=$(notices "sum(r['op25b']['unjudged'] for r in n if r['op25b']['kind'] == '$1' and r['op25b']['state'] == 'end')")
	expect_equal "$2: judged and unjudged are all" "$(($(field status ledger.received) + unjudged))" "$(($(counted queued) - queued_before))"
	expect_equal "$2: the status says the same" "$(($(field status fail_modes.unjudged.passed.packets) + $(field status fail_modes.unjudged.dropped.packets)))" "$unjudged"
	expect "$2: the ledger balances" ledger_balances
}

for mode in closed open; do
	kind=failed-$mode
	beyond=dropped
	[ $mode = closed ] || beyond=passes
	write_policy "fail = $mode"
	rules apply >"$scratch/applied" || cat "$scratch/applied" >&2
	queued_before=$(counted queued)
	rm -f "$events"
	# shellcheck disable=SC2119
	gateway_start
	expect_equal "$mode: the status says what would happen" "$(fates)" "$beyond $beyond $beyond dropped waits/$beyond"
	expect_equal "$mode: and all agree" "$(warnings)" ""

	# The daemon stands still until its queue is full.
	kill -STOP "$daemon"
	came=$(outside)
	flood -c 12000 -n 12000 -s 10.1.0.0
	expect "$mode: a flood while the daemon stands still" wait_until 5 queued_are $((queued_before + 12000))
	beyond_queue=$((12000 - 4096))
	passed=0
	[ $mode = closed ] || passed=$beyond_queue
	expect_equal "$mode: what finds the queue full is $beyond" "$(($(outside) - came))" $passed
	kill -CONT "$daemon"
	begun()
	{
		[ "$(notices "[r['op25b']['state'] for r in n if r['op25b']['kind'] == '$kind']")" = "['begin']" ]
	}
	expect "$mode: it is in the records at once" wait_until 3 begun
	expect "$mode: and when it is over" wait_until 9 period_is_over
	expect_equal "$mode: exactly those are told" \
		"$(notices "[r['op25b']['queue_full'] for r in n if r['op25b']['state'] == 'end']")" "[$beyond_queue]"
	account $kind "$mode, stalled"
	expect_equal "$mode: what the daemon took is dropped, and recorded" "$(field status ledger.dropped)" 4096

	# Policy and rules at odds.
	other=open
	[ $mode = closed ] || other=closed
	write_policy "fail = $other"
	ctl reload >/dev/null
	expect "$mode: a reload to fail = $other alone is warned of" \
		grep -q "the policy says fail = $other, the kernel's rules $mode: op25b-rules apply" <(warnings)
	expect "$mode: in the log, too" wait_until 3 grep -q "fail mode: the policy says fail = $other" "$daemon_log"
	netns_run rtr nft add table inet op25b '{ flags dormant; }'
	expect "$mode: a dormant table lets everything pass, and is warned of" grep -q 'dormant.*all of it passes' <(warnings)
	expect_equal "$mode: so without a daemon all passes" "$(fate no-daemon)" passes
	process_end "$daemon"
	expect "$mode: the ledger at its end" grep -q "ledger: received 4096 = accepted 0 + dropped 4096 + failed open 0 + in flight 0" "$daemon_log"
	rules delete >/dev/null
done
tap_end
