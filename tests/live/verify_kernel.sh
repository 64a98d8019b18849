#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The classes of `op25b-rules verify` against the real kernel: for every example policy one packet a class is sent
# through a router that has the policy's interfaces. First without a daemon, to see what is queued; then with op25bd.
# CLASSES=N sends a sample of N, EXAMPLES=PATTERN takes only the policies whose names it matches.

# shellcheck source-path=SCRIPTDIR source=../lib/netns.sh
. "$(dirname "$0")/../lib/netns.sh"
: "${OP25BD:?}" "${OP25BCTL:?}" "${OP25B_RULES:?}" "${SOURCE:?}"
here=$(cd "$(dirname "$0")" && pwd)
most=${CLASSES:-1500}
netns_need nft python3

# bed NAME: sub with one link for each interface, the router, and ext, where all of its routes lead.
bed()
{
	local number=0 name
	netns_add sub && netns_add rtr && netns_add ext && netns_forward rtr || return 1
	# shellcheck disable=SC2016
	netns_run rtr sh -c 'echo 0 >/proc/sys/net/ipv4/icmp_ratelimit && echo 0 >/proc/sys/net/ipv6/icmp/ratelimit' || return 1
	netns_link rtr far0 ext || return 1
	ip -n "$(netns_name rtr)" -batch - <<-END || return 1
		address add 100.64.255.1/30 dev far0
		address add fe80::1/64 dev far0 nodad
		neighbour add 100.64.255.2 lladdr 02:00:00:00:00:02 dev far0
		neighbour add fe80::2 lladdr 02:00:00:00:00:02 dev far0
		route add default via 100.64.255.2
		route add ::/0 via fe80::2 dev far0
	END
	: >"$links"
	while read -r name; do
		number=$((number + 1))
		ip -n "$(netns_name rtr)" link add "$name" type veth peer name "h$number" netns "$(netns_name sub)" &&
			ip -n "$(netns_name rtr)" link set "$name" up && ip -n "$(netns_name sub)" link set "h$number" up || return 1
		# shellcheck disable=SC2016
		netns_run rtr sh -c 'echo 0 >"/proc/sys/net/ipv4/conf/$0/rp_filter"' "$name"
		echo "$name h$number $(netns_run rtr cat "/sys/class/net/$name/address")" >>"$links"
	done
}

# bridge_bed: the same with a bridge in the router's place. It learns nothing; frames are sent to ext's own address.
bridge_bed()
{
	local number=0 name mac
	netns_add sub && netns_add rtr && netns_add ext || return 1
	ip -n "$(netns_name rtr)" link add br0 type bridge mcast_snooping 0 && ip -n "$(netns_name rtr)" link set br0 up &&
		netns_link rtr far0 ext && ip -n "$(netns_name rtr)" link set far0 master br0 || return 1
	mac=$(netns_run ext cat /sys/class/net/eth0/address)
	netns_run rtr bridge fdb replace "$mac" dev far0 master static || return 1
	: >"$links"
	while read -r name; do
		number=$((number + 1))
		ip -n "$(netns_name rtr)" link add "$name" type veth peer name "h$number" netns "$(netns_name sub)" &&
			ip -n "$(netns_name rtr)" link set "$name" master br0 up &&
			ip -n "$(netns_name rtr)" link set "$name" type bridge_slave learning off &&
			ip -n "$(netns_name sub)" link set "h$number" up || return 1
		echo "$name h$number $mac" >>"$links"
	done
}

unbed()
{
	local name
	for name in sub rtr ext; do
		ip netns delete "$(netns_name "$name")"
	done
	netns_made=()
}

# How each class ends today; a sample (exit code 7) would do, a disagreement would not.
list_classes()
{
	"$OP25B_RULES" verify -p "$policy" --list --at "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$list" 2>"$scratch/list.err"
	local code=$?
	[ "$code" -eq 0 ] || [ "$code" -eq 7 ]
}

# classes PHASE FIRST: the last line but those that differ says what came next.
classes()
{
	python3 "$here/verify_kernel.py" "$list" "$links" "$(netns_name sub)" "$(netns_name ext)" "$1" "$2" "$most" \
		>"$scratch/classes" 2>&1
	local code=$?
	cat "$scratch/classes"
	return "$code"
}

daemon_answers()
{
	"$OP25BCTL" --socket "$scratch/control" status
}

# example NAME [SED [NFT]]: the example policy as changed by SED; NFT is a change of the loaded rules that must be seen. Without a daemon what is queued must be lost, so the rules
# are loaded with fail = closed.
example()
{
	local next
	[[ $1 =~ ${EXAMPLES-} ]] || return 0
	tampered=${3:-}
	rm -rf "${scratch:?}/etc"
	cp -r "$SOURCE/etc" "$scratch/etc"
	cp "$SOURCE/tests/golden/bridge.ini" "$scratch/etc/"
	policy=$scratch/etc/$1.ini list=$scratch/list links=$scratch/links
	grep -q '^\[log\]' "$policy" || printf '[log]\nfile = /var\n' >>"$policy"
	sed -i -e "s|^file = /var.*|file = $scratch/events.json|" -e "s|^\[gateway\]|&\ncontrol = $scratch/control|" \
		-e 's/^fail = .*/fail = closed/' -e "${2:-}" "$policy"
	expect "$1 ${2:-}: the classes are listed" list_classes || return
	sed 's/.*"interface":"\([^"]*\)".*/\1/' "$list" | sort -u >"$scratch/names"
	expect "a router with these interfaces: $(tr '\n' ' ' <"$scratch/names")" bed_here || return
	expect "the ruleset is loaded" netns_run rtr "$OP25B_RULES" apply -p "$policy"
	expect "the kernel settles and queues what verify says" classes settled 1024
	sed -n -e '/^sent:/p' -e '/kernel is/p' "$scratch/classes" | sed 's/^/# /'
	next=$(sed -n 's/^sent: .*next //p' "$scratch/classes")
	if [ -n "$tampered" ]; then
		# shellcheck disable=SC2086 # words of an nft command
		netns_run rtr nft $tampered
		expect "what was tampered with is seen: $tampered" ! classes settled "${next:-1024}"
		expect "the ruleset is loaded again" netns_run rtr "$OP25B_RULES" apply -p "$policy"
	fi
	netns_spawn rtr "$OP25BD" -p "$policy"
	expect "op25bd runs" wait_until 5 daemon_answers
	expect "every class ends as verify says" classes end "${next:-1024}"
	sed -n -e '/^sent:/p' -e '/^left out/p' "$scratch/classes" | sed 's/^/# /'
	process_end "$spawned"
	unbed
}

bed_here()
{
	if grep -q '^family = bridge' "$policy"; then
		bridge_bed <"$scratch/names"
	else
		bed <"$scratch/names"
	fi
}

# Bridges can be queued from with the nft queue expression alone.
if "$OP25B_RULES" check --kernel | grep -q 'family = bridge can be used'; then
	example bridge
	example bridge 's/^action = .*/action = icmp/;s/^conntrack = .*/conntrack = yes/;s/^established = .*/established = cut/'
else
	tap_skip "the classes of a bridge" "this kernel cannot queue from a bridge"
fi
example small-isp
example small-isp 's/^action = .*/action = reset/;s/^conntrack = .*/conntrack = no/'
example small-isp 's/^action = .*/action = icmp/;s/^conntrack = .*/conntrack = no/;s/^established = .*/established = cut/' \
	'add element inet op25b exempt_ip4 { 198.51.100.0/24 }'
example japan-2009
example dual-stack-phased 's/= 2027-/= 2025-/'
example monitor-first
tap_end
