#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rules_faults.sh OP25B_RULES SOURCE APPLY_OVERLAP KNOWN_EDIT NARROW_NETLINK: what an apply meets: a kernel that refuses one
# element, a send buffer that is too small, and a receive buffer that overflows.
tool=$1
root=$2
apply_overlap=$3
known_edit=$4
narrow_netlink=$5
# shellcheck source=tests/lib/netns.sh
. "$root/tests/lib/netns.sh"
netns_need nft python3 unshare
netns_build || tap_skip_all "the namespaces cannot be set up"

rules()
{
	netns_run rtr "$tool" "$@"
}

listed()
{
	netns_run rtr nft list table inet op25b 2>/dev/null | grep -v 'packets [0-9]* bytes'
}

python3 - >"$scratch/many.txt" <<-'END'
	for i in range(30000):
	    print(f"16.{i >> 10 & 255}.{i >> 2 & 255}.{(i & 3) << 6}/28")
END
policy()
{
	cat <<-END
		[gateway]
		mode = enforce
		fail = closed
		unlisted = drop
		subscriber_interfaces = sub*
		upstream_interfaces = up0
		[pool home]
		prefix = 198.51.100.0/24
		interface = sub*
		[relay mail]
		address = 192.0.2.25
		interface = srv0
		[inside ours]
		prefix = $1
	END
}
policy 192.0.2.0/25 >"$scratch/policy.ini"
policy 192.0.2.0/24 >"$scratch/other.ini"
{ policy 192.0.2.0/24; printf '[inside many]\nfile = %s\n' "$scratch/many.txt"; } >"$scratch/large.ini"

# 1. One element of many is refused.
rules apply -p "$scratch/policy.ini" >/dev/null
listed >"$scratch/before"
expect "an element that overlaps another is refused by its name" \
	ends_with 1 "of set inside_ip4: File exists" netns_run rtr "$apply_overlap" "$scratch/large.ini" 12345
expect "the one in question, out of 30000" grep -qE 'the element at 16\.12\.14\.(64|128) ' "$scratch/said"
expect_equal "nothing was changed" "$(listed)" "$(cat "$scratch/before")"
expect "and apply goes on" rules apply -p "$scratch/other.ini"

# 2. Without the right to a larger send buffer, as root of a user namespace: a large transaction does not fit into it.
limit=$(cat /proc/sys/net/core/wmem_max)
python3 - "$limit" >"$scratch/more.txt" <<-'END'
	import sys
	for i in range(int(sys.argv[1]) // 20 + 20000):
	    print(f"{16 + (i >> 18)}.{i >> 10 & 255}.{i >> 2 & 255}.{(i & 3) << 6}/28")
END
sed "s/many.txt/more.txt/" "$scratch/large.ini" >"$scratch/more.ini"
if [ "$limit" -le 8388608 ] && unshare --user --map-root-user --net true 2>/dev/null; then
	# shellcheck disable=SC2016
	expect "a transaction that does not fit into the send buffer is refused whole, and it is said what to do" \
		ends_with 0 "net.core.wmem_max" unshare --user --map-root-user --net bash -c '
			"$1" apply -p "$2" && exit 7
			"$1" status -p "$2"
			[ $? = 1 ] || exit 8
			nft list tables | grep -q op25b && exit 9
			"$1" apply -p "$3" || exit 10' apply "$tool" "$scratch/more.ini" "$scratch/policy.ini"
	expect "nothing was loaded of it" grep -q "no rules are loaded" "$scratch/said"
	expect "a small one does fit" grep -q "made table inet op25b" "$scratch/said"
else
	tap_skip "a send buffer that is too small" "no user namespaces, or net.core.wmem_max is $limit"
fi

# 3. The kernel's answers overflow the receive buffer. Each time it is heard of adds a line to $overflows.
overflows=$scratch/overflows
kept=/run/op25b/rules-$(netns_run rtr stat -L -c %i /proc/self/ns/net).applied
narrow()
{
	: >"$overflows"
	netns_run rtr env LD_PRELOAD="$narrow_netlink" OP25B_OVERFLOWS="$overflows" OP25B_NARROW=1 "$tool" "$@"
}
unheard()
{
	OP25B_ASK_ALL=1 narrow "$@"
}
# pools LAST: twenty pools, each with a set of its own.
pools()
{
	policy 192.0.2.0/24 | sed 's/^subscriber_interfaces.*/&, line*/'
	for i in $(seq 20); do
		printf '[pool line%d]\ninterface = line%d\n' "$i" "$i"
		printf "prefix = 10.$i.%d.0/24\n" 0 2 4 "$1"
	done
}
# elements add|delete LAST: what nft is told of them.
elements()
{
	for i in $(seq 20); do
		echo "$1 element inet op25b pools_on_$((i + 1))_ip4 { 10.$i.$2.0/24 }"
	done
}
pools 6 >"$scratch/six.ini"
pools 8 >"$scratch/eight.ini"
pools 10 >"$scratch/ten.ini"
overflowed()
{
	[ "$(wc -l <"$overflows")" -ge "${1:-1}" ]
}
rules apply -p "$scratch/six.ini" >/dev/null
{ elements delete 6; elements add 8; } | netns_run rtr nft -f - || tap_not_ok "the sets are changed by somebody"
"$known_edit" "$kept" 1
expect "forty refusals at once: the first is named still, and everything is sent" \
	ends_with 0 "refused the difference: the element at 10.1.6.0 of set pools_on_2_ip4" narrow apply -p "$scratch/eight.ini"
expect "they did overflow it" overflowed
expect "and what is said to be there is" rules status --full -p "$scratch/eight.ini"
expect "an apply whose answer is lost, though it was carried out: that is found out" \
	ends_with 0 "replaced table inet op25b" unheard apply --whole -p "$scratch/ten.ini"
expect "it was lost" overflowed
expect "and read back, and the same" grep -q "read back, and the same" "$scratch/said"
expect "it is what is there" rules status --full -p "$scratch/ten.ini"
expect "and known from then on" ends_with 0 "only the difference" rules apply -p "$scratch/eight.ini"
expect "likewise one of differences: everything is sent, because what is there is not known" \
	ends_with 0 "all sets were sent" unheard apply -p "$scratch/ten.ini"
expect "two answers were lost" overflowed 2
expect "it is what is there" rules status --full -p "$scratch/ten.ini"
expect "one that is not confirmed" unheard apply --confirm-within 1 -p "$scratch/eight.ini"
expect "is taken back" wait_until 15 rules status --full -p "$scratch/ten.ini"
expect "and it is said" wait_until 15 ends_with 1 "too late: the rules of before are back" rules confirm
rules apply -p "$scratch/large.ini" >/dev/null
expect "reading does with the smallest buffer" narrow status --full -p "$scratch/large.ini"
rm -f "/run/op25b/rules-$(netns_run rtr stat -L -c %i /proc/self/ns/net)".*
tap_end
