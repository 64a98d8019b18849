#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# op25bctl doctor: a healthy gateway has no findings, and each fault that is made here is found, with its remedy.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"
: "${OP25B_RULES:?}"
netns_need script setpriv unshare
gateway_bed

# doctor_policy LINE...: in [gateway]
doctor_policy()
{
	policy_write 'mode = enforce' 'fail = closed' 'conntrack = yes' "$@" < <(usual_sections)
	mkdir -p "$scratch/log"
	sed -i "s|^file = .*|file = $scratch/log/events.json|" "$policy"
}

apply()
{
	netns_run rtr "$OP25B_RULES" apply -p "$policy"
}

# doctor [COMMAND...]: its findings in $scratch/doctor.json, also where COMMAND runs it; prints the exit code.
doctor()
{
	local code=0
	netns_run rtr "$@" "$OP25BCTL" -p "$policy" --json doctor >"$scratch/doctor.json" 2>"$scratch/doctor.errors" || code=$?
	echo "$code"
}

# found: what is no "ok", one line each, without this machine's clock.
found()
{
	python3 -c '
import json, sys
for f in json.load(open(sys.argv[1]))["findings"]:
    if f["severity"] != "ok" and f["check"] != "clock":
        print(f["severity"], f["check"], f["looked_at"], f["wrong"], f["remedy"], sep=" | ")' "$scratch/doctor.json"
}

# finds SEVERITY CHECK PATTERN REMEDY: among the findings of the last run.
finds()
{
	found | grep -E "^$1 \| $2 \| .*$3.* \| .*$4"
}

changed_by_others()
{
	[ "$(field status rules.changed_by_others)" = 1 ]
}

no_table_told()
{
	ctl status | grep -q 'WARNING: there is no table'
}

clock_finding()
{
	python3 -c '
import json, sys
print(sum(f["severity"] == "warning" for f in json.load(open(sys.argv[1]))["findings"] if f["check"] == "clock"))' "$scratch/doctor.json"
}

doctor_policy
expect "the rules load" apply
gateway_start
code=$(doctor)
expect_equal "a healthy gateway has no finding" "$(found)" ""
expect_equal "and the exit code says so, but for this machine's clock" "$code" "$(clock_finding)"
expect "each check has looked" test "$(grep -o '"check": "[a-z-]*"' "$scratch/doctor.json" | sort -u | wc -l)" = 24
expect "as text, for people" ends_with "$code" "queue 100: held by process $daemon (op25bd)" \
	netns_run rtr "$OP25BCTL" -p "$policy" doctor
expect "without colours in a file" ! grep -q $'\033' "$scratch/said"
NO_COLOR=1 netns_run rtr script -qec "$OP25BCTL -p $policy doctor" /dev/null >"$scratch/plain" </dev/null &
netns_run rtr script -qec "$OP25BCTL -p $policy doctor" /dev/null >"$scratch/coloured" </dev/null
wait $!
expect "with colours on a terminal" grep -q $'\033''\[32mok' "$scratch/coloured"
expect "unless NO_COLOR says not" grep -q '^ok  *policy' "$scratch/plain"

expect "rules that wait for a confirmation" netns_run rtr "$OP25B_RULES" apply -p "$policy" --confirm-within 60
doctor >/dev/null
expect "are found" finds warning rules "unless they are confirmed" "op25b-rules confirm"
expect "until they are confirmed" netns_run rtr "$OP25B_RULES" confirm

# Without rights, what cannot be looked at is told as skipped.
code=$(doctor setpriv --reuid 4240 --regid 0 --clear-groups --inh-caps=-all --bounding-set=-all)
expect "without root the rules are skipped" finds skipped rules "rules.*not permitted" "run it as root"
expect "and the kernel" finds skipped kernel nf_tables "run it as root"
expect "and others' chains" finds skipped before "not permitted" "run it as root"
expect "which is no success" test "$code" != 0

# Faults of the system around it, all at once.
netns_run rtr nft -f - <<-END
	table ip strangers {
		chain forward {
			type filter hook forward priority -300
			tcp dport 25 drop
		}
	}
END
netns_run rtr sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv6/conf/all/forwarding'
netns_run rtr ip route add 192.0.2.25/32 dev up0
netns_run rtr ip link add sub1 type veth peer name sub2
netns_run rtr ip link add br0 type bridge
netns_run rtr sh -c 'echo 1 >/sys/class/net/br0/bridge/nf_call_iptables'
netns_run rtr sh -c 'echo 1 >/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal'
# shellcheck disable=SC2016
full='mount -t tmpfs -o size=64k none "$0" && exec "$@"'
sed -i 's/^subscriber_interfaces = .*/subscriber_interfaces = sub*, ppp*/; s/^upstream_interfaces = .*/upstream_interfaces = up0, up1/' "$policy"
netns_run rtr nft flush table inet op25b
expect "somebody changes the rules, which the daemon sees" wait_until 5 changed_by_others
expect_equal "faults around the gateway: the exit code" "$(doctor unshare -m sh -c "$full" "$scratch/log")" 1
expect "another table's chain that comes before" finds warning before "strangers.*drops" "leaves port 25 alone"
expect "no forwarding" finds problem forwarding "net.ipv4.ip_forward 0" "sysctl net.ipv4.ip_forward=1"
expect "neither of IPv6" finds problem forwarding "net.ipv6.conf.all.forwarding 0" "sysctl"
expect "a relay's route by another interface" finds problem relays "mx\] 192.0.2.25: interface up0" "correct the route"
expect "no other relay's" test "$(found | grep -c '| relays |')" = 1
expect "an interface that is not there" finds problem interfaces "upstream_interfaces: up1" "bring it up"
expect "a pattern that matches none" finds warning interfaces "subscriber_interfaces: ppp" "bring it up"
expect "no check of sources between subscriber interfaces" finds warning sources "sub1: rp_filter 0" "rp_filter = 1"
expect "a bridge whose packets are judged as routed" finds warning bridges "bridge br0" "bridge-nf-call-iptables=0"
expect "conntrack's windows" finds warning conntrack "tcp_be_liberal 1" "tcp_be_liberal=0"
expect "no room for records" finds problem log-space "$scratch/log: 0 MiB" "make room"
expect "a policy that is not in force" finds problem in-force "not what the policy file says" "op25bctl reload"
expect "rules that are not the policy's" finds problem rules "differences" "op25b-rules apply"
expect "and that somebody else has changed them" finds "(warning|problem)" guard "rules by others: 1" "nft monitor"
netns_run rtr sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
	echo 0 >/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal
	nft delete table ip strangers; ip route del 192.0.2.25/32 dev up0; ip link del sub1; ip link del br0'

# Faults of the daemon.
doctor_policy 'fail = open' 'offload = yes' 'offload_seconds = 1'
sed -i '/^fail = closed/d' "$policy"
rm -rf "$scratch/log" "$scratch/state"
touch "$scratch/state"
ctl block 198.51.100.99 --for 1h --reason 'a test' >/dev/null 2>&1
ctl reopen >/dev/null 2>&1
expect_equal "faults of the daemon: the exit code" "$(doctor)" 1
expect "another fail mode than the policy's" finds problem fail-mode "in the daemon closed" "op25bctl reload"
expect "overrides that cannot be saved" finds problem overrides "cannot be saved" "state"
expect "records that cannot be written" finds problem records "events.json" "\[log\] file"
expect "and why" finds problem log-space "no such directory" "systemd-tmpfiles"
ctl reload >/dev/null
mkdir "$scratch/log"
netns_run rtr "$OP25B_RULES" delete >/dev/null
wait_until 5 no_table_told
doctor >/dev/null
expect "what that means" finds problem fail-mode "no table op25b" "op25b-rules apply"
expect "no rules" finds problem rules "all port 25 passes" "op25b-rules apply"
expect "offload without its sets" finds problem offload "wanted, and not in force" "op25b-rules apply"
echo 'nonsense' >>"$policy"
process_end "$daemon"
expect_equal "a policy with errors, and no daemon: the exit code" "$(doctor)" 1
expect "the policy's first error" finds problem policy "line [0-9]+: " "op25b-rules check"
mv "$policy" "$policy.away"
doctor >/dev/null
expect "a policy that is missing has no line" finds problem policy "\| cannot be read: No such file" "op25b-rules check"
mv "$policy.away" "$policy"
doctor >/dev/null
expect "no daemon" finds problem daemon "does not answer at $socket" "systemctl status op25bd"
expect "what it would have told is skipped" finds skipped workers "op25bd does not answer" ""
sed -i '/^nonsense/d' "$policy"
doctor >/dev/null
expect "a queue without a holder" finds problem queues "queue 100 . nobody is bound" "systemctl start op25bd"
gateway_start
sed "s|^queue = .*|queue = 200|; s|^control = .*|control = $scratch/other|; s|^state = .*|state = $scratch/other-state|" \
	"$policy" >"$scratch/other.ini"
netns_spawn rtr "$OP25BD" -p "$scratch/other.ini"
expect "another daemon" wait_until 5 test -S "$scratch/other"
"$OP25BCTL" --socket "$scratch/other" --json status >/dev/null
netns_run rtr "$OP25BCTL" -p "$policy" --socket "$scratch/other" --json doctor >"$scratch/doctor.json"
expect "a queue that another process holds" \
	finds problem queues "queue 100: held by process $daemon .op25bd. . another process" "stop that process"
tap_end
