# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Network namespaces, processes and TAP assertions for live tests and the demo. A test sources this file:
#
#	. "$(dirname "$0")/../lib/netns.sh"
#	netns_need nft python3              # skips with exit code 77 when not root, or a tool is missing
#	netns_build                         # sub, rtr, ext, srv: the subscriber, the gateway, the outside, the ISP's LAN
#	netns_spawn rtr op25bd -p "$policy" # ends with the test; its process id is in $spawned
#	wait_until 5 test -S "$socket"
#	expect "a SYN is dropped" ! netns_run sub connect_to 203.0.113.25 25
#	tap_end
#
# Addresses of netns_build, always with .1 or ::1 on the router's side (sub0, up0, srv0 in rtr; eth0 elsewhere):
#
#	sub   198.51.100.10  2001:db8:100::10
#	ext   203.0.113.25   2001:db8:200::25
#	srv   192.0.2.25     2001:db8:192::25
#
# Names hold the process id, so tests may run side by side. Everything made here goes away when the shell ends,
# also after a failure, SIGINT or SIGTERM. $scratch is a directory of the test's own.
#
# OP25B_TEST_SLOW is a whole number: how many times longer than usual things may take, as on an emulated processor.

# The system's own programs come first: they are the ones whose packages are installed (python3 with its scapy).
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
netns_shell=$BASHPID
netns_prefix="op25b-$$"
netns_made=()
netns_pids=()
scratch=
tap_count=0
tap_failures=0
spawned=

tap_ok()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1"
}

# Why a case failed goes to stderr, one "# " line each.
tap_not_ok()
{
	tap_count=$((tap_count + 1))
	tap_failures=$((tap_failures + 1))
	echo "not ok $tap_count - $1"
	[ $# -lt 2 ] || printf '# %s\n' "${2//$'\n'/$'\n'# }" >&2
}

tap_skip()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

# The last word of a test: the plan, and the exit code.
tap_end()
{
	echo "1..$tap_count"
	[ "$tap_failures" -eq 0 ] && [ "$tap_count" -gt 0 ]
	exit
}

# The whole test cannot run here.
tap_skip_all()
{
	echo "1..0 # SKIP $1"
	exit 77
}

# $scratch, and the clean-up when the shell ends.
scratch_make()
{
	[ -z "$scratch" ] || return 0
	scratch=$(mktemp -d "${TMPDIR:-/tmp}/op25b-live.XXXXXX") || exit 1
	chmod 755 "$scratch"
	trap netns_cleanup EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

# expect DESCRIPTION [!] COMMAND...: one case; the command must succeed, or with "!" fail. It runs in this shell.
expect()
{
	local description=$1 wanted=success got=success
	shift
	if [ "$1" = "!" ]; then
		wanted=failure
		shift
	fi
	scratch_make
	"$@" >"$scratch/expect.log" 2>&1 </dev/null || got=failure
	if [ $got = $wanted ]; then
		tap_ok "$description"
	else
		tap_not_ok "$description" "wanted $wanted of: $*"$'\n'"$(tail -n 40 "$scratch/expect.log")"
		return 1
	fi
}

# expect_equal DESCRIPTION GOT WANTED
expect_equal()
{
	if [ "$2" = "$3" ]; then
		tap_ok "$1"
	else
		tap_not_ok "$1" "got:    $2"$'\n'"wanted: $3"
		return 1
	fi
}

# ends_with CODE TEXT COMMAND...: for expect: the command ends with this exit code, and what it prints (kept in
# $scratch/said) holds the text.
ends_with()
{
	local code=$1 text=$2 got=0
	shift 2
	"$@" >"$scratch/said" 2>&1 || got=$?
	cat "$scratch/said"
	[ "$got" = "$code" ] && grep -qF -- "$text" "$scratch/said"
}

# wait_until SECONDS COMMAND...: tries ten times a second; 1 when the time is over.
wait_until()
{
	local tries=$(($1 * 10 * ${OP25B_TEST_SLOW:-1}))
	shift
	while ! "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}

netns_name()
{
	echo "$netns_prefix-$1"
}

# netns_run NAMESPACE COMMAND...
netns_run()
{
	local name
	name=$(netns_name "$1")
	shift
	ip netns exec "$name" "$@"
}

# netns_spawn NAMESPACE COMMAND...: in the background, its output in $scratch/spawned-N.log; the process id is in
# $spawned and the file in $spawned_log. It returns when the command runs, because a child that is ended between fork
# and exec still has its parent's traps.
netns_spawn()
{
	local name started
	name=$(netns_name "$1")
	shift
	spawned_log="$scratch/spawned-${#netns_pids[@]}.log"
	started="$spawned_log.started"
	# shellcheck disable=SC2016
	ip netns exec "$name" sh -c ': >"$0" && exec "$@"' "$started" "$@" >"$spawned_log" 2>&1 </dev/null &
	spawned=$!
	netns_pids+=("$spawned")
	wait_until 5 test -e "$started"
}

# A zombie has ended too: only its parent's wait is missing.
process_lives()
{
	local stat
	read -r stat 2>/dev/null <"/proc/$1/stat" || return 1
	stat=${stat##*) }
	[ "${stat%% *}" != Z ]
}

process_ended()
{
	! process_lives "$1"
}

# process_end PID [SIGNAL]: asks, waits 5 seconds, then kills. Returns the exit code of a process of this shell.
process_end()
{
	kill -s "${2:-TERM}" "$1" 2>/dev/null
	wait_until 5 process_ended "$1" || kill -s KILL "$1" 2>/dev/null
	wait "$1" 2>/dev/null
}

netns_cleanup()
{
	local code=$? name pid
	[ "$BASHPID" = "$netns_shell" ] || kill -s KILL "$BASHPID"
	trap - EXIT
	trap '' INT TERM HUP
	for pid in "${netns_pids[@]}"; do
		kill -s TERM "$pid" 2>/dev/null
	done
	for pid in "${netns_pids[@]}"; do
		process_lives "$pid" && process_end "$pid"
	done
	for name in "${netns_made[@]}"; do
		for pid in $(ip netns pids "$name" 2>/dev/null); do
			kill -s KILL "$pid" 2>/dev/null
		done
		run_files_remove "$name"
		ip netns delete "$name" 2>/dev/null
	done
	[ -z "$scratch" ] || rm -rf "$scratch"
	exit "$code"
}

# netns_possible TOOL...: makes $scratch and looks whether network namespaces can be made; if not, prints why.
netns_possible()
{
	local tool
	[ "$(id -u)" = 0 ] || { echo "needs root, to make network namespaces"; return 1; }
	for tool in ip "$@"; do
		command -v "$tool" >/dev/null || { echo "needs the program $tool"; return 1; }
	done
	netns_add probe 2>"$scratch/probe" || { echo "no network namespaces here: $(head -n 1 "$scratch/probe")"; return 1; }
	ip netns delete "$(netns_name probe)"
}

# netns_need TOOL...: skips the test unless root, every tool and network namespaces are there.
netns_need()
{
	scratch_make
	netns_possible "$@" >"$scratch/why" || tap_skip_all "$(tail -n 1 "$scratch/why")"
}

# What op25b-rules and op25bd note of a namespace bears its number, and numbers are given again: a killed test's notes, or those of
# another version, are not for the next one.
run_files_remove()
{
	local number
	number=$(stat -Lc %i "/run/netns/$1" 2>/dev/null) && rm -f "/run/op25b/rules-$number".*
}

# netns_add NAMESPACE: addresses count at once, without waiting for duplicate address detection.
netns_add()
{
	local name
	name=$(netns_name "$1")
	netns_made+=("$name")
	ip netns add "$name" || return 1
	run_files_remove "$name"
	ip -n "$name" link set lo up || return 1
	# shellcheck disable=SC2016
	ip netns exec "$name" sh -c '
		cd /proc/sys/net || exit 1
		for scope in all default; do
			echo 0 >ipv4/conf/$scope/rp_filter
			if [ -d ipv6 ]; then
				echo 0 >ipv6/conf/$scope/accept_dad
				echo 0 >ipv6/conf/$scope/accept_ra
				echo 0 >ipv6/conf/$scope/disable_ipv6
			fi
		done' || return 1
}

netns_forward()
{
	netns_run "$1" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward &&
		echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
}

# netns_link ROUTER INTERFACE HOST: a veth pair between INTERFACE in ROUTER and eth0 in HOST.
netns_link()
{
	local router host
	router=$(netns_name "$1")
	host=$(netns_name "$3")
	ip -n "$router" link add "$2" type veth peer name eth0 netns "$host" &&
		ip -n "$router" link set "$2" up && ip -n "$host" link set eth0 up
}

# netns_lan ROUTER INTERFACE HOST NET4 NET6 LAST: a LAN; NET4.1 and NET6::1 are the router, NET4.LAST and NET6::LAST
# the host, whose default routes go to the router.
netns_lan()
{
	local router host
	router=$(netns_name "$1")
	host=$(netns_name "$3")
	netns_link "$1" "$2" "$3" || return 1
	ip -n "$router" -batch - <<-END || return 1
		address add $4.1/24 dev $2
		address add $5::1/64 dev $2 nodad
	END
	ip -n "$host" -batch - <<-END
		address add $4.$6/24 dev eth0
		address add $5::$6/64 dev eth0 nodad
		route add default via $4.1
		route add ::/0 via $5::1
	END
}

# netns_customer ROUTER INTERFACE HOST ADDRESS4 ADDRESS6 PREFIX6: a subscriber line: the host has single addresses, the
# router routes ADDRESS4 and PREFIX6 to it, and shares no subnet with it.
netns_customer()
{
	local router host
	router=$(netns_name "$1")
	host=$(netns_name "$3")
	netns_link "$1" "$2" "$3" || return 1
	ip -n "$router" -batch - <<-END || return 1
		address add 100.64.0.1/32 dev $2
		address add fe80::1/64 dev $2 nodad
		route add $4/32 dev $2
		route add $6 via fe80::2 dev $2
	END
	ip -n "$host" -batch - <<-END
		address add $4/32 dev eth0
		address add fe80::2/64 dev eth0 nodad
		address add $5/128 dev eth0 nodad
		route add 100.64.0.1/32 dev eth0
		route add default via 100.64.0.1 dev eth0
		route add ::/0 via fe80::1 dev eth0
	END
}

# The test bed described at the top of this file.
netns_build()
{
	local host
	for host in sub rtr ext srv; do
		netns_add "$host" || return 1
	done
	netns_forward rtr &&
		netns_lan rtr sub0 sub 198.51.100 2001:db8:100 10 &&
		netns_lan rtr up0 ext 203.0.113 2001:db8:200 25 &&
		netns_lan rtr srv0 srv 192.0.2 2001:db8:192 25
}

# connect_to ADDRESS PORT: a TCP connection within 2 seconds. Bash's own /dev/tcp, so that it needs no program.
connect_to()
{
	timeout $((2 * ${OP25B_TEST_SLOW:-1})) bash -c "exec 3<>/dev/tcp/$1/$2"
}
export -f connect_to
