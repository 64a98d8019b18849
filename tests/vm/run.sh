#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh SOURCE BUILD: Debian's stock kernel, which has the nft queue expression, in two virtual machines: one runs the
# rulesets, op25bd and live tests, with all that both ways of loading rules make of them; in the other one systemd is the
# first process, and the installed units are tried. They see this machine's files, and can write none of them but their
# results. The programs to test are in OP25B_RULES, OP25BD and OP25BCTL, and BUILD is installed from.
# Without OP25B_VM_JOBS only what depends on the kernel most is run; OP25B_VM_JOBS=. takes all jobs.
# OP25B_VM_KEEP=DIRECTORY keeps all that was printed, OP25B_VM_JOBS=PATTERN takes only the jobs whose names it matches,
# OP25B_VM_SECONDS=N ends the machines after N seconds.
root=$(cd "$1" && pwd) && build=$(cd "$2" && pwd) || exit 1
vm=$root/tests/vm
limit_s=${OP25B_VM_SECONDS:-1200}
: "${OP25B_RULES:?}" "${OP25BD:?}" "${OP25BCTL:?}"
# shellcheck source-path=SCRIPTDIR source=../lib/netns.sh
. "$root/tests/lib/netns.sh"
# shellcheck source-path=SCRIPTDIR source=kernel.sh
. "$vm/kernel.sh"

need()
{
	local tool
	PATH=$PATH:/usr/sbin:/sbin
	[ "$(uname -m)" = x86_64 ] || tap_skip_all "the virtual machine is for x86_64"
	for tool in qemu-system-x86_64 busybox cpio depmod modprobe apt-get apt-cache dpkg-deb setpriv nft python3 flock script; do
		command -v "$tool" >/dev/null || tap_skip_all "needs the program $tool (tools/dev/install vm)"
	done
	[ "$(id -u)" = 0 ] || tap_skip_all "needs root, to read all that the virtual machine has to read"
	kernel_get "$vm/init" 2>"$scratch/kernel.log" ||
		tap_skip_all "Debian's kernel package cannot be fetched: $(tail -n 1 "$scratch/kernel.log")"
}

# The others are run on this machine's kernel, too, and differ little there.
usual_jobs='^(01|03|05-verdicts|06|08|10|11|13|15|units)'

# job MACHINE NAME LINE...: one test, begun in the order of names; each LINE is shell.
job()
{
	local file=$scratch/$1/$2.job
	[[ $2 =~ ${OP25B_VM_JOBS-$usual_jobs} ]] || return 0
	mkdir -p "$scratch/$1"
	shift 2
	printf 'export %s=%q\n' OP25B_RULES "$OP25B_RULES" OP25BD "$OP25BD" OP25BCTL "$OP25BCTL" OP25B_RULES_REAL "$OP25B_RULES" \
		QUEUE_RULE "$vm/queue_rule.sh" OP25B_QUICK 1 OP25B_TEST_SLOW 3 SOURCE "$root" root "$root" >"$file"
	printf '%s\n' "$@" >>"$file"
}

# Where it says "text", nft loads what `op25b-rules generate` prints; everywhere else `op25b-rules apply` does it.
# The long ones come first, so that none is left alone at the end.
# shellcheck disable=SC2016
jobs_write()
{
	local text='export OP25B_RULES=$root/tests/vm/rules_by_text'
	job jobs 00-difference "known_edit=$build/rules/known_edit" \
		'exec "$root/tests/live/rules_difference.sh" "$OP25B_RULES" "$root" "$known_edit"'
	job jobs 01-stop 'exec "$root/tests/live/daemon_stop.sh"'
	job jobs 02-drift 'exec "$root/tests/live/rules_drift.sh" "$OP25B_RULES" "$root"'
	job jobs 03-kernel "CLASSES=30 EXAMPLES=small-isp" 'export CLASSES EXAMPLES' 'exec "$root/tests/live/verify_kernel.sh"'
	job jobs 04-confirm 'exec "$root/tests/live/rules_confirm.sh" "$OP25B_RULES" "$root"'
	job jobs 05-verdicts 'exec "$root/tests/live/daemon_verdicts.sh"'
	job jobs 05-waiting "queue_hold=$build/rules/queue_hold" \
		'exec "$root/tests/live/rules_waiting.sh" "$OP25B_RULES" "$root" "$queue_hold"'
	job jobs 06-apply 'exec "$root/tests/live/test_rules.sh" "$OP25B_RULES" "$root"'
	job jobs 07-neighbours 'exec "$root/tests/live/rules_neighbours.sh" "$OP25B_RULES" "$root"'
	job jobs 08-gateway 'exec "$root/tests/live/rules_daemon.sh"'
	job jobs 09-gateway-text "$text" 'exec "$root/tests/live/rules_daemon.sh"'
	job jobs 10-rulesets 'exec "$root/tests/vm/rulesets.sh" "$root"'
	job jobs 11-bridge 'exec "$root/tests/live/bridge.sh"'
	job jobs 12-guard 'exec "$root/tests/live/daemon_guard.sh"'
	job jobs 13-log 'exec "$root/tests/vm/kernel_log.sh" "$root"'
	job jobs 15-learned "flood=$build/tests/live/flood" \
		'exec "$root/tests/live/rules_learned.sh" "$OP25B_RULES" "$root" "$flood"'
	job jobs 14-classes 'export EXAMPLES=bridge CLASSES=80' 'exec "$root/tests/live/verify_kernel.sh"'
	if [ -x /lib/systemd/systemd ] && command -v logrotate >/dev/null; then
		job systemd units 'exec "$root/tests/vm/units.sh" "$root"'
	else
		tap_skip "units under systemd" "needs systemd and logrotate (tools/dev/install test)"
	fi
}

# machine_start NAME [KERNEL-ARGUMENT...]: its jobs and results are in $scratch/NAME. It ends with this shell, whatever
# ends that.
machine_start()
{
	local results=$scratch/$1 name=$1
	[ -d "$results" ] || return 0
	shift
	cp "$vm/guest" "$vm/guest_systemd" "$results/"
	setpriv --pdeathsig KILL nice -n 19 qemu-system-x86_64 -M q35 -accel tcg,thread=multi -cpu max -smp 2 -m 1024 -display none \
		-no-reboot -nodefaults -monitor none -serial "file:$results/console" \
		-kernel "$vm_kernel.vmlinuz" -initrd "$vm_kernel.initramfs" \
		-append "console=ttyS0 quiet panic=-1 mitigations=off $*" \
		-fsdev local,id=host,path=/,security_model=none,readonly=on,multidevs=remap \
		-device virtio-9p-pci,fsdev=host,mount_tag=host \
		-fsdev "local,id=results,path=$results,security_model=none" \
		-device virtio-9p-pci,fsdev=results,mount_tag=results >"$results/qemu.log" 2>&1 </dev/null &
	netns_pids+=("$!")
	machines[$name]=$!
}

machines_run()
{
	local pid
	for pid in "${machines[@]}"; do
		! process_lives "$pid" || return 0
	done
	return 1
}

# Until the machines have ended, which they do after $limit_s at the latest. By the clock, because waiting takes its
# time, too, where everything is slow.
machines_wait()
{
	local name until=$((SECONDS + limit_s))
	while machines_run && [ $SECONDS -lt $until ]; do
		sleep 0.5
	done
	for name in "${!machines[@]}"; do
		process_ended "${machines[$name]}" || echo "it was ended after $limit_s s" >>"$scratch/$name/qemu.log"
		process_end "${machines[$name]}"
	done
}

# job_report MACHINE NAME: the job's cases, each with the job's name before it.
job_report()
{
	local name=$2 out=$scratch/$1/$2.out line code plan=
	local case_line='^(not )?ok [0-9]+ - (.*)$'
	[ -e "$out" ] || { tap_not_ok "$name: runs" "the virtual machine ended before"; return; }
	while read -r line; do
		if [[ $line =~ ^1\.\.[0-9]+ ]]; then
			plan=$line
		elif [[ $line =~ $case_line ]]; then
			"tap_${BASH_REMATCH[1]:+not_}ok" "$name: ${BASH_REMATCH[2]}"
		fi
	done <"$out"
	code=$(cat "$scratch/$1/$name.code" 2>/dev/null)
	[ "$code" = 0 ] || sed 's/^/# /' "$scratch/$1/$name.err" >&2
	expect_equal "$name: ends by itself, with exit code 0 and a plan" "${code:-none} ${plan:+plan}" "0 plan"
}

report()
{
	local machine failures name
	for machine in "${!machines[@]}"; do
		failures=$tap_failures
		for name in "$scratch/$machine"/*.job; do
			name=${name##*/}
			job_report "$machine" "${name%.job}"
		done
		[ "$tap_failures" -eq "$failures" ] || tail -n 30 "$scratch/$machine"/{qemu.log,console,guest_systemd.log} 2>&1 | sed 's/^/# /' >&2
		sed 's/^/# /' "$scratch/$machine/seconds" 2>/dev/null
	done
}

# As README.md has it, into a directory that the virtual machine takes it from.
tree_install()
{
	(umask 022 && cd "$root" && DESTDIR=$scratch/systemd/tree meson install -C "$build" --no-rebuild --quiet)
}

declare -A machines
scratch_make
need
jobs_write
if [ -d "$scratch/systemd" ]; then
	expect "the build is installed" tree_install
fi
machine_start jobs
machine_start systemd GUEST=systemd systemd.unit=vm.target
machines_wait
report
if [ -d "$scratch/jobs" ]; then
	expect "the virtual machine has the nft queue expression" grep -qx nft_queue "$scratch/jobs/modules"
fi
[ -z "${OP25B_VM_KEEP-}" ] || cp -r "$scratch" "$OP25B_VM_KEEP"
tap_end
