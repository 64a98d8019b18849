#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# op25b-rules beside a daemon that turns the kernel's sets: its changes are no reason to send everything, and what an apply
# or delete would remove is read out first.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"
: "${FLOOD:?}" "${OP25B_RULES:?}"
gateway_bed
netns_run ext nft -f - <<-END
	table inet counting {
		chain out { type filter hook input priority 0; ip saddr 10.0.0.0/8 tcp dport 25 drop; }
	}
END
mac=$(router_mac)
mac=${mac//:/}

# offload_policy SUBSCRIBERS_MAX
offload_policy()
{
	policy_write 'mode = enforce' 'fail = closed' 'triangular_guard = no' 'offload = yes' 'offload_after = 5' \
		'offload_seconds = 1' <<-END
			[pool all]
			prefix = 10.0.0.0/8
		END
	sed -i "s/^window = .*/window = 2\nsubscribers_max = $1/" "$policy"
}

apply()
{
	netns_run rtr "$OP25B_RULES" apply -p "$policy" >"$scratch/applied" 2>&1
}

# flood PACKETS SOURCE
flood()
{
	netns_run sub "$FLOOD" -i eth0 -m "$mac" -c "$1" -n 10 -q 100 -o "$daemon" -s "$2" >/dev/null
}

rotated()
{
	[ "$(field status offload.rotations)" -gt "$1" ]
}

# turned BEFORE: a flood, and then a change of generation
turned()
{
	flood 2000 10.0.0.1
	wait_until 10 rotated "$1"
}

told()
{
	[ "$(records 'total("packets_blocked")' "$events")" = "$1" ]
}

in_force()
{
	[ "$(field status offload.generation)" != None ]
}

offload_policy 100000
expect "the ruleset is loaded" apply
gateway_start
expect "offload begins" wait_until 5 in_force
for i in 0 1 2; do
	expect "the daemon turns to the other generation ($i)" turned "$i"
	expect "an apply after that succeeds ($i)" apply
	expect "and sends only the difference ($i)" grep "only the difference was sent" "$scratch/applied"
done
expect "offload goes on" in_force

# Sets of another size: the daemon is asked to read out what is in them now.
offload_policy 200000
flood 4000 10.0.1.1
expect "an apply with another layout succeeds" apply
expect "the daemon was asked, and is drained" test "$(field status offload.drained)" = True
expect "none of it is lost" wait_until 10 told 10000
expect "its ledger says the same" test "$(field status offload.blocked)" = 10000
expect "a reload succeeds" ctl reload
expect "and offload begins again" wait_until 10 in_force

flood 3000 10.0.2.1
expect "a delete succeeds" netns_run rtr "$OP25B_RULES" delete -p "$policy"
expect "the daemon was asked then, too" test "$(field status offload.drained)" = True
expect "and none is lost" wait_until 10 told 13000
expect "what op25bctl status says tells it" grep -q "drained for an exchange of the rules" <(ctl status)
process_end "$daemon"
expect_equal "SIGTERM: exit code" $? 0
tap_end
