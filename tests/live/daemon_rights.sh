#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What op25bd needs and what it does without; how it refuses to start; how it talks to systemd.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"

gateway_bed
queue_rule 1
mkdir "$scratch/own"
chown nobody "$scratch/own"
socket=$scratch/own/control
events=$scratch/own/events.json
policy_write 'mode = enforce' 'fail = closed' < <(usual_sections)

status_of()
{
	sed -n "s/^$1:[[:space:]]*//p" "/proc/$daemon/status" | tr -s '[:space:]' ' '
}

# expect_rights NAME: nobody, with CAP_NET_ADMIN (bit 12) and nothing else, in every thread.
expect_rights()
{
	expect_equal "$1: capabilities" "$(cat "/proc/$daemon"/task/*/status | grep -E '^Cap(Inh|Prm|Eff|Amb)' | sort -u | tr -s '\t\n' ' ')" \
		"CapAmb: 0000000000000000 CapEff: 0000000000001000 CapInh: 0000000000000000 CapPrm: 0000000000001000 "
	expect_equal "$1: user" "$(status_of Uid)" "$(id -u nobody) $(id -u nobody) $(id -u nobody) $(id -u nobody) "
	expect_equal "$1: can gain no more" "$(status_of NoNewPrivs)" "1 "
	expect "$1: blocks" ! connect_from sub 203.0.113.25 25
	expect "$1: records" wait_until 3 test -s "$events"
}

lives_are()
{
	[ "$(field status handover.lives)" = "$1" ]
}

# expect_upgrades NAME LAST: the program is exchanged until the process has this life, and neither gains nor loses a right; nor do its confinement and what it
# was handed go.
expect_upgrades()
{
	local n filters had
	filters=$(grep -h '^Seccomp_filters' "/proc/$daemon"/task/*/status | sort -u | tr -cd '0-9')
	had=$(field status kernel)
	for ((n = 2; n <= $2; n++)); do
		rm -f "$events"
		kill -USR1 "$daemon"
		expect "$1: upgrade" ctl upgrade
		expect "$1: life $n begins" wait_until 5 lives_are $n
		expect_equal "$1: in the same process" "$(field status pid)" "$daemon"
		expect_rights "$1: life $n"
		# Each life adds its own.
		expect_equal "$1: life $n is confined, in every thread" \
			"$(grep -hE '^Seccomp(_filters)?:' "/proc/$daemon"/task/*/status | sort -u | tr -s '\t\n' '  ')" \
			"Seccomp: $(field_of_filters "$filters") Seccomp_filters: $((filters * n)) "
	done
	expect_equal "$1: the kernel's counters can be read as before" "$(field status kernel | grep -c None)" "$(grep -c None <<<"$had")"
	expect "$1: reload" ctl reload
	expect "$1: the ledger balances" ledger_balances
}

# A build with sanitizers has none.
field_of_filters()
{
	[ "$1" -gt 0 ] && echo 2 || echo 0
}

# shellcheck disable=SC2016
unprivileged=(setpriv --reuid=nobody --regid=nogroup --clear-groups "--inh-caps=-all,+net_admin"
	"--ambient-caps=-all,+net_admin")
gateway_start "${unprivileged[@]}"
expect_rights "unprivileged start"
expect_equal "unprivileged start: the kernel's counters are root's" "$(field status kernel)" None
expect "unprivileged start: and that is said" grep -q "queue counters cannot be read" "$daemon_log"
for table in tcp tcp6 udp udp6 raw raw6 packet; do
	netns_run rtr tail -n +2 "/proc/net/$table"
done | awk '{print $10, $9}' | tr ' ' '\n' | sort -u >"$scratch/inodes"
find "/proc/$daemon/fd" -lname 'socket:*' -printf '%l\n' | tr -cd '0-9\n' | sort -u >"$scratch/held"
expect "it holds sockets" test -s "$scratch/held"
expect_equal "none of them a network socket" "$(comm -12 "$scratch/inodes" "$scratch/held")" ""

expect_upgrades "unprivileged start" 3

other=$scratch/other.ini
sed "s|^control = .*|control = $scratch/control2|" "$policy" >"$other"
netns_run rtr "$OP25BD" -p "$other" >"$scratch/out" 2>&1
expect_equal "a queue that is taken: exit code" "$?" 5
expect_equal "a queue that is taken: by whom" "$(grep -o 'queue 100.*' "$scratch/out")" \
	"queue 100 is taken by process $daemon (op25bd)"
netns_run rtr "$OP25BD" -p "$policy" >"$scratch/out" 2>&1
expect_equal "a socket that is taken: exit code" "$?" 5
expect "a socket that is taken: is said" grep -q "another op25bd answers there" "$scratch/out"
expect "and the first daemon lives on" ctl status
process_end "$daemon"
expect_equal "exit code 0" "$?" 0
rm -f "$events"

# As the unit does it: standard input is the file that only root may open.
# shellcheck disable=SC2016
gateway_start bash -c 'exec "$@" </proc/net/netfilter/nfnetlink_queue' - "${unprivileged[@]}"
expect_rights "counters handed over"
expect_equal "counters handed over: they can be read" "$(field status kernel.waiting)" 0
kill -HUP "$daemon"
expect "counters handed over: reloads" wait_until 5 grep -q 'is in force' "$daemon_log"
process_end "$daemon"
rm -f "$events"

# --user, by a wrapper that puts the option behind.
cat >"$scratch/as_user" <<-END
	#!/bin/sh
	exec "\$@" --user nobody
END
chmod 755 "$scratch/as_user"
gateway_start "$scratch/as_user"
expect_rights "--user"
expect_equal "--user: the kernel's counters can be read" "$(field status kernel.waiting)" 0
expect_upgrades "--user" 2
process_end "$daemon"

netns_run rtr setpriv --reuid=nobody --regid=nogroup --clear-groups "$OP25BD" -p "$policy" >"$scratch/out" 2>&1
expect_equal "without the capability: exit code" "$?" 5
expect "without the capability: is said" grep -q 'CAP_NET_ADMIN is missing' "$scratch/out"
netns_run rtr "$OP25BD" -p "$policy" --user no-such-user >"$scratch/out" 2>&1
expect_equal "an unknown user: exit code" "$?" 5
expect "an unknown user: is said" grep -q 'there is no such user' "$scratch/out"

for bad in --nonsense argument '--user' '--foreground argument'; do
	# shellcheck disable=SC2086
	"$OP25BD" $bad >/dev/null 2>&1
	expect_equal "usage error: $bad" "$?" 2
	# shellcheck disable=SC2086
	"$OP25BCTL" $bad >/dev/null 2>&1
	expect_equal "op25bctl usage error: $bad" "$?" 2
done
for bad in '' 'status extra' 'explain 192.0.2.1' 'status --at 2027-01-01T00:00:00Z' 'explain 192.0.2.1 192.0.2.2 --at'; do
	# shellcheck disable=SC2086
	"$OP25BCTL" --socket "$socket" $bad >/dev/null 2>&1
	expect_equal "op25bctl usage error: '$bad'" "$?" 2
done
expect "--help has examples" grep -q '^Examples:' <("$OP25BD" --help)
expect "--version" grep -Eq '^op25bd [0-9]+\.' <("$OP25BD" --version)
expect "op25bctl --help has examples" grep -q '^Examples:' <("$OP25BCTL" --help)
echo 'oops' >>"$other"
netns_run rtr "$OP25BD" -p "$other" >/dev/null 2>&1
expect_equal "a bad policy at the start: exit code" "$?" 4

# What systemd hears.
cat >"$scratch/notified.py" <<-'END'
	import os, socket, sys
	server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
	server.bind(sys.argv[1])
	os.chmod(sys.argv[1], 0o666)
	while True:
	    print(server.recv(4096).decode(), flush=True)
END
netns_spawn rtr python3 "$scratch/notified.py" "$scratch/notify"
notified=$spawned_log
wait_until 5 test -S "$scratch/notify"
gateway_start env "NOTIFY_SOCKET=$scratch/notify" "${unprivileged[@]}"
expect "systemd: READY" wait_until 5 grep -q '^READY=1' "$notified"
sleep 3.5
expect "systemd: the watchdog is fed, again and again" test "$(grep -c '^WATCHDOG=1' "$notified")" -ge 2
kill -STOP "$daemon"
sleep 1.2
fed=$(grep -c '^WATCHDOG=1' "$notified")
sleep 2.5
expect_equal "systemd: a stopped daemon feeds it no more" "$(grep -c '^WATCHDOG=1' "$notified")" "$fed"
kill -CONT "$daemon"
process_end "$daemon"
expect "systemd: STOPPING" grep -q '^STOPPING=1' "$notified"
tap_end
