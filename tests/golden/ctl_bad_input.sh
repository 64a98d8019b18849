#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# ctl_bad_input.sh OP25BCTL SOURCE: what op25bctl does with wrong usage, policies it cannot read, and with whatever
# stands or answers where op25bd's control socket should be.
tool=$1
root=$2
# shellcheck source=tests/lib/netns.sh
. "$root/tests/lib/netns.sh"
scratch_make
socket="$scratch/socket"
question=(explain 198.51.100.7 203.0.113.25)

# refused CODE TEXT ARGUMENT...: ends with the code and says the text on stderr, nothing on stdout.
refused()
{
	local code=$1 text=$2 got=0
	shift 2
	timeout 20 "$tool" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null || got=$?
	cat "$scratch/out" "$scratch/err"
	[ "$got" = "$code" ] && grep -qF -- "$text" "$scratch/err" && [ ! -s "$scratch/out" ]
}

expect "no command" refused 2 "no command"
expect "an unknown command" refused 2 'unknown command "statsu": did you mean "status"?' statsu
expect "a command like none" refused 2 'unknown command "frobnicate"' frobnicate
expect "an unknown option" refused 2 "--help" --loud status
expect "an option without its value" refused 2 "--help" -p
expect "an argument too many" refused 2 "status takes 0" status now
expect "an argument too few" refused 2 "explain takes 2" explain 198.51.100.7
expect "an option of another command" refused 2 "op25bctl status: unrecognized option" status --at 2030-01-01T00:00:00Z
# Left out of the request, the answer would be for now instead of for the date.
expect "a date that is no text" refused 2 "UTF-8" --socket "$socket" "${question[@]}" --at $'\xff2030'
expect "an address that is no text" refused 2 "UTF-8" --socket "$socket" explain $'\xff' 203.0.113.25

mkfifo "$scratch/fifo"
mkdir "$scratch/directory"
: >"$scratch/file"
ln -s loop "$scratch/loop"
expect "a policy that is missing" refused 4 "$scratch/missing: No such file" -p "$scratch/missing" status
expect "a policy that is a directory" refused 4 "$scratch/directory: Is a directory" -p "$scratch/directory" status
expect "a policy that is a FIFO" refused 4 "$scratch/fifo: not a regular file" -p "$scratch/fifo" status
expect "a policy that is a device" refused 4 "/dev/zero: not a regular file" -p /dev/zero status
expect "a policy that is a link to itself" refused 4 "Too many levels" -p "$scratch/loop" status
printf '[gateway]\ncontrol = %s ; here\nthis is no policy\n' "$scratch/nobody" >"$scratch/bad.ini"
expect "a policy with errors still names its socket" refused 6 "$scratch/nobody: No such file" -p "$scratch/bad.ini" status
head -c 100000 /dev/urandom >"$scratch/binary.ini"
expect "a binary policy names none" refused 6 "does not answer" -p "$scratch/binary.ini" status

expect "no socket" refused 6 "No such file or directory; 'systemctl status op25bd'" --socket "$scratch/nobody" status
expect "a file in its place" refused 6 "does not answer" --socket "$scratch/file" status
expect "a directory in its place" refused 6 "does not answer" --socket "$scratch/directory" status
expect "a path too long" refused 6 "too long" --socket "/$(printf 'x%.0s' {1..120})" status
expect "no path" refused 6 "does not answer" --socket "" status

# answered MODE CODE TEXT ARGUMENT...: with a server of that MODE at the socket.
answered()
{
	local mode=$1 server got=0
	shift
	rm -f "$scratch/ready"
	timeout 20 "$root/tests/lib/strange_server.py" "$socket" "$mode" >"$scratch/ready" &
	server=$!
	wait_until 5 grep -q ready "$scratch/ready" && refused "$1" "$2" --socket "$socket" "${@:3}" || got=1
	kill "$server" 2>/dev/null
	wait "$server" 2>/dev/null
	return "$got"
}

expect "it closes" answered close 6 "reset by peer" status
expect "it answers half a line" answered half 6 "reset by peer" status
expect "it sends without end" answered endless 6 "too long" status
expect "it sends garbage" answered garbage 6 "not an op25bd" status
expect "it sends deep JSON" answered deep 6 "not an op25bd" status
expect "it drips" answered drip 6 "timed out" --json status
for line in '220 mail.example ESMTP' '' '[]' '{}' '{"op25b":1}' '{"op25b":2,"ok":true,"result":{}}' \
	'{"op25b":1,"ok":true}' '{"op25b":1,"ok":true,"result":[]}' '{"op25b":1,"ok":true,"result":{}}' \
	'{"op25b":1,"ok":true,"result":{"verdict":1,"ledger":2,"digest":3}}' '{"op25b":1,"ok":false}'; do
	# Were one of these taken for an answer, exit code 0 would say: the connection passes.
	expect "it answers $line: explain" answered "$line" 6 "not an op25bd" "${question[@]}"
done
for command in status stats reload metrics; do
	expect "an answer without values: $command" answered '{"op25b":1,"ok":true,"result":{}}' 6 "not an op25bd" --json "$command"
done
expect "it refuses" answered '{"op25b":1,"ok":false,"error":"busy","message":"later"}' 5 "later" reload

# A file of metrics is never left as it was: what it says would be taken for true.
# written CODE TEXT FILE-TEXT ARGUMENT...: as refused, and the file has one line of values.
written()
{
	local text=$3
	printf 'op25b_up 1\n' >"$scratch/op25b.prom"
	refused "$1" "$2" "${@:4}" metrics --output "$scratch/op25b.prom" && [ "$(grep -v '^#' "$scratch/op25b.prom")" = "$text" ]
}
expect "metrics: no daemon is told in the file" written 6 "does not answer" "op25b_up 0" --socket "$scratch/nobody"
expect "metrics: so is a policy that cannot be read" written 4 "No such file" "op25b_up 0" -p "$scratch/missing"
expect "metrics: a directory that is missing" refused 5 "No such file" --socket "$scratch/nobody" metrics --output "$scratch/no/x.prom"
expect_equal "metrics: nothing is left beside the file" "$(cd "$scratch" && echo op25b.prom*)" op25b.prom

# Output that cannot be written.
full()
{
	local got=0
	"$tool" "$@" >/dev/full 2>"$scratch/err" || got=$?
	[ "$got" = 5 ] && grep -q "No space left" "$scratch/err"
}
expect "--help to a full disk says so" full --help
expect "--version to a full disk says so" full --version
blocked='{"op25b":1,"ok":true,"result":{"verdict":"drop"}}'
full_answer()
{
	local server got=0
	rm -f "$scratch/ready"
	timeout 20 "$root/tests/lib/strange_server.py" "$socket" "$blocked" >"$scratch/ready" &
	server=$!
	wait_until 5 grep -q ready "$scratch/ready" && full --socket "$socket" --json "${question[@]}" || got=1
	kill "$server" 2>/dev/null
	wait "$server" 2>/dev/null
	return "$got"
}
expect "an answer to a full disk says so" full_answer
tap_end
