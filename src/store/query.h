/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The questions that are asked of stored records, each once. Tools ask through this interface and know no SQL, so that
 * a second, distributed store can answer the same questions later. Answers come row by row, in memory that depends on
 * the number of subscribers, never of records.
 */
#ifndef OP25B_STORE_QUERY_H
#define OP25B_STORE_QUERY_H

#include "base/addr.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

/* Which records count. All zeroes but the times: every record. A record belongs to the time it bears (its timestamp). Names are borrowed. */
struct store_filter {
	int64_t since_us, until_us; /* since <= time < until; INT64_MIN, INT64_MAX: no bound */
	struct prefix src;          /* subscribers inside it, or that contain it; family ADDR_NONE: all */
	struct prefix dst;          /* records that tell a destination inside it */
	const char *pool, *rule, *reason, *host; /* NULL: all */
	uint64_t min_attempts;                   /* of a subscriber, over all records that count */
	int64_t (*day_of)(int64_t us); /* which day a time lies in, counted from 1970; NULL: by UTC */
};

struct store_sums {
	uint64_t records, packets, blocked, offloaded, attempts;
	int64_t first_us, last_us; /* of the packets */
};

/* One way in which packets were blocked or monitored. Texts are borrowed for the call, "" where unknown. */
struct store_way {
	const char *host, *pool, *rule, *rule_kind, *reason, *verdict, *policy;
	bool monitored;
	bool divided; /* of records with several rules and several reasons: see store_divided() */
};

enum { STORE_REST_SIDE_H = 2 };

struct store_talker {
	struct prefix subscriber; /* ADDR_NONE: overflow, of unknown subscribers */
	struct store_sums sums;
	struct store_way way; /* by which most of the packets went */
	bool several_ways;    /* that differ in more than the gateway and the policy's digest */
	bool in_part; /* records of his in the period, or destinations that they tell, do not count by the filter */
	int64_t ever_first_us; /* in all that is stored, whatever the filter */
	uint64_t destinations;
	bool destinations_exact;
	uint32_t hours_active; /* hours of the period with a record */
	uint32_t days_active;  /* days (day_of), likewise */
	uint32_t clock_hours;  /* bit h: a record in some UTC hour h of the day: rhythm */
	uint64_t busiest_hour; /* attempts in the busiest hour */
	/*
	 * The longest time without a packet, in whole hours, that has STORE_REST_SIDE_H active hours of the period before it, and as
	 * many behind it: before the first packet he may not have been there, and after the last he may have gone.
	 */
	uint32_t rest_h;
};

/* The greatest, and the latest, first. BY_FIRST: by ever_first_us, so newcomers first. */
enum store_order {
	STORE_BY_ATTEMPTS,
	STORE_BY_PACKETS,
	STORE_BY_DESTINATIONS,
	STORE_BY_FIRST,
	STORE_BY_LAST
};

/* What rows of store_groups() are about. */
enum store_group {
	STORE_GROUP_POOL,
	STORE_GROUP_RULE,
	STORE_GROUP_REASON,
	STORE_GROUP_HOST,
	STORE_GROUP_DESTINATION,
	STORE_GROUP_RULE_KIND
};

struct store_group_row {
	const char *name;       /* of the pool, ...; the destination's text */
	struct store_sums sums; /* of destinations: records and times only */
	uint64_t subscribers;
};

struct store_bucket {
	int64_t start_us;
	struct store_sums sums;
	uint64_t subscribers;
};

struct store_record {
	const char *host, *boot_id;
	uint64_t seq;
	const char *kind; /* "first", "summary", "overflow" */
	struct prefix subscriber;
	struct store_way way;
	int64_t time_us;
	struct store_sums sums;
	struct addr src, dst; /* ADDR_NONE: not told */
	uint16_t sport, dport;
	const char *iface;
	uint32_t window_s;
	uint64_t destinations;
	bool destinations_exact;
	const char *detail; /* JSON of "reasons" and "rules" as written; NULL: one of each */
};

struct store_notice {
	const char *host, *boot_id;
	uint64_t seq;
	int64_t time_us, first_us, last_us;
	const char *what, *state; /* "failed-open", "begin" */
	uint64_t packets;
	bool open;
	const char *json; /* the whole line */
};

/* What is known of one writer's numbers. */
struct store_source {
	const char *host, *boot_id;
	uint64_t first_seq, last_seq;
	uint64_t records;
	uint64_t gaps, missing; /* runs of numbers never seen, and numbers in them */
	uint64_t duplicates;
};

/* Rows come by these; borrowed for the call. Non-zero ends the question, which then returns that. */
typedef int store_talker_row(void *context, const struct store_talker *row);
typedef int store_group_row_taker(void *context, const struct store_group_row *row);
typedef int store_bucket_row(void *context, const struct store_bucket *row);
typedef int store_record_row(void *context, const struct store_record *row);
typedef int store_notice_row(void *context, const struct store_notice *row);
typedef int store_source_row(void *context, const struct store_source *row);
typedef int store_destination_row(void *context, const struct addr *destination);

/*
 * A record of several rules or reasons counts by its packets in the way of each, and as a record in the one that it shows. One
 * of several rules and several reasons tells how many packets each rule and each reason had, but not which had both: sums by
 * rule and sums by reason are what the records say, and those of both at once are one of the ways in which it can have been.
 */

/* All: 0, what a row returned, or a negative errno with store_error() saying why. */

/*
 * Subscribers in the order named, at most limit (0: all). *ret_total, if not NULL: how many rows there would be without it,
 * overflow among them. With filter->dst only destinations inside it are counted.
 */
int store_talkers(struct store *store, const struct store_filter *filter, enum store_order order,
		  uint64_t limit, store_talker_row *row, void *context, uint64_t *ret_total);
/* The same of these subscribers over all times, in any order; who has no record gets no row. */
int store_talkers_named(struct store *store, const struct prefix *who, size_t count, store_talker_row *row,
			void *context);
/* The sums of all records that count, and how many subscribers they are about; overflow is none. */
int store_totals(struct store *store, const struct store_filter *filter, struct store_sums *ret,
		 uint64_t *ret_subscribers);
/*
 * What is not known of the packets of one rule and one reason, when the filter names both; else least and most are equal.
 * divided: packets that are counted here in ways which are divided.
 */
struct store_divided {
	uint64_t divided;
	uint64_t least, most; /* packets in truth */
};
int store_divided(struct store *store, const struct store_filter *filter, struct store_divided *ret);
/*
 * By pool, rule, ...: most attempts first. Destinations, by most records first, are those that records list, with filter->dst
 * only those inside it. Of more than 262,144 of them the rarest are missing; with another filter than times and dst, others may
 * be, but none that stands in so many of the records' lists as 1 of 100,000.
 */
int store_groups(struct store *store, const struct store_filter *filter, enum store_group by, uint64_t limit,
		 store_group_row_taker *row, void *context);
/*
 * The period in steps of step_s seconds, which start at a multiple of it plus offset_s; empty ones too. A period without a
 * bound ends where what is stored ends. -E2BIG: more than a million steps.
 */
int store_timeline(struct store *store, const struct store_filter *filter, uint32_t step_s, int32_t offset_s,
		   store_bucket_row *row, void *context);
/* Steps of different length, as days are where clocks change; each of an hour at least. */
struct store_steps {
	int64_t first_us; /* begin of the first one, not behind the period's */
	int64_t (*next_us)(void *context,
			   int64_t start_us); /* begin of the one behind that which begins then */
	void *context;
};
int store_timeline_steps(struct store *store, const struct store_filter *filter,
			 const struct store_steps *steps, store_bucket_row *row, void *context);
/*
 * Where most of the period's records lie, when some days are more than pause_days away from others; of as many, the nearest to
 * now. Of the filter only the times count. An end behind which there are no records is left as it is.
 */
int store_bulk(struct store *store, const struct store_filter *filter, uint32_t pause_days, int64_t now_us,
	       int64_t *ret_since_us, int64_t *ret_until_us);
/* Records, latest first or earliest first; of several ways also those that do not show the one asked for. With a
 * rule and a reason those that have packets of both, if not of both at once. */
int store_records(struct store *store, const struct store_filter *filter, bool latest_first, uint64_t limit,
		  store_record_row *row, void *context);
/*
 * Destinations that the records of a subscriber list, with filter->dst only those inside it, in the order of addresses.
 * *ret_more: there were more than they could list, or than 65,536.
 */
int store_subscriber_destinations(struct store *store, const struct prefix *subscriber,
				  const struct store_filter *filter, store_destination_row *row,
				  void *context, bool *ret_more);
int store_notices(struct store *store, const struct store_filter *filter, store_notice_row *row,
		  void *context);
int store_sources(struct store *store, store_source_row *row, void *context);
/* The names that records tell, of pools, rules and so on (of destinations there are none here), in the order of letters. */
typedef int store_name_row(void *context, const char *name);
int store_names(struct store *store, enum store_group by, store_name_row *row, void *context);
/* The time that the latest record bears; INT64_MIN: none is stored. */
int store_latest(struct store *store, int64_t *ret_us);

/* The record files of which something could not be read when they were looked at last: why. */
typedef int store_unread_row(void *context, const char *path, const char *why);
int store_unread(struct store *store, store_unread_row *row, void *context);

/* Why the last call on this store failed, for people; "" when none did. Borrowed until the next call. */
const char *store_error(const struct store *store);

#endif
