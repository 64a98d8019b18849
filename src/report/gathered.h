/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a gathered report owns. Internal to report/. */
#ifndef OP25B_REPORT_GATHERED_H
#define OP25B_REPORT_GATHERED_H

#include "report/gather.h"

enum { GATHERED_GROUPS = 5 };

struct gathered_talkers {
	struct report_talker *rows; /* each owns its `known` */
	size_t count, capacity;
};

struct gathered_groups {
	struct report_group *rows;
	size_t count, capacity;
};

struct report_gathered {
	struct report report; /* points to what follows */
	const struct report_question *question;
	struct store_filter recorded; /* the part of the period that has records */
	int64_t end_us;               /* of the part of the period that is not in the future */
	char **texts;
	size_t text_count, text_capacity;
	bool no_memory; /* a text was lost */
	struct report_bucket *buckets;
	size_t bucket_count, bucket_capacity;
	struct gathered_talkers top, fresh;
	struct gathered_groups groups[GATHERED_GROUPS];
	struct report_notice *notices;
	size_t notice_count, notice_capacity;
	struct report_source *sources;
	size_t source_count, source_capacity;
};

/* A copy of the text that lives as long as the report. */
const char *report_gathered_text(struct report_gathered *gathered, const char *text);
/* Notices and the numbers of records. 0 or what report_gather() returns. */
int report_gather_health(struct store *store, struct report_gathered *gathered);

#endif
