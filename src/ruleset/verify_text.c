/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/verify.h"

#include <stdio.h>
#include <string.h>

const struct verify_limit_row verify_limits[VERIFY_LIMITS] = {
	[VERIFY_LIMIT_NONE] = {"none", ""},
	[VERIFY_LIMIT_REPLY] = {"reply",
				"With `established = cut` conntrack lets answers to a server pass that "
				"called from port 25; decide() cannot tell them."},
	[VERIFY_LIMIT_BROKEN_ACK] =
		{"broken-ack", "A TCP header of wrong length whose flags open nothing passes as part of a "
			       "connection; its receiver throws it away."},
	[VERIFY_LIMIT_OTHER_HEADER] = {"other-header",
				       "TCP behind a header that the kernel takes for a protocol: an "
				       "authentication header, mobility in IPv6."},
	[VERIFY_LIMIT_HIDDEN_OTHER] = {"hidden-other",
				       "A fragment whose header chain is cut, but says that no TCP follows."},
	[VERIFY_LIMIT_LONG_HEADER] = {"long-header",
				      "A SYN whose TCP header says that it is longer than the packet is "
				      "counted, and answered, like the others of a source that is learned."},
};
_Static_assert(sizeof(verify_limits) / sizeof(verify_limits[0]) == VERIFY_LIMITS, "one row a limit");

const char *verify_kind_text(enum verify_kind kind)
{
	static const char *const texts[VERIFY_KINDS] = {
		[VERIFY_AGREES] = "agrees",       [VERIFY_LEAK] = "leak",
		[VERIFY_OUTCOME] = "outcome",     [VERIFY_TOUCHED] = "touched",
		[VERIFY_FAIL] = "fail-mode",      [VERIFY_NEEDLESS] = "needless",
		[VERIFY_ANSWER] = "answer",       [VERIFY_COUNTED] = "counted",
		[VERIFY_MARK] = "mark",           [VERIFY_QUEUE] = "queue-number",
		[VERIFY_FAMILY] = "family",       [VERIFY_LOGGING] = "logging",
		[VERIFY_ENDLESS] = "endless",     [VERIFY_LEARNED] = "learned",
		[VERIFY_UNLEARNED] = "unlearned",
	};

	return texts[kind];
}

const char *verify_end_text(enum verify_end end)
{
	switch (end) {
	case VERIFY_PASSED:
		return "passed";
	case VERIFY_DROPPED:
		return "dropped";
	case VERIFY_ANSWERED_RESET:
		return "reset";
	case VERIFY_ANSWERED_ICMP:
		return "icmp";
	case VERIFY_NEVER:
		break;
	}
	return "endless";
}

const char *verify_ct_text(uint32_t ct_state)
{
	switch (ct_state) {
	case RULESET_CT_ESTABLISHED:
		return "established";
	case RULESET_CT_RELATED:
		return "related";
	case RULESET_CT_NEW:
		return "new";
	case RULESET_CT_UNTRACKED:
		return "untracked";
	default:
		return "invalid";
	}
}

void verify_case_text(const struct verify_case *packet, char out[VERIFY_CASE_TEXT_MAX])
{
	char src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX], mark[32] = "";

	addr_format(&packet->src, src);
	addr_format(&packet->dst, dst);
	if (packet->mark != 0)
		snprintf(mark, sizeof(mark), ", mark 0x%08x", packet->mark);
	snprintf(out, VERIFY_CASE_TEXT_MAX, "%s -> %s on %s: %s, conntrack %s%s%s", src, dst,
		 packet->interface, packet->form->words, verify_ct_text(packet->ct_state),
		 packet->ct_reply ? " (reply direction)" : "", mark);
}

size_t verify_case_bytes(const struct verify_case *packet, uint8_t out[VERIFY_FORM_BYTES])
{
	size_t at = packet->form->family == ADDR_IP4 ? 12 : 8;

	memcpy(out, packet->form->bytes, VERIFY_FORM_BYTES);
	at += addr_to_bytes(&packet->src, out + at);
	addr_to_bytes(&packet->dst, out + at);
	return packet->form->len;
}
