#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kernel_log.sh SOURCE: what [log] kernel = yes writes, and that its limit decides nothing else. Only in a machine of our
# own is the kernel told to log for network namespaces.
root=$1
: "${OP25B_RULES:?}"
# shellcheck source-path=SCRIPTDIR source=../lib/netns.sh
. "$root/tests/lib/netns.sh"
netns_need nft python3
expect "the bed" netns_build || tap_end
echo 1 >/proc/sys/net/netfilter/nf_log_all_netns
cat >"$scratch/policy.ini" <<-END
	[gateway]
	mode = enforce
	fail = closed
	conntrack = no
	subscriber_interfaces = sub0
	upstream_interfaces = up0
	[log]
	kernel = ${KERNEL_LOG:-yes}
	[pool homes]
	prefix = 198.51.100.0/24
	interface = sub1
END
lines()
{
	dmesg | grep -c "$1"
}

forged()
{
	netns_run sub "$root/tests/lib/send_syns.py" eth0 "$(netns_run rtr cat /sys/class/net/sub0/address)" "$@"
}

counted()
{
	netns_run rtr nft list counter inet op25b "$1" | sed -n 's/.*packets \([0-9]*\) bytes.*/\1/p'
}

expect "the rules load" netns_run rtr "$OP25B_RULES" apply -p "$scratch/policy.ini"
netns_run ext nft -f - <<-END
	table inet outside {
		counter came { }
		chain input { type filter hook prerouting priority 0; tcp dport 25 counter name came; }
	}
END
expect "forged sources, far more than are logged" forged 500 200
expect "each was queued, and none passed by the limit" test "$(counted suspect)" -ge 490 -a "$(counted queued)" -ge 490
expect_equal "nothing arrived outside" "$(netns_run ext nft list counter inet outside came | sed -n 's/.*packets \([0-9]*\) .*/\1/p')" 0
logged=$(lines 'op25b suspect: IN=sub0')
expect "some are in the kernel's log: $logged" test "$logged" -ge 5 -a "$logged" -le 150
netns_run rtr nft -f - <<-END
	table inet before {
		chain early { type filter hook prerouting priority -200; iifname "sub0" tcp dport 25 meta mark set 0x25b00001; }
	}
END
sleep 2
expect "packets with a foreign mark" forged 3 3
expect "are logged" test "$(lines 'op25b cleared-mark: IN=sub0')" -ge 1
tap_end
