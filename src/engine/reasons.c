/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/engine.h"

#include <assert.h>

const struct reason_row engine_reasons[] = {
	[REASON_NOT_IP] = {"not-ip", "accept", "The frame carries neither IPv4 nor IPv6.", false},
	[REASON_NOT_TCP25] = {"not-tcp25", "accept", "Not TCP to port 25: never ours.", false},
	[REASON_INBOUND] = {"inbound", "accept",
			    "It did not come from the subscriber side: mail coming in is never judged.",
			    false},
	[REASON_RELAY] = {"relay", "accept", "The source is one of the ISP's own relays.", false},
	[REASON_RELAY_DESTINATION] = {"relay-destination", "accept",
				      "The destination is one of the ISP's own relays, open to subscribers.",
				      false},
	[REASON_INSIDE] = {"inside", "accept", "The destination is the ISP's own.", false},
	[REASON_EXEMPT] = {"exempt", "accept", "An exemption covers this source and destination now.", false},
	[REASON_POOL_OFF] = {"pool-off", "accept", "The source's pool has not begun its first phase.", false},
	[REASON_POOL_MONITOR] = {"pool-monitor", "accept, recorded",
				 "The source's pool is being monitored: enforcement would block this.", true},
	[REASON_POOL_ENFORCE] = {"pool-enforce", "drop, reset or icmp",
				 "The source is in a pool whose port 25 is blocked.", true},
	[REASON_DESTINATION_ENFORCE] =
		{"destination-enforce", "drop, reset or icmp",
		 "The source is in a pool, and this destination group is blocked already.", true},
	[REASON_RELAY_CLOSED] =
		{"relay-closed", "drop, reset or icmp",
		 "The source is in a pool, and this relay no longer takes port 25 from subscribers.", true},
	[REASON_UNLISTED_ACCEPT] = {"unlisted-accept", "accept",
				    "No rule knows the source, and unlisted sources are accepted.", false},
	[REASON_UNLISTED_MONITOR] = {"unlisted-monitor", "accept, recorded",
				     "No rule knows the source, and unlisted sources are monitored.", true},
	[REASON_UNLISTED_DROP] = {"unlisted-drop", "drop",
				  "No rule knows the source, and unlisted sources are dropped.", true},
	[REASON_ESTABLISHED] = {"established", "accept",
				"It opens no connection, and open connections may end by themselves.", false},
	[REASON_MIDSTREAM] =
		{"midstream", "drop",
		 "Conntrack knows no connection for it, yet it is no SYN; a SYN would be blocked.", true},
	[REASON_SPOOFED] = {"spoofed", "drop",
			    "The source address is not valid on the interface it arrived on.", false},
	[REASON_FRAGMENT_LATER] = {"fragment-later", "accept",
				   "A later fragment shows no ports; without its first one it is harmless.",
				   false},
	[REASON_FRAGMENT_TINY] = {"fragment-tiny", "drop",
				  "A first fragment without a whole TCP header hides its flags (RFC 1858).",
				  true},
	[REASON_FRAGMENT_OVERLAP] = {"fragment-overlap", "drop",
				     "A TCP fragment at offset 1 could overwrite the flags (RFC 3128).",
				     true},
	[REASON_FRAGMENT_CHAIN] =
		{"fragment-chain", "drop",
		 "A first IPv6 fragment without the whole header chain hides its ports (RFC 7112).", true},
	[REASON_MALFORMED_IP] = {"malformed-ip", "drop",
				 "The IP header, or the IPv6 header chain of a port 25 packet, is broken.",
				 false},
	[REASON_MALFORMED_TCP] = {"malformed-tcp", "drop", "The TCP header to port 25 is broken.", true},
	[REASON_TRUNCATED] = {"truncated", "drop",
			      "The copy at hand of a port 25 packet ends before its flags.", true},
	[REASON_UNREADABLE] = {"unreadable", "accept",
			       "The bytes at hand do not show whether it is TCP to port 25.", false},
	[REASON_BAD_FLAGS] = {"bad-flags", "drop",
			      "SYN together with FIN or RST opens connections on some hosts.", true},
	[REASON_DESTINATION_OFF] =
		{"destination-off", "accept",
		 "The source's pool is enforced, but not yet towards this destination group.", false},
	[REASON_TRIANGULAR] =
		{"triangular", "drop",
		 "An answer from port 25 to a pool's address that could not have asked: somebody forges it elsewhere.",
		 false},
	[REASON_OVERRIDE_ALLOW] = {"override-allow", "accept",
				   "An operator allows the source for a time (op25bctl allow).", false},
	[REASON_OVERRIDE_BLOCK] = {"override-block", "drop",
				   "An operator blocks the source for a time (op25bctl block).", true},
};
static_assert(sizeof(engine_reasons) / sizeof(engine_reasons[0]) == REASONS, "one row a reason");

const char *reason_name(enum reason reason)
{
	return (unsigned)reason < REASONS ? engine_reasons[reason].name : "unknown";
}

const char *verdict_name(enum verdict verdict)
{
	static const char *const names[] = {[VERDICT_ACCEPT] = "accept",
					    [VERDICT_DROP] = "drop",
					    [VERDICT_RESET] = "reset",
					    [VERDICT_ICMP] = "icmp"};

	static_assert(sizeof(names) / sizeof(names[0]) == VERDICTS, "one name a verdict");
	return (unsigned)verdict < VERDICTS ? names[verdict] : "unknown";
}
