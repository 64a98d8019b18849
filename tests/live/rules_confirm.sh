#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rules_confirm.sh OP25B_RULES SOURCE: apply --confirm-within: confirmed, not confirmed, and everything that can die meanwhile.
# OP25B_QUICK=1 leaves out the large sets.
tool=$1
root=$2
# shellcheck source=tests/lib/netns.sh
. "$root/tests/lib/netns.sh"
netns_need nft python3 script setsid
netns_add rtr || tap_skip_all "the namespace cannot be set up"
old="$root/etc/small-isp.ini"
new="$root/etc/monitor-first.ini"
# Whatever lasts has to last longer where all is slow.
slow=${OP25B_TEST_SLOW:-1}
run=/run/op25b/rules-$(netns_run rtr stat -L -c %i /proc/self/ns/net)

rules()
{
	netns_run rtr "$tool" "$@"
}

# The table without what named counters count. Chains and sets made anew stand behind the others: so each becomes one
# line, and the lines are sorted.
listed()
{
	netns_run rtr nft list table inet op25b 2>/dev/null | grep -v '^\t\tpackets [0-9]* bytes' |
		awk '{ block = block $0 "|" } /^\t}$/ { print block; block = "" } END { if (block) print block }' | sort
}

handles()
{
	netns_run rtr nft -a list table inet op25b 2>/dev/null |
		sed -n 's/^\tchain \([^ ]*\) { # handle \([0-9]*\)$/\1 \2/p' | grep -E '^(forward|answer) '
}

# is_now WANTED: what is loaded is the text of this file.
is_now()
{
	listed | cmp -s - "$1"
}

keeper()
{
	awk '{ print $3 }' "$run.pending"
}

nobody_waits()
{
	! grep -q '^waiting' "$run.pending" 2>/dev/null || ! process_lives "$(keeper)"
}

# 1. From nothing.
: >"$scratch/nothing"
expect "there is nothing to confirm" ends_with 1 "nothing waits" rules confirm
expect "apply --confirm-within says what it waits for" ends_with 0 "waiting for op25b-rules confirm until" \
	rules apply --confirm-within $((2 * slow)) -p "$old"
expect "it is loaded" rules status -p "$old"
listed >"$scratch/old"
expect "status shows that it waits" ends_with 0 "waiting for op25b-rules confirm until" rules status -p "$old"
expect "not confirmed, the table goes again" wait_until 6 is_now "$scratch/nothing"
expect "the keeper ends" wait_until 5 nobody_waits
expect "status tells" ends_with 1 "was not confirmed" rules status -p "$old"
expect "a confirmation comes too late" ends_with 1 "too late" rules confirm
expect "confirmed" rules apply --confirm-within $((3 * slow)) -p "$old"
expect "confirm says so" ends_with 0 "confirmed: the rules stay" rules confirm
expect "the keeper is gone" nobody_waits
sleep $((4 * slow))
expect "the rules stay" is_now "$scratch/old"
expect "only once" ends_with 1 "nothing waits" rules confirm

# 2. From another policy, with what somebody did by hand in it.
netns_run rtr nft -f - <<-END
	table inet op25b {
		map m { type ipv4_addr : verdict; flags interval; elements = { 10.0.0.0/8 : goto port25, 11.0.0.1 : drop } }
		set d { type ipv4_addr; flags dynamic,timeout; size 100; timeout 1h; }
		set n { type inet_service . ipv4_addr; elements = { 25 . 10.0.0.1 } }
		quota q { over 10 mbytes }
		counter mine { packets 7 bytes 700 }
		chain by_hand {
			ip saddr @exempt_ip4 counter packets 3 bytes 300 return comment "a comment"
			ip saddr vmap @m
			add @d { ip saddr limit rate 5/second } log prefix "x" drop
			tcp dport . ip daddr @n quota name "q" counter name "mine" jump to_daemon
		}
	}
	add element inet op25b exempt_ip4 { 198.51.100.77, 198.51.100.128-198.51.100.140 }
END
listed >"$scratch/by_hand"
handles >"$scratch/handles"
expect "another policy is loaded" rules apply --confirm-within $((2 * slow)) -p "$new"
expect "it is" rules status -p "$new"
expect "what was done by hand is gone" ! is_now "$scratch/by_hand"
expect "not confirmed, all is back to the last comment" wait_until 6 is_now "$scratch/by_hand" ||
	listed | diff "$scratch/by_hand" - >&2
expect_equal "the base chains were never deleted" "$(handles)" "$(cat "$scratch/handles")"
expect "counters that went are back with their values" ends_with 0 "packets 7 bytes 700" netns_run rtr nft list counter inet op25b mine
rules apply -p "$old" >/dev/null
expect "after an apply without a confirmation status no longer speaks of it" ! ends_with 0 "confirmed" rules status -p "$old"
netns_run rtr nft add table inet op25b '{ flags dormant; }'
listed >"$scratch/asleep"
rules apply --confirm-within $((1 * slow)) -p "$new" >/dev/null
expect "a table that slept sleeps again" wait_until 6 is_now "$scratch/asleep"
wait_until 5 nobody_waits
netns_run rtr nft add chain inet op25b stray '{ tcp dport { 25, 26 } accept; }'
listed >"$scratch/strange"
expect "what could not be put back is refused" ends_with 5 "could not be put back" rules apply --confirm-within 9 -p "$new"
expect "and nothing was changed" is_now "$scratch/strange"

# 3. Two at once.
rules apply -p "$old" >/dev/null
listed >"$scratch/old"
expect "one waits" rules apply --confirm-within 60 -p "$new"
listed >"$scratch/new"
expect "another apply is refused" ends_with 5 "an earlier apply is waiting" rules apply -p "$old"
expect "also one that would wait itself" ends_with 5 "an earlier apply is waiting" rules apply --confirm-within 9 -p "$old"
expect "and delete" ends_with 5 "an earlier apply is waiting" rules delete
expect "status --json has it" ends_with 0 '"state": "waiting"' rules status --json -p "$new"
expect "nothing of that changed the rules" is_now "$scratch/new"
expect "nor who waits" ends_with 0 "confirmed" rules confirm
rules apply -p "$old" >/dev/null
for policy in "$new" "$root/etc/dual-stack-phased.ini"; do
	rules apply --confirm-within $((2 * slow)) -p "$policy" >/dev/null 2>"$scratch/at_once.$(basename "$policy")" &
	started+=("$!")
done
won=0
for pid in "${started[@]}"; do
	wait "$pid" && won=$((won + 1))
done
expect_equal "of two at the same moment one is refused" "$won" 1
expect "and the other rolled back" wait_until 8 is_now "$scratch/old"
wait_until 5 nobody_waits

# 4. Whoever ran it goes.
netns_run rtr setsid -w timeout 20 script -qec "'$tool' apply --confirm-within $((3 * slow)) -p '$new'; sleep 60" /dev/null >"$scratch/tty" 2>&1 </dev/null &
session=$!
expect "in a terminal: it is loaded" wait_until 5 is_now "$scratch/new"
expect "it says so there" wait_until 5 grep -q "waiting for" "$scratch/tty"
pkill_tree()
{
	local child
	for child in $(pgrep -P "$1"); do
		pkill_tree "$child" "$2"
	done
	kill -s "$2" "$1" 2>/dev/null
}
for signal in HUP KILL; do
	pkill_tree $session $signal
done
wait $session 2>/dev/null
expect "the terminal is gone, and the keeper is not" process_lives "$(keeper)"
expect "the terminal is lost: the old rules come back" wait_until 8 is_now "$scratch/old"
wait_until 5 nobody_waits
before=$(date +%s)
said=$(rules apply --confirm-within 60 -p "$new" 2>&1)
expect "a command substitution does not wait for the keeper" test $(($(date +%s) - before)) -lt $((10 * slow))
expect "it has the answer" test -n "$said"
for signal in HUP INT TERM QUIT PIPE; do
	kill -s $signal "$(keeper)"
done
sleep 0.3
expect "signals of a session's end do not end the keeper" process_lives "$(keeper)"
expect "it still hears a confirmation" rules confirm
rules apply -p "$old" >/dev/null
rules apply --confirm-within 60 -p "$new" >/dev/null
kill -KILL "$(keeper)"
expect "a keeper that was killed is told of" wait_until 5 ends_with 0 "has died" rules status -p "$new"
expect "confirm tells, too" ends_with 1 "has died" rules confirm
expect "the next apply is not kept out" rules apply -p "$old"

# 5. Killed in mid-apply.
if [ -z "${OP25B_QUICK-}" ]; then
	python3 - >"$scratch/many.txt" <<-'END'
		for i in range(100000):
		    print(f"16.{i >> 12 & 255}.{i >> 4 & 255}.{(i & 15) << 4}/31")
	END
	{ cat "$old"; printf '[inside many]\nfile = %s\n' "$scratch/many.txt"; } >"$scratch/large.ini"
	for pause in 0.05 0.1 0.2 0.3; do
		netns_spawn rtr "$tool" apply -p "$scratch/large.ini"
		sleep $pause
		kill -KILL "$spawned" 2>/dev/null
		wait "$spawned" 2>/dev/null
		count=$(rules diff --json -p "$old" 2>/dev/null | python3 -c 'import json,sys; print(len(json.load(sys.stdin)["changes"]))')
		[ "$count" = 0 ] || count=$(rules diff --json -p "$scratch/large.ini" 2>/dev/null |
			python3 -c 'import json,sys; print(len(json.load(sys.stdin)["changes"]))')
		expect_equal "killed after $pause s: the rules are the old ones or the new ones, whole" "$count" 0
		expect "and another apply goes through" rules apply -p "$old"
	done
	netns_spawn rtr "$tool" apply --confirm-within 15 -p "$scratch/large.ini"
	sleep 0.15
	kill -KILL "$spawned" 2>/dev/null
	wait "$spawned" 2>/dev/null
	expect "with --confirm-within the keeper finishes what its caller cannot" wait_until 30 rules status -p "$scratch/large.ini"
	expect "and takes it back" wait_until 30 is_now "$scratch/old"
else
	tap_skip "killed in mid-apply" "OP25B_QUICK is set"
fi
rm -f "$run".*
tap_end
