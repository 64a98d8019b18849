#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh SOURCE: the rulesets and op25bd on Debian's stock kernel, which has the nft queue expression, in a virtual
# machine of its own. It sees this machine's files, and can write none of them but its results. The programs to test are
# in OP25B_RULES, OP25BD and OP25BCTL. OP25B_VM_KEEP=DIRECTORY keeps all that was printed,
# OP25B_VM_JOBS=PATTERN takes only the jobs whose names it matches.
root=$(cd "$1" && pwd) || exit 1
vm=$root/tests/vm
limit_s=${OP25B_VM_SECONDS:-480}
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
	for tool in qemu-system-x86_64 busybox cpio depmod modprobe apt-get apt-cache dpkg-deb setpriv nft python3; do
		command -v "$tool" >/dev/null || tap_skip_all "needs the program $tool (tools/dev/install vm)"
	done
	[ "$(id -u)" = 0 ] || tap_skip_all "needs root, to read all that the virtual machine has to read"
	kernel_get "$vm/init" 2>"$scratch/kernel.log" ||
		tap_skip_all "Debian's kernel package cannot be fetched: $(tail -n 1 "$scratch/kernel.log")"
}

# job NAME LINE...: one test, run in the order of names; each LINE is shell.
job()
{
	local file=$results/$1.job
	[[ $1 =~ ${OP25B_VM_JOBS-} ]] || return 0
	shift
	printf 'export %s=%q\n' OP25B_RULES "$OP25B_RULES" OP25BD "$OP25BD" OP25BCTL "$OP25BCTL" \
		QUEUE_RULE "$vm/queue_rule.sh" OP25B_QUICK 1 OP25B_TEST_SLOW 2 root "$root" >"$file"
	printf '%s\n' "$@" >>"$file"
}

# shellcheck disable=SC2016
jobs_write()
{
	job 1-rulesets 'exec "$root/tests/vm/rulesets.sh" "$root"'
	job 2-apply 'exec "$root/tests/live/test_rules.sh" "$OP25B_RULES" "$root"'
	job 3-gateway 'exec "$root/tests/live/rules_daemon.sh"'
	job 4-verdicts 'exec "$root/tests/live/daemon_verdicts.sh"'
	job 5-stop 'exec "$root/tests/live/daemon_stop.sh"'
}

# The virtual machine ends with this shell, whatever ends it, and after $limit_s at the latest.
machine_run()
{
	setpriv --pdeathsig KILL qemu-system-x86_64 -M q35 -accel tcg,thread=multi -cpu max -smp 2 -m 1024 -display none \
		-no-reboot -nodefaults -monitor none -serial "file:$scratch/console" \
		-kernel "$vm_kernel.vmlinuz" -initrd "$vm_kernel.initramfs" \
		-append "console=ttyS0 quiet panic=-1 mitigations=off" \
		-fsdev local,id=host,path=/,security_model=none,readonly=on,multidevs=remap \
		-device virtio-9p-pci,fsdev=host,mount_tag=host \
		-fsdev "local,id=results,path=$results,security_model=none" \
		-device virtio-9p-pci,fsdev=results,mount_tag=results >"$scratch/qemu.log" 2>&1 </dev/null &
	machine=$!
	netns_pids+=("$machine")
	wait_until "$limit_s" process_ended "$machine" || echo "it was ended after $limit_s s" >>"$scratch/qemu.log"
	process_end "$machine"
}

# job_report NAME: the job's cases, each with the job's name before it.
job_report()
{
	local name=$1 out=$results/$1.out line code plan=
	local case_line='^(not )?ok [0-9]+ - (.*)$'
	[ -e "$out" ] || { tap_not_ok "$name: runs" "the virtual machine ended before"; return; }
	while read -r line; do
		if [[ $line =~ ^1\.\.[0-9]+ ]]; then
			plan=$line
		elif [[ $line =~ $case_line ]]; then
			"tap_${BASH_REMATCH[1]:+not_}ok" "$name: ${BASH_REMATCH[2]}"
		fi
	done <"$out"
	code=$(cat "$results/$name.code" 2>/dev/null)
	[ "$code" = 0 ] || sed 's/^/# /' "$results/$name.err" >&2
	expect_equal "$name: ends by itself, with exit code 0 and a plan" "${code:-none} ${plan:+plan}" "0 plan"
}

report()
{
	local name
	for name in "$results"/*.job; do
		name=${name##*/}
		job_report "${name%.job}"
	done
	[ "$tap_failures" -eq 0 ] || tail -n 30 "$scratch/qemu.log" "$scratch/console" | sed 's/^/# /' >&2
	sed 's/^/# /' "$results/seconds" 2>/dev/null
}

scratch_make
results=$scratch/results
mkdir "$results"
need
cp "$vm/guest" "$results/guest"
jobs_write
machine_run
expect "the virtual machine has the nft queue expression" grep -qx nft_queue "$results/modules"
report
[ -z "${OP25B_VM_KEEP-}" ] || cp -r "$scratch" "$OP25B_VM_KEEP"
tap_end
