/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * On a gateway that blocks nobody there is nothing to write, so silence of its records proves nothing; but its op25bd can be
 * asked. If all that it wrote is stored, it has had nothing to tell until now.
 */
#include "log_judge.h"

#include "log_daemon.h"
#include "log_time.h"

#include "policy/policy.h"

#include <string.h>

/* What it has not written yet: windows that are still open, and what the kernel blocked by itself. */
#define PENDING_US (INT64_C(3600) * 1000000)

struct ledger {
	const char *host, *boot_id;
	uint64_t next_seq;
	bool all_stored;
};

static int compare_source(void *context, const struct store_source *row)
{
	struct ledger *ledger = context;

	if (strcmp(row->host, ledger->host) == 0 && strcmp(row->boot_id, ledger->boot_id) == 0)
		ledger->all_stored = ledger->next_seq > 0 && row->last_seq == ledger->next_seq - 1;
	return 0;
}

static int64_t pending_us(const struct log_context *context)
{
	int64_t windows_us = context->policy ? 2 * (int64_t)context->policy->log.window_s * LOG_US_PER_S : 0;

	return windows_us > PENDING_US ? windows_us : PENDING_US;
}

static int take_answer(struct log_judge *judge, const json_t *answer)
{
	const json_t *events = json_object_get(answer, "events");
	struct ledger ledger = {.host = log_daemon_text(events, "host"),
				.boot_id = log_daemon_text(events, "boot_id"),
				.next_seq = log_daemon_number(events, "next_seq")};
	int64_t until_us = judge->context->now_us - pending_us(judge->context);
	int r = store_sources(judge->context->store, compare_source, &ledger);

	for (size_t i = 0; r == 0 && ledger.all_stored && i < judge->observed.count; i++) {
		struct observed_gateway *gateway = &judge->observed.gateways[i];

		if (strcmp(gateway->host, ledger.host) == 0 && gateway->latest_us < until_us)
			gateway->latest_us = until_us;
	}
	return r;
}

int log_judge_ask(struct log_judge *judge)
{
	json_t *answer = log_daemon_quiet(judge->context, "status");
	int r = answer ? take_answer(judge, answer) : 0;

	json_decref(answer);
	return r;
}
