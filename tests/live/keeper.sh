# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2154 # what gateway.sh sets
#
# op25bd under what stands for the service manager (tests/lib/fd_store.py): it keeps the queues, and starts the next process
# whenever one ends. To be read after gateway.sh, whose namespaces and policy it is for.

# keeper_start [COMMAND...]: op25bd under the service manager.
keeper_start()
{
	rm -rf "$scratch/keep" && mkdir "$scratch/keep"
	netns_spawn rtr "$lib/fd_store.py" "$scratch/keep" "$@" "$OP25BD" -p "$policy" --fd-store
	keeper=$spawned keeper_log=$spawned_log
	wait_until 5 ctl status || { tap_not_ok "op25bd starts" "$(cat "$keeper_log")"; tap_end; }
}

main_pid()
{
	cat "$scratch/keep/pid"
}

keeper_end()
{
	touch "$scratch/keep/stop"
	kill -TERM "$(main_pid)"
	wait_until 10 process_ended "$keeper"
	process_end "$keeper"
}

lives()
{
	[ "$(field status handover.lives)" = "$1" ]
}
