#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# units.sh SOURCE: the installed system under a running systemd, in the virtual machine that guest_systemd has prepared:
# what the units do at the start of the system, at every order of systemctl, and when the daemon hangs or is killed.
# The gateway is the virtual machine itself; subscriber, relay and outside are namespaces around it.
root=$1
OP25BD=op25bd OP25BCTL=op25bctl QUEUE_RULE=none
PATH=$PATH:/usr/local/sbin
# shellcheck source-path=SCRIPTDIR source=../live/gateway.sh
. "$root/tests/live/gateway.sh"
netns_need nft python3 logrotate journalctl
policy=/etc/op25b/op25b.ini
socket=/run/op25b/op25bd.sock
events=/var/log/op25b/events.json

# What is in force when a unit is settled.
shown()
{
	systemctl show -P "$2" "$1"
}

main_pid()
{
	shown op25bd MainPID
}

# ends_like CODE TEXT COMMAND...: TEXT may be an extended regular expression.
ends_like()
{
	local code=$1 text=$2 got=0
	shift 2
	"$@" >"$scratch/said" 2>&1 || got=$?
	cat "$scratch/said"
	[ "$got" = "$code" ] && grep -qE -- "$text" "$scratch/said"
}

# said UNIT TEXT: since the last mark.
mark()
{
	journalctl --sync
	since=$(journalctl -n 0 --show-cursor --no-pager | sed -n 's/^-- cursor: //p')
}

said()
{
	journalctl --sync
	journalctl -q --no-pager -o cat -u "$1" --after-cursor "$since" >"$scratch/journal"
	cat "$scratch/journal"
	grep -qE -- "$2" "$scratch/journal"
}

# The rules without what they count, with the handles: what is deleted and made again has others.
listed()
{
	nft -a list table inet op25b | sed -E 's/packets [0-9]+ bytes [0-9]+//'
}

is_now()
{
	listed | diff "$1" -
}

counted()
{
	nft list counter inet op25b "$1" | sed -n 's/.*packets \([0-9]*\) bytes.*/\1/p'
}

fed_after()
{
	[ "$(shown op25bd WatchdogTimestampMonotonic)" -gt "$1" ]
}

is_active()
{
	[ "$(shown op25bd ActiveState)" = active ]
}

# restarted NUMBER PID: another process, by one automatic restart more.
restarted()
{
	is_active && [ "$(shown op25bd NRestarts)" -gt "$1" ] && [ "$(main_pid)" != "$2" ] && ctl status
}

# watchdog_wait SECONDS: from the daemon's next start on.
watchdog_wait()
{
	mkdir -p /run/systemd/system/op25bd.service.d
	printf '[Service]\nWatchdogSec=%s\n' "$1" >/run/systemd/system/op25bd.service.d/wait.conf
	systemctl daemon-reload
}

digest()
{
	field status policy.digest
}

# Between two processes: the next one is not begun with as long as this file stands.
hold=/run/op25bd.hold

hold_starts()
{
	printf '[Service]\nExecStartPre=/bin/sh -c "while [ -e %s ]; do sleep 0.1; done"\n' "$hold" \
		>/run/systemd/system/op25bd.service.d/hold.conf
	systemctl daemon-reload
}

is_held()
{
	[ "$(shown op25bd SubState)" = start-pre ]
}

# The numbers of the queues that somebody has bound, and the packets that wait in all of them.
queues_bound()
{
	awk '{ printf "%s ", $1 }' /proc/net/netfilter/nfnetlink_queue
}

packets_wait()
{
	awk '{ sum += $3 } END { print sum + 0 }' /proc/net/netfilter/nfnetlink_queue
}

# What the daemon has counted, and what of it has come out: received, dropped, accepted, orphaned, arrived.
account()
{
	op25bctl --json status | python3 -c '
import json, sys
ledger = json.load(sys.stdin)["ledger"]
print(*(ledger[key] for key in ("received", "dropped", "accepted", "orphaned")), sys.argv[1])' "$(arrived)"
}

# account_grew RECEIVED DROPPED ACCEPTED: since account_before, and everything accepted has arrived.
account_grew()
{
	local was now
	read -ra was <<<"$account_before"
	read -ra now <<<"$(account)"
	echo "before: ${was[*]}" "after: ${now[*]}"
	[ $((now[0] - was[0])) -eq "$1" ] && [ $((now[1] - was[1])) -eq "$2" ] &&
		[ $((now[2] - was[2])) -eq "$3" ] && [ $((now[3] - was[3])) -eq 0 ] && [ $((now[4] - was[4])) -eq "$3" ]
}

lives_are()
{
	is_active && [ "$(field status handover.lives)" = "$1" ]
}

bed()
{
	local host
	for host in sub ext srv; do
		netns_add "$host" || return 1
	done
	ip netns attach "$(netns_name rtr)" 1 && netns_forward rtr &&
		netns_lan rtr sub0 sub 198.51.100 2001:db8:100 10 &&
		netns_lan rtr up0 ext 203.0.113 2001:db8:200 25 &&
		netns_lan rtr srv0 srv 192.0.2 2001:db8:192 25 || return 1
	netns_spawn ext python3 -c "$listener" 25
	netns_spawn ext python3 -c "$listener" 587
	netns_spawn sub python3 -c "$listener" 25
	netns_run ext nft -f - <<-END
		table inet outside {
			counter came { }
			chain input { type filter hook input priority 0; tcp dport 25 tcp flags & (syn | ack) == syn counter name came
				ip saddr 198.51.100.128/25 drop; }
		}
	END
	wait_until 5 connect_from srv 203.0.113.25 25
}

arrived()
{
	netns_run ext nft list counter inet outside came | sed -n 's/.*packets \([0-9]*\) bytes.*/\1/p'
}

arrived_at_least()
{
	[ "$(arrived)" -ge "$1" ]
}

# works NAME: what the gateway is for. What is not to pass needs its time, in which the others are tried.
works()
{
	local queued trying
	queued=$(counted queued)
	connect_from sub 203.0.113.25 25 &
	trying=$!
	expect "$1: the relay's SYN passes" connect_from srv 203.0.113.25 25
	expect "$1: 587 passes" connect_from sub 203.0.113.25 587
	expect "$1: a SYN of a pool to port 25 does not" ! wait "$trying"
	expect "$1: it came through the queue" test "$(counted queued)" -gt "$queued"
}

# 1. The start of the system.
expect_equal "no unit has failed" "$(systemctl list-units --failed --no-legend --plain)" ""
expect_equal "the rules were loaded before the network" "$(grep -cx 'table inet op25b' /run/results/before-network)" 1
expect_equal "and before there was any interface" "$(grep -vc -e '^table' -e '^lo ' /run/results/before-network)" 0
expect "modules that nobody had loaded were" test "$(grep -cE '^nf|^nft' /run/results/modules) $(grep -c '^nft_queue' /proc/modules)" = "0 1"
expect_equal "op25b-rules.service" "$(shown op25b-rules ActiveState) $(shown op25b-rules SubState) $(shown op25b-rules Result)" \
	"active exited success"
expect_equal "op25bd.service: READY=1 has come" "$(shown op25bd ActiveState) $(shown op25bd SubState) $(shown op25bd NRestarts)" \
	"active running 0"
expect_equal "op25bd.service: its status is the policy's digest" "$(shown op25bd StatusText)" "Policy $(digest)"
expect "the rules are the policy's" op25b-rules status
bed || tap_not_ok "the test bed stands"

# 2. What the daemon may.
daemon=$(main_pid)
user=$(id -u op25b)
expect_equal "it runs as its own user" "$(sed -n 's/^[UG]id:[[:space:]]*//p' "/proc/$daemon/status" | tr '\t\n' '  ')" \
	"$user $user $user $user $(id -g op25b) $(id -g op25b) $(id -g op25b) $(id -g op25b) "
expect_equal "with CAP_NET_ADMIN and nothing else, in every thread" \
	"$(cat "/proc/$daemon"/task/*/status | grep -E '^Cap(Inh|Prm|Eff|Bnd|Amb)' | sort -u | tr -s '\t\n' ' ')" \
	"CapAmb: 0000000000000000 CapBnd: 0000000000001000 CapEff: 0000000000001000 CapInh: 0000000000000000 CapPrm: 0000000000001000 "
expect_equal "no new privileges, and a filter of system calls" \
	"$(sed -n -E 's/^(NoNewPrivs|Seccomp):[[:space:]]*//p' "/proc/$daemon/status" | tr '\n' ' ')" "1 2 "
# shellcheck disable=SC2016
expect "of the file system it can write its own directories only" nsenter -t "$daemon" -m -S "$user" -G "$user" sh -c '
	for there in /run/op25b /var/log/op25b; do touch $there/try && rm $there/try || exit 1; done
	for there in / /etc /etc/op25b /usr /var/lib /root; do ! touch $there/try 2>/dev/null || exit 1; done'
expect_equal "the socket and the records are its own" "$(stat -c '%U:%G %a' "$socket" | tr '\n' ' ')" "op25b:op25b 660 "
expect "op25bctl works for root" ends_like 0 'ledger' op25bctl status
expect "and for the group" setpriv --reuid 1 --regid 1 --groups "$(id -g op25b)" op25bctl status
expect "for nobody else" ! setpriv --reuid 1 --regid 1 --clear-groups op25bctl status
expect_equal "it can read the kernel's counters" "$(field status kernel.waiting)" 0

# 3. What Prometheus is told, by either way.
prom=/var/lib/prometheus/node-exporter/op25b.prom
mkdir -p "${prom%/*}"
expect "op25b-metrics.service runs" systemctl start op25b-metrics
expect_equal "its file is for all to read" "$(stat -c '%U %a' "$prom")" "root 644"
expect "and says that the daemon is up" grep -qx 'op25b_up 1' "$prom"
expect "op25b-metrics.timer can be started" systemctl start op25b-metrics.timer
expect "and ended" systemctl stop op25b-metrics.timer
if command -v op25b-exporter >/dev/null; then
	ip link set lo up
	expect "op25b-exporter.service starts" systemctl start op25b-exporter
	exported()
	{
		"$root/tests/lib/http_get.py" GET "$1" 9725 /metrics | grep -x "$2"
	}
	expect "it gets an answer of the daemon" wait_until 10 exported 127.0.0.1 'op25b_up 1'
	exporter=$(shown op25b-exporter MainPID)
	expect "it is no user that there is, in the group of the socket" \
		test "$(sed -n 's/^Uid:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$exporter/status")" -ge 61184 -a \
		"$(sed -n 's/^Groups:.*[[:space:]]\('"$(id -g op25b)"'\)[[:space:]].*/\1/p' "/proc/$exporter/status")" = "$(id -g op25b)"
	expect_equal "it has no capability" "$(sed -n 's/^Cap[IPEBA][a-z]*:[[:space:]]*//p' "/proc/$exporter/status" | sort -u)" 0000000000000000
	# With IPAddressDeny, what comes from elsewhere is dropped also where it listens to all.
	mkdir -p /run/systemd/system/op25b-exporter.service.d
	printf '[Service]\nExecStart=\nExecStart=%s --listen 0.0.0.0:9725\n' "$(command -v op25b-exporter)" \
		>/run/systemd/system/op25b-exporter.service.d/all.conf
	systemctl daemon-reload
	expect "it listens elsewhere, when told so" systemctl restart op25b-exporter
	expect "then this machine still reaches it" wait_until 10 exported 127.0.0.1 'op25b_up 1'
	expect "and nobody else" ! connect_from sub 198.51.100.1 9725
	systemctl stop op25b-exporter
fi

# 4. What it does.
works "started with the system"
expect "inbound mail passes" connect_from ext 198.51.100.10 25
expect "the same over IPv6" connect_from ext 2001:db8:100::10 25
expect "IPv6 of a pool is dropped, too" ! connect_from sub 2001:db8:200::25 25
expect "blocked subscribers are recorded" wait_until 5 grep -q '"src_ip":"198.51.100.10"' "$events"
in_journal()
{
	journalctl --sync
	journalctl -q --no-pager -o cat _SYSTEMD_UNIT=op25bd.service OP25B_SUBSCRIBER=198.51.100.10 | grep -q '^port 25 blocked for 198.51.100.10: '
}
expect "in the journal, too" wait_until 5 in_journal
expect "journald has lost none" test "$(field status outputs.0.lost)" = 0
expect_equal "the records are its own" "$(stat -c '%U:%G %a' "$events" | tr '\n' ' ')" "op25b:op25b 640 "

# 5. Reload.
listed >"$scratch/rules"
mark
before=$(digest)
cp "$policy" "$scratch/good.ini"
sed -i 's/^mode = .*/mode = monitor/' "$policy"
expect "systemctl reload takes a changed policy" systemctl reload op25bd
expect "it is another one" test "$(digest)" != "$before"
expect_equal "and systemd is told" "$(shown op25bd StatusText)" "Policy $(digest)"
expect "it is in force" connect_from sub 203.0.113.25 25
before=$(digest)
sed -i 's/^fail = .*/fail = sometimes/' "$policy"
mark
expect "systemctl reload says that a bad policy is refused" ! systemctl reload op25bd
expect_equal "the old one stays in force" "$(digest)" "$before"
expect "the daemon goes on" connect_from sub 203.0.113.25 25
expect_equal "the same process" "$(main_pid) $(shown op25bd ActiveState)" "$daemon active"
expect "the journal says what is wrong, and where" said op25bd "op25b\.ini:[0-9]+:[0-9]+: .*sometimes"
mark
expect "likewise for the rules" ! systemctl reload op25b-rules
expect "which stay" is_now "$scratch/rules"
expect "the journal says what is wrong with them, and where" said op25b-rules "op25b\.ini:[0-9]+:[0-9]+: .*sometimes"
cp "$scratch/good.ini" "$policy"
expect "the mended policy is taken" systemctl reload op25bd op25b-rules
works "after the reloads"
expect "the rules are the policy's" op25b-rules status
listed >"$scratch/rules"

# 6. Rotation, by the unit that logrotate.timer starts.
lines=$(wc -l <"$events")
expect "logrotate rotates" systemctl start logrotate
expect "the daemon makes a new file" wait_until 5 test -e "$events"
expect_equal "which is its own" "$(stat -c '%U:%G %a' "$events" | tr '\n' ' ')" "op25b:op25b 640 "
expect "the old one is there, whole" test "$(cat /var/log/op25b/events.json-* | wc -l)" -ge "$lines"
connect_from sub 203.0.113.25 25 2>/dev/null &
expect "records go to the new one" wait_until 8 test -s "$events"
sleep 1
expect "logrotate rotates again" systemctl start logrotate
expect "the daemon makes a new file again" wait_until 5 test -e "$events"
expect_equal "the oldest one is compressed" "$(find /var/log/op25b -name 'events.json-*.gz' | wc -l)" 1

# 7. The watchdog.
fed=$(shown op25bd WatchdogTimestampMonotonic)
expect "the watchdog is fed" wait_until 5 fed_after "$fed"
watchdog_wait 4
mark
expect "systemctl restart" systemctl restart op25bd
daemon=$(main_pid)
kill -STOP "$daemon"
expect "a daemon that hangs is replaced" wait_until 30 restarted 0 "$daemon"
expect "the journal says why" said op25bd 'Watchdog timeout'
expect "the rules stayed" is_now "$scratch/rules"
works "after the watchdog"
watchdog_wait 300 # in what comes next it hangs for as long as it takes
daemon=$(main_pid)
kill -KILL "$daemon"
expect "a daemon that was killed is replaced" wait_until 10 restarted 1 "$daemon"
expect "the rules stayed" is_now "$scratch/rules"

# 8. The manager holds the queues and the counts, whatever becomes of the process. Of 200 sources 126 are blocked and 73 exempt;
# the first address is the gateway's own.
systemctl reset-failed op25bd
hold_starts
lives=$(field status handover.lives)
account_before=$(account)
touch "$hold"
systemctl restart --no-block op25bd
expect "a restart begins" wait_until 20 is_held
expect_equal "between two processes the queues stay bound" "$(queues_bound)" "100 101 "
expect_equal "the manager holds them, and the counts" "$(shown op25bd NFileDescriptorStore)" 3
send_syns 200 200 >"$scratch/sent"
expect_equal "packets wait in them" "$(packets_wait)" 199
rm "$hold"
expect "the next process goes on with them" wait_until 20 lives_are $((lives + 1))
expect "it judges what waited, and counts it to what was before" wait_until 5 account_grew 199 126 73

account_before=$(account)
touch "$hold"
daemon=$(main_pid)
kill -STOP "$daemon"
send_syns 200 200 >"$scratch/sent"
kill -KILL "$daemon"
expect "killed with packets that wait: systemd begins anew" wait_until 20 is_held
expect_equal "the queues of a killed daemon stay bound" "$(queues_bound)" "100 101 "
send_syns 50 50 >"$scratch/sent"
expect_equal "its packets wait, and those that came later" "$(packets_wait)" 248
rm "$hold"
expect "the next process goes on with them" wait_until 20 lives_are $((lives + 2))
expect "it judges what waited, and counts it to what was before" wait_until 5 account_grew 248 175 73
expect_equal "the manager still holds each once" "$(shown op25bd NFileDescriptorStore)" 3
all_in_records()
{
	[ "$(records 'sum(x["op25b"]["packets_blocked"] for x in r if x["src_ip"] != "198.51.100.10")' "$events")" = 298 ]
}
expect "all that was blocked stands in records" wait_until 10 all_in_records
expect "the ledger balances" ledger_balances

# The program is exchanged in the running process, which has no privileges and is confined by systemd's filter and its own.
daemon=$(main_pid)
restarts=$(shown op25bd NRestarts)
rights=$(grep -hE '^(Cap|NoNewPrivs|Seccomp:|Uid|Gid)' "/proc/$daemon"/task/*/status | sort -u)
expect "op25bctl upgrade" op25bctl upgrade
expect "takes over" wait_until 10 lives_are $((lives + 3))
expect_equal "it is the same process for systemd" "$(main_pid) $(shown op25bd NRestarts)" "$daemon $restarts"
expect_equal "with the same user, rights and confinement" \
	"$(grep -hE '^(Cap|NoNewPrivs|Seccomp:|Uid|Gid)' "/proc/$daemon"/task/*/status | sort -u)" "$rights"
expect_equal "the manager still holds each once" "$(shown op25bd NFileDescriptorStore)" 3
works "after the upgrade"
rm /run/systemd/system/op25bd.service.d/hold.conf
systemctl daemon-reload

# 9. Stop.
sed -i 's/^mode = .*/mode = monitor/' "$policy"
systemctl reload op25bd
daemon=$(main_pid)
before=$(arrived)
queued=$(counted queued)
kill -STOP "$daemon"
send_syns 40 40 >"$scratch/sent" 2>&1 || cat "$scratch/sent" >&2
waited=$(($(counted queued) - queued))
expect "packets wait for the daemon" test "$waited" -ge 39
expect_equal "none has passed" "$(arrived)" "$before"
expect "systemctl stop" systemctl stop op25bd
wait_until 5 arrived_at_least $((before + waited))
expect_equal "answers every one of them before the end" "$(arrived)" $((before + waited))
expect_equal "and ends well" "$(shown op25bd Result) $(shown op25bd ExecMainStatus)" "success 0"
expect "the rules stay" is_now "$scratch/rules"
expect "without the daemon fail = closed holds" ! connect_from sub 203.0.113.25 25
expect "systemctl stop op25b-rules" systemctl stop op25b-rules
expect "leaves the rules, too" is_now "$scratch/rules"
expect "systemctl start op25bd brings both back" systemctl start op25bd
expect_equal "namely both" "$(shown op25b-rules ActiveState) $(shown op25bd ActiveState)" "active active"
expect "it works" connect_from sub 203.0.113.25 25
listed >"$scratch/rules"

# 10. A start with a bad policy.
sed -i 's/^fail = .*/fail = sometimes/' "$policy"
mark
expect "a restart with a bad policy fails" ! systemctl restart op25bd
sleep 3
expect_equal "at once and for good" "$(shown op25bd ActiveState) $(shown op25bd ExecMainStatus) $(shown op25bd NRestarts)" "failed 4 0"
expect "the journal says why" said op25bd "op25b\.ini:[0-9]+:[0-9]+: .*sometimes"
expect "the rules stay" is_now "$scratch/rules"
expect "and fail = closed holds" ! connect_from sub 203.0.113.25 25
cp "$scratch/good.ini" "$policy"
expect "with the mended policy it starts" systemctl start op25bd
works "after the mended policy"

# 11. Others who change the rules.
rm -f /run/op25b/*.lock
expect "root applies by hand" op25b-rules apply
expect "then the unit" systemctl reload op25b-rules
rm -f /run/op25b/*.lock
expect "the unit first" systemctl reload op25b-rules
expect "then root by hand" op25b-rules apply
for order in 'reload nftables' 'restart nftables' 'stop nftables, start nftables'; do
	mark
	# shellcheck disable=SC2086
	while read -r one; do
		expect "systemctl $one, which flushes everything" systemctl $one
	done <<<"${order//, /$'\n'}"
	expect "after $order: op25b's rules are there again" wait_until 5 op25b-rules status
	expect "after $order: and the others" nft list table inet others
done
works "after the flush"
ip netns delete "$(netns_name rtr)"
tap_end
