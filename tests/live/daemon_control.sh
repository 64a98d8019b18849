#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What operators do to a running daemon: overrides with the real ruleset and offload, who may make them, and what becomes
# of them over reloads, a kill, and a damaged state file.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"
: "${FLOOD:?}" "${OP25B_RULES:?}"
gateway_bed
mac=$(router_mac)
mac=${mac//:/}
customer=198.51.100.10
slow=${OP25B_TEST_SLOW:-1}

# control_policy [LINE...]: a generation of learned sources lasts longer than this test looks at it.
control_policy()
{
	policy_write 'mode = enforce' 'fail = closed' 'triangular_guard = no' 'offload = yes' 'offload_after = 5' \
		'offload_seconds = 60' 'operators = daemon' < <(
		usual_sections
		[ $# = 0 ] || printf '%s\n' "$@"
	)
	sed -i 's/^window = .*/window = 120/' "$policy"
}

apply()
{
	netns_run rtr "$OP25B_RULES" apply -p "$policy"
}

# as USER GROUP COMMAND...: op25bctl as somebody who may open the socket, because its group is his.
as()
{
	setpriv --reuid "$1" --regid 0 --groups "$2" "$OP25BCTL" --socket "$socket" "${@:3}"
}

passes()
{
	connect_from sub 203.0.113.25 25
}

passes_at_once()
{
	[ "$(milliseconds_of passes)" -lt $((1000 * slow)) ] && passes
}

override()
{
	ctl "$1" "$2" --for "$3" --reason 'a test'
}

# until_of ADDRESS: when its override ends, in seconds since 1970
until_of()
{
	ctl --json overrides | python3 -c '
import datetime, json, sys
print(next(int(datetime.datetime.fromisoformat(o["until"]).timestamp())
           for o in json.load(sys.stdin)["overrides"] if o["source"].startswith(sys.argv[1])))' "$1"
}

learned()
{
	netns_run rtr nft -j list table inet op25b | grep -q "\"val\": \"$customer\"\|\"elem\": \[.*$customer"
}

control_policy
expect "the ruleset is loaded" apply
gateway_start
expect "offload is in force" wait_until 5 offload_in_force
netns_run sub "$FLOOD" -i eth0 -m "$mac" -c 3000 -n 1 -s "$customer" -q 100 -o "$daemon" >/dev/null
expect "the kernel has learned a customer" wait_until 5 learned

learned_list()
{
	ctl --json offload list | python3 -c '
import json, sys
said = json.load(sys.stdin)
assert said["complete"] and said["error"] is None, said
print(" ".join(row["subscriber"] for row in said["sources"] if row["packets"] > 0))'
}

# offender PATTERN [OPTION...]
offender()
{
	ctl offenders "${@:2}" | tee "$scratch/offenders" | grep -Eq "$1"
}

expect_equal "offload list tells him" "$(learned_list)" "$customer"
netns_run sub "$FLOOD" -i eth0 -m "$mac" -c 3 -n 1 -s 2001:db8:100:17::1 >/dev/null
expect "offenders tells a delegated prefix" wait_until 3 offender "^2001:db8:100:17::/64 .* pool-enforce"
expect "and the customer before it" offender "^$customer +" --top 1
expect "offload flush" ends_with 0 "asks about everybody again" ctl offload flush
expect_equal "the kernel blocks nobody by itself" "$(learned_list)" ""
expect "what it had counted is told" wait_until 3 offender "^$customer +[0-9]+ +[0-9]+ +[1-9][0-9]{2,} "
netns_run sub "$FLOOD" -i eth0 -m "$mac" -c 100 -n 1 -s "$customer" -q 100 -o "$daemon" >/dev/null
expect_equal "and he is learned again" "$(learned_list)" "$customer"
mv "$events" "$events.1"
expect "reopen" ends_with 0 "records go to $events" ctl reopen
expect "begins a file" test -e "$events"

# Who may.
expect "a reader may look" as 4240 4240 status
for command in overrides offenders "offload list" stats "explain $customer 203.0.113.25"; do
	# shellcheck disable=SC2086
	expect "also ${command%% *}" ! ends_with 5 "" as 4240 4240 $command
done
for command in "allow $customer --for 1h --reason no" "block $customer --for 1h --reason no" "remove $customer" reload reopen "offload flush"; do
	# shellcheck disable=SC2086
	expect "a reader may not ${command%% *}" ends_with 5 "needs the operator role, and user 4240 has the read-only one" \
		as 4240 4240 $command
done
expect_equal "nothing came of it" "$(ctl --json overrides | tr -d ' \n')" '{"overrides":[],"max":10000,"saved":true}'
expect "a member of the operators' group may" as 4240 "$(getent group daemon | cut -d: -f3)" \
	block 198.51.100.99 --for 1h --reason test
expect "it is logged with his number" grep -q 'override made: block 198.51.100.99/32 until .*, by user 4240: test' "$daemon_log"
expect "and removed by root" ctl remove 198.51.100.99

# Allow, while the kernel blocks by itself.
expect "allow" override allow "$customer" $((7 * slow))s
expect "a customer whom the kernel had learned passes at once" passes_at_once
expect "and the kernel has forgotten him" ! learned
ends=$(until_of "$customer")
expect "explain shows it" ends_with 0 "override-allow" ctl explain "$customer" 203.0.113.25
expect "and until when, by whom, and why" \
	grep -q "^override  *allow $customer/32 until .*T.*, by user 0: a test" <(ctl explain "$customer" 203.0.113.25)
expect "status counts it" grep -q "^overrides  1 in force$" <(ctl status)
expect "it survives a reload" ctl reload
expect "he still passes" passes_at_once
process_end "$daemon" KILL
gateway_start
expect "it survives a kill" passes_at_once
expect_equal "to the same second" "$(until_of "$customer")" "$ends"
while [ "$(date +%s)" -lt "$ends" ]; do sleep 0.05; done
expect "from the second on in which it ends he is blocked" ! passes
expect "which is logged" wait_until 3 grep -q "override has ended: allow $customer/32" "$daemon_log"
expect_equal "and it has left the list" "$(ctl --json overrides | grep -c source)" 0
expect "and the file" ! grep -q "$customer" "$scratch/state/overrides.json"

# Block, of one who is exempt until a date.
control_policy '[exempt dated]' "prefix = $customer" 'until = 2099-01-01T00:00:00Z' \
	'[exempt for-ever]' 'prefix = 198.51.100.66'
expect "another ruleset is loaded" apply
expect "and another policy" ctl reload
expect "an exempt customer passes" passes_at_once
expect "block" override block "$customer" 1h
expect "he is cut" ! passes
expect "with a reason of its own" test "$(field stats reasons.override-block.drop)" -ge 1
expect "a relay cannot be blocked" ends_with 4 "does not beat a relay" override block 192.0.2.25 1h
expect "nor a network around it" ends_with 4 "[relay mx] (line" override block 192.0.2.0/24 1h
expect "nor whom the kernel does not ask about" ends_with 4 "[exempt for-ever] (line" override block 198.51.100.64/28 1h
expect "an allow takes a block's place" override allow "$customer" 1h
expect "he passes" passes_at_once
expect "remove" ends_with 0 "removed: allow $customer/32" ctl remove "$customer"
expect "twice is once too often" ends_with 2 "no override is of $customer/32" ctl remove "$customer"
expect "for more than 30 days it belongs into the policy" ends_with 2 "30 days" override allow "$customer" 31d
expect "a network with bits behind it" ends_with 2 "bits behind the prefix are set" override allow "$customer/24" 1h

# The state that is damaged, and that cannot be kept.
expect "block" override block "$customer" 1h
process_end "$daemon"
truncate -s -9 "$scratch/state/overrides.json"
gateway_start
expect "a damaged state file stops nothing, and is told" grep -q 'overrides.json is damaged (line .*: it is now overrides.json.damaged' "$daemon_log"
expect "it is kept for whoever wants to look" grep -q "$customer" "$scratch/state/overrides.json.damaged"
rm -r "$scratch/state"
echo >"$scratch/state"
expect "what cannot be saved is in force" ends_with 5 "it is in force, but cannot be saved" override block "$customer" 1h
expect "indeed" ! passes
rm "$scratch/state"
expect "it is saved as soon as that works" wait_until 4 grep -q "$customer" "$scratch/state/overrides.json"

sed -i 's/^operators = .*/operators = no-such-group/' "$policy"
expect "reload: a group of operators that does not exist" ctl reload
expect "is said" grep -q 'there is no group no-such-group' "$daemon_log"
expect "and to who is refused" ends_with 5 "group no-such-group (which does not exist)" as 4240 1 reload

# The socket in a crowd: verdicts do not care.
cat >"$scratch/crowd.py" <<-'END'
	import os, socket, sys, time
	end = time.monotonic() + 3
	held = []
	while time.monotonic() < end:
	    client = socket.socket(socket.AF_UNIX)
	    client.setblocking(False)
	    try:
	        client.connect(sys.argv[1])
	        client.send((b'{"op25b":1,"comm', b"\0" * 4095, os.urandom(4096) + b"\n",
	                     b'{"op25b":1,"command":"overrides"}\n' * 100)[len(held) % 4])
	    except OSError:
	        pass
	    held.append(client)
	    if len(held) > 400:
	        held.pop(0).close()
END
python3 "$scratch/crowd.py" "$socket" &
crowd=$!
netns_pids+=("$crowd")
slowest=0
for _ in 1 2 3 4 5 6 7 8 9 10; do
	took=$(milliseconds_of connect_from srv 203.0.113.25 25)
	[ "$took" -le "$slowest" ] || slowest=$took
done
expect "with hundreds at the socket the relay's mail is as fast as ever" test "$slowest" -lt $((500 * slow))
wait "$crowd"
expect "and the daemon answers" ctl status
expect "the ledger balances" ledger_balances
process_end "$daemon"
expect_equal "SIGTERM: exit code 0" "$?" 0
tap_end
