#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The files for systemd and logrotate: they are valid, the services are confined, a rotation reaches the daemon.
# meson hands over the directory of the built units in UNITS, that of their sources in ETC, and the programs.

# shellcheck source-path=SCRIPTDIR source=../lib/netns.sh
. "$(dirname "$0")/../lib/netns.sh"
: "${UNITS:?}" "${ETC:?}" "${OP25BD:?}" "${OP25BCTL:?}" "${OP25B_RULES:?}"

command -v systemd-analyze >/dev/null || tap_skip_all "needs the program systemd-analyze"
scratch_make

# The programs are not installed: the copies name them where they were built.
units="op25bd op25b-rules op25b-metrics"
[ -z "${OP25B_EXPORTER-}" ] || units+=" op25b-exporter"
for unit in $units; do
	sed "s|=/[^ ]*/op25bd |=$OP25BD |; s|=/[^ ]*/op25bctl |=$OP25BCTL |; s|=/[^ ]*/op25b-rules |=$OP25B_RULES |
		s|=/[^ ]*/op25b-exporter |=${OP25B_EXPORTER-} |" "$UNITS/$unit.service" >"$scratch/$unit.service"
	expect "$unit.service: no path is left open" ! grep -q '@[a-z]*@' "$scratch/$unit.service"
done
cp "$ETC/op25b-metrics.timer" "$scratch"
expect "units are valid" systemd-analyze verify --man=no "$scratch"/*.service "$scratch/op25b-metrics.timer"
for unit in $units; do
	# The threshold counts tenths: 1.5.
	expect "$unit.service: exposure is 1.5 at most" \
		systemd-analyze security --offline=true --no-pager --threshold=15 "$scratch/$unit.service"
	sed '/^ProtectSystem=\|^CapabilityBoundingSet=\|^SystemCallFilter=/d' "$scratch/$unit.service" >"$scratch/weak.service"
	expect "$unit.service: without its confinement it would be more" \
		! systemd-analyze security --offline=true --no-pager --threshold=15 "$scratch/weak.service"
done

for directive in IPAddressDeny=any IPAddressAllow=localhost DynamicUser=yes CapabilityBoundingSet=; do
	[ -n "${OP25B_EXPORTER-}" ] || break
	expect "op25b-exporter.service: $directive" grep -qx "$directive" "$scratch/op25b-exporter.service"
done
expect_equal "op25b-metrics.service: writes where it says, and there only" \
	"$(sed -n 's/^ReadWritePaths=-//p' "$scratch/op25b-metrics.service")" \
	"$(sed -n 's/^ExecStart=.* --output \(.*\)\/op25b\.prom$/\1/p' "$scratch/op25b-metrics.service")"

expect "op25bd.service: may confine itself: no group of calls that is allowed holds seccomp" test "$(grep -c \
	'^SystemCallFilter=capset seccomp$' "$scratch/op25bd.service")" = 1
expect "op25bd.service: state is for nobody else, records for its group" test "$(grep -Ec \
	'^(StateDirectory=op25b|StateDirectoryMode=0700|LogsDirectory=op25b|LogsDirectoryMode=0750|UMask=0027)$' \
	"$scratch/op25bd.service")" = 5
expect "op25bd.service: opens the queues' file only when its module is loaded" test "$(grep -Ec \
	'^(Wants|After)=modprobe@nfnetlink_queue\.service$|^StandardInput=file:/proc/net/netfilter/nfnetlink_queue$' \
	"$scratch/op25bd.service")" = 3

mkdir -p "$scratch/tree/etc"
systemd-sysusers --root="$scratch/tree" "$ETC/op25b.sysusers" >/dev/null 2>&1
expect "sysusers: makes the user and the group" grep -q '^op25b:' "$scratch/tree/etc/passwd" "$scratch/tree/etc/group"
if [ "$(id -u)" = 0 ]; then
	systemd-tmpfiles --create --root="$scratch/tree" "$ETC/op25b.tmpfiles" >/dev/null 2>&1
	expect_equal "tmpfiles: makes the directories" \
		"$(stat -c '%a' "$scratch/tree/run/op25b" "$scratch/tree/var/log/op25b" \
			"$scratch/tree/var/lib/op25b" "$scratch/tree/var/lib/op25b-review" | tr '\n' ' ')" "755 750 700 2770 "
	expect_equal "tmpfiles: what people share belongs to the group, which owns nothing of the rest" \
		"$(stat -c '%u:%g' "$scratch/tree/var/lib/op25b-review")" \
		"0:$(sed -n 's/^op25b:[^:]*:\([0-9]*\):.*/\1/p' "$scratch/tree/etc/group")"
else
	tap_skip "tmpfiles: makes the directories" "needs root"
fi

if command -v logrotate >/dev/null && [ "$(id -u)" = 0 ]; then
	mkdir "$scratch/bin" "$scratch/log"
	printf '#!/bin/sh\necho "$*" >>"%s"\n' "$scratch/called" >"$scratch/bin/systemctl"
	chmod 755 "$scratch/bin/systemctl"
	sed "s|/var/log/op25b|$scratch/log|; s|su op25b op25b|su root root|" "$ETC/op25b.logrotate" >"$scratch/rotate.conf"
	chmod 644 "$scratch/rotate.conf"
	echo '{}' >"$scratch/log/events.json"
	expect "logrotate: takes its file" env "PATH=$scratch/bin:$PATH" logrotate --force --state "$scratch/state" "$scratch/rotate.conf"
	expect "logrotate: has the record file renamed" ! test -e "$scratch/log/events.json"
	expect "logrotate: the daemon is told, and only its main process" \
		grep -q -- '^kill --kill-who=main --signal=SIGUSR1 op25bd.service$' "$scratch/called"
else
	tap_skip "logrotate: takes its file" "needs logrotate and root"
fi
tap_end
