#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Records to a real rsyslogd (RFC 5424) and a real systemd-journald, from a confined daemon: each record of the file once, with
# the same values; when rsyslogd is away, it gets them when it is back; a reader that does not read costs what is counted as
# lost, and nothing else.

# Mounts of its own: this machine's journal is left alone.
if [ "${OP25B_OWN_MOUNTS-}" != yes ]; then
	[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP this needs root"; exit 77; }
	OP25B_OWN_MOUNTS=yes exec unshare --mount --propagation private "$0" "$@"
fi
# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"
: "${FLOOD:?}"
journald=/usr/lib/systemd/systemd-journald
netns_need rsyslogd journalctl python3
[ -x $journald ] || tap_skip_all "systemd-journald is not there"
gateway_bed
queue_rule 1
answer_rules
mac=$(router_mac)
mac=${mac//:/}
log=$scratch/log
taken=$scratch/taken
mkdir -p /run/systemd /run/log
for there in /run/systemd /run/log; do
	mount -t tmpfs op25b-test $there || tap_skip_all "tmpfs cannot be mounted here"
done
[ ! -d /var/log/journal ] || mount -t tmpfs op25b-test /var/log/journal
mkdir -p /run/systemd/journal /run/log/journal
if [ ! -s /etc/machine-id ]; then
	echo 0123456789abcdef0123456789abcdef >"$scratch/machine-id"
	touch /etc/machine-id && mount --bind "$scratch/machine-id" /etc/machine-id
fi

cat >"$scratch/rsyslog.conf" <<END
global(workDirectory="$scratch")
module(load="imuxsock" SysSock.Use="off")
module(load="mmpstrucdata")
input(type="imuxsock" Socket="$log" UseSpecialParser="off" ParseHostname="on" IgnoreTimestamp="off" RateLimit.Interval="0")
template(name="taken" type="string"
	string="{\"time\":\"%timereported:::date-rfc3339%\",\"host\":\"%hostname%\",\"app\":\"%app-name%\",\"id\":\"%msgid%\",\"pri\":\"%pri%\",\"text\":\"%msg:::json%\",\"data\":%\$!%}\n")
action(type="mmpstrucdata")
action(type="omfile" file="$taken" template="taken")
END

rsyslog_start()
{
	rm -f "$log"
	rsyslogd -n -f "$scratch/rsyslog.conf" -i NONE >"$scratch/rsyslog.out" 2>&1 &
	rsyslog=$!
	wait_until 5 test -S "$log"
}

policy_for()
{
	{
		printf '%s\n' "$@"
		usual_sections
	} | policy_write 'mode = enforce' 'fail = closed' 'unlisted = drop'
}

# flood PACKETS SOURCES FIRST
flood()
{
	netns_run sub "$FLOOD" -i eth0 -m "$mac" -c "$1" -n "$2" -s "$3" -q 100 -o "$daemon" >/dev/null
}

written()
{
	[ "$(field status log.written)" -ge "$1" ] && [ "$(field status outputs.0.waiting_bytes)" = 0 ]
}

# same WHICH: what rsyslogd or journald has is what stands in the file, each record once.
same()
{
	[ "$1" != journal ] || journalctl -D /run/log/journal -o json SYSLOG_IDENTIFIER=op25bd >"$scratch/journal"
	python3 - "$1" "$scratch/$1" "$events" <<-'END'
		import json, sys
		which, path, events = sys.argv[1:]
		names = ("seq", "kind", "subscriber", "pool", "rule", "reason", "verdict", "attempts", "packets", "packets_blocked",
		         "first_seen", "last_seen", "distinct_destinations", "boot_id", "policy")
		def text(value): return str(value).lower() if isinstance(value, bool) else str(value)
		wanted = {}
		for line in open(events):
		    record = json.loads(line)
		    ours = record["op25b"]
		    wanted[str(ours["seq"])] = {**{name: text(ours[name]) for name in names if name in ours},
		        **{name: text(record[name]) for name in ("src_ip", "dest_ip", "src_port", "event_type") if name in record}}
		found = {}
		for line in open(path):
		    entry = json.loads(line)
		    if which == "taken":
		        data = entry["data"]["rfc5424-sd"]["op25b@32473"]
		        time = data["last_seen"] if data["kind"] == "first" else None
		        assert entry["host"] == "gw1" and entry["app"] == "op25bd" and entry["id"] == data["kind"], entry
		        assert entry["pri"] == "29" and entry["text"].lstrip().startswith("port 25 blocked for "), entry
		        assert time is None or entry["time"].replace(":", "") == time.replace(":", ""), entry
		    else:
		        data = {name[6:].lower(): value for name, value in entry.items() if name.startswith("OP25B_")}
		        assert entry["MESSAGE"].startswith("port 25 blocked for ") and entry["PRIORITY"] == "5", entry
		    assert data["seq"] not in found, f"twice: {data}"
		    found[data["seq"]] = data
		assert set(found) == set(wanted), f"{len(found)} records, {len(wanted)} in the file"
		for seq, values in wanted.items():
		    for name, value in values.items():
		        assert found[seq][name] == value, (seq, name, found[seq][name], value)
	END
}

$journald >"$scratch/journald.out" 2>&1 &
journal=$!
wait_until 5 test -S /run/systemd/journal/socket || tap_skip_all "systemd-journald does not start here"
trap 'code=$?; kill $journal $rsyslog 2>/dev/null; (exit "$code"); netns_cleanup' EXIT
expect "rsyslogd starts" rsyslog_start
policy_for "syslog = $log" 'journald = yes'
gateway_start
expect_equal "the daemon is confined" "$(sed -n 's/^Seccomp:[[:space:]]*//p' "/proc/$daemon/status")" 2

# 1. Both take what the file takes.
flood 400 20 198.51.104.1
expect "records are written" wait_until 12 written 40
sleep 1
expect "rsyslogd has each record of the file, parsed" same taken
expect "so has the journal" same journal
expect_equal "nothing was lost" "$(field status outputs.0.lost) $(field status outputs.1.lost)" "0 0"
expect_equal "all were sent" "$(field status outputs.0.sent) $(field status outputs.1.sent)" \
	"$(field status log.records) $(field status log.records)"
ctl status >"$scratch/status"
expect_equal "status tells of both" "$(grep -cE '^(syslog|journald) .*sent [0-9]+ of' "$scratch/status")" 2
ctl metrics >"$scratch/metrics"
expect "so do the metrics" grep -qE '^op25b_output_sent_total\{output="syslog"\} [1-9]' "$scratch/metrics"

# 2. rsyslogd is away for a while.
kill "$rsyslog"
wait "$rsyslog"
flood 200 20 198.51.105.1
failing()
{
	[ "$(field status outputs.0.error)" != None ]
}
expect "status says that syslog fails" wait_until 8 failing
expect_equal "journald does not" "$(field status outputs.1.error)" None
expect "the daemon says so, too" grep -q "syslog: $log takes no records" "$daemon_log"
expect "rsyslogd starts again" rsyslog_start
expect "what waited is sent" wait_until 8 written 80
sleep 1
expect "rsyslogd has each record, none twice" same taken
expect "so has the journal" same journal

# 3. A reader that does not read.
kill "$rsyslog"
wait "$rsyslog"
rm -f "$log"
python3 -c '
import socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
time.sleep(300)' "$log" &
rsyslog=$!
wait_until 5 test -S "$log"
flood 20000 4000 198.51.96.1
lost()
{
	[ "$(field status outputs.0.lost)" -gt 0 ]
}
expect "what it does not read is counted as lost" wait_until 15 lost
expect_equal "each is sent, lost, or waits" "$(ctl --json status | python3 -c '
import json, sys
one = json.load(sys.stdin)["outputs"][0]
print(one["sent"] + one["lost"] <= one["records"], one["waiting_bytes"] <= 1 << 20)')" "True True"
expect_equal "the file has lost nothing" "$(field status log.lost)" 0
expect "the ledger balances" ledger_balances
expect_equal "nothing is in flight" "$(field status ledger.in_flight)" 0

# 4. A policy without them.
policy_for
expect "reload" ctl reload
expect_equal "neither is there" "$(ctl --json status | python3 -c 'import json, sys; print(json.load(sys.stdin)["outputs"])')" "[]"
process_end "$daemon"
expect_equal "SIGTERM: exit code 0" "$?" 0
tap_end
