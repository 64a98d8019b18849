/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The report page: one self-contained HTML file that staff can read, print and send on. What stands in it is this value,
 * so that the page is the same for the same value, whoever filled it; report/gather.h fills it from the store.
 */
#ifndef OP25B_REPORT_REPORT_H
#define OP25B_REPORT_REPORT_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum report_language { REPORT_ENGLISH, REPORT_JAPANESE, REPORT_LANGUAGES };
enum report_class { REPORT_UNKNOWN, REPORT_BOT, REPORT_CLIENT, REPORT_SERVER, REPORT_CLASSES };
enum { REPORT_DAY_HOURS = 24, REPORT_WEEK_DAYS = 7 };

/* Times are microseconds since 1970 UTC. Texts come from records and the policy: any bytes, "" where unknown, never NULL. */

struct report_sums {
	uint64_t records, packets, blocked, attempts; /* blocked: the other packets were only monitored */
	uint64_t subscribers;
};

struct report_talker {
	struct prefix subscriber; /* ADDR_NONE: the sum of those the gateway had no room to tell apart */
	struct report_sums sums;
	const char *host, *pool, *rule, *reason; /* of most of the packets */
	bool several_ways;                       /* there were others, too */
	int64_t first_us, last_us;               /* in the period */
	int64_t ever_first_us;
	uint64_t destinations;
	bool destinations_exact;
	struct addr *known; /* destinations, those that are known by address */
	size_t known_count;
	bool known_more;       /* there are more than these */
	uint32_t clock_hours;  /* bit h: seen in hour h of the UTC day */
	uint32_t hours_active; /* of the period */
	uint64_t busiest_hour; /* attempts */
	enum report_class class;
	const char *evidence[REPORT_LANGUAGES]; /* "" for none */
};

struct report_group {
	const char *name;
	struct report_sums sums;
};

struct report_bucket {
	int64_t start_us;
	struct report_sums sums;
};

/* What one hour of the week saw; covered_us: so much of such hours is in the period, and not in the future. */
struct report_heat {
	uint64_t attempts;
	int64_t covered_us;
};

enum report_exemption_state {
	REPORT_EXEMPTION_VALID,
	REPORT_EXEMPTION_FUTURE,
	REPORT_EXEMPTION_EXPIRING,
	REPORT_EXEMPTION_EXPIRED,
	REPORT_EXEMPTION_STATES
};

enum report_exemption_use {
	REPORT_USE_UNKNOWN,
	REPORT_USE_NONE,
	REPORT_USE_EARLY, /* none yet, and not counted for long */
	REPORT_USE_SOME,
	REPORT_USE_MUCH, /* more than exemptions are meant for */
	REPORT_USES
};

struct report_exemption {
	const char *name, *ticket, *owner, *reason;
	bool has_from, has_until;
	int64_t from_us, until_us;
	enum report_exemption_state state;
	enum report_exemption_use use;
	uint64_t attempts; /* that it let pass; 0 where they are unknown */
};

/* A period in which nobody judged packets, or a change of the rules. */
struct report_notice {
	const char *host;
	const char *what; /* "failed-open", ... as in the records */
	int64_t time_us;
	bool is_period, is_over;
	int64_t first_us, last_us;
	bool open; /* its packets passed */
	bool has_packets;
	uint64_t packets;
};

struct report_source {
	const char *host, *boot_id;
	uint64_t first_seq, last_seq, records, gaps, missing, duplicates;
};

struct report_talkers {
	const struct report_talker *rows; /* those with most attempts */
	size_t count;
	uint64_t total; /* all there are; the row of those not told apart is none of them */
};

struct report_groups {
	const struct report_group *rows;
	size_t count;
};

struct report {
	int64_t now_us, since_us, until_us;
	int32_t (*offset)(void *context,
			  int64_t us); /* seconds east of UTC of the clock in which times are shown */
	void *context;
	const char *filters;               /* the filters in force as on the command line, "" for none */
	struct report_sums totals, before; /* before: of the period of equal length that ended at since_us */
	bool has_before;                   /* that period was recorded */
	const struct report_bucket *buckets;
	size_t bucket_count;
	uint32_t step_s;
	struct report_heat heat[REPORT_WEEK_DAYS]
			       [REPORT_DAY_HOURS]; /* from Monday on, in the clock of offset() */
	struct report_talkers top, fresh;          /* fresh: first seen in the last day */
	struct report_groups pools, rules, reasons, hosts, destinations;
	int64_t destinations_since_us; /* later than since_us: only records from then on were asked for these */
	bool has_policy;               /* else nothing is known of exemptions */
	const struct report_exemption *exemptions; /* those to look at first come first */
	size_t exemption_count;
	const struct report_notice *notices;
	size_t notice_count;
	const struct report_source *sources;
	size_t source_count;
};

/* Writes the page. 0 or a negative errno of the stream, which stays the caller's. */
int report_write(const struct report *report, enum report_language language, FILE *out);

#endif
