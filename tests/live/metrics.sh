#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What op25bd tells Prometheus: its values are the daemon's, no address is in it, promtool finds nothing wrong; op25bctl writes
# it to a file that is never old; op25b-exporter, without privileges, hands it out and nothing else.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"

gateway_bed
queue_rule 2
policy_write 'mode = enforce' 'fail = closed' 'workers = 2' < <(usual_sections)
sed -i 's/^window = .*/window = 600/' "$policy"
gateway_start env

# value SERIES FILE
value()
{
	awk -v series="$1" '$1 == series { print $2 }' "$2"
}

send_syns 300 100 >"$scratch/out"
send_syns 200 100 --ip6 >"$scratch/out"
sent=$(rule_packets) # one of the addresses is the router's own, and goes nowhere
sources=199
all_received()
{
	[ "$(field status ledger.received)" = "$sent" ] && [ "$(field status events.observed)" = "$sent" ]
}
expect "the daemon has received what was sent" wait_until 5 all_received
metrics=$scratch/metrics
expect "op25bctl metrics" ctl metrics
ctl metrics >"$metrics"
for series in op25b_up=1 op25b_packets_received_total="$sent" op25b_packets_dropped_total="$sent" \
	op25b_packets_in_flight=0 op25b_verdict_latency_seconds_count="$sent" op25b_offenders=$sources \
	op25b_events_observed_total="$sent" op25b_events_suppressed_total=$((sent - sources)) op25b_records_total=$sources \
	op25b_records_written_total=$sources 'op25b_verdicts_total{verdict="drop",reason="pool-enforce"}'="$sent" \
	'op25b_fail_mode{mode="closed"}=1' 'op25b_fail_mode{mode="open"}=0' 'op25b_queue_waiting_packets{queue="101"}=0' \
	'op25b_queue_dropped_total{queue="100"}=0' 'op25b_queue_counters_readable{queue="100"}=1' \
	"op25b_policy_info{digest=\"$(field status policy.digest)\"}=1"; do
	expect_equal "${series%=*}" "$(value "${series%=*}" "$metrics")" "${series##*=}"
done
expect "the resident memory is some megabytes" test "$(value op25b_process_resident_memory_bytes "$metrics")" -gt 1000000
expect "no address is in it, of subscribers or others" ! grep -Eq '[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+|2001:db8|::' "$metrics"
if command -v promtool >/dev/null; then
	promtool check metrics <"$metrics" >"$scratch/out" 2>&1
	expect_equal "promtool finds nothing wrong: $?" "$(cat "$scratch/out")" ""
	sed 's/op25b_up/op25b_up_total/' "$metrics" | promtool check metrics >"$scratch/out" 2>&1
	expect "but would" grep -q op25b_up_total "$scratch/out"
else
	tap_skip "promtool finds nothing wrong" "promtool is not there (Debian package prometheus)"
fi

# Overrides are counted, and are no label.
expect "an address is blocked" ctl block 198.51.100.200 --for 1h --reason x
expect "another one is allowed" ctl allow 198.51.100.201 --for 1h --reason x
ctl metrics >"$metrics"
expect_equal "they are counted" "$(value 'op25b_overrides{action="block"}' "$metrics") $(value 'op25b_overrides{action="allow"}' "$metrics")" "1 1"
expect_equal "they are saved" "$(value op25b_overrides_unsaved "$metrics")" 0
expect "their addresses are not in it" ! grep -Eq '[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+|2001:db8|::' "$metrics"

# A refused reload, and one that is taken.
cp "$policy" "$scratch/good"
echo 'nonsense' >>"$policy"
expect "a bad policy is refused" ! ctl reload
cp "$scratch/good" "$policy"
sed -i 's/^fail = closed/fail = open/' "$policy"
expect "a good one is taken" ctl reload
ctl metrics >"$metrics"
for series in 'op25b_reloads_total{result="refused"}=1' 'op25b_reloads_total{result="success"}=1' op25b_reload_last_success=1 \
	op25b_policy_generation=4 'op25b_fail_mode{mode="open"}=1' 'op25b_fail_mode{mode="closed"}=0'; do
	expect_equal "then ${series%=*}" "$(value "${series%=*}" "$metrics")" "${series##*=}"
done

# For node_exporter.
file=$scratch/op25b.prom
expect "metrics --output" ctl metrics --output "$file"
expect_equal "the file is for all to read" "$(stat -c %a "$file")" 644
expect_equal "and says that the daemon is up" "$(value op25b_up "$file")" 1

# The exporter: another user, in the socket's group.
get()
{
	netns_run rtr "$lib/http_get.py" "$@"
}
if [ -n "${OP25B_EXPORTER-}" ]; then
	netns_spawn rtr setpriv --reuid 65534 --regid 0 --clear-groups --bounding-set -all --no-new-privs \
		"$OP25B_EXPORTER" --socket "$socket"
	exporter=$spawned
	wait_until 5 get GET 127.0.0.1 9725 /metrics
	netns_spawn rtr "$OP25B_EXPORTER" --socket "$socket" --listen '[::1]:9726'
	get GET 127.0.0.1 9725 /metrics >"$scratch/got"
	expect_equal "GET /metrics" "$(head -n 1 "$scratch/got")" 200
	expect "says of which format it is" grep -q '^Content-Type: text/plain; version=0.0.4' "$scratch/got"
	expect_equal "gives the daemon's metrics" "$(value op25b_packets_received_total "$scratch/got")" "$sent"
	expect_equal "as op25bctl does, all of them" "$(grep '^# TYPE' "$scratch/got")" "$(grep '^# TYPE' "$metrics")"
	get HEAD 127.0.0.1 9725 /metrics >"$scratch/got"
	expect_equal "HEAD /metrics" "$(head -n 1 "$scratch/got") $(sed '1,/^$/d' "$scratch/got" | wc -c)" "200 0"
	for path in / /metrics/ /metrics.txt //metrics /../metrics; do
		expect_equal "GET $path" "$(get GET 127.0.0.1 9725 $path | sed -n 1p)" 404
	done
	for method in POST PUT DELETE OPTIONS; do
		expect_equal "$method /metrics" "$(get $method 127.0.0.1 9725 /metrics | sed -n 1p)" 405
	done
	expect "it listens at IPv6's loopback, when told so" wait_until 5 get GET ::1 9726 /metrics
	expect "it does not listen elsewhere" ! connect_from sub 198.51.100.1 9725
	# More connections than it takes, which say nothing.
	netns_spawn rtr python3 -c '
import socket, time
held = [socket.create_connection(("127.0.0.1", 9725)) for _ in range(17)]
time.sleep(60)'
	sleep 1
	expect "connections that say nothing end" wait_until 10 get GET 127.0.0.1 9725 /metrics
	expect_equal "another one finds the port taken" \
		"$(netns_run rtr "$OP25B_EXPORTER" --socket "$socket" >"$scratch/out" 2>&1; echo $?)" 5
	expect "and says so" grep -q '127.0.0.1:9725: Address already in use' "$scratch/out"
	for listen in 127.0.0.1 :9725 127.0.0.1: 127.0.0.1:0 127.0.0.1:65536 ::1:9725 '[127.0.0.1]:9725' '[::1:9725' localhost:9725; do
		expect_equal "--listen $listen" "$("$OP25B_EXPORTER" --socket "$socket" --listen "$listen" 2>/dev/null; echo $?)" 2
	done
fi

process_end "$daemon"
expect_equal "without a daemon, metrics --output says so" "$(ctl metrics --output "$file" 2>/dev/null; echo $?)" 6
expect_equal "in the file, which has nothing else" "$(grep -v '^#' "$file")" "op25b_up 0"
if [ -n "${OP25B_EXPORTER-}" ]; then
	get GET 127.0.0.1 9725 /metrics >"$scratch/got"
	expect_equal "the exporter answers" "$(head -n 1 "$scratch/got")" 200
	expect_equal "that there is none" "$(sed '1,/^$/d' "$scratch/got" | grep -v '^#')" "op25b_up 0"
	process_end "$exporter"
	expect_equal "SIGTERM ends it: exit code" "$?" 0
fi
tap_end
