#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rules_difference.sh OP25B_RULES SOURCE KNOWN_EDIT: apply sends what differs from the last apply: the kernel then holds
# what it should, whatever differed, and what is known is not believed when it no longer holds. OP25B_QUICK=1 leaves out the
# large sets.
tool=$1
root=$2
known_edit=$3
# shellcheck source=tests/lib/netns.sh
. "$root/tests/lib/netns.sh"
netns_need nft python3
netns_add rtr || tap_skip_all "the namespace cannot be set up"
netns_add other || tap_skip_all "the namespace cannot be set up"

state_of()
{
	echo "/run/op25b/rules-$(netns_run "$1" stat -L -c %i /proc/self/ns/net).applied"
}
kept=$(state_of rtr)

rules()
{
	netns_run rtr "$tool" "$@"
}

# Counters, and in which order sets were made, do not matter.
listed()
{
	netns_run rtr nft list table inet op25b 2>/dev/null | grep -v '^\t\tpackets [0-9]* bytes' |
		awk '{ block = block $0 "|" } /^\t}$/ { print block; block = "" } END { if (block) print block }' | sort
}

is_now()
{
	listed | cmp -s - "$1"
}

# policy NAME PREFIX...: with these inside.
policy()
{
	local name=$1 prefix
	shift
	{
		printf '[gateway]\nmode = enforce\nfail = open\nupstream_interfaces = up0\n[pool home]\nprefix = 198.51.100.0/24\n'
		printf '[inside ours]\n'
		for prefix; do
			echo "prefix = $prefix"
		done
	} >"$scratch/$name.ini"
}

# 1. Random differences, each read back by nft, which knows nothing of what is kept.
cat >"$scratch/differences.py" <<'END'
import ipaddress, json, random, subprocess, sys
tool, scratch, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
random.seed(25)
HEAD = "[gateway]\nmode = enforce\nfail = open\nupstream_interfaces = up0\n[pool home]\nprefix = 198.51.100.0/24\n[inside ours]\n"
# Close together, so that neighbours melt and part; and at both ends of the addresses, where a range has no end.
spaces = [(4, 0), (4, 0x0a000000), (4, 2**32 - 512), (6, 0), (6, 0x20010db8 << 96), (6, 2**128 - 512)]
def one():
    version, base = random.choice(spaces)
    bits = 32 if version == 4 else 128
    size = random.choice([1, 1, 1, 2, 4, 8, 16])
    return (version, base + random.randrange(512 // size) * size, bits - size.bit_length() + 1)
def text(prefix):
    version, address, length = prefix
    return f"{(ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address)(address)}/{length}"
def merged(prefixes, version):
    bits = 32 if version == 4 else 128
    spans = []
    for first, last in sorted((a, a + (1 << bits - l) - 1) for v, a, l in prefixes if v == version):
        if spans and first <= spans[-1][1] + 1:
            spans[-1][1] = max(spans[-1][1], last)
        else:
            spans.append([first, last])
    return spans
def held(name, version):
    said = json.loads(subprocess.run(["nft", "-j", "list", "set", "inet", "op25b", name], capture_output=True, check=True).stdout)
    spans = []
    for element in next(item["set"] for item in said["nftables"] if "set" in item).get("elem", []):
        if isinstance(element, dict) and "prefix" in element:
            network = ipaddress.ip_network(f'{element["prefix"]["addr"]}/{element["prefix"]["len"]}')
            spans.append([int(network[0]), int(network[-1])])
        elif isinstance(element, dict):
            spans.append([int(ipaddress.ip_address(end)) for end in element["range"]])
        else:
            spans.append([int(ipaddress.ip_address(element))] * 2)
    return sorted(spans)
def apply():
    with open(f"{scratch}/random.ini", "w") as out:
        out.write(HEAD + "".join(f"prefix = {text(p)}\n" for p in sorted(prefixes)))
    done = subprocess.run([tool, "apply", "--json", "-p", f"{scratch}/random.ini"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"apply ended with {done.returncode}: {done.stderr}")
    return json.loads(done.stdout)
prefixes = {one() for _ in range(400)}
apply()
differences = changed = 0
for _ in range(rounds):
    for _ in range(random.choice([0, 1, 3, 12])):
        prefixes.discard(random.choice(sorted(prefixes)))
        prefixes.add(one())
    said = apply()
    differences += said["sent"]["what"] == "difference" and said["sent"]["whole_sets"] == 0
    changed += said["sent"].get("added", 0) + said["sent"].get("removed", 0)
    for name, version in (("inside_ip4", 4), ("inside_ip6", 6)):
        if held(name, version) != merged(prefixes, version):
            sys.exit(f"{name} holds something else than the policy says")
print(f"{differences} differences")
sys.exit(0 if differences == rounds and changed > rounds else f"{differences} of {rounds} were differences, {changed} ranges changed")
END
rounds=60
[ -z "${OP25B_QUICK-}" ] || rounds=6
expect "$rounds random differences: the kernel holds what the policy says" \
	netns_run rtr python3 "$scratch/differences.py" "$tool" "$scratch" $rounds

# 2. What is sent.
policy old 192.0.2.0/24 203.0.113.0/25 2001:db8:192::/64 10.1.0.0/16 10.3.0.0/16
policy new 192.0.2.0/24 203.0.113.0/26 2001:db8:192::/64 10.1.0.0/16 10.3.0.0/16
expect "apply of the whole, when asked for" ends_with 0 "all sets were sent" rules apply --whole -p "$scratch/old.ini"
listed >"$scratch/old"
expect "one prefix that changes is one range that goes and one that comes" \
	ends_with 0 "only the difference was sent: 1 ranges came, 1 went, 0 sets were sent whole" rules apply -p "$scratch/new.ini"
listed >"$scratch/new"
expect "the lists differ" ! cmp -s "$scratch/old" "$scratch/new"
expect "back again" ends_with 0 "1 ranges came, 1 went" rules apply -p "$scratch/old.ini"
expect "it is what it was" is_now "$scratch/old"
expect "nothing changed: nothing is sent" ends_with 0 "0 ranges came, 0 went" rules apply -p "$scratch/old.ini"
sed 's/fail = open/fail = closed\nworkers = 3/' "$scratch/old.ini" >"$scratch/closed.ini"
expect "other rules, the same sets" ends_with 0 "0 ranges came, 0 went" rules apply -p "$scratch/closed.ini"
expect "the rules are the policy's" rules status --full -p "$scratch/closed.ini"
sed 's/^prefix = 198.51.100.0.24/&\ninterface = sub*/' "$scratch/old.ini" >"$scratch/more.ini"
expect "a set more comes whole" ends_with 0 "0 went, 2 sets were sent whole" rules apply -p "$scratch/more.ini"
expect "the sets are the policy's" rules status --full -p "$scratch/more.ini"
expect "and goes again" ends_with 0 "0 ranges came, 0 went" rules apply -p "$scratch/old.ini"
expect "without a trace" is_now "$scratch/old"
policy another 10.9.0.0/16
expect "a set of which little stays comes whole" ends_with 0 "2 sets were sent whole" rules apply -p "$scratch/another.ini"
expect "that, too, is the policy's" rules status --full -p "$scratch/another.ini"

# 3. What is known no longer holds.
rules apply -p "$scratch/old.ini" >/dev/null
netns_run rtr nft add element inet op25b inside_ip4 '{ 172.16.0.0/12 }'
expect "an element of somebody's: everything is sent" ends_with 0 "somebody has changed rulesets" rules apply -p "$scratch/new.ini"
expect "and the element is gone" is_now "$scratch/new"
netns_run rtr nft add table ip op25b_stranger
expect "also when it was another table" ends_with 0 "somebody has changed rulesets" rules apply -p "$scratch/old.ini"
rm -f "$kept"
expect "the file is lost" ends_with 0 "not known" rules apply -p "$scratch/new.ini"
expect "from then on it is known again" ends_with 0 "only the difference" rules apply -p "$scratch/old.ini"
printf X | dd of="$kept" bs=1 seek=200 conv=notrunc 2>/dev/null
expect "the file is damaged: it is said" ends_with 0 "is damaged, and not used" rules apply -p "$scratch/new.ini"
expect "and everything sent" grep -q "not known" "$scratch/said"
expect "the kernel holds what it should" is_now "$scratch/new"
chmod g+w "$kept"
expect "a file that others can write is not believed" ends_with 0 "not known" rules apply -p "$scratch/old.ini"
netns_run rtr nft delete table inet op25b
expect "the table is gone: it is made" ends_with 0 "made table inet op25b" rules apply -p "$scratch/old.ini"
expect "and is what it was" is_now "$scratch/old"
# The same changes in two new namespaces: their generations are the same, the sets are not.
netns_add twin || tap_not_ok "another namespace"
for name in other twin; do
	netns_run $name "$tool" apply -p "$scratch/$([ $name = other ] && echo old || echo new).ini" >/dev/null
done
cat "$(state_of other)" >"$(state_of twin)"
expect "what is known of another namespace is not believed" ends_with 0 "not known" \
	netns_run twin "$tool" apply -p "$scratch/old.ini"
expect "and the sets are right" netns_run twin "$tool" status --full -p "$scratch/old.ini"

# 4. The kernel refuses one element of a difference: it is named, nothing of it stays, and everything is sent.
policy added 192.0.2.0/24 203.0.113.0/25 2001:db8:192::/64 10.1.0.0/16 10.3.0.0/16 172.16.0.0/12 172.64.0.0/16
rules apply -p "$scratch/old.ini" >/dev/null
netns_run rtr nft add element inet op25b inside_ip4 '{ 172.16.0.0/12 }'
expect "what is known is made to be believed" "$known_edit" "$kept" 1
expect "an element that is there already is refused by its name" \
	ends_with 0 "refused the difference: the element at 172.16.0.0 of set inside_ip4" rules apply -p "$scratch/added.ini"
expect "and what was sent then is right" rules status --full -p "$scratch/added.ini"
netns_run rtr nft delete element inet op25b inside_ip4 '{ 172.16.0.0/12 }'
"$known_edit" "$kept" 1
expect "likewise one that is to go and is not there" \
	ends_with 0 "refused the difference: the element at 172.16.0.0 of set inside_ip4" rules apply -p "$scratch/old.ini"
expect "the kernel holds what it should" is_now "$scratch/old"

# 5. Confirmed, or not.
rules apply -p "$scratch/old.ini" >/dev/null
expect "a difference that waits for confirmation" ends_with 0 "only the difference" \
	rules apply --confirm-within 2 -p "$scratch/new.ini"
expect "is loaded" is_now "$scratch/new"
expect "and is taken back" wait_until 15 is_now "$scratch/old"
sleep 1
expect "after which the sets are known" ends_with 0 "1 ranges came, 1 went" rules apply -p "$scratch/new.ini"
expect "and right" is_now "$scratch/new"
rules apply --confirm-within 60 -p "$scratch/old.ini" >/dev/null
expect "a confirmed one stays" rules confirm
expect "and is known" ends_with 0 "1 ranges came, 1 went" rules apply -p "$scratch/new.ini"
expect "whole, and waiting" ends_with 0 "all sets were sent" rules apply --whole --confirm-within 2 -p "$scratch/old.ini"
expect "it is taken back, too" wait_until 15 is_now "$scratch/new"
rules apply --whole -p "$scratch/old.ini" >/dev/null
rules apply --confirm-within 2 -p "$scratch/new.ini" >/dev/null
netns_run rtr nft add element inet op25b inside_ip4 '{ 172.16.0.0/12 }'
expect "somebody changes a set meanwhile: what was there comes back all the same" wait_until 15 is_now "$scratch/old"
sleep 1
expect "and is known" ends_with 0 "1 ranges came, 1 went" rules apply -p "$scratch/new.ini"
netns_run rtr nft add element inet op25b inside_ip4 '{ 172.16.0.0/12 }'
listed >"$scratch/strange"
rules apply --confirm-within 2 -p "$scratch/old.ini" >/dev/null
expect "what nobody knew is read, and comes back" wait_until 15 is_now "$scratch/strange"

# 6. Killed at any moment.
ok=yes
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	netns_spawn rtr "$tool" apply -p "$scratch/$([ $((i % 2)) = 0 ] && echo old || echo new).ini"
	sleep "0.00$((i * 7 % 10))"
	kill -KILL "$spawned" 2>/dev/null
	wait "$spawned" 2>/dev/null
	is_now "$scratch/old" || is_now "$scratch/new" || is_now "$scratch/strange" || ok="no, in round $i"
done
expect_equal "killed at any moment: the rules are the old or the new ones" "$ok" yes
expect "and the next apply is right" rules apply -p "$scratch/old.ini"
expect "in every set" is_now "$scratch/old"

# 7. Large sets, which are not read.
if [ -z "${OP25B_QUICK-}" ]; then
	for name in large less; do
		python3 - "$name" >"$scratch/$name.txt" <<-'END'
			import sys
			for i in range(200000):
			    if sys.argv[1] == "large" or i not in (0, 77777, 199999):
			        print(f"16.{i >> 12 & 255}.{i >> 4 & 255}.{(i & 15) << 4}/{30 if i == 5000 and sys.argv[1] == 'less' else 31}")
		END
		{ cat "$scratch/old.ini"; printf '[inside many]\nfile = %s\n' "$scratch/$name.txt"; } >"$scratch/$name.ini"
	done
	rules apply -p "$scratch/large.ini" >/dev/null
	expect "of a large set the difference is asked for" ends_with 0 "addresses were asked for" rules apply -p "$scratch/less.ini"
	expect "four ranges went and one came" grep -q "1 ranges came, 4 went" "$scratch/said"
	expect "status tells what it has not read" ends_with 0 "large sets were not read" rules status -p "$scratch/less.ini"
	expect "diff names what the other policy has" ends_with 1 "+ 16.18.253.16/31" rules diff -p "$scratch/large.ini"
	expect "read in full it is the same" ends_with 0 "the kernel's rules are the policy's" rules status --full -p "$scratch/less.ini"
	expect "and says nothing of sets not read" ! grep -q "not read" "$scratch/said"
	rules apply --confirm-within 2 -p "$scratch/large.ini" >/dev/null
	expect "a large difference is taken back" wait_until 10 rules status -p "$scratch/less.ini"
	sleep 0.5
	expect "really" rules status --full -p "$scratch/less.ini"
	netns_run rtr "$tool" apply -p "$scratch/less.ini" >/dev/null
	# Behind op25b-rules' back, and made to be believed.
	cat >"$scratch/delete.py" <<-'END'
		import subprocess
		subprocess.run(["nft", "-f", "-"], input="delete element inet op25b inside_ip4_100_12 { 16.0.0.16/31 }\n", text=True, check=True)
	END
	netns_run rtr python3 "$scratch/delete.py"
	"$known_edit" "$kept" 1
	expect "a count that is wrong is seen" ends_with 1 "the kernel counts" rules apply -p "$scratch/large.ini"
	expect "and not built on" ends_with 0 "not known" rules apply -p "$scratch/large.ini"

	# Divided, or just not: which part holds an address is no difference for people.
	{ sed '/\[inside/,$d' "$scratch/large.ini"; printf '[inside many]\nfile = %s\n' "$scratch/whole.txt"; } >"$scratch/whole.ini"
	{ sed '/\[inside/,$d' "$scratch/large.ini"; printf '[inside many]\nfile = %s\n' "$scratch/parts.txt"; } >"$scratch/parts.ini"
	head -n 65537 "$scratch/large.txt" >"$scratch/parts.txt"
	sed '77d' "$scratch/parts.txt" >"$scratch/whole.txt"
	rules apply -p "$scratch/whole.ini" >/dev/null
	expect "one prefix more, and the set is divided" ends_with 1 "apply would change" rules diff -p "$scratch/parts.ini"
	expect "which is one prefix gained" grep -qxF "  inside, IPv4: 2 addresses gained, 0 addresses lost" "$scratch/said"
	expect "it is loaded" ends_with 0 "only the difference was sent" rules apply -p "$scratch/parts.ini"
	expect "and right" rules status --full -p "$scratch/parts.ini"
	expect "and back to one set" ends_with 0 "only the difference was sent" rules apply -p "$scratch/whole.ini"
	expect "which is right" rules status --full -p "$scratch/whole.ini"

	# Single addresses alone stand in a hash. With a range among them they cannot.
	hash_is()
	{
		{ netns_run rtr nft -j list sets inet; } | python3 -c '
import json, sys
sets = [item["set"] for item in json.load(sys.stdin)["nftables"] if "set" in item]
one = next(s for s in sets if s["name"] == "inside_ip4")
sys.exit(0 if ("interval" not in one.get("flags", [])) == (sys.argv[1] == "yes") else 1)' "$1"
	}
	for name in hosts fewer range; do
		{
			sed '/\[inside/,$d' "$scratch/old.ini"
			printf '[inside many]\nfile = %s\n' "$scratch/$name.txt"
			[ $name != range ] || echo 'prefix = 10.0.0.0/24'
		} >"$scratch/$name.ini"
	done
	python3 - >"$scratch/hosts.txt" <<-'END'
		for i in range(70000):
		    print(f"16.{i >> 14 & 255}.{i >> 6 & 255}.{(i & 63) << 2}")
	END
	sed '7d; $d; s/^16\.1\.0\.0$/16.1.0.1/' "$scratch/hosts.txt" >"$scratch/fewer.txt"
	cp "$scratch/hosts.txt" "$scratch/range.txt"
	expect "many single addresses" rules apply -p "$scratch/hosts.ini"
	expect "are a hash" hash_is yes
	expect "and no drift" rules status --full -p "$scratch/hosts.ini"
	expect "one other and two less" ends_with 0 "1 ranges came, 3 went, 0 sets were sent whole" rules apply -p "$scratch/fewer.ini"
	expect "read in full it is the same" rules status --full -p "$scratch/fewer.ini"
	expect "taken back, when not confirmed" rules apply --confirm-within 2 -p "$scratch/hosts.ini"
	expect "by difference" wait_until 10 rules status -p "$scratch/fewer.ini"
	expect "which is right" rules status --full -p "$scratch/fewer.ini"
	expect "and a hash" hash_is yes
	expect "a range among them" ends_with 0 "3 sets were sent whole" rules apply -p "$scratch/range.ini"
	expect "makes ranges of them" hash_is no
	expect "no drift" rules status --full -p "$scratch/range.ini"
	rules apply --confirm-within 2 -p "$scratch/fewer.ini" >/dev/null
	expect "back to ranges, when not confirmed" wait_until 10 rules status -p "$scratch/range.ini"
	expect "all of them" rules status --full -p "$scratch/range.ini"
else
	tap_skip "large sets" "OP25B_QUICK is set"
fi
rm -f "$kept" "$(state_of other)" "$(state_of twin)"
tap_end
