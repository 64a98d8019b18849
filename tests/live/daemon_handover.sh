#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One op25bd after another on the same queues: by an upgrade (exec), by a restart and by kill -9 with the queues in the
# service manager's store, in the middle of a flood of exactly known size, with mail of the relay passing by. No packet is
# lost or passes unjudged, the ledger goes on and balances, and the records tell of every blocked packet exactly once.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"
# shellcheck source-path=SCRIPTDIR source=keeper.sh
. "$(dirname "$0")/keeper.sh"
: "${FLOOD:?}" "${REFUSE_VERDICTS:?}" "${DIE_READING:?}"
gateway_bed
mac=$(router_mac)
mac=${mac//:/}
slow=${OP25B_TEST_SLOW:-1}
mkdir "$scratch/bin"
program=$scratch/bin/op25bd
cp "$OP25BD" "$program"
OP25BD=$program

# SYNs that go on to the outside from subscribers.
netns_run rtr nft -f - <<-END
	table inet op25b-count {
		counter leaked { }
		chain out {
			type filter hook postrouting priority 0
			tcp dport 25 tcp flags & (syn | ack) == syn ip saddr 198.51.96.0/20 counter name leaked
		}
	}
END
leaked()
{
	netns_run rtr nft list counter inet op25b-count leaked | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}

# Connections of the relay, one after the other; what hears nothing within the time in which a SYN is not repeated has
# failed. Prints how many there were, and how many failed.
mailer='
import os, socket, sys, time
made = failed = 0
while not os.path.exists(sys.argv[1]):
    try:
        socket.create_connection(("203.0.113.25", 25), timeout=float(sys.argv[2])).close()
    except OSError:
        failed += 1
    made += 1
    time.sleep(0.02)
print(made, failed, flush=True)
'
mail_begin()
{
	rm -f "$scratch/mail.end"
	netns_spawn srv python3 -c "$mailer" "$scratch/mail.end" "$(awk "BEGIN {print 0.9 * $slow}")"
	mailing=$spawned mail_log=$spawned_log
}

# mail_expect NAME
mail_expect()
{
	local made failed
	touch "$scratch/mail.end"
	wait_until 5 process_ended "$mailing"
	read -r made failed <"$mail_log"
	expect "$1: the relay's mail goes on" test "${made:-0}" -gt 10
	expect_equal "$1: every connection of it succeeds at once" "$failed" 0
}

# policy_failing FAIL: with windows that are soon over.
policy_failing()
{
	policy_write 'mode = enforce' "fail = $1" < <(usual_sections)
	sed -i 's/^window = .*/window = 1/' "$policy"
}

sent=0
# flood_begin PACKETS: what fills the queue waits, so that the kernel has nothing to drop.
flood_begin()
{
	netns_run sub "$FLOOD" -i eth0 -m "$mac" -c "$1" -n 500 -s 198.51.97.0 -q 100 -o "$keeper" -w 3000 -r 15000 \
		>"$scratch/flood.log" &
	flooding=$!
	netns_pids+=("$flooding")
	sent=$((sent + $1))
}

all_answered()
{
	[ "$(field status ledger.dropped)" = "$sent" ] && [ "$(field status ledger.in_flight)" = 0 ]
}

recorded()
{
	records 'total("packets_blocked")' "$events"
}

all_recorded()
{
	[ "$(recorded)" = "$sent" ]
}

# flood_expect NAME: what must hold after every exchange.
flood_expect()
{
	wait "$flooding"
	expect "$1: every packet of the flood is answered, and counted by one ledger" wait_until 10 all_answered
	expect "$1: and in the records, exactly once" wait_until 10 all_recorded
	expect_equal "$1: none has passed" "$(leaked)" 0
	expect "$1: the ledger balances" ledger_balances
	expect_equal "$1: it counts what came to the rule" "$(field status ledger.received)" "$(rule_packets)"
	expect_equal "$1: no record has the number of another" \
		"$(records 'len({x["op25b"]["seq"] for x in r}) == len(r)' "$events")" True
}

# shellcheck disable=SC2120
fresh()
{
	netns_run rtr nft delete table inet op25b-test 2>/dev/null
	netns_run rtr nft reset counters table inet op25b-count >/dev/null
	rm -f "$events"
	sent=0
	queue_rule 1 "$@"
}

# exchanges NAME FAIL: upgrades, restarts and kills in a flood.
exchanges()
{
	local name="fail = $2" n=1 seq
	fresh
	policy_failing "$2"
	keeper_start
	mail_begin
	flood_begin "$1"
	for what in upgrade kill upgrade restart kill kill; do
		# With fail = open a restart lets by what comes in between, as a stop does.
		[ "$what $2" != "restart open" ] || continue
		n=$((n + 1))
		sleep 0.3
		seq=$(field stats events.next_seq)
		case $what in
			upgrade) expect "$name: op25bctl upgrade" ctl upgrade ;;
			restart) kill -TERM "$(main_pid)" ;;
			kill) kill -KILL "$(main_pid)" ;;
		esac
		expect "$name: $what: the next process has the queue" wait_until 5 lives "$n"
		expect "$name: $what: record numbers go on" test "$(field stats events.next_seq)" -ge "$seq"
		[ "$(field stats events.next_seq)" -lt $((seq + 100000)) ] || tap_not_ok "$name: $what: from where they were"
	done
	wait "$flooding"
	mail_expect "$name"
	flood_expect "$name"
	keeper_end
	expect "$name: the queue is free at the end" ! grep -q . <(netns_run rtr cat /proc/net/netfilter/nfnetlink_queue)
}
exchanges 30000 closed
# OP25B_LONG=1 adds what is much like the rest.
[ -z "${OP25B_LONG-}" ] || exchanges 20000 open

status_is()
{
	[ "$(field status "$1")" = "$2" ]
}

waiting_in_kernel()
{
	# shellcheck disable=SC2016
	netns_run rtr awk '{print $3}' /proc/net/netfilter/nfnetlink_queue
}

some_wait()
{
	[ "$(waiting_in_kernel)" -gt "$1" ]
}

dropped_are_recorded()
{
	[ "$(recorded)" = "$(field status ledger.dropped)" ]
}

# orphaned_are_recorded PACKETS
orphaned_are_recorded()
{
	[ "$(records 'sum(x["op25b"]["packets"] for x in r if json.dumps(x).find("orphaned") >= 0)' "$events")" = "$1" ]
}

# Killed with packets in its hands that were read and not judged: only the kernel knows them.
# died_reading FAIL SLOT
died_reading()
{
	local name="killed while reading, fail = $1" orphaned dropped
	fresh
	policy_failing "$1"
	keeper_start env LD_PRELOAD="$DIE_READING" OP25B_DIE_READING="$scratch/die"
	send_syns 500 50 >"$scratch/sent"
	touch "$scratch/die"
	send_syns 300 50 >"$scratch/sent"
	expect "$name: the next process has the queue" wait_until 5 lives 2
	send_syns 200 50 >"$scratch/sent"
	expect "$name: nothing waits that nobody answers" wait_until 5 status_is kernel.waiting 0
	expect_equal "$name: every packet is accounted for" "$(field status ledger.received)" "$(rule_packets)"
	orphaned=$(field status ledger.orphaned)
	expect "$name: some were orphaned" test "$orphaned" -gt 0
	# shellcheck disable=SC2015
	expect_equal "$name: they are dropped, or let through, as the fail mode has it" "$(field status "ledger.$2")" \
		"$([ "$1" = open ] && echo "$orphaned" || field status ledger.received)"
	expect_equal "$name: and nothing else has passed" "$(leaked)" "$([ "$1" = open ] && echo "$orphaned" || echo 0)"
	expect "$name: records tell of them as orphaned" wait_until 6 orphaned_are_recorded "$orphaned"
	expect "$name: and of every blocked packet" wait_until 6 dropped_are_recorded
	expect "$name: the ledger balances" ledger_balances
	dropped=$(field status ledger.dropped)
	keeper_end
	expect_equal "$name: and nothing twice, to its end" "$(recorded)" "$dropped"
}
died_reading closed dropped
died_reading open failed_open

# Killed with verdicts on the tongue: the next process gives them, and counts them once.
fresh
policy_failing open
keeper_start env LD_PRELOAD="$REFUSE_VERDICTS" OP25B_REFUSE="$scratch/refuse"
send_syns 500 50 >"$scratch/sent"
touch "$scratch/refuse"
send_syns 300 50 >"$scratch/sent"
expect "killed while answering: packets wait" wait_until 5 some_wait 0
# The watchdog: a worker that stands still is one that makes no progress.
expect "the watchdog was fed while the worker went on" wait_until 5 grep -q '^WATCHDOG=1' "$keeper_log"
# A tick may yet find the beats from before.
sleep $((2 * slow))
fed=$(grep -c '^WATCHDOG=1' "$keeper_log")
sleep $((2 * slow))
expect_equal "and is not while it stands still" "$(grep -c '^WATCHDOG=1' "$keeper_log")" "$fed"
expect "though the main thread answers" ctl status
kill -KILL "$(main_pid)"
rm "$scratch/refuse"
expect "killed while answering: the next process has the queue" wait_until 5 lives 2
expect "killed while answering: nothing waits that nobody answers" wait_until 5 status_is kernel.waiting 0
expect_equal "killed while answering: all are judged, and counted" "$(field status ledger.dropped)" "$(rule_packets)"
expect_equal "killed while answering: none passes though fail = open" "$(leaked) $(field status ledger.orphaned)" "0 0"
fed=$(grep -c '^WATCHDOG=1' "$keeper_log")
fed_again()
{
	[ "$(grep -c '^WATCHDOG=1' "$keeper_log")" -gt "$fed" ]
}
expect "the watchdog is fed again" wait_until 5 fed_again
keeper_end

# Nobody is there for a while, and the queue fills: what fits waits.
fresh
policy_failing closed
keeper_start
send_syns 100 50 >"$scratch/sent"
touch "$scratch/keep/hold"
kill -KILL "$(main_pid)"
send_syns 6000 50 >"$scratch/sent"
expect_equal "a killed daemon's queue is full" "$(waiting_in_kernel)" 4096
rm "$scratch/keep/hold"
expect "a full queue: the next process has it" wait_until 5 lives 2
connect_from srv 203.0.113.25 25
expect_equal "a full queue: what waited is judged, what did not fit the kernel counts" \
	"$(($(field status ledger.received) + $(field status kernel.queue_dropped)))" "$(rule_packets)"
expect_equal "a full queue: none has passed" "$(leaked)" 0
expect "a full queue: the ledger balances" ledger_balances

# What waits in a queue that the next policy does not have is judged before that is closed.
touch "$scratch/keep/hold"
received=$(field status ledger.received)
came=$(rule_packets)
kill -KILL "$(main_pid)"
send_syns 300 50 >"$scratch/sent"
came=$(($(rule_packets) - came))
sed -i 's/^queue = .*/queue = 200/' "$policy"
rm "$scratch/keep/hold"
expect "another queue number: the next process is there" wait_until 5 lives 3
expect "another queue number: it says what became of the packets" wait_until 5 \
	grep -q "queue 100 is not the policy's any more: $came packets that waited were judged" "$keeper_log"
expect_equal "another queue number: all are counted" "$(($(field status ledger.received) - received))" "$came"
expect "another queue number: and stand in the records" wait_until 8 dropped_are_recorded
expect_equal "another queue number: none has passed" "$(leaked)" 0
expect "another queue number: the ledger balances" ledger_balances
# shellcheck disable=SC2016
expect_equal "another queue number: that one is bound" "$(netns_run rtr awk '{print $1}' /proc/net/netfilter/nfnetlink_queue)" 200
keeper_end

# The program itself: another version is taken, one that cannot start is not.
fresh
policy_failing closed
gateway_start
sed 's/0\.1\.0/0.1.9/g' "$program" >"$program.new" && chmod 755 "$program.new" && mv "$program.new" "$program"
expect "a package's new program is taken" ctl upgrade
cat "$scratch/expect.log" >"$scratch/said"
expect "and named, beside the one before" grep -qE '^op25bd 0\.1\.0 .* was taken over by op25bd 0\.1\.9 ' "$scratch/said"
expect_equal "it is the same process" "$(field status pid) $(field status version)" "$daemon 0.1.9"
expect_equal "it warns of no fail mode that is just being set" "$(grep -c 'has not acknowledged' "$daemon_log")" 0
for broken in 'exit 1' 'echo "cannot find libc" >&2; exit 127'; do
	printf '#!/bin/sh\n%s\n' "$broken" >"$program.new" && chmod 755 "$program.new" && mv "$program.new" "$program"
	expect "a program that does not start is not taken" ends_with 4 'is not taken' ctl upgrade
done
rm "$program"
expect "nor one that is not there" ends_with 5 'cannot be run' ctl upgrade
cp "$(readlink -f "/proc/$daemon/exe" 2>/dev/null || true)" "$program" 2>/dev/null || cp "/proc/$daemon/exe" "$program"
cp "$policy" "$scratch/good.ini"
sed -i 's/^fail = .*/fail = sometimes/' "$policy"
expect "nor one with a bad policy" ends_with 4 'fail' ctl upgrade
cp "$scratch/good.ini" "$policy"
expect "the one before goes on" ! connect_from sub 203.0.113.25 25
expect_equal "the same one" "$(field status handover.lives)" 2
# Passes the check, and is no program for the exec a moment later.
# shellcheck disable=SC2016
printf '#!/bin/sh\nexec rm "$0"\n' >"$program.new" && chmod 755 "$program.new" && mv "$program.new" "$program"
ctl upgrade >/dev/null 2>&1 &
waiter=$!
expect "an exec that fails is said" wait_until 5 grep -q 'cannot be executed' "$daemon_log"
kill $waiter 2>/dev/null
wait $waiter 2>/dev/null
expect "and the one before goes on judging" ! connect_from sub 203.0.113.25 25
expect "both ways" connect_from srv 203.0.113.25 25
expect "the ledger balances" ledger_balances
process_end "$daemon"
expect_equal "exit code 0" "$?" 0
tap_end
