#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# datapath.sh BUILD [ROUNDS [PACKETS]]: processor time a packet of op25bd and of its peers, on the same queue, in the same
# run, one after the other in each round. tools/dev/bench calls it. Needs root; everything is in namespaces of its own.

# shellcheck source-path=SCRIPTDIR source=../lib/netns.sh
. "$(dirname "$0")/../lib/netns.sh"
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?the build directory}" && pwd) || exit 1
netns_need nft python3
netns_build || exit 1
gateway_mac=$(netns_run rtr cat /sys/class/net/sub0/address | tr -d :)
netns_run ext nft -f - <<-'END' # nobody shall answer
	table inet bench { chain in { type filter hook input priority 0; tcp dport 25 drop; }; }
END
python3 "$here/datapath.py" --build "$build" --prefix "$netns_prefix" --mac "$gateway_mac" --directory "$scratch" \
	--rounds "${2:-10}" --packets "${3:-200000}"
