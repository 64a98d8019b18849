#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# eve_suricata.sh EVE.PY OP25B-MONTH OP25B-REPLAY OP25B-MAN-TABLES SCHEMA: eve.py, with the schema that Suricata itself
# publishes besides. It comes out of Debian's source package of Suricata 8, because the binary packages have it not, and it
# is kept in ${XDG_CACHE_HOME:-/var/cache}/op25b-tests. Where it cannot be had, the test is skipped and says so.
cache=${XDG_CACHE_HOME:-/var/cache}/op25b-tests
release=forky

skip()
{
	echo "1..0 # SKIP $1"
	exit 0
}

# Debian's sources of that release, from where this machine has its packages from.
sources_of()
{
	local uri keys=/usr/share/keyrings/debian-archive-keyring.gpg trust=
	# shellcheck disable=SC2016 # apt-get puts these in
	uri=$(apt-get indextargets --no-release-info --format '$(CREATED_BY) $(COMPONENT) $(RELEASE) $(REPO_URI)' 2>/dev/null |
		awk '$1 == "Packages" && $2 == "main" && $3 !~ /security/ { print $4; exit }')
	[ -n "$uri" ] || return 1
	[ ! -e $keys ] || trust="[signed-by=$keys]"
	echo "deb-src $trust $uri $release main"
}

# source_get DIRECTORY: Suricata's source as it was published, whose digest apt-get compares with the signed index.
source_get()
{
	local apt=(apt-get -qq -o Acquire::Retries=3 -o APT::Sandbox::User=root -o Acquire::Languages=none
		-o "Dir::Etc::SourceList=$1/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$1/lists"
		-o "Dir::Cache=$1/cache")
	mkdir -p "$1/lists/partial" "$1/cache/archives/partial" && sources_of >"$1/sources.list" || return 1
	"${apt[@]}" update && cd "$1" && "${apt[@]}" source --download-only --tar-only --only-source suricata
}

# schema_get FILE: it is whole when it is there, because it comes by renaming.
schema_get()
{
	local made=$scratch/source
	mkdir -p "$cache" "$made" && (source_get "$made") >&2 &&
		tar -xOf "$(ls "$made"/suricata_*.orig.tar.gz)" --wildcards 'suricata-*/etc/schema.json' >"$made/schema.json" &&
		[ -s "$made/schema.json" ] && cp "$made/schema.json" "$cache/new.$$" && mv "$cache/new.$$" "$1"
}

[ $# -eq 5 ] || { echo "usage: eve_suricata.sh EVE.PY OP25B-MONTH OP25B-REPLAY OP25B-MAN-TABLES SCHEMA" >&2; exit 2; }
schema=$cache/suricata-$release-schema.json
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
if [ ! -s "$schema" ]; then
	command -v apt-get >/dev/null || skip "needs apt-get"
	schema_get "$schema" 2>"$scratch/log" || skip "Suricata's source package cannot be fetched: $(tail -n 1 "$scratch/log")"
fi
python3 "$@" "$schema"
