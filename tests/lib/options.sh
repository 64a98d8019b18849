#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# options.sh SOURCE: a production build needs nothing that only tests need, and installs the same.
source=$1
# shellcheck source=tests/lib/netns.sh
. "$source/tests/lib/netns.sh"
scratch_make
command -v pkg-config >/dev/null || tap_skip_all "pkg-config is not there"

# A system without cmocka.
cat >"$scratch/pkg-config" <<-END
	#!/bin/sh
	case " \$* " in *" cmocka "*) exit 1 ;; esac
	exec $(command -v pkg-config) "\$@"
END
chmod +x "$scratch/pkg-config"
printf "[binaries]\npkgconfig = '%s'\ncmake = '%s'\n" "$scratch/pkg-config" "$scratch/none" >"$scratch/no-cmocka.ini"

setup()
{
	rm -rf "$scratch/build"
	meson setup "$@" "$scratch/build" "$source" >"$scratch/setup.log" 2>&1
}

asked()
{
	meson introspect "$1" "$scratch/build" | python3 -c "import json, sys; d = json.load(sys.stdin); print($2)"
}

expect "a build without cmocka" setup --native-file "$scratch/no-cmocka.ini"
expect "which says that there are no tests" grep -q 'left out: cmocka is missing' "$scratch/setup.log"
expect_equal "has no tests" "$(asked --tests 'len(d)')" 0
expect_equal "builds nothing of tests/" "$(asked --targets '[t["name"] for t in d if "/tests/" in t["defined_in"]]')" "[]"
asked --installed '"\n".join(sorted(d.values()))' >"$scratch/without"
expect "a build without what features need" setup -Dauto_features=disabled
expect "which says that the exporter is left out" grep -q 'op25b-exporter *: left out' "$scratch/setup.log"
expect_equal "has no file of it" "$(asked --installed '[n for n in d.values() if "op25b-exporter" in n]')" "[]"
expect "a build with cmocka" setup
expect "has tests" test "$(asked --tests 'len(d)')" -gt 40
asked --installed '"\n".join(sorted(d.values()))' >"$scratch/with"
expect "installs the same" diff -u "$scratch/with" "$scratch/without"
expect "which are the programs" grep -q '/op25bd$' "$scratch/with"
tap_end
