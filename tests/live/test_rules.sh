#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# test_rules.sh OP25B_RULES SOURCE: rulesets in a real kernel, in network namespaces of this test's own.
# OP25B_QUICK=1 leaves out the large sets, and the example rulesets, for which tests/vm has a test of its own.
tool=$1
root=$2
# shellcheck source=tests/lib/netns.sh
. "$root/tests/lib/netns.sh"
netns_need nft python3 setpriv
netns_build || tap_skip_all "the namespaces cannot be set up"

rules()
{
	netns_run rtr "$tool" "$@"
}

# The ruleset without what counts.
listed()
{
	netns_run rtr nft list table inet op25b 2>/dev/null | grep -v 'packets [0-9]* bytes'
}

listed_has()
{
	listed | grep -qF -- "$1"
}

counted()
{
	netns_run rtr nft list counter inet op25b "$1" | sed -n 's/.*packets \([0-9]*\) bytes.*/\1/p'
}

queued_at_least()
{
	[ "$(counted queued)" -ge "$1" ]
}

# The handle of each base chain, one "NAME HANDLE" a line.
chain_handles()
{
	netns_run rtr nft -a list table inet op25b 2>/dev/null |
		sed -n 's/^\tchain \([^ ]*\) { # handle \([0-9]*\)$/\1 \2/p' | grep -E '^(forward|answer) '
}

foreign()
{
	netns_run rtr nft list table inet op25b_neighbour
}

# ends_with CODE TEXT COMMAND...: it must end with this exit code and say this.
policy()
{
	cat >"$scratch/policy.ini"
}

# 1. The generated texts. This kernel may lack the queue expression, so for loading `drop` stands in its place.
for golden in "$root"/rules/*.nft; do
	[ -z "${OP25B_QUICK-}" ] || break
	name=$(basename "$golden")
	sed -E 's/queue (flags [a-z]+ )?to .*$/drop/' "$golden" >"$scratch/$name"
	expect "$name: nft finds no fault (with drop for queue)" netns_run rtr nft -c -f "$scratch/$name"
	expect "$name: nft loads it" netns_run rtr nft -f "$scratch/$name"
	listed >"$scratch/once"
	expect "$name: nft loads it again over itself" netns_run rtr nft -f "$scratch/$name"
	expect_equal "$name: loaded twice is loaded once" "$(listed)" "$(cat "$scratch/once")"
	netns_run rtr nft delete table inet op25b
	# As JSON; nft 1.0.6 leaves out auto-merge there, and cannot say what offload needs.
	if ! grep -q '^offload = yes' "$root/etc/${name%.nft}.ini"; then
		"$tool" generate --json -p "$root/etc/${name%.nft}.ini" 2>/dev/null |
			sed -E 's/\{"queue":.*\}\]\}\}\}/{"drop":null}]}}}/' >"$scratch/$name.json"
		expect "$name: nft loads it as JSON (with drop for queue)" netns_run rtr nft -j -f "$scratch/$name.json"
		expect "$name: nft loads the JSON over itself" netns_run rtr nft -j -f "$scratch/$name.json"
		expect_equal "$name: JSON and text load the same" "$(listed | grep -v auto-merge)" \
			"$(grep -v auto-merge "$scratch/once")"
		netns_run rtr nft delete table inet op25b
	fi
	# The same policy through netlink differs in nothing but the chain with the queue.
	expect "$name: the policy is applied" rules apply -p "$root/etc/${name%.nft}.ini"
	listed | sed '/chain to_daemon {/,/^\t}/d; /^#/d' >"$scratch/applied"
	sed '/chain to_daemon {/,/^\t}/d' "$scratch/once" >"$scratch/loaded"
	expect "$name: applied is loaded, but for the queue" diff -u "$scratch/loaded" "$scratch/applied"
	netns_run rtr nft delete table inet op25b
done

# 2. Applying, and what stays.
netns_run rtr nft -f - <<-END
	table inet op25b_neighbour {
		set guests { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 } }
		counter seen { packets 7 bytes 700 }
		chain forward { type filter hook forward priority 5; policy accept; ip saddr @guests counter name seen drop; }
	}
END
foreign >"$scratch/foreign"

policy <<-END
	[gateway]
	mode = enforce
	fail = open
	unlisted = drop
	conntrack = no
	subscriber_interfaces = sub*
	upstream_interfaces = up0
	[pool home]
	prefix = 198.51.100.0/24
	prefix = 2001:db8:100::/48
	interface = sub*
	[relay mail]
	address = 192.0.2.25
	address = 2001:db8:192::25
	interface = srv0
	[inside ours]
	prefix = 192.0.2.0/24
	prefix = 2001:db8:192::/64
END
expect "apply says which queue it uses" ends_with 0 "packets go to queue 100 using the" rules apply -p "$scratch/policy.ini"
expect "and by which means" \
	grep -qE 'using the (nft queue expression|xt NFQUEUE target, because)' "$scratch/said"
# shellcheck disable=SC2016
expect "apply --json is JSON" bash -c 'ip netns exec "$0" "$1" apply --json -p "$2" | python3 -m json.tool' \
	"$(netns_name rtr)" "$tool" "$scratch/policy.ini"
chain_handles >"$scratch/handles"
expect_equal "both base chains are there" "$(wc -l <"$scratch/handles")" 2
listed >"$scratch/first"

for host in ext srv; do
	netns_spawn $host python3 -c '
import socket, selectors
waiting = selectors.DefaultSelector()
for port in (25, 465, 587):
    waiting.register(socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True), selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in waiting.select():
        key.fileobj.accept()[0].close()
'
	wait_until 5 grep -q ready "$spawned_log" || tap_not_ok "the listener in $host" "$(cat "$spawned_log")"
done

expect "without a daemon fail = open lets port 25 pass" netns_run sub bash -c 'connect_to 203.0.113.25 25'
expect "IPv6 as well" netns_run sub bash -c 'connect_to 2001:db8:200::25 25'
queued=$(counted queued)
expect "what passed was handed to the queue" test "$queued" -ge 2
expect "open connections pass in the kernel" test "$(counted accepted-established)" -ge 2

expect "apply again" rules apply -p "$scratch/policy.ini"
expect_equal "nothing has changed" "$(listed)" "$(cat "$scratch/first")"
expect_equal "the base chains are the very same" "$(chain_handles)" "$(cat "$scratch/handles")"
expect_equal "the counters have kept their values" "$(counted queued)" "$queued"
expect_equal "the neighbour's table is as it was" "$(foreign)" "$(cat "$scratch/foreign")"

# 3. A changed policy. Without a daemon everything queued is now dropped, so what passes was settled by the kernel.
policy <<-END
	[gateway]
	mode = enforce
	fail = closed
	unlisted = drop
	conntrack = no
	workers = 4
	queue = 300
	subscriber_interfaces = sub*
	upstream_interfaces = up0
	[pool home]
	prefix = 198.51.100.0/24
	prefix = 2001:db8:100::/48
	[relay mail]
	address = 192.0.2.25
	address = 2001:db8:192::25
	[inside ours]
	prefix = 192.0.2.0/24
	prefix = 2001:db8:192::/64
END
expect "a changed policy is applied" ends_with 0 "queues 300 to 303" rules apply -p "$scratch/policy.ini"
expect_equal "the base chains are still the same" "$(chain_handles)" "$(cat "$scratch/handles")"
expect "sets and chains no longer needed are gone" ! listed_has pools_on
expect_equal "the counters still hold" "$(counted queued)" "$queued"
expect "a subscriber's port 25 is dropped" ! netns_run sub bash -c 'connect_to 203.0.113.25 25'
expect "IPv6 as well" ! netns_run sub bash -c 'connect_to 2001:db8:200::25 25'
for port in 465 587; do
	expect "a subscriber's port $port is not touched" netns_run sub bash -c "connect_to 203.0.113.25 $port"
	expect "IPv6 as well" netns_run sub bash -c "connect_to 2001:db8:200::25 $port"
done
expect "the relay's port 25 passes" netns_run srv bash -c 'connect_to 203.0.113.25 25'
expect "IPv6 as well" netns_run srv bash -c 'connect_to 2001:db8:200::25 25'
expect "inbound port 25 passes" netns_run ext bash -c 'connect_to 192.0.2.25 25'
expect "subscribers reach the inside's port 25" netns_run sub bash -c 'connect_to 192.0.2.25 25'
expect "relays were counted" test "$(counted accepted-relay)" -ge 2
expect "inbound mail was counted" test "$(counted accepted-inbound)" -ge 1
expect "mail to our relays was counted" test "$(counted accepted-relay-destination)" -ge 1

# 4. Fragments, which show no port. Without conntrack in the policy nothing puts them together first.
if python3 -c 'import scapy.all' 2>/dev/null; then
	cat >"$scratch/send.py" <<-'END'
		import sys
		from scapy.all import IP, IPv6, IPv6ExtHdrFragment, IPv6ExtHdrDestOpt, Raw, TCP, conf, send
		conf.verb = 0
		tcp = bytes(TCP(sport=4000, dport=25, flags="S"))
		six = IPv6(dst="2001:db8:200::25")
		def four(**fields):
		    return IP(dst="203.0.113.25", proto=fields.pop("proto", 6), **fields)
		packets = {
		    "offset1": four(frag=1) / Raw(bytes(24)),
		    "offset2": four(frag=2) / Raw(bytes(24)),
		    "tiny": four(flags="MF") / Raw(tcp[:8]),
		    "first-ack": four(flags="MF") / TCP(dport=25, flags="A") / Raw(bytes(4)),
		    "first-587": four(flags="MF") / TCP(dport=587, flags="S") / Raw(bytes(4)),
		    "udp-offset1": four(proto=17, frag=1) / Raw(bytes(24)),
		    "six-offset1": six / IPv6ExtHdrFragment(nh=6, offset=1, id=7) / Raw(bytes(24)),
		    "six-offset2": six / IPv6ExtHdrFragment(nh=6, offset=2, id=8) / Raw(bytes(24)),
		    "six-cut": six / IPv6ExtHdrFragment(nh=60, m=1, id=9) / Raw(bytes([6, 3, 1, 4, 0, 0, 0, 0])),
		    "six-options": six / IPv6ExtHdrDestOpt() / TCP(dport=25, flags="S"),
		    "six-options-587": six / IPv6ExtHdrDestOpt() / TCP(dport=587, flags="S"),
		}
		print("ready", flush=True)
		for name in open(sys.argv[1]):
		    send(packets[name.strip()])
	END
	# One process for all packets: its start takes longest.
	mkfifo "$scratch/names"
	exec 8<>"$scratch/names"
	netns_spawn sub python3 "$scratch/send.py" "$scratch/names"
	wait_until 20 grep -q ready "$spawned_log" || tap_not_ok "the sender of fragments" "$(cat "$spawned_log")"
	for case in offset1:1 offset2:0 tiny:1 first-ack:1 first-587:0 udp-offset1:0 six-offset1:1 six-offset2:0 six-cut:1 \
		six-options:1 six-options-587:0; do
		before=$(counted queued)
		echo "${case%:*}" >&8
		# On a busy machine a packet may be under way for a while.
		[ "${case#*:}" = 0 ] && sleep 0.3
		wait_until 3 queued_at_least $((before + ${case#*:}))
		expect_equal "packet ${case%:*}: queued ${case#*:} times" $(($(counted queued) - before)) "${case#*:}"
	done
else
	tap_skip "fragments" "python3-scapy is missing"
fi

# 5. Marks: nobody else's count, and what carries ours behind the first chain is answered.
netns_run rtr nft -f - <<-END
	table inet op25b_marker {
		chain before { type filter hook prerouting priority 0; tcp dport 25 meta mark set 0x25b00001; }
	}
END
expect "mail that comes with our mark is not refused for it" netns_run srv bash -c 'connect_to 203.0.113.25 25'
expect "the mark was taken off" test "$(counted cleared-mark)" -ge 1
netns_run rtr nft -f - <<-END
	delete table inet op25b_marker
	table inet op25b_marker {
		chain daemon { type filter hook forward priority 5; tcp dport 25 meta mark set 0x25b00001; }
	}
END
expect "a marked SYN is answered with a reset" ! netns_run srv bash -c 'connect_to 203.0.113.25 25'
expect "and counted" test "$(counted answered-reset)" -ge 1
netns_run rtr nft flush chain inet op25b_marker daemon
netns_run rtr nft add rule inet op25b_marker daemon meta l4proto tcp meta mark set 0x25b00002
expect "the other mark is answered with ICMP" ! netns_run srv bash -c 'connect_to 2001:db8:200::25 25'
expect "and counted" test "$(counted answered-icmp)" -ge 1
expect "other ports are not answered, whatever their mark" netns_run srv bash -c 'connect_to 203.0.113.25 587'
netns_run rtr nft delete table inet op25b_marker

# 6. A table in disorder: sets of other types, chains hooked elsewhere, a stranger's map that leads to a stranger's chain.
rules delete >/dev/null
netns_run rtr nft -f - <<-END
	table inet op25b {
		set inside_ip4 { type ipv6_addr; }
		counter queued { packets 5 bytes 50 }
		quota stray-quota { 10 mbytes }
		chain stray { }
		map ways { type ipv4_addr : verdict; elements = { 10.0.0.1 : jump stray } }
		chain forward { type filter hook input priority 3; ip saddr vmap @ways; ip6 saddr @inside_ip4 counter name queued; }
		chain answer { tcp dport { 25, 26 } jump stray; }
	}
END
expect "there is disorder" listed_has stray
expect "a table in disorder is put in order" rules apply -p "$scratch/policy.ini"
expect "the set has its type" ends_with 0 "type ipv4_addr" netns_run rtr nft list set inet op25b inside_ip4
expect "strays are gone" ! listed_has stray
expect "the chain is hooked at forward" listed_has "type filter hook forward priority filter; policy accept;"
expect_equal "a counter that was there goes on" "$(counted queued)" 5

# 7. Somebody else changes rulesets meanwhile.
netns_spawn rtr sh -c 'while :; do nft add table ip op25b_busy; nft delete table ip op25b_busy; done'
busy=$spawned
ok=yes
for _ in 1 2 3 4 5; do
	rules apply -p "$scratch/policy.ini" >"$scratch/said" 2>&1 || { ok="no: $(cat "$scratch/said")"; break; }
done
expect_equal "apply wins against a busy neighbour" "$ok" yes
process_end "$busy" >/dev/null

# 8. What is refused changes nothing.
listed >"$scratch/before"
expect "without CAP_NET_ADMIN apply says so" ends_with 5 "CAP_NET_ADMIN" \
	netns_run rtr setpriv --bounding-set -net_admin --inh-caps -net_admin "$tool" apply -p "$scratch/policy.ini"
expect "and delete, too" ends_with 5 "CAP_NET_ADMIN" \
	netns_run rtr setpriv --bounding-set -net_admin --inh-caps -net_admin "$tool" delete
echo "[gateway]" >"$scratch/bad.ini"
expect "a policy with errors is not applied" ends_with 4 "error:" rules apply -p "$scratch/bad.ini"
expect_equal "the kernel's rules are as they were" "$(listed)" "$(cat "$scratch/before")"

# 9. What the kernel can do; asking changes nothing.
netns_run rtr nft list ruleset >"$scratch/before"
expect "check --kernel says how it queues" ends_with 0 "packets go to op25bd by the" rules check --kernel
netns_run rtr nft list ruleset >"$scratch/after"
expect "the rulesets are as they were" diff -u "$scratch/before" "$scratch/after"
form=xt-nfqueue
netns_run rtr nft -c 'add table inet t; add chain inet t c; add rule inet t c queue num 1' 2>/dev/null && form=nft-queue
expect "what it says of the queue expression is what nft finds" ends_with 0 "\"queue_form\": \"$form\"" \
	rules check --kernel --json
expect "apply uses that" ends_with 0 "\"queue_form\": \"$form\"" rules apply --json -p "$scratch/policy.ini"
fib=false
netns_run rtr nft -c 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c fib saddr . iif oif missing' &&
	fib=true
# shellcheck disable=SC2016
expect_equal "likewise of fib" "$(rules check --kernel --json | python3 -c '
import json, sys
print(next(str(a["there"]).lower() for a in json.load(sys.stdin)["abilities"] if a["name"] == "fib"))')" $fib
expect "without CAP_NET_ADMIN it says so" ends_with 5 "CAP_NET_ADMIN" \
	netns_run rtr setpriv --bounding-set -net_admin --inh-caps -net_admin "$tool" check --kernel
expect "without the right to make a network namespace it tries nothing that packets are lost by, and says so" \
	ends_with 0 "unknown  ct state and direction" \
	netns_run rtr setpriv --bounding-set -sys_admin --inh-caps -sys_admin "$tool" check --kernel

# 10. A million elements.
if [ -z "${OP25B_QUICK-}" ]; then
	python3 - >"$scratch/million.txt" <<-'END'
		for i in range(1000000):
		    print(f"16.{i >> 12 & 255}.{i >> 4 & 255}.{(i & 15) << 4}/31")
	END
	{ cat "$scratch/policy.ini"; printf '[inside many]\nfile = %s\n' "$scratch/million.txt"; } >"$scratch/large.ini"
	expect "a million prefixes are applied" ends_with 0 " 1000006 elements" rules apply -p "$scratch/large.ini"
	# Asked with packets: nft itself reads every set first, which takes minutes with a set like this.
	ip -n "$(netns_name rtr)" route add 16.0.0.0/8 via 203.0.113.25
	ip -n "$(netns_name ext)" address add 16.244.35.241/32 dev lo
	ip -n "$(netns_name ext)" address add 16.244.35.243/32 dev lo
	expect "the kernel knows the last of them" netns_run sub bash -c 'connect_to 16.244.35.241 25'
	expect "and not what lies between" ! netns_run sub bash -c 'connect_to 16.244.35.243 25'
	ip -n "$(netns_name rtr)" route delete 16.0.0.0/8
	expect "they go again" rules apply -p "$scratch/policy.ini"
fi

# 11. Deleting.
expect "delete" ends_with 0 "deleted table op25b" rules delete
expect "the table is gone" ! netns_run rtr nft list table inet op25b
expect "deleting nothing is no error" ends_with 0 "there was no table op25b" rules delete
expect_equal "the neighbour's table is as it was to the last" "$(foreign)" "$(cat "$scratch/foreign")"
tap_end
