#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The dashboard and the alert rules in a real Prometheus, which scrapes op25b-exporter before a real op25bd that judges real
# packets: every expression of the dashboard gives values, every rule is evaluated.
# meson hands the programs over, and the directory of the files in ETC.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"

: "${ETC:?}"
check=$(cd "$(dirname "$0")" && pwd)/prometheus_check.py
command -v prometheus >/dev/null || tap_skip_all "prometheus is not there (Debian package prometheus)"
[ -n "${OP25B_EXPORTER-}" ] || tap_skip_all "op25b-exporter is not built: libmicrohttpd is missing"

gateway_bed
queue_rule 2
policy_write 'mode = enforce' 'fail = closed' 'workers = 2' < <(usual_sections)
gateway_start env
netns_spawn rtr "$OP25B_EXPORTER" --socket "$socket"
mkdir "$scratch/tsdb"
cat >"$scratch/prometheus.yml" <<-END
	global: {scrape_interval: 1s, evaluation_interval: 1s}
	rule_files: ['$(realpath "$ETC")/op25b-alerts.yml']
	scrape_configs:
	  - job_name: op25b
	    static_configs: [{targets: ['127.0.0.1:9725'], labels: {op25b_fail: closed}}]
END
netns_spawn rtr prometheus --config.file="$scratch/prometheus.yml" --storage.tsdb.path="$scratch/tsdb" \
	--web.listen-address=127.0.0.1:9090 --log.level=warn
server_log=$spawned_log
asked()
{
	netns_run rtr "$check" http://127.0.0.1:9090 "$@"
}

# Some that are blocked and some that pass, all the time.
netns_spawn sub bash -c 'while sleep 0.3; do "$@"; done' loop "$lib/send_syns.py" eth0 "$(router_mac)" 50 100
netns_spawn srv bash -c 'while sleep 0.3; do timeout 2 bash -c "exec 3<>/dev/tcp/203.0.113.25/25"; done'
expect "Prometheus scrapes the exporter" asked ready $((30 * ${OP25B_TEST_SLOW:-1})) || cat "$server_log" >&2
expect "every expression of the dashboard gives values" asked dashboard "$ETC/op25b-dashboard.json"
expect "planted faults of a dashboard are found" asked planted "$ETC/op25b-dashboard.json"
expect "every alert rule is loaded and evaluated" asked alerts "$ETC/op25b-alerts.yml"
expect "a rule too many is found" ! asked alerts <(echo '      - alert: Planted'; cat "$ETC/op25b-alerts.yml")
expect_equal "a label names the policy" \
	"$(asked query "op25b_policy_info{digest=\"$(field status policy.digest)\"}")" 1
expect_equal "no alert for a daemon that is well" "$(asked query 'ALERTS{alertname="Op25bDown"}')" ""

process_end "$daemon"
down_pending()
{
	[ "$(asked query 'ALERTS{alertname="Op25bDown", alertstate="pending"}')" = 1 ]
}
expect "without the daemon Op25bDown is on its way" wait_until 10 down_pending
tap_end
