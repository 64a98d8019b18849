#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What the reader says of each policy in tests/golden/policy, compared with the .txt beside it:
# fail-*.ini must be refused, warn-*.ini accepted with warnings, ok-*.ini accepted with none. An accepted policy is also
# printed, and what is printed must be read without an error and print the same again.
# policy.sh PROGRAM [--update]: --update writes the .txt files anew, for review by eye.
set -u
export LC_ALL=C
program=$(realpath "$1") # meson names it from its own directory
update=${2-}
now=2026-11-21T00:00:00Z
cd "$(dirname "$0")/policy" || exit 1
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
cases=0
failed=0

complain()
{
	failed=$((failed + 1))
	echo "not ok: $1"
}

# begins_as_named FILE: the summary line suits the file's name.
begins_as_named()
{
	last=$(tail -n 1 "$scratch/found")
	case $1 in
	fail-*) [ "${last#refused: }" != "$last" ] ;;
	warn-*) [ "${last#accepted: }" != "$last" ] && [ "$last" != "accepted: 0 warnings" ] ;;
	ok-*) [ "$last" = "accepted: 0 warnings" ] ;;
	esac
}

# prints_the_same FILE: printed, read and printed again.
prints_the_same()
{
	"$program" --print "$1" "$now" >"$scratch/once.ini" 2>/dev/null &&
		"$program" --print "$scratch/once.ini" "$now" >"$scratch/twice.ini" 2>/dev/null &&
		diff -u "$scratch/once.ini" "$scratch/twice.ini"
}

for policy in fail-*.ini warn-*.ini ok-*.ini; do
	cases=$((cases + 1))
	"$program" "$policy" "$now" >"$scratch/found"
	[ "$update" != --update ] || cp "$scratch/found" "${policy%.ini}.txt"
	diff -u "${policy%.ini}.txt" "$scratch/found" || complain "$policy: other findings"
	begins_as_named "$policy" || complain "$policy: refused or accepted against its name"
	case $policy in
	fail-*) ;;
	*) prints_the_same "$policy" || complain "$policy: printed, it reads differently" ;;
	esac
done

# The policies that are shipped must read without an error, and print the same.
for policy in ../../../etc/*.ini; do
	[ -e "$policy" ] || continue
	cases=$((cases + 1))
	"$program" "$policy" "$now" || complain "$policy: refused"
	prints_the_same "$policy" || complain "$policy: printed, it reads differently"
done

dictionary=../../fuzz/policy.dict
"$program" --dictionary >"$scratch/dictionary"
[ "$update" != --update ] || cp "$scratch/dictionary" "$dictionary"
diff -u "$dictionary" "$scratch/dictionary" || complain "$dictionary: not of this table of keys"
echo "$cases policies, $failed failed"
[ "$failed" -eq 0 ] && [ "$cases" -gt 50 ]
