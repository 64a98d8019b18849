#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# op25bd behind the ruleset that op25b-rules loads from the same policy: the kernel's part and the daemon's agree.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"

: "${OP25B_RULES:?}"
gateway_bed
policy_write 'mode = enforce' 'fail = closed' 'workers = 2' 'conntrack = yes' <<-END
	[pool homes]
	prefix = 198.51.100.0/24
	action = reset
	[pool homes6]
	prefix = 2001:db8:100::/44
	action = icmp
	[relay mx]
	address = 192.0.2.25
	address = 2001:db8:192::25
	interface = srv0
	[exempt dated]
	prefix = 198.51.100.99
	ticket = T-3
	until = $(date -u -d '+1 day' +%Y-%m-%dT%H:%M:%SZ)
END

apply()
{
	netns_run rtr "$OP25B_RULES" apply -p "$policy"
}

expect "the rules load" apply
expect "fail = closed: without a daemon nothing passes" ! connect_from sub 203.0.113.25 25
expect "except what the kernel settles: the relay" connect_from srv 203.0.113.25 25
gateway_start env
took=$(milliseconds_of connect_from sub 203.0.113.25 25)
expect "reset: the client hears at once" heard_at_once "$took"
took=$(milliseconds_of connect_from sub 2001:db8:200::25 25)
expect "icmp: the client hears at once" heard_at_once "$took"
expect_equal "both were the daemon's verdicts" "$(field stats verdicts.reset) $(field stats verdicts.icmp)" "1 1"
before=$(field status ledger.received)
expect "the relay passes" connect_from srv 203.0.113.25 25
expect "mail coming in passes" connect_from ext 198.51.100.10 25
expect_equal "and neither costs the daemon a packet" "$(field status ledger.received)" "$before"
netns_run sub ip address add 198.51.100.99/24 dev eth0
expect "a dated exemption passes" netns_run sub python3 -c '
import socket
socket.create_connection(("203.0.113.25", 25), timeout=3, source_address=("198.51.100.99", 0))'
expect_equal "by the daemon's decision" "$(field stats reasons.exempt.accept)" 1

# A connection that was opened before its address is blocked goes on (established = drain): conntrack knows it.
netns_run sub ip address add 198.51.200.7/24 dev eth0
netns_run rtr ip route add 198.51.200.0/24 dev sub0
sed -i 's/^conntrack = yes/conntrack = yes\nunlisted = accept/' "$policy"
apply >/dev/null && ctl reload >/dev/null
cat >"$scratch/talk.py" <<-'END'
	import socket, sys, time
	client = socket.create_connection(("203.0.113.25", 25), timeout=8, source_address=("198.51.200.7", 0))
	open(sys.argv[1], "w").close()
	time.sleep(3)
	client.send(b"still here\r\n")
	assert client.recv(100), "nothing came back"
END
netns_run sub python3 "$scratch/talk.py" "$scratch/connected" &
talk=$!
netns_pids+=("$talk")
expect "an unlisted source connects" wait_until 5 test -e "$scratch/connected"
sed -i 's/^unlisted = accept/unlisted = drop/' "$policy"
apply >/dev/null && ctl reload >/dev/null
wait "$talk"
expect_equal "its connection goes on when it is closed to new ones" "$?" 0
rm "$scratch/connected"
expect "a new one does not open" ! netns_run sub timeout 2 python3 "$scratch/talk.py" "$scratch/connected"
expect "the ledger balances" ledger_balances

process_end "$daemon"
expect_equal "SIGTERM: exit code 0" "$?" 0
expect "fail = closed: nothing passes afterwards" ! connect_from sub 203.0.113.25 25
tap_end
