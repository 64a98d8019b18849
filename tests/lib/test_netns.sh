#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The library of the live tests itself: its assertions can fail, its test bed forwards, its clean-up leaves nothing.
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lib/netns.sh
. "$here/netns.sh"
netns_need python3

listen='
import socket, sys
with socket.create_server(("::", int(sys.argv[1])), family=socket.AF_INET6, dualstack_ipv6=True) as server:
    while True:
        server.accept()[0].close()
'

netns_connects()
{
	netns_run "$1" bash -c "connect_to $2 $3"
}

# A test that sources the library, runs the given lines, and shows what became of it.
inner_test()
{
	bash -c '. "$0/netns.sh"; netns_need; eval "$1"' "$here" "$1"
}

inner_leftovers()
{
	ip netns list | grep "^op25b-$1-"
}

# Prints its process id first, so that the outside can look for what it left.
inner_bed='echo $$; netns_build || exit 1; netns_spawn sub sleep 60; '

expect "the test bed is built" netns_build
netns_spawn ext python3 -c "$listen" 2525
expect "the server in ext listens" wait_until 5 netns_connects ext 127.0.0.1 2525
expect "sub reaches ext over IPv4" netns_connects sub 203.0.113.25 2525
expect "sub reaches ext over IPv6" netns_connects sub 2001:db8:200::25 2525
expect "srv reaches ext over IPv6" netns_connects srv 2001:db8:200::25 2525
expect "ext does not answer where nobody listens" ! netns_connects sub 203.0.113.25 2526
server=$spawned
process_end "$server"
expect "an ended process is gone" process_ended "$server"

expect "a failed assertion fails the test" ! inner_test 'expect "planted" false; tap_end'
expect "a test without a case fails" ! inner_test 'tap_end'
inner_test 'tap_skip_all "planted"' >/dev/null
expect_equal "a skipped test ends with 77" $? 77

output=$(inner_test "$inner_bed exit 3")
expect_equal "a test's exit code outlives the clean-up" $? 3
expect "a test that fails leaves no namespace" ! inner_leftovers "$(head -n 1 <<<"$output")"

bash -c '. "$0/netns.sh"; netns_need; eval "$1"' "$here" \
	"$inner_bed touch $scratch/ready; wait \$spawned" >"$scratch/inner" 2>&1 &
inner=$!
expect "the test to be ended has started" wait_until 10 test -e "$scratch/ready"
expect "it has namespaces" inner_leftovers "$(head -n 1 "$scratch/inner")"
process_end "$inner" TERM
expect_equal "a test ended by SIGTERM says so" $? 143
expect "it leaves no namespace" ! inner_leftovers "$(head -n 1 "$scratch/inner")"
tap_end
