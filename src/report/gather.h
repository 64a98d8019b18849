/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the store knows, as the value that the page is written from. The store is asked through store/query.h alone. */
#ifndef OP25B_REPORT_GATHER_H
#define OP25B_REPORT_GATHER_H

#include "report/report.h"

#include "store/query.h"
#include "store/triage.h"

/* Everything is borrowed: filters and context for as long as the report is used, the rest for the call. */
struct report_question {
	const struct store_filter *filter; /* both times are bounds */
	const struct triage_limits *limits;
	uint64_t top; /* so many subscribers with most attempts */
	uint64_t
		many; /* of more records than these only the last day's are asked for destinations: that looks at each */
	int64_t now_us;
	int32_t (*offset)(void *context, int64_t us); /* as in struct report */
	void *context;
	const char *filters; /* likewise */
};

struct report_gathered;

/*
 * 0 with *ret the caller's, to be freed by report_gathered_free(); -EINVAL for a period without a bound or longer than a
 * century; -ENOMEM; or what the store returned, with store_error() saying why. *ret is untouched on failure.
 */
int report_gather(struct store *store, const struct report_question *question, struct report_gathered **ret);
void report_gathered_free(struct report_gathered *gathered); /* NULL is fine */
/* Exemptions are not in it: the caller may fill them in. Valid until report_gathered_free(). */
struct report *report_gathered_value(struct report_gathered *gathered);

#endif
