#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# gateway.sh BUILD PROGRAM [ARGUMENT...]: runs one of the Python programs here (datapath.py, latency.py) in the middle of a
# test bed of network namespaces, of which it is told. Needs root; exit code 77 where that cannot be had.

# shellcheck source-path=SCRIPTDIR source=../lib/netns.sh
. "$(dirname "$0")/../lib/netns.sh"
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?the build directory}" && pwd) || exit 1
program=${2:?datapath.py or latency.py}
shift 2
netns_need nft python3 taskset
netns_build || exit 1
gateway_mac=$(netns_run rtr cat /sys/class/net/sub0/address | tr -d :)
netns_run ext nft -f - <<-'END' # nobody shall answer the flood
	table inet bench { chain in { type filter hook input priority 0; ip saddr 10.0.0.0/8 tcp dport 25 drop; }; }
END
python3 "$here/$program" --build "$build" --prefix "$netns_prefix" --mac "$gateway_mac" --directory "$scratch" "$@"
