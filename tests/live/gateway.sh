# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the daemon's live tests share: the test bed of tests/lib/netns.sh with op25bd between sub, srv and ext.
# meson hands the programs over in OP25BD, OP25BCTL and QUEUE_RULE.

# shellcheck source-path=SCRIPTDIR source=../lib/netns.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/netns.sh"
lib=$(cd "$(dirname "${BASH_SOURCE[0]}")/../lib" && pwd)

# gateway_bed: the namespaces, listeners on port 25 that echo, and the paths of the daemon's files.
gateway_bed()
{
	: "${OP25BD:?}" "${OP25BCTL:?}" "${QUEUE_RULE:?}"
	netns_need nft python3
	netns_build || exit 1
	policy=$scratch/policy.ini
	socket=$scratch/control
	events=$scratch/events.json
	netns_spawn ext python3 -c "$listener" 25
	netns_spawn sub python3 -c "$listener" 25
	wait_until 5 netns_run rtr bash -c 'connect_to 203.0.113.25 25'
}

listener='
import socket, sys, threading
def echo(client):
    while text := client.recv(100):
        client.send(text)
    client.close()
server = socket.create_server(("::", int(sys.argv[1])), family=socket.AF_INET6, dualstack_ipv6=True)
while True:
    threading.Thread(target=echo, args=(server.accept()[0],), daemon=True).start()
'

# policy_write [LINE...]: a policy with LINEs in its [gateway] section; sections of its own come on standard input.
policy_write()
{
	{
		printf '%s\n' '[gateway]' 'name = gw1' 'queue = 100' 'upstream_interfaces = up0' \
			'subscriber_interfaces = sub0' "control = $socket" "state = $scratch/state" "$@" '' \
			'[log]' "file = $events" 'window = 3' ''
		cat
	} >"$policy"
}

# The usual sections: one pool that is enforced, one relay.
usual_sections()
{
	cat <<-END
		[pool homes]
		prefix = 198.51.96.0/20
		prefix = 2001:db8:100::/44
		delegated_prefix_length = 64
		[relay mx]
		address = 192.0.2.25
		address = 2001:db8:192::25
		interface = srv0
	END
}

# queue_rule TOTAL [bypass] [every]: packets to queues 100 up.
queue_rule()
{
	netns_run rtr "$QUEUE_RULE" 100 "$@"
}

# Answers for the daemon's marks, as the real ruleset has them.
answer_rules()
{
	netns_run rtr nft -f - <<-END
		table inet op25b-answer {
			chain answer {
				type filter hook forward priority 10
				meta mark 0x25b00001 meta l4proto tcp reject with tcp reset
				meta mark 0x25b00002 reject with icmpx type admin-prohibited
			}
		}
	END
}

# gateway_start [COMMAND...]: op25bd, under COMMAND if given; it is ready when its socket answers.
gateway_start()
{
	netns_spawn rtr "$@" "$OP25BD" -p "$policy"
	# shellcheck disable=SC2034 # of the tests
	daemon=$spawned
	daemon_log=$spawned_log
	wait_until 5 ctl status && return
	tap_not_ok "op25bd starts" "$(cat "$daemon_log")"
	tap_end
}

ctl()
{
	"$OP25BCTL" --socket "$socket" "$@"
}

# field COMMAND PATH: one value of the daemon's answer, as in "field status ledger.received".
field()
{
	ctl --json "$1" | python3 -c '
import json, sys
value = json.load(sys.stdin)
for part in sys.argv[1].split("."):
    value = value[int(part)] if isinstance(value, list) else value[part]
print(value)' "$2"
}

ledger_balances()
{
	ctl --json status | python3 -c '
import json, sys
status = json.load(sys.stdin)
for ledger in [status["ledger"]] + [worker["ledger"] for worker in status["workers"]]:
    assert ledger["received"] == ledger["accepted"] + ledger["dropped"] + ledger["failed_open"] + ledger["in_flight"], ledger
'
}

# records EXPRESSION: a Python expression over `r`, the list of all block records, and `total`, the sum of a field of them.
records()
{
	python3 -c '
import json, sys
r = [json.loads(line) for name in sys.argv[2:] for line in open(name)]
r = [record for record in r if record["event_type"] != "engine"]
def total(key): return sum(record["op25b"][key] for record in r)
print(eval(sys.argv[1]))' "$1" "${@:2}"
}

# The number of packets the queue rule has seen.
rule_packets()
{
	netns_run rtr nft list chain inet op25b-test judge 2>/dev/null | sed -n 's/.*counter packets \([0-9]*\).*/\1/p'
}

# A flood that begins before is not learned from.
offload_in_force()
{
	ctl status | grep -q '^offload  *in force'
}

# elements in all learned sets of the kernel
learned()
{
	netns_run rtr nft -j list table inet op25b | python3 -c '
import json, sys
print(sum(len(x["set"].get("elem", [])) for x in json.load(sys.stdin)["nftables"]
      if "set" in x and x["set"]["name"].startswith("learned_")))'
}

none_learned()
{
	[ "$(learned)" = 0 ]
}

router_mac()
{
	netns_run rtr cat /sys/class/net/sub0/address
}

# send_syns COUNT SOURCES [OPTION...]: prints how many were sent.
send_syns()
{
	netns_run sub "$lib/send_syns.py" eth0 "$(router_mac)" "$@"
}

# In milliseconds, how long COMMAND takes.
milliseconds_of()
{
	local begin
	begin=$(date +%s%N)
	"$@" >/dev/null 2>&1
	echo $((($(date +%s%N) - begin) / 1000000))
}

# heard_at_once MILLISECONDS: far less than what a client that hears nothing waits.
heard_at_once()
{
	test "$1" -lt $((900 + 1800 * (${OP25B_TEST_SLOW:-1} - 1)))
}

connect_from()
{
	netns_run "$1" bash -c "connect_to $2 $3"
}
