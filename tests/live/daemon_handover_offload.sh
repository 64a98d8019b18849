#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One op25bd after another while the kernel blocks whom it has learned, with several workers: by upgrades, restarts and kills in the
# middle of a flood, and by a kill at each place where what the kernel has counted is read out and emptied. Nothing passes, and
# every packet stands in the records exactly once. OP25B_TEST_LONG=1 adds the place that is much like another.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"
# shellcheck source-path=SCRIPTDIR source=keeper.sh
. "$(dirname "$0")/keeper.sh"
: "${FLOOD:?}" "${OP25B_RULES:?}" "${DIE_EMPTYING:?}"
gateway_bed
mac=$(router_mac)
mac=${mac//:/}

netns_run rtr nft -f - <<-END
	table inet op25b-count {
		counter entered { }
		counter leaked { }
		chain in { type filter hook prerouting priority -500; ip saddr 10.0.0.0/8 tcp dport 25 counter name entered; }
		chain out { type filter hook postrouting priority 0; ip saddr 10.0.0.0/8 tcp dport 25 counter name leaked; }
	}
END
counted()
{
	netns_run rtr nft list counter inet op25b-count "$1" | sed -n 's/.*packets \([0-9]*\) bytes.*/\1/p'
}

policy_write 'mode = enforce' 'fail = closed' 'triangular_guard = no' 'offload = yes' 'offload_after = 5' \
	'offload_seconds = 1' 'workers = 2' <<-END
		[pool all]
		prefix = 10.0.0.0/8
		prefix = 198.51.100.0/24
		[relay mx]
		address = 192.0.2.25
		interface = srv0
	END
sed -i 's/^window = .*/window = 2/' "$policy"
netns_run rtr "$OP25B_RULES" apply -p "$policy" >"$scratch/applied" || tap_not_ok "the rules are loaded" "$(cat "$scratch/applied")"

# begin NAME [COMMAND...]: a daemon that knows of nothing before.
begin()
{
	name=$1
	shift
	netns_run rtr nft reset counters table inet op25b-count >/dev/null
	rm -f "$events"
	keeper_start "$@"
	expect "$name: offload is in force" wait_until 10 offload_in_force
}

# flood_begin PACKETS RATE SOURCE
flood_begin()
{
	netns_run sub "$FLOOD" -i eth0 -m "$mac" -c "$1" -r "$2" -n 300 -s "$3" -q 100 -o "$keeper" -w 1500 >"$scratch/flood.log" &
	flooding=$!
	netns_pids+=("$flooding")
	sent=$1
}

recorded()
{
	records 'total("packets_blocked")' "$events"
}

all_recorded()
{
	[ "$(counted entered) $(recorded)" = "$sent $sent" ]
}

flood_expect()
{
	wait "$flooding"
	expect "$name: every packet stands in the records, exactly once" wait_until 15 all_recorded ||
		echo "# entered $(counted entered), recorded $(recorded)" >&2
	expect_equal "$name: none has passed" "$(counted leaked)" 0
	expect "$name: the ledger balances" ledger_balances
	expect_equal "$name: its count of what was blocked is the same" "$(field status offload.blocked)" "$sent"
	expect "$name: much of it the kernel has counted" test "$(records 'sum(x["op25b"].get("packets_offloaded", 0) for x in r)' "$events")" -gt 1000
	expect_equal "$name: no record has the number of another" \
		"$(records 'len({x["op25b"]["seq"] for x in r}) == len(r)' "$events")" True
}

begin "exchanged in a flood"
flood_begin 60000 15000 10.1.0.0
lives=1
for what in upgrade kill restart upgrade kill; do
	sleep 0.6
	lives=$((lives + 1))
	case $what in
		upgrade) expect "$name: op25bctl upgrade" ctl upgrade ;;
		restart) kill -TERM "$(main_pid)" ;;
		kill) kill -KILL "$(main_pid)" ;;
	esac
	expect "$name: $what: the next process has both queues" wait_until 5 lives $lives
done
flood_expect
keeper_end

# Where a process is killed by the preloaded library.
died()
{
	[ ! -e "$scratch/die" ] && lives 2
}

for place in ${OP25B_TEST_LONG:+reading} before after; do
	begin "killed ($place)" env LD_PRELOAD="$DIE_EMPTYING" OP25B_DIE_EMPTYING="$scratch/die"
	flood_begin 20000 10000 10.2.0.0
	sleep 0.7
	echo "$place" >"$scratch/die.new"
	mv "$scratch/die.new" "$scratch/die"
	expect "$name: the next process goes on" wait_until 8 died
	flood_expect
	keeper_end
done
tap_end
