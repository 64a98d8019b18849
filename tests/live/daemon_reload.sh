#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# op25bd while things change: policies good and bad, rotated and full record files, rude control clients.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"

gateway_bed
queue_rule 1
policy_write 'mode = enforce' 'fail = closed' < <(usual_sections)
# Mounted before the daemon starts: each `ip netns exec` has mounts of its own.
mkdir "$scratch/small"
mount -t tmpfs -o size=64k,mode=777 op25b-test "$scratch/small"
trap 'code=$?; umount "$scratch/small" 2>/dev/null; (exit "$code"); netns_cleanup' EXIT
head -c 58000 /dev/zero >"$scratch/small/filler" # one page of 4096 bytes is left
gateway_start env

# SIGHUP under traffic: the relay's mail goes on, the pool stays blocked, the ledger balances all the while.
digest=$(field status policy.digest)
send_syns 0 500 --seconds 8 >"$scratch/sent" &
sender=$!
netns_pids+=("$sender")
echo garbage >>"$policy"
kill -HUP "$daemon"
expect "SIGHUP with a bad policy is refused" wait_until 5 grep -q 'was refused (it has errors)' "$daemon_log"
expect "its finding is told, with its place" grep -q "$policy:.*error: neither \[section\] nor key = value" "$daemon_log"
expect_equal "the old policy is in force" "$(field status policy.digest)" "$digest"
expect_equal "op25bctl reload: exit code 4" "$(ctl reload >"$scratch/out" 2>&1; echo $?)" 4
expect "op25bctl reload prints the finding" grep -q 'neither \[section\] nor key = value' "$scratch/out"
expect_equal "op25bctl reload --json carries it too" \
	"$(ctl --json reload 2>/dev/null | python3 -c 'import json, sys; print([f["line"] for f in json.load(sys.stdin)["findings"]])')" \
	"[$(wc -l <"$policy")]"
expect_equal "a missing policy is refused too" "$(mv "$policy" "$policy.away"; ctl reload >/dev/null 2>&1; echo $?)" 5
expect_equal "and counted" "$(field status policy.refused)" 4

policy_write 'mode = enforce' 'fail = closed' 'workers = 2' < <(usual_sections)
kill -HUP "$daemon"
expect "SIGHUP with a good policy is taken" wait_until 5 grep -q 'reload: policy .* is in force' "$daemon_log"
expect "what needs a restart is said" grep -q 'workers stays 1, the policy says 2 until a restart' "$daemon_log"
expect "the relay's mail goes on" connect_from srv 203.0.113.25 25
for _ in 1 2 3 4 5 6 7 8 9 10; do
	ctl reload >/dev/null || break
	ledger_balances || break
done
expect_equal "ten reloads under traffic" "$(field status policy.generation)" 12
wait "$sender"
sleep 0.5
expect "the ledger balances" ledger_balances
expect_equal "nothing is in flight" "$(field status ledger.in_flight)" 0
expect_equal "every packet that was sent is accounted for" \
	"$(($(field status ledger.received) + $(field status kernel.queue_dropped) + $(field status ledger.lost_ids)))" "$(rule_packets)"
sleep 4
expect_equal "every blocked packet is in a record, over all reloads" \
	"$(records 'total("packets")' "$events")" "$(field status ledger.dropped)"

sed -i 's/^fail = .*/fail = open/' "$policy"
expect "reload: another fail mode" ctl reload
expect_equal "it is in force" "$(field status fail)" open

# Rotation.
mv "$events" "$events.1"
kill -USR1 "$daemon"
expect "SIGUSR1 begins a new file" wait_until 5 test -e "$events"
connect_from sub 203.0.113.25 25
expect "records go there" wait_until 5 test -s "$events"
expect_equal "and every line is whole" "$(records 'len(r) > 1' "$events" "$events.1")" True

# A full disk.
sed -i "s|^file = .*|file = $scratch/small/events.json|" "$policy"
expect "reload: another record file" ctl reload
send_syns 300 300 >/dev/null
expect "a full disk is said" wait_until 5 grep -q 'cannot be written: No space left on device' "$daemon_log"
send_syns 300 300 >/dev/null
sleep 2.5
expect_equal "once" "$(grep -c 'cannot be written' "$daemon_log")" 1
expect "status shows it" grep -q 'FAILING: No space left' <(ctl status)
expect "verdicts go on" ! connect_from sub 203.0.113.25 25
expect "and accept what is to be accepted" connect_from srv 203.0.113.25 25
rm "$scratch/small/filler"
mount -o remount,size=16m "$scratch/small"
expect "room comes back" wait_until 5 grep -q 'is written again; 0 records were lost' "$daemon_log"
sleep 4.5
expect_equal "no record is lost, no line is broken" \
	"$(records 'total("packets")' "$events" "$events.1" "$scratch/small/events.json")" \
	"$(field status ledger.dropped)"

# The control socket among rude clients.
cat >"$scratch/rude.py" <<-'END'
	import os, random, socket, sys
	random.seed(25)
	held = []
	for i in range(300):
	    client = socket.socket(socket.AF_UNIX)
	    client.settimeout(2)
	    try:
	        client.connect(sys.argv[1])
	        kind = i % 5
	        if kind == 0:
	            client.send(os.urandom(200) + b"\n")
	        elif kind == 1:
	            client.send(b"x" * 9000)
	        elif kind == 2:
	            client.send(b'{"op25b":1,"command":"stat')
	        elif kind == 3:
	            client.send(b'{"op25b":1,"command":"status"}\n' * 50)
	        elif len(held) < 20:
	            held.append(client)
	            continue
	    except OSError:
	        pass
	    client.close()
END
expect "three hundred rude clients" python3 "$scratch/rude.py" "$socket"
expect "the daemon answers" ctl status
expect "unknown commands are refused by name" grep -q 'unknown command' <(timeout 5 python3 -c '
import socket, sys
with socket.socket(socket.AF_UNIX) as client:
    client.connect(sys.argv[1])
    client.sendall(b"{\"op25b\":1,\"command\":\"dance\"}\n")
    client.shutdown(socket.SHUT_WR)
    sys.stdout.write(client.makefile().read())' "$socket")

process_end "$daemon"
expect_equal "SIGTERM: exit code 0" "$?" 0

# Signals that come while the daemon still reads its policy wait for it.
awk 'BEGIN { for (i = 0; i < 1000000; i++) printf "%d.%d.%d.0/24\n", i / 65536 + 16, i / 256 % 256, i % 256 }' >"$scratch/list.txt"
policy_write 'mode = enforce' 'fail = closed' < <(printf '[pool large]\nfile = list.txt\n')
netns_spawn rtr "$OP25BD" -p "$policy"
sleep 0.05
kill -HUP "$spawned"
expect "SIGHUP during the start is a reload" wait_until 10 grep -q 'reload: policy .* is in force' "$spawned_log"
process_end "$spawned"
expect_equal "SIGTERM after it: exit code 0" "$?" 0
tap_end
