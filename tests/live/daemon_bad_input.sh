#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# op25bd started where it cannot run, and while it runs: rude clients, policies of strange bytes, a storm of signals,
# hostile packets, interfaces that go away.

# shellcheck source-path=SCRIPTDIR source=gateway.sh
. "$(dirname "$0")/gateway.sh"

netns_need nft python3 setpriv
gateway_bed
queue_rule 2
policy_write 'mode = enforce' 'fail = open' 'workers = 2' < <(usual_sections)
cp "$policy" "$scratch/good.ini"
gateway_start

# another [KEY=VALUE...]: a policy for a second daemon, with values of its own.
another()
{
	local pair
	cp "$scratch/good.ini" "$scratch/other.ini"
	for pair in "control=$scratch/other" "file=$scratch/other.json" queue=200 "$@"; do
		sed -i "s|^${pair%%=*} = .*|${pair%%=*} = ${pair#*=}|" "$scratch/other.ini"
	done
}

# refused CODE TEXT COMMAND...: ends by itself with the code, and says the text.
refused()
{
	local code=$1 text=$2 got=0
	shift 2
	netns_run rtr timeout 10 "$@" >"$scratch/out" 2>&1 </dev/null || got=$?
	cat "$scratch/out"
	[ "$got" = "$code" ] && grep -qF -- "$text" "$scratch/out" && ! grep -q 'Bad message' "$scratch/out"
}

other=("$OP25BD" -p "$scratch/other.ini")
expect "an unknown option" refused 2 "--help" "$OP25BD" --loud
expect "an option without its value" refused 2 "--help" "$OP25BD" -p
expect "an argument" refused 2 'unexpected argument "start"' "$OP25BD" start
mkfifo "$scratch/fifo"
mkdir "$scratch/directory"
echo precious >"$scratch/regular"
for name in missing directory fifo; do
	expect "a policy that is $name" refused 4 "$scratch/$name: error: cannot be read" "$OP25BD" -p "$scratch/$name"
done
expect_equal "--help to a full disk says so" "$("$OP25BD" --help 2>&1 >/dev/full; echo $?)" \
	$'op25bd: writing the output: No space left on device
5'
another "control=$socket"
expect "a second one at the same socket" refused 5 "another op25bd answers there" "${other[@]}"
another queue=100
expect "a second one at the same queue" refused 5 "queue 100 is taken" "${other[@]}"
expect_equal "it leaves no socket behind" "$(ls "$scratch/other" 2>/dev/null)" ""
another "control=$scratch/regular"
expect "a file in the socket's place" refused 5 "is no socket: remove it" "${other[@]}"
expect_equal "it is left alone" "$(cat "$scratch/regular")" precious
another "control=$scratch/no/such/socket"
expect "a socket whose directory is missing" refused 5 "directory is missing" "${other[@]}"
another "control=relative/socket"
expect "a socket without a whole path" refused 4 "not absolute" "${other[@]}"
another
expect "no CAP_NET_ADMIN" refused 5 "CAP_NET_ADMIN is missing" setpriv --bounding-set=-net_admin \
	--inh-caps=-net_admin "${other[@]}"
expect "a user there is not" refused 5 "--user nobody-of-this-name: there is no such user: name one" \
	"${other[@]}" --user nobody-of-this-name
another
for room in 50000 120000; do
	expect "$room KB of address space" refused 5 "subscribers_max = 1000000 in [log] takes about 130 MB" \
		bash -c "ulimit -v $room; exec \"\$@\"" - "${other[@]}"
done
expect "the remedy is named" grep -q 'lower it, or raise the limit' "$scratch/out"
sed -i 's/^\[log\]/&\nsubscribers_max = 1000/' "$scratch/other.ini"
netns_spawn rtr bash -c 'ulimit -v 120000; exec "$@"' - "${other[@]}"
expect "the remedy helps" wait_until 5 "$OP25BCTL" --socket "$scratch/other" status
process_end "$spawned" >/dev/null
another
for files in 6 9 13 17; do
	expect "only $files descriptors" refused 5 "" bash -c "ulimit -n $files; exec \"\$@\"" - "${other[@]}"
done
expect_equal "none of them leaves a socket behind" "$(ls "$scratch/other" 2>/dev/null)" ""
expect "the first one goes on through all this" ctl status

# With standard error closed its number must not go to the record file.
another
netns_spawn rtr bash -c 'exec "$@" 0<&- 1>&- 2>&-' - "${other[@]}"
expect "a start without standard files" wait_until 5 "$OP25BCTL" --socket "$scratch/other" status
expect_equal "none of the numbers is a file's" \
	"$(stat -Lc %F "/proc/$spawned/fd/0" "/proc/$spawned/fd/1" "/proc/$spawned/fd/2" | sort -u)" directory
process_end "$spawned"
expect_equal "its exit code" "$?" 0
expect_equal "nothing but records is in its file" "$(grep -v '"event_type":"engine"' "$scratch/other.json")" ""

# Policies are quoted in answers, whatever bytes they have.
printf '[pool \xa4\xa2]\nnote = \xff\n' >>"$policy"
expect_equal "a policy in another encoding is refused" "$(ctl reload >"$scratch/out" 2>&1; echo $?)" 4
expect "with its place" grep -q "$policy:[0-9]*:7: error" "$scratch/out"
expect "and findings in JSON" test "$(ctl --json reload 2>/dev/null |
	python3 -c 'import json, sys; r = json.load(sys.stdin); print(len(r["findings"]) == r["errors"] > 1)')" = True
sed "s|^file = .*|file = $scratch/"$'\xe9'"|" "$scratch/good.ini" >"$policy"
expect "a record file named in another encoding" ctl reload
expect_equal "status shows it" "$(field status log.file)" "$scratch/?"
cp "$scratch/good.ini" "$policy"
expect "back again" ctl reload

# Rude clients, all at once.
cat >"$scratch/rude.py" <<-'END'
	import os, random, socket, sys, time
	chance, clients = random.Random(25), []
	requests = [b"", b"x" * 5000, b'{"op25b":1,', b"\n" * 100, b'{"op25b":1,"command":"reload"}\n' * 20, os.urandom(4000),
	            b'{"op25b":1,"command":"explain","src":1}\n', b"[" * 4000 + b"\n", b'{"op25b":1,"command":"status"}\n' * 90]
	for _ in range(200):
	    client = socket.socket(socket.AF_UNIX)
	    client.settimeout(3)
	    try:
	        client.connect(sys.argv[1])
	        client.send(chance.choice(requests))
	    except OSError:
	        pass
	    clients.append(client)
	time.sleep(0.2)
END
expect "two hundred rude clients" python3 "$scratch/rude.py" "$socket"
expect "it answers afterwards" wait_until 5 ctl status

# A storm of signals.
for _ in $(seq 200); do
	kill -HUP "$daemon"
	kill -USR1 "$daemon"
done
expect "it answers after a storm of signals" wait_until 5 ctl status
expect "it still judges" ! connect_from sub 203.0.113.25 25

# Hostile packets: lengths that lie, chains without end, and everything random.
cat >"$scratch/hostile.py" <<-'END'
	import random, socket, struct, sys
	sys.path.insert(0, sys.argv[3])
	from send_syns import checksum, frame4, frame6
	chance, mac = random.Random(int(sys.argv[4])), bytes.fromhex(sys.argv[2].replace(":", "") + "020000000001")
	sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
	sender.bind((sys.argv[1], 0))
	for n in range(3000):
	    frame = bytearray((frame4 if n % 2 else frame6)(mac, n % 200 + 1))
	    at = 14 + (20 if n % 2 else 40)
	    if n % 3 == 0 and n % 2 == 0:  # a chain of extension headers before a TCP header that may be cut
	        chain = bytearray()
	        for _ in range(chance.randrange(1, 12)):
	            chain += bytes([chance.choice([0, 43, 44, 60, 6]), 0]) + bytes(6)
	        frame[20] = chance.choice([0, 43, 44, 60])
	        frame[at:at] = chain
	        frame[18:20] = struct.pack(">H", len(frame) - 54)
	    for _ in range(chance.randrange(1, 5)):
	        frame[chance.randrange(14, len(frame))] = chance.randrange(256)
	    if chance.random() < 0.3:
	        frame += bytes(chance.randrange(1, 400))
	    if n % 2:  # else the router's IP layer drops it before we see it
	        frame[24:26] = b"\0\0"
	        frame[24:26] = struct.pack(">H", checksum(bytes(frame[14:34])))
	    sender.send(bytes(frame))
END
before=$(field status ledger.received)
expect "hostile packets" netns_run sub python3 "$scratch/hostile.py" eth0 "$(router_mac)" "$lib" 25
expect "hundreds of them reach the daemon" test "$(($(field status ledger.received) - before))" -gt 300
wait_until 5 test "$(field status ledger.in_flight)" = 0
expect "the ledger balances" ledger_balances
expect "none is left in flight" test "$(field status ledger.in_flight)" = 0
expect "it still judges after them" ! connect_from sub 203.0.113.25 25
expect "and lets the relay through" connect_from srv 203.0.113.25 25

# Interfaces that are renamed and removed under traffic.
router=$(netns_name rtr)
send_syns 0 200 --seconds 2 >/dev/null 2>&1 &
sender=$!
netns_pids+=("$sender")
sleep 0.3
ip -n "$router" link set up0 down && ip -n "$router" link set up0 name away0 && ip -n "$router" link set away0 up
ip -n "$router" link delete sub0
wait "$sender"
expect "it answers when the interfaces are gone" ctl status
expect "the ledger balances then" ledger_balances
expect_equal "every packet was answered" "$(field status ledger.in_flight)" 0
kill -TERM "$daemon"
kill -TERM "$daemon"
process_end "$daemon" INT
expect_equal "it ends when asked three times" "$?" 0
expect "its socket is gone" test ! -e "$socket"
expect "no sanitizer had a word" ! grep -qE 'Sanitizer|runtime error' "$daemon_log"
tap_end
