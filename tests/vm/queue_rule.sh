#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# queue_rule.sh QUEUE TOTAL [bypass] [every]: what tests/lib/queue_rule.c does with the xt NFQUEUE target, with the nft
# queue expression.
queue=$1
total=$2
shift 2

flags=
match='tcp flags & (fin | syn | rst | ack) == syn'
for word in "$@"; do
	case $word in
	bypass) flags='flags bypass' ;;
	every) match='' ;;
	esac
done

if [ "$total" = 1 ]; then
	rules="queue $flags to $queue"
else
	rules="meta nfproto ipv4 queue $flags to jhash ip saddr mod $total offset $queue
		queue $flags to jhash ip6 saddr & ffff:ffff:ffff:ffff:: mod $total offset $queue"
fi
nft -f - <<END_OF_RULES
table inet op25b-test {
	chain to_queue {
		$rules
	}
	chain judge {
		type filter hook forward priority 0;
		tcp dport 25 $match counter packets 0 bytes 0 goto to_queue
	}
}
END_OF_RULES
