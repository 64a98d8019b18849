#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# rules.sh OP25B_RULES SOURCE: the ruleset of every example policy is rules/NAME.nft, byte for byte; that of a bridge is
# bridge.nft beside this file.
# With --update as third argument it writes them anew instead.
tool=$1
root=$2
# shellcheck source=tests/lib/netns.sh
. "$root/tests/lib/netns.sh"
scratch_make

for policy in "$root"/etc/*.ini "$root/tests/golden/bridge.ini"; do
	name=$(basename "$policy" .ini)
	golden="$root/rules/$name.nft" tables="table inet op25b"
	[ "$name" != bridge ] || golden=${policy%.ini}.nft tables=$'table bridge op25b\ntable inet op25b'
	if [ "${3-}" = --update ]; then
		"$tool" generate -p "$policy" -o "$golden" || exit 1
		continue
	fi
	expect "$name: the policy has no errors" "$tool" check -p "$policy"
	expect "$name: a ruleset can be generated" "$tool" generate -p "$policy" -o "$scratch/$name.nft"
	expect "$name: it is ${golden#"$root/"}" diff -u "$golden" "$scratch/$name.nft"
	"$tool" dump -p "$policy" >"$scratch/$name.ini" 2>/dev/null
	"$tool" generate -p "$scratch/$name.ini" >"$scratch/again.nft" 2>/dev/null
	expect "$name: the dumped policy has the same ruleset" cmp "$golden" "$scratch/again.nft"
	expect "$name: no date stands in it" ! grep -E '(19|20)[0-9]{2}-[0-9]{2}' "$golden"
	expect_equal "$name: it names no table but its own" \
		"$(grep -oE '^[^#]*table [a-z0-9]+ [a-z0-9_]+' "$golden" | grep -oE 'table .*' | sort -u)" "$tables"
done
[ "${3-}" = --update ] && exit 0
for golden in "$root"/rules/*.nft; do
	name=$(basename "$golden" .nft)
	expect "rules/$name.nft has its policy" test -e "$root/etc/$name.ini"
done
tap_end
