#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What op25bd may do once it has started: every thread is confined, what it has no use for is refused or ends it, and
# it holds no socket that reaches a network.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"
: "${FORBIDDEN_CALL:?}"

gateway_bed
queue_rule 2
# The daemon becomes nobody, and the preloaded library removes and makes files there.
mkdir "$scratch/own"
chown nobody "$scratch/own"
chmod 755 "$scratch"
socket=$scratch/own/control
events=$scratch/own/events.json
called=$scratch/own/called
export OP25B_CALL=$scratch/own/call OP25B_CALLED=$called
policy_write 'mode = enforce' 'workers = 2' 'fail = closed' 'offload = yes' 'offload_seconds = 1' < <(usual_sections)

# gateway_confined MODE
gateway_confined()
{
	cat >"$scratch/wrapped" <<-END
		#!/bin/sh
		LD_PRELOAD=$FORBIDDEN_CALL exec "\$@" --user nobody $1
	END
	chmod 755 "$scratch/wrapped"
	gateway_start "$scratch/wrapped"
}

# status_of FIELD: its different values over all threads.
status_of()
{
	cat "/proc/$daemon"/task/*/status | sed -n "s/^$1:[[:space:]]*//p" | sort -u | tr '\n' ' '
}

# tries CALL: what came of it; "ended" when that was the end of the daemon.
tries()
{
	rm -f "$called"
	echo "$1" >"$OP25B_CALL.new"
	mv "$OP25B_CALL.new" "$OP25B_CALL"
	wait_until 5 called_or_ended
	cat "$called" 2>/dev/null || echo ended
}

called_or_ended()
{
	test -s "$called" || process_ended "$daemon"
}

# The inode numbers of all sockets in the namespace that are neither netlink nor unix.
network_sockets()
{
	local table
	for table in tcp tcp6 udp udp6 udplite udplite6 raw raw6 icmp icmp6 packet; do
		netns_run rtr tail -n +2 "/proc/net/$table" 2>/dev/null
	done | awk '{print $10, $9}' | tr ' ' '\n' | sort -u
}

own_sockets()
{
	{
		# shellcheck disable=SC2016
		netns_run rtr awk 'NR > 1 {print $10}' /proc/net/netlink
		# shellcheck disable=SC2016
		netns_run rtr awk 'NR > 1 {print $7}' /proc/net/unix
	} | sort -u
}

held_sockets()
{
	find "/proc/$daemon/fd" -lname 'socket:*' -printf '%l\n' | tr -cd '0-9\n' | sort -u
}

# expect_confined NAME: after a start, a reload and packets.
expect_confined()
{
	expect "$1: more than one thread" test "$(find "/proc/$daemon/task" -mindepth 1 -maxdepth 1 | wc -l)" -ge 3
	expect_equal "$1: every thread is under a filter" "$(status_of Seccomp)" "2 "
	expect_equal "$1: no thread can gain privileges" "$(status_of NoNewPrivs)" "1 "
	for set in CapPrm CapEff CapBnd; do
		expect_equal "$1: $set is CAP_NET_ADMIN alone" "$(status_of $set)" "0000000000001000 "
	done
	for set in CapInh CapAmb; do
		expect_equal "$1: $set is empty" "$(status_of $set)" "0000000000000000 "
	done
}

gateway_confined ""
if grep -q 'built with sanitizers' "$daemon_log"; then
	tap_skip "system calls are confined" "built with sanitizers, which make calls of their own"
	tap_end
fi
expect_confined "after the start"
expect "it blocks" ! connect_from sub 203.0.113.25 25
expect "it records" wait_until 5 test -s "$events"
expect "it reloads" ctl reload
kill -USR1 "$daemon"
expect_confined "after a reload"
held_sockets >"$scratch/held"
expect "it holds a socket for each queue, and the control socket" test "$(wc -l <"$scratch/held")" -ge 3
expect_equal "each is netlink or unix" "$(own_sockets | comm -23 "$scratch/held" -)" ""
expect_equal "none is of a network" "$(network_sockets | comm -12 "$scratch/held" -)" ""

expect_equal "a unix socket: is wanted" "$(tries unix)" ok
for call in inet inet6 packet audit clone code dumpable kill; do
	expect_equal "$call: is refused, as if the kernel did not know it" "$(tries $call)" ENOSYS
done
expect "it lives on" ctl status
expect_equal "and judges on: the ledger" "$(ledger_balances && echo balanced)" balanced
expect_equal "ptrace: ends it" "$(tries ptrace)" ended
wait "$daemon" 2>/dev/null
expect_equal "by SIGSYS" "$?" 159
rm -f "$events"

gateway_confined ""
expect_equal "unshare: ends it" "$(tries unshare)" ended
wait "$daemon" 2>/dev/null
expect_equal "by SIGSYS, too" "$?" 159

gateway_confined --seccomp=log
expect_confined "log"
expect "log: is said" grep -q -- '--seccomp=log: every system call goes through' "$daemon_log"
for call in inet kill unshare; do
	expect_equal "log: $call goes through" "$(tries $call)" ok
done
process_end "$daemon"
expect_equal "log: exit code" "$?" 0

gateway_confined --seccomp=off
expect_equal "off: no filter" "$(status_of Seccomp)" "0 "
expect "off: is said" grep -q -- '--seccomp=off: every system call goes through' "$daemon_log"
expect_equal "off: inet goes through" "$(tries inet)" ok
process_end "$daemon"

netns_run rtr "$OP25BD" -p "$policy" --seccomp=perhaps >"$scratch/out" 2>&1
expect_equal "another word: exit code" "$?" 2
expect "another word: what it may be" grep -q 'enforce, log or off' "$scratch/out"
tap_end
