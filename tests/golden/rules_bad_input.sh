#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rules_bad_input.sh OP25B_RULES SOURCE: what op25b-rules does with wrong usage and with what is no policy.
tool=$1
root=$2
# shellcheck source=tests/lib/netns.sh
. "$root/tests/lib/netns.sh"
scratch_make
good="$root/etc/small-isp.ini"

# refused CODE TEXT ARGUMENT...: ends with the code and says the text on stderr, nothing on stdout.
refused()
{
	local code=$1 text=$2 got=0
	shift 2
	timeout 20 "$tool" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null || got=$?
	cat "$scratch/out" "$scratch/err"
	[ "$got" = "$code" ] && grep -qF -- "$text" "$scratch/err" && [ ! -s "$scratch/out" ]
}

# check prints its sum on stdout as well.
check_refused()
{
	local got=0
	timeout 20 "$tool" check -p "$1" >"$scratch/out" 2>"$scratch/err" </dev/null || got=$?
	cat "$scratch/out" "$scratch/err"
	[ "$got" = 4 ] && grep -qF -- "$2" "$scratch/err"
}

prints()
{
	local text=$1
	shift
	"$tool" "$@" 2>&1 | grep -qF -- "$text"
}

expect "no command" refused 2 "no command given"
expect "an unknown command" refused 2 "unknown command chekc: did you mean check?" chekc
expect "a command like none" refused 2 "unknown command frobnicate (see" frobnicate
expect "an unknown option" refused 2 "--help" check --loud
expect "an option without its value" refused 2 "--help" check -p
expect "a second argument" refused 2 "unexpected argument now" apply now
expect "an option of another command" refused 2 "dump takes no --strict" dump --strict -p "$good"
expect "--output is generate's" refused 2 "apply takes no --output" apply -o "$scratch/file" -p "$good"
expect "--all is the pools'" refused 2 "check takes no --all" check --all -p "$good"
expect "--confirm-within is apply's" refused 2 "generate takes no --confirm-within" generate --confirm-within 5 -p "$good"
for seconds in 0 -1 86401 5s ""; do
	expect "--confirm-within '$seconds'" refused 2 "1 to 86400 seconds" apply --confirm-within "$seconds" -p "$good"
done
expect "one family, or both" refused 2 "only one of" pools --ip4 --ip6 -p "$good"
expect "a date without an offset" refused 2 "offset" check --at 2030-01-01T00:00:00 -p "$good"
expect "--help has examples" prints "examples:" --help
expect "--version" prints "op25b-rules " --version

mkdir "$scratch/directory"
: >"$scratch/empty.ini"
head -c 100000 /dev/urandom >"$scratch/binary.ini"
head -c 100000 /dev/zero >"$scratch/zeros.ini"
printf '[gateway]\nmode = enforce\nfail = open\nunlisted = accept\n[pool x]\nfile = nowhere.txt\n' >"$scratch/list.ini"
expect "a policy that is not there yet" check_refused "$scratch/missing.ini" "op25b.ini(5) has examples"
for command in check dump generate pools apply; do
	for policy in missing.ini directory empty.ini binary.ini zeros.ini list.ini; do
		if [ $command = check ]; then
			expect "$command of $policy" check_refused "$scratch/$policy" "$policy"
		else
			expect "$command of $policy" refused 4 "$policy" $command -p "$scratch/$policy"
		fi
	done
done
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	cp "$good" "$scratch/secret.ini"
	chmod 600 "$scratch/secret.ini"
	as_nobody()
	{
		setpriv --reuid 65534 --regid 65534 --clear-groups "$tool" check -p "$scratch/secret.ini" 2>&1 |
			grep -qF 'Permission denied'
	}
	if setpriv --reuid 65534 --regid 65534 --clear-groups "$tool" --version >/dev/null 2>&1; then
		expect "a policy that may not be read" as_nobody
	else
		tap_skip "a policy that may not be read" "another user cannot run the program where it was built"
	fi
fi

json_of()
{
	timeout 20 "$tool" check --json -p "$1" 2>"$scratch/err" | python3 -m json.tool >/dev/null && [ ! -s "$scratch/err" ]
}
for policy in missing.ini binary.ini zeros.ini empty.ini; do
	expect "check --json of $policy is JSON all the same" json_of "$scratch/$policy"
done

# Seventeen exemptions, each for the addresses that have one bit set: 131072 combinations, more than the tables hold.
python3 - "$scratch" <<-'END'
	import sys
	with open(f"{sys.argv[1]}/many.ini", "w") as policy:
	    policy.write("[gateway]\nfail = open\nunlisted = accept\n[pool p]\nprefix = 10.0.0.0/8\n")
	    for bit in range(17):
	        policy.write(f"[exempt e{bit}]\nfile = bit{bit}.txt\nuntil = 2030-01-01T00:00:00Z\n")
	        with open(f"{sys.argv[1]}/bit{bit}.txt", "w") as prefixes:
	            for high in range(1 << (16 - bit)):
	                n = (high << (bit + 1)) + (1 << bit)
	                prefixes.write(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}/{32 - bit}\n")
END
expect "a policy of too many combinations" check_refused "$scratch/many.ini" \
	"$scratch/many.ini: error: the sections overlap in too many different ways"
expect "with the remedy" grep -qF "exemptions with the same \`to\` and dates can share one section" "$scratch/err"
expect "its summary does not say that all is well" ! grep -q "no errors" "$scratch/out"
expect "check --json says so, too" json_of "$scratch/many.ini"
# shellcheck disable=SC2016
expect "as a finding" bash -c '"$0" check --json -p "$1" | python3 -c "
import json, sys
told = json.load(sys.stdin)
sys.exit(told[\"errors\"] != 1 or told[\"summary\"] is not None or \"combinations\" not in str(told[\"findings\"]))"' \
	"$tool" "$scratch/many.ini"

# Exit codes of warnings.
printf '[gateway]\nmode = enforce\nfail = open\nunlisted = accept\n[pool x]\nprefix = 198.51.100.1/24\n' >"$scratch/warns.ini"
code_of()
{
	local got=0
	"$tool" "$@" >/dev/null 2>&1 || got=$?
	echo $got
}
expect_equal "warnings alone are no failure" "$(code_of check -p "$scratch/warns.ini")" 0
expect_equal "with --strict they are" "$(code_of check --strict -p "$scratch/warns.ini")" 1
expect_equal "--strict without warnings" "$(code_of check --strict --at 2026-12-01T00:00:00Z -p "$good")" 0

# The list of pools.
printf '%s\n' '[gateway]' 'mode = enforce' 'fail = open' 'unlisted = accept' '[pool a]' 'prefix = 198.51.100.0/25' \
	'prefix = 198.51.100.128/25' 'prefix = 2001:db8::/40' '[pool later]' 'prefix = 198.51.100.64/26' \
	'enforce_from = 2030-01-01T00:00:00Z' '[relay r]' 'address = 198.51.100.255' '[exempt e]' 'prefix = 198.51.100.0/28' \
	'ticket = T' 'owner = o' 'reason = r' >"$scratch/pools.ini"
listed()
{
	"$tool" pools -p "$scratch/pools.ini" "$@" 2>/dev/null | tr '\n' ' '
}
last="198.51.100.128/26 198.51.100.192/27 198.51.100.224/28 198.51.100.240/29 198.51.100.248/30 198.51.100.252/31"
last="$last 198.51.100.254/32 "
expect_equal "pools: without the relay and the pool that is not enforced" "$(listed --ip4 --at 2026-01-01T00:00:00Z)" \
	"198.51.100.0/26 $last"
expect_equal "pools at a later date" "$(listed --ip4 --at 2030-01-01T00:00:00Z)" "198.51.100.0/25 $last"
expect_equal "pools --all" "$(listed --ip4 --all --at 2026-01-01T00:00:00Z)" "198.51.100.0/25 $last"
expect_equal "pools --without-exempt" "$(listed --ip4 --all --without-exempt)" \
	"198.51.100.16/28 198.51.100.32/27 198.51.100.64/26 $last"
expect_equal "pools --ip6" "$(listed --ip6)" "2001:db8::/40 "
expect_equal "IPv4 comes first" "$(listed --all)" "198.51.100.0/25 ${last}2001:db8::/40 "
sed 's/enforce$/monitor/' "$scratch/pools.ini" >"$scratch/trial.ini"
expect "in mode monitor none is enforced, and that is said" prints "mode = monitor" pools -p "$scratch/trial.ini"
expect_equal "and none is listed" "$("$tool" pools -p "$scratch/trial.ini" 2>/dev/null)" ""

# Writing: all or nothing.
echo old >"$scratch/ruleset.nft"
expect "generate into a directory that is not there" refused 5 "No such file" generate -p "$good" -o "$scratch/no/file"
expect "generate from a bad policy leaves the file" refused 4 "empty.ini" generate -p "$scratch/empty.ini" -o "$scratch/ruleset.nft"
expect_equal "it is as it was" "$(cat "$scratch/ruleset.nft")" old
expect "generate over a file" "$tool" generate -p "$good" -o "$scratch/ruleset.nft"
expect "the file is the ruleset" cmp "$scratch/ruleset.nft" "$root/rules/small-isp.nft"
expect_equal "nothing is left beside it" "$(find "$scratch" -name 'ruleset.nft*' | wc -l)" 1
expect "generate to a device writes there" refused 5 "No space left" generate -p "$good" -o /dev/full
expect "the device is still one" test -c /dev/full
# What it reads is not what it writes, by whatever name.
cp "$good" "$scratch/own.ini"
printf '198.51.100.0/24\n' >"$scratch/pool.list"
printf '\n[pool listed]\nfile = pool.list\n' | sed 's/198.51.100/10.9.8/' >>"$scratch/own.ini"
sed -i 's/198.51.100/10.9.8/' "$scratch/pool.list"
ln "$scratch/own.ini" "$scratch/hard.ini"
ln -s own.ini "$scratch/soft.ini"
cp "$scratch/own.ini" "$scratch/own.before"
for output in own.ini hard.ini soft.ini pool.list; do
	expect "generate does not write over its policy ($output)" \
		refused 2 "own file" generate -p "$scratch/own.ini" -o "$scratch/$output"
done
expect "the policy is as it was" cmp "$scratch/own.ini" "$scratch/own.before"

# A list that is shorter than it said when it was opened may be half of one. A file of sysfs is always such.
if [ "$(stat -c %s /sys/class/net/lo/mtu 2>/dev/null || echo 0)" -gt 100 ]; then
	printf '[gateway]\nmode = enforce\nfail = open\nunlisted = accept\n[pool x]\nfile = /sys/class/net/lo/mtu\n' >"$scratch/short.ini"
	expect "a list that shrinks while it is read" refused 4 "changed while it was read" dump -p "$scratch/short.ini"
else
	tap_skip "a list that shrinks while it is read" "no file here tells a size it does not have"
fi

# closed NUMBER CODE COMMAND: with a standard file closed.
closed()
{
	local got=0
	rm -f "$scratch/closed.nft"
	if [ "$1" = 1 ]; then
		"$tool" "${@:3}" >&- 2>"$scratch/err" || got=$?
	else
		"$tool" "${@:3}" >"$scratch/out" 2>&- <&- || got=$?
	fi
	cat "$scratch/err"
	[ "$got" = "$2" ]
}
for command in check dump generate; do
	expect "$command with standard output closed" closed 1 5 $command -p "$good"
	expect_equal "it is said once" "$(grep -c 'Bad file descriptor' "$scratch/err")" 1
	expect "$command with standard input and error closed" closed 2 0 $command -p "$good"
done
expect "generate -o with standard error closed" closed 2 0 generate -p "$scratch/warns.ini" -o "$scratch/closed.nft"
expect "no warning is written into the file" ! grep -q warning "$scratch/closed.nft"
expect "check --json with standard output closed" closed 1 5 check --json -p "$good"
expect_equal "it is said once" "$(grep -c 'Bad file descriptor' "$scratch/err")" 1

for command in check dump generate pools; do
	full()
	{
		local got=0
		"$tool" "$command" -p "$good" >/dev/full 2>"$scratch/err" || got=$?
		[ "$got" = 5 ] && grep -q "No space left" "$scratch/err"
	}
	expect "$command to a full disk says so" full
done
tap_end
