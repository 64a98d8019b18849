#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# op25b-log watch in a real terminal (tmux), asking a real op25bd about SYNs of exactly known number: what it shows, what
# keys do, other sizes, and that the terminal is as before however it ends.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"
: "${FLOOD:?}" "${OP25B_LOG:?}"
export LC_ALL=C.UTF-8 TZ=UTC
unset NO_COLOR
netns_need tmux nft python3
gateway_bed
mac=$(router_mac)
mac=${mac//:/}
policy_write 'mode = enforce' 'fail = closed' 'triangular_guard = no' < <(
	cat <<-END
		[pool homes]
		prefix = 10.0.0.0/8
		prefix = 2001:db8:8000::/34
		delegated_prefix_length = 56
	END
)
sed -i 's/^window = .*/window = 600/' "$policy"
queue_rule 1
gateway_start

in_tmux()
{
	tmux -S "$scratch/tmux" -f /dev/null "$@"
}

in_tmux -u new-session -d -s w -x 80 -y 24 "env -u TMUX PS1='$ ' bash --norc --noprofile"
netns_pids+=("$(in_tmux display-message -p '#{pid}')")

keys()
{
	in_tmux send-keys -t w "$@"
}

# The screen, blanks at the ends of lines cut off.
screen()
{
	in_tmux capture-pane -t w -p "$@"
}

shows()
{
	screen | grep -qF -- "$1"
}

# The words of a row are these, whatever is between them.
row()
{
	screen | tr -s ' ' | sed 's/ $//' | grep -qxE -- "$1"
}

# The subscribers in the order shown begin with these; a "." behind the last says that there are no others.
order()
{
	[[ $(screen | sed -n '/^SUBSCRIBER/,$ s/^\([0-9a-f]*[.:][^ ]*\) .*/\1/p' | tr '\n' ' '). == "$1"* ]]
}

# sees DESCRIPTION COMMAND...: the screen gets there within seconds.
sees()
{
	expect "$1" wait_until 5 "${@:2}" || screen >&2
}

resize()
{
	in_tmux resize-window -t w -x "$1" -y "$2"
}

# watch [VARIABLE=VALUE...] [OPTION...]: from the shell in the terminal.
watch()
{
	local variables=()
	while [[ ${1-} == [A-Z]*=* ]]; do
		variables+=("$1")
		shift
	done
	keys "clear; stty -g >$scratch/before; echo left-as-it-was; env ${variables[*]} $OP25B_LOG watch -p $policy $*" Enter
	pane=$(in_tmux display-message -p -t w '#{pane_pid}')
}

watcher()
{
	pgrep -P "$pane" -f 'op25b-log watch'
}

no_watcher()
{
	! watcher
}

# ended CODE: the shell is back, on a screen that shows what it did before, with a terminal set as before.
ended()
{
	rm -f "$scratch/code" "$scratch/after"
	wait_until 5 no_watcher || return 1
	keys "echo \$? >$scratch/code; stty -g >$scratch/after" Enter
	wait_until 5 test -s "$scratch/after" && wait_until 5 shows left-as-it-was && cat "$scratch/code" &&
		[ "$(in_tmux display-message -p -t w '#{alternate_on}#{cursor_flag}')" = 01 ] &&
		[ "$(cat "$scratch/code")" = "$1" ] && cmp "$scratch/before" "$scratch/after"
}

flood()
{
	netns_run sub "$FLOOD" -i eth0 -m "$mac" "$@" >/dev/null
}

flood -c 40 -s 10.0.0.7
flood -c 9 -s 10.0.0.8
flood -c 8 -s 10.0.0.8 -d 203.0.113.26
sleep 1.1
flood -c 20 -s 2001:db8:8000:7::1
judged()
{
	[ "$(field status ledger.received)" = "$1" ] && ledger_balances
}
wait_until 5 judged 77
attempts_of()
{
	ctl --json offenders | python3 -c '
import json, sys
print(*[row["attempts"] for row in json.load(sys.stdin)["offenders"] if row["subscriber"] == sys.argv[1]])' "$1"
}

watch --interval 0.2
sees "the gateway, its mode and fail mode" row 'op25b gw1: enforce, fail closed, op25bd [0-9.]+ up 0d 00:[0-9:]+ [0-9:]+'
# The first packet of each stands in a record at once, and counts all the same.
sees "packets of each subscriber, as many as were sent" \
	row "10\\.0\\.0\\.7 40 0 $(attempts_of 10.0.0.7) 1 [0-9:]{8} pool-enforce"
sees "two destinations" row "10\\.0\\.0\\.8 17 0 $(attempts_of 10.0.0.8) 2 [0-9:]{8} pool-enforce"
sees "IPv6 by delegated prefix" row '2001:db8:8000::/56 20 0 [0-9]+ 1 [0-9:]{8} pool-enforce'
sees "queue health" row 'queues 1: in flight 0, waiting 0, dropped full 0, socket 0, failed open 0'
sees "what would happen without a daemon" row 'if [a-z]+: no daemon.*'
sees "by packets" order '10.0.0.7 2001:db8:8000::/56 10.0.0.8 .'
keys D
sees "D: by destinations" order '10.0.0.8 10.0.0.7 2001:db8:8000::/56 .'
keys T
sees "T: by time" order '2001:db8:8000::/56 '
keys P /
sees "/ asks for a filter" shows 'show only'
keys 10.0.0.0/24 Enter
sees "and shows only whom it lets through" order '10.0.0.7 10.0.0.8 .'
keys Down Enter
sees "Enter: details of the subscriber at the cursor" row 'packets 17'
sees "and what holds for him now" row 'reason pool-enforce: .*'
sees "the pool" row 'pool homes'
keys Escape
sleep 0.2
keys Escape
sees "Escape: back, and Escape: all again" order '10.0.0.7 2001:db8:8000::/56 10.0.0.8 .'
keys h
sees "h: help" shows 'sort by packets, attempts'
keys q s 1.5 Enter
sees "s: another interval" shows 'every 1.5 s'
keys d 1 Enter
flood -c 10000 -s 10.0.0.9 -r 2000 -q 100 -o "$daemon" &
flooding=$!
sees "the rate is the one sent" row 'packets [12][0-9]{3}/s .*'
sees "and the subscriber's" row '10\.0\.0\.9 [0-9]+ [12][0-9]{3} .*'
resize 50 12
sees "50 columns, 12 rows: the list is still there" row 'SUBSCRIBER PACKETS ATTEMPTS DEST'
resize 20 3
sees "20 columns, 3 rows" shows 'op25b gw1'
resize 132 40
sees "132 columns, 40 rows" row 'SUBSCRIBER PACKETS PKT/S ATTEMPTS ATT/S DEST KERNEL LAST REASON'
wait $flooding
sees "the whole flood" row '10\.0\.0\.9 10000 .*'
resize 80 24
sees "80 columns, 24 rows" row 'SUBSCRIBER PACKETS PKT/S ATTEMPTS DEST LAST REASON'
coloured()
{
	screen -e | grep -q $'\033\[[0-9;]*3[1-6]m'
}
plain()
{
	! coloured
}
sees "in colour" coloured
keys c
sees "c: without" plain
keys q
expect "it ends" ended 0
watch --interval 0.2 --src 10.0.0.8/31 --reason pool-enforce
sees "--src, --reason: whom they let through" order '10.0.0.9 10.0.0.8 .'
sees "they are shown, as far as there is room" row '.* 2 of 4 --src 10\.0\.0\.8/31 --reason .*[+]'
keys q
expect "it ends" ended 0
watch --interval 0.2 --pool homes --dst 203.0.113.0/24 --src 10.0.0.8/31
sees "--pool, --dst: only records tell of them" row 'op25b gw1 records of .*'
sees "whom they let through" order '10.0.0.8 10.0.0.9 .'
keys q
expect "it ends" ended 0
watch --interval 0.2 --utc
sees "all again" row '10\.0\.0\.9 10000 .*'
process_end "$daemon"
sees "without a daemon: a warning" shows 'WARNING: op25bd does not answer'
sees "and sums from the record file" row '10\.0\.0\.9 10000 .*'
gateway_start
sees "and the daemon again" shows 'enforce, fail closed'
keys q
expect "q: the terminal is as before" ended 0

for signal in TERM HUP INT QUIT; do
	watch NO_COLOR=1 --log "$events"
	sees "$signal: it runs, from the record file" row '10\.0\.0\.7 40 .*'
	[ $signal != TERM ] || expect "NO_COLOR is obeyed" plain
	kill -s $signal "$(watcher)"
	expect "$signal: the terminal is as before" ended $((128 + $(kill -l $signal)))
done
if ! nm "$OP25B_LOG" 2>/dev/null | grep -q __asan_; then
	watch --log "$events"
	sees "it runs" row '10\.0\.0\.7 40 .*'
	kill -s SEGV "$(watcher)"
	expect "after a crash, too" ended 139
fi

# Records that somebody has tampered with.
sed -n '1s/"pool":"[^"]*"/"pool":"\\u001b]0;x\\u0007\\u009b31m"/p' "$events" >"$scratch/bad.json"
printf '\033[2J\033[31m\n{"half' >>"$scratch/bad.json"
watch LC_ALL=C --log "$scratch/bad.json" --interval 0.2
sees "a damaged file: what is in order" shows 'line is no record'
keys Enter
sees "no control character reaches the terminal" shows '?]0;x??31m'
expect "without UTF-8: ASCII alone" ! grep -qP '[^\x00-\x7f]' <(screen)
head -n 1 "$events" >>"$scratch/bad.json"
keys q
sleep 0.3
keys q
expect "and it ends well" ended 0

expect "no terminal: an error" ends_with 2 'watch is for a terminal' "$OP25B_LOG" watch -p "$policy"
watch TERM=dumb
expect "a terminal that cannot place text: an error" ended 2
expect "it says so" shows 'this terminal (TERM) is not known'
for option in '--store x.db' --no-ingest '--since -1h' '--until now' '--limit 3'; do
	# shellcheck disable=SC2086 # an option and its value
	expect "$option: refused" ends_with 2 "${option%% *}" "$OP25B_LOG" watch -p "$policy" $option
done
expect "--json: refused" ends_with 2 'watch is a screen' "$OP25B_LOG" watch -p "$policy" --json
expect "--socket with --pool: refused" ends_with 2 'tells no pool' "$OP25B_LOG" watch -p "$policy" --socket /nonexistent --pool homes
watch --log "$events" --src 10.0.0.7
sees "it runs" row '10\.0\.0\.7 40 .*'
expect "for whom it is to" order '10.0.0.7 .'
last=$(watcher)
in_tmux kill-server
expect "when the terminal goes away, it ends" wait_until 5 process_ended "$last"
tap_end
