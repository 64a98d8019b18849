#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rules_learned.sh OP25B_RULES SOURCE FLOOD: offload's rules in a real kernel, without a daemon: what it would mark is marked by a
# chain of this test's own, and what it would put into the maps this test puts in. Every packet must be counted once, and
# none may pass. OP25B_QUICK=1 leaves out the roll back, full sets and other layouts.
tool=$1
root=$2
flood=$3
# shellcheck source=tests/lib/netns.sh
. "$root/tests/lib/netns.sh"
netns_need nft python3
netns_build || tap_skip_all "the namespaces cannot be set up"

rules()
{
	netns_run rtr "$tool" "$@"
}

nft_do()
{
	netns_run rtr nft "$@"
}

policy()
{
	cat >"$scratch/$1.ini"
}

counted()
{
	nft_do list counter inet op25b "$1" | sed -n 's/.*packets \([0-9]*\) bytes.*/\1/p'
}

# arrived NAMESPACE TABLE: what came in there since the last call.
arrived()
{
	netns_run "$1" nft reset counter inet seen "$2" | sed -n 's/.*packets \([0-9]*\) bytes.*/\1/p'
}

# learned GENERATION GROUP FAMILY: "SOURCES PACKETS" in all its shards.
learned()
{
	nft_do -j list table inet op25b 2>/dev/null | python3 -c '
import json, re, sys
name = re.compile("learned_%s_%s_[0-9]+_ip%s$" % tuple(sys.argv[1:]))
sources = packets = 0
for thing in json.load(sys.stdin)["nftables"]:
    if "set" in thing and name.match(thing["set"]["name"]):
        for element in thing["set"].get("elem", []):
            sources += 1
            packets += element["elem"]["counter"]["packets"]
print(sources, packets)' "$@"
}

# in_force GENERATION: what the daemon does at a switch; "none" empties the maps.
in_force()
{
	python3 - "$1" <<-'END' | nft_do -f -
		import sys
		generation = sys.argv[1]
		def fill(name, elements):
		    print(f"flush map inet op25b {name}")
		    if generation != "none":
		        print(f"add element inet op25b {name} {{ {', '.join(elements)} }}")
		g = 0 if generation == "none" else int(generation)
		for group in (0, 1):
		    for family in ("ip4", "ip6"):
		        fill(f"learned_turn_{group}_{family}",
		             [f"{s} : jump learned_{g}_{group}_{s}_{family}" for s in range(16)])
		fill("learn_turn", [f"{0x25b00100 | group << 1 | g:#x} : goto learn_{g}_{group}" for group in (0, 1)])
	END
}

# marks GENERATION: what the daemon would do, here without looking; group 0 is homes, group 1 is shops.
marks()
{
	local homes shops
	homes=$(printf '0x%x' $((0x25b00100 | $1))) shops=$(printf '0x%x' $((0x25b00102 | $1)))
	nft_do -f - <<-END
		table inet daemon
		delete table inet daemon
		table inet daemon {
			chain forward {
				type filter hook forward priority 5; policy accept;
				ip daddr != 203.0.113.25 accept
				ip6 daddr != 2001:db8:200::25 accept
				tcp dport 25 ip saddr 198.51.100.128/25 meta mark set $homes
				tcp dport 25 ip saddr 198.51.100.0/25 meta mark set $shops
				tcp dport 25 ip6 saddr 2001:db8:100::/48 meta mark set $homes
				tcp dport 25 ip saddr 10.0.0.0/8 meta mark set $homes
			}
		}
	END
}

mac=$(netns_run rtr cat /sys/class/net/sub0/address)
mac=${mac//:/}

# send SOURCE SOURCES PACKETS [OPTION...]: from the subscriber's side.
send()
{
	local source=$1 sources=$2 packets=$3
	shift 3
	netns_run sub "$flood" -i eth0 -m "$mac" -s "$source" -n "$sources" -c "$packets" "$@" >/dev/null
}

for host in ext srv sub; do
	netns_run $host nft -f - <<-'END'
		table inet seen {
			counter syns { }
			counter resets { }
			chain input {
				type filter hook prerouting priority -300; policy accept;
				tcp dport 25 counter name syns
				tcp flags & rst == rst counter name resets
			}
		}
	END
done

policy offload <<-END
	[gateway]
	mode = enforce
	fail = open
	unlisted = accept
	conntrack = no
	subscriber_interfaces = sub*
	upstream_interfaces = up0
	offload = yes
	[log]
	subscribers_max = 1000
	[pool homes]
	prefix = 198.51.100.128/25
	prefix = 10.0.0.0/8
	prefix = 2001:db8:100::/48
	delegated_prefix_length = 56
	[pool shops]
	prefix = 198.51.100.0/25
	action = reset
	[relay mail]
	address = 192.0.2.25
	address = 2001:db8:192::25
	interface = srv0
	[destination friends]
	prefix = 203.0.113.64/26
	enforce_from = 2037-01-01T00:00:00+00:00
END
sed '/^offload/d' "$scratch/offload.ini" >"$scratch/plain.ini"
sed 's/^offload = yes/&\noffload_seconds = 60/' "$scratch/offload.ini" >"$scratch/longer.ini"
sed '/^prefix = 10/d' "$scratch/offload.ini" >"$scratch/smaller.ini"

expect "a policy with offload is applied" ends_with 0 "read back, and the same" rules apply -p "$scratch/offload.ini" || tap_end
expect "status finds it" ends_with 0 "are the policy's" rules status -p "$scratch/offload.ini"
marks 0

# 1. Nothing in force: a mark blocks, and nothing is learned.
send 198.51.100.130 5 20
expect_equal "with empty maps what is marked is dropped, and counted" "$(counted learned-stale) $(arrived ext syns)" "20 0"
expect_equal "and nothing is learned" "$(learned 0 0 4)" "0 0"

# 2. Generation 0.
in_force 0
queued=$(counted queued)
send 198.51.100.130 50 1000
expect_equal "1000 packets of 50 sources are counted, each once" "$(learned 0 0 4)" "50 1000"
expect_equal "none has passed" "$(arrived ext syns)" 0
expect_equal "50 were asked about" "$(($(counted queued) - queued))" 50
send 2001:db8:100:ab00::1 20 500
send 2001:db8:100:ac55::1 1 7
expect_equal "an IPv6 subscriber is one, with all his addresses" "$(learned 0 0 6)" "2 507"
expect_equal "none of those has passed" "$(arrived ext syns)" 0
send 198.51.100.10 1 40
expect_equal "a source whose pool is reset is counted" "$(learned 0 1 4)" "1 40"
expect_equal "and answered each time" "$(arrived sub resets) $(arrived ext syns)" "40 0"
expect "status does not mind what is learned" ends_with 0 "are the policy's" rules status -p "$scratch/offload.ini"
expect "nor does diff" ends_with 0 "would change nothing" rules diff -p "$scratch/offload.ini"

# 3. What must not be looked up: it goes on to the queue, and passes, as nobody listens there.
passes()
{
	local what=$1 to=$2
	shift 2
	arrived "$to" syns >/dev/null
	send "$@"
	expect_equal "$what passes, and is not counted" "$(learned 0 0 4) $(learned 0 0 6) $(arrived "$to" syns)" "50 1000 2 507 10"
}
passes "to a relay" srv 198.51.100.130 5 10 -d 192.0.2.25
passes "to a relay, IPv6" srv 2001:db8:100:ab00::1 5 10 -d 2001:db8:192::25
netns_run ext ip address add 203.0.113.70/24 dev eth0
passes "to a destination with a rule of its own" ext 198.51.100.130 5 10 -d 203.0.113.70
arrived ext syns >/dev/null
rtr_mac=$(netns_run rtr cat /sys/class/net/srv0/address)
netns_run srv "$flood" -i eth0 -m "${rtr_mac//:/}" -s 198.51.100.130 -n 5 -c 10 -d 203.0.113.70 >/dev/null
expect_equal "from another side it passes, and is not counted" "$(learned 0 0 4) $(arrived ext syns)" "50 1000 10"
nft_do delete table inet daemon
arrived ext syns >/dev/null
netns_run sub python3 - <<-'END'
	import socket, struct
	# Fragments, other flags, a cut header: from a source that is learned, without checksums.
	def packet(payload, fragment=0, identification=1):
	    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), identification, fragment, 64, 6, 0)
	    head += socket.inet_aton("198.51.100.130") + socket.inet_aton("203.0.113.25")
	    total = sum(struct.unpack(">10H", head))
	    total = (total & 0xffff) + (total >> 16)
	    return head[:10] + struct.pack(">H", ~(total + (total >> 16)) & 0xffff) + head[12:] + payload
	def tcp(flags, offset=5):
	    return struct.pack(">HHIIBBHHH", 4000, 25, 1, 0, offset << 4, flags, 1000, 0, 0)
	out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
	for data in (packet(tcp(0x10)), packet(tcp(0x03)), packet(tcp(0x06)), packet(tcp(2, 4)), packet(tcp(2)[:16]),
	             packet(tcp(2) + bytes(4), 0x2000), packet(tcp(2) + bytes(4), 0x0003)):
	    out.sendto(data, ("203.0.113.25", 0))
END
expect_equal "nor are other flags, fragments, broken headers" "$(learned 0 0 4)" "50 1000"
expect "which pass, as nobody listens" test "$(arrived ext syns)" -ge 6
# Those with a mark of ours on arrival.
nft_do add table inet op25b_marks '{ chain early { type filter hook prerouting priority -95; tcp dport 25 ip saddr 198.51.100.200 meta mark set 0x25b00101; }; }'
expect_equal "a mark from outside is taken off" "$(send 198.51.100.200 1 3 -d 203.0.113.70; learned 0 0 4; arrived ext syns)" $'50 1000\n3'
nft_do delete table inet op25b_marks
marks 0

# 4. Loading again.
expect "apply sends everything" ends_with 0 "somebody has changed rulesets" rules apply -p "$scratch/offload.ini"
expect_equal "what is learned stays" "$(learned 0 0 4) $(learned 0 0 6) $(learned 0 1 4)" "50 1000 2 507 1 40"
send 198.51.100.130 50 100
expect_equal "and counts on" "$(learned 0 0 4) $(arrived ext syns)" "50 1100 0"
expect "apply sends only the difference" ends_with 0 "only the difference was sent" rules apply -p "$scratch/smaller.ini"
expect_equal "what is learned stays, again" "$(learned 0 0 4) $(learned 0 0 6) $(learned 0 1 4)" "50 1100 2 507 1 40"
send 198.51.100.130 50 100
expect_equal "and counts on, again" "$(learned 0 0 4) $(arrived ext syns)" "50 1200 0"
"$tool" generate -p "$scratch/offload.ini" 2>/dev/null | sed -E 's/queue (flags [a-z]+ )?to .*$/accept/' >"$scratch/offload.nft"
expect "nft loads the text over it" nft_do -f "$scratch/offload.nft"
send 198.51.100.130 50 100
expect_equal "what is learned stays, and counts on" "$(learned 0 0 4) $(arrived ext syns)" "50 1300 0"
expect "and the policy over that" rules apply -p "$scratch/offload.ini"

# 5. Another generation: the old sets are quiet.
in_force 1
send 198.51.100.130 50 100
expect_equal "a mark of the old generation blocks" "$(counted learned-stale) $(arrived ext syns)" "120 0"
marks 1
send 198.51.100.130 50 500
send 198.51.100.10 1 4
expect_equal "the new generation learns" "$(learned 1 0 4) $(learned 1 1 4) $(arrived ext syns)" "50 500 1 4 0"
expect_equal "the old one is quiet" "$(learned 0 0 4) $(learned 0 1 4)" "50 1300 1 40"
in_force none
nft_do delete table inet daemon
send 198.51.100.130 50 100
expect_equal "none in force: nothing is looked up" "$(learned 1 0 4) $(arrived ext syns)" "50 500 100"

forget_namespace()
{
	# The next namespace of this number knows nothing of it.
	rm -f "/run/op25b/rules-$(netns_run rtr stat -L -c %i /proc/self/ns/net)".*
}

if [ -n "${OP25B_QUICK-}" ]; then
	tap_skip "a roll back, full sets, other layouts" "OP25B_QUICK is set"
	forget_namespace
	tap_end
fi

# 6. Not confirmed: the rules come back, what is learned stays.
in_force 1
expect "another policy waits for confirmation" ends_with 0 "waiting for op25b-rules confirm" \
	rules apply --confirm-within 2 -p "$scratch/smaller.ini"
expect "it is not confirmed" wait_until 10 rules status -p "$scratch/offload.ini"
expect_equal "what is learned is still there" "$(learned 1 0 4)" "50 500"
send 198.51.100.130 50 50
expect_equal "and counts on" "$(learned 1 0 4) $(arrived ext syns)" "50 550 0"

# 7. No room.
marks 1
send 10.0.0.0 40000 40000
read -r sources packets < <(learned 1 0 4)
expect_equal "a full set takes no more" "$sources" $((16 * 1024))
expect_equal "what finds no room is dropped and counted" "$((packets + $(counted learned-full))) $(arrived ext syns)" "40550 0"

# 8. Other layouts, and none.
expect "sets of another layout are made anew, and apply says so" ends_with 0 "had another layout" \
	rules apply -p "$scratch/longer.ini"
expect_equal "they are empty" "$(learned 1 0 4)" "0 0"
expect "what is there is what the policy says" ends_with 0 "are the policy's" rules status -p "$scratch/longer.ini"
nft_do flush chain inet op25b learn
nft_do delete map inet op25b learn_turn
expect "a map that went is missed" ends_with 1 "set learn_turn" rules diff -p "$scratch/longer.ini"
expect "and mended" rules apply -p "$scratch/longer.ini"
in_force 0
expect "a policy without offload takes its place" rules apply -p "$scratch/plain.ini"
expect_equal "nothing of it is left" "$(nft_do list table inet op25b 2>/dev/null | grep -cE 'learned_|learn_|chain learn')" 0
expect "with offload again" rules apply -p "$scratch/offload.ini"
in_force 0
expect "a table that is filled can be deleted" rules delete
forget_namespace
tap_end
