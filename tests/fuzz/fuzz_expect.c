/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as expectations: refused with a finding, or lines that can be asked of a packet and told about. */
#include "expect/expect.h"

#include "entry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void ask(struct expect *expect)
{
	const struct packet packet = {
		.family = ADDR_IP4, .src = addr_ip4(0x0a010001), .has_ports = true, .dport = 25};
	const struct decision decision = {.verdict = VERDICT_DROP,
					  .would = VERDICT_DROP,
					  .reason = REASON_POOL_ENFORCE,
					  .attempt = true,
					  .subscriber_len = 32};
	const struct expect_fact fact = {.packet = &packet, .decision = &decision, .file = "f", .number = 1};

	if (expect_observe(expect, &fact) < 0)
		return;
	for (size_t i = 0; i < expect_count(expect); i++) {
		char text[64];

		(void)expect_holds(expect_at(expect, i));
		expect_finding(expect_at(expect, i), text, sizeof(text));
		if (strnlen(text, sizeof(text)) == sizeof(text))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diag_list diags = {0};
	struct expect *expect = NULL;
	FILE *in = size ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;

	if (in && expect_new(&expect) == 0) {
		int r = expect_read(expect, in, "fuzz", &diags);

		if ((r == -EINVAL) != (diags.errors > 0))
			abort();
		ask(expect);
	}
	expect_free(expect);
	diag_list_free(&diags);
	if (in)
		fclose(in);
	return 0;
}
