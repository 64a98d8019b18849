/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts what is sent, and writes that down. */
#include "month.h"

#include <inttypes.h>

enum { BIT_WORD = 64 };

/* What one shot adds. */
struct addition {
	int64_t us;
	uint64_t packets, blocked, offloaded, attempts;
};

static void add(struct sums *sums, const struct addition *more)
{
	if (sums->packets == 0 || more->us < sums->first_us)
		sums->first_us = more->us;
	if (sums->packets == 0 || more->us > sums->last_us)
		sums->last_us = more->us;
	sums->packets += more->packets;
	sums->blocked += more->blocked;
	sums->offloaded += more->offloaded;
	sums->attempts += more->attempts;
}

static struct addition addition_of(const struct shot *shot, const struct judged *judged)
{
	struct addition more = {.us = shot->us, .packets = 1};

	if (shot->kind == SHOT_OFFLOADED || shot->kind == SHOT_UNKNOWN)
		more.packets = shot->destination;
	if (shot->kind == SHOT_OFFLOADED)
		more.offloaded = more.packets;
	if (shot->kind == SHOT_SYN)
		more.attempts = shot->repeat == 0;
	if (shot->kind == SHOT_UNKNOWN)
		more.attempts = more.packets;
	more.blocked = judged->monitored ? 0 : more.packets;
	return more;
}

static void reach(struct subscriber *s, uint32_t destination)
{
	uint64_t bit = UINT64_C(1) << destination % BIT_WORD, *word = &s->reached[destination / BIT_WORD];

	s->destinations += !(*word & bit);
	*word |= bit;
}

/* Each subscriber passes one router only within an hour. */
static void mark_hour(struct month *month, struct subscriber *s, uint32_t hour)
{
	int64_t start_s = month->options.start_s + (int64_t)hour * HOUR_S;

	if (s->marked_hour == hour + 1)
		return;
	s->marked_hour = hour + 1;
	s->hours_active++;
	s->days_active |= UINT64_C(1) << hour / DAY_HOURS;
	s->clock_hours |= UINT32_C(1) << start_s / HOUR_S % DAY_HOURS;
	month->by_hour[hour].subscribers++;
}

void truth_count(struct month *month, uint32_t router, uint32_t hour, const struct shot *shot)
{
	struct judged judged = traffic_judge(month, shot, hour);
	struct addition more = addition_of(shot, &judged);
	struct subscriber *s = &month->subscribers[shot->who];

	add(&month->total, &more);
	add(&month->by_hour[hour].sums, &more);
	add(&month->by_host[router], &more);
	add(&month->by_reason[judged.reason], &more);
	if (shot->kind == SHOT_UNKNOWN) {
		add(&month->overflow, &more);
		return;
	}
	add(&month->by_pool[judged.pool], &more);
	add(&month->by_rule[judged.rule], &more);
	add(&s->sums, &more);
	s->hosts |= UINT32_C(1) << router;
	s->rules_met |= UINT32_C(1) << judged.rule;
	s->reasons_met |= UINT32_C(1) << judged.reason;
	mark_hour(month, s, hour);
	if (shot->kind != SHOT_OFFLOADED)
		reach(s, shot->destination);
}

/* ---- JSON ---- */

static void put_sums(FILE *out, const struct sums *sums)
{
	fprintf(out,
		"\"packets\":%" PRIu64 ",\"blocked\":%" PRIu64 ",\"offloaded\":%" PRIu64
		",\"attempts\":%" PRIu64,
		sums->packets, sums->blocked, sums->offloaded, sums->attempts);
	if (sums->packets > 0)
		fprintf(out, ",\"first_us\":%" PRId64 ",\"last_us\":%" PRId64, sums->first_us, sums->last_us);
}

static void put_days(FILE *out, const struct subscriber *s)
{
	fprintf(out, ",\"hours_active\":%" PRIu32 ",\"days_active\":%d,\"clock_hours\":%" PRIu32,
		s->hours_active, __builtin_popcountll(s->days_active), s->clock_hours);
}

static void put_subscriber(FILE *out, const struct subscriber *s)
{
	char text[PREFIX_TEXT_MAX], host[32];
	const char *separator = "";

	if (s->who.addr.family == ADDR_IP4)
		addr_format(&s->who.addr, text);
	else
		prefix_format(&s->who, text);
	fprintf(out, "{\"subscriber\":\"%s\",\"class\":\"%s\",\"pool\":\"%s\",", text,
		behaviour_names[s->behaviour], pool_names[s->pool]);
	put_sums(out, &s->sums);
	fprintf(out, ",\"destinations\":%" PRIu32 ",\"destinations_known\":%s,\"several_ways\":%s",
		s->destinations, s->sums.offloaded > 0 ? "false" : "true",
		s->rules_met & (s->rules_met - 1) || s->reasons_met & (s->reasons_met - 1) ? "true"
											   : "false");
	put_days(out, s);
	fputs(",\"hosts\":[", out);
	for (uint32_t router = 0; router < ROUTERS_MAX; router++) {
		if (!(s->hosts >> router & 1))
			continue;
		world_host(router, host);
		fprintf(out, "%s\"%s\"", separator, host);
		separator = ",";
	}
	fputs("]}", out);
}

static void put_subscribers(FILE *out, const struct month *month)
{
	const char *separator = "";

	fputs("\"subscribers\":[\n", out);
	for (size_t i = 0; i < month->subscriber_count; i++) {
		if (month->subscribers[i].sums.packets == 0)
			continue;
		fputs(separator, out);
		put_subscriber(out, &month->subscribers[i]);
		separator = ",\n";
	}
	fputs("],\n", out);
}

static void put_hours(FILE *out, const struct month *month)
{
	fputs("\"hours\":[\n", out);
	for (uint32_t hour = 0; hour < month->hours; hour++) {
		fprintf(out, "%s{\"start_s\":%" PRId64 ",\"subscribers\":%" PRIu32 ",", hour ? ",\n" : "",
			month->options.start_s + (int64_t)hour * HOUR_S, month->by_hour[hour].subscribers);
		put_sums(out, &month->by_hour[hour].sums);
		fputs("}", out);
	}
	fputs("],\n", out);
}

enum group { BY_POOL, BY_RULE, BY_REASON, BY_HOST };

static bool is_in(const struct subscriber *s, enum group by, uint32_t number)
{
	switch (by) {
	case BY_POOL:
		return s->pool == number;
	case BY_RULE:
		return s->rules_met >> number & 1;
	case BY_REASON:
		return s->reasons_met >> number & 1;
	default:
		return s->hosts >> number & 1;
	}
}

static const char *name_in(enum group by, uint32_t number, char host[32])
{
	if (by == BY_HOST)
		world_host(number, host);
	return by == BY_POOL   ? pool_names[number]
	       : by == BY_RULE ? rule_names[number]
	       : by == BY_HOST ? host
			       : reason_name((enum reason)number);
}

static void put_group(FILE *out, const struct month *month, enum group by, const struct sums *sums,
		      uint32_t count)
{
	static const char *const names[] = {"pools", "rules", "reasons", "hosts"};
	const char *separator = "";
	char host[32];

	fprintf(out, "\"%s\":{", names[by]);
	for (uint32_t number = 0; number < count; number++) {
		uint32_t subscribers = 0;

		if (sums[number].packets == 0)
			continue;
		for (size_t i = 0; i < month->subscriber_count; i++)
			subscribers += month->subscribers[i].sums.packets > 0 &&
				       is_in(&month->subscribers[i], by, number);
		fprintf(out, "%s\"%s\":{\"subscribers\":%" PRIu32 ",", separator, name_in(by, number, host),
			subscribers);
		put_sums(out, &sums[number]);
		fputs("}", out);
		separator = ",\n";
	}
	fputs("},\n", out);
}

static void put_sources(FILE *out, const struct month *month)
{
	const char *separator = "";

	fputs("\"sources\":[", out);
	for (size_t i = 0; i < month->source_count; i++) {
		const struct source *s = &month->sources[i];

		if (!s->any)
			continue;
		fprintf(out,
			"%s\n{\"host\":\"%s\",\"boot_id\":\"%s\",\"first_seq\":%" PRIu64
			",\"last_seq\":%" PRIu64 ",\"records\":%" PRIu64 ",\"notices\":%" PRIu64
			",\"duplicates\":%" PRIu64 ",\"missing\":%" PRIu64 "}",
			separator, s->host, s->boot_id, s->first_seq, s->last_seq, s->records, s->notices,
			s->duplicates, s->missing);
		separator = ",";
	}
	fputs("],\n\"gaps\":[", out);
	for (size_t i = 0; i < month->gap_count; i++) {
		const struct gap *gap = &month->gaps[i];

		fprintf(out,
			"%s\n{\"host\":\"%s\",\"boot_id\":\"%s\",\"first\":%" PRIu64 ",\"last\":%" PRIu64 "}",
			i ? "," : "", month->sources[gap->source].host, month->sources[gap->source].boot_id,
			gap->first, gap->last);
	}
	fputs("],\n", out);
}

static void put_rest(FILE *out, const struct month *month)
{
	char text[ADDR_TEXT_MAX];

	fputs("\"notices\":[", out);
	for (size_t i = 0; i < month->notice_count; i++) {
		const struct told_notice *n = &month->notices[i];

		fprintf(out,
			"%s\n{\"host\":\"%s\",\"boot_id\":\"%s\",\"kind\":\"failed-open\",\"first_us\":%" PRId64
			",\"last_us\":%" PRId64 ",\"packets\":%" PRIu64 "}",
			i ? "," : "", month->sources[n->source].host, month->sources[n->source].boot_id,
			n->first_us, n->last_us, n->packets);
	}
	fputs("],\n\"files\":[", out);
	for (size_t i = 0; i < month->file_count; i++)
		fprintf(out, "%s{\"path\":\"%s\",\"lines\":%" PRIu64 "}", i ? "," : "", month->files[i].name,
			month->files[i].lines);
	fputs("],\n\"exempt\":[", out);
	for (uint32_t i = 0; i < EXEMPT_COUNT; i++) {
		struct addr addr = world_exempt(i);

		addr_format(&addr, text);
		fprintf(out, "%s\"%s\"", i ? "," : "", text);
	}
	fputs("]\n}\n", out);
}

static void put_head(FILE *out, const struct month *month)
{
	const struct options *o = &month->options;
	uint64_t subscribers = 0;

	for (size_t i = 0; i < month->subscriber_count; i++)
		subscribers += month->subscribers[i].sums.packets > 0;
	fprintf(out,
		"{\"schema\":1,\"seed\":%" PRIu64 ",\"start_s\":%" PRId64 ",\"days\":%" PRIu32
		",\"window_s\":%" PRIu32 ",\"utc_offset_s\":%" PRId32 ",\"enforce_s\":%" PRId64
		",\"lines\":%" PRIu64 ",\"room_for_all\":%s,\n",
		o->seed, o->start_s, o->days, o->window_s, o->utc_offset_s,
		o->start_s + (int64_t)month->enforce_hour * HOUR_S, month->lines,
		o->table >= month->subscriber_count ? "true" : "false");
	fprintf(out, "\"totals\":{\"subscribers\":%" PRIu64 ",", subscribers);
	put_sums(out, &month->total);
	fputs("},\n\"overflow\":{", out);
	put_sums(out, &month->overflow);
	fputs("},\n", out);
}

bool truth_write(const struct month *month)
{
	char path[4096];
	FILE *out;

	snprintf(path, sizeof(path), "%s/truth.json", month->options.directory);
	out = fopen(path, "w");
	if (!out)
		return false;
	put_head(out, month);
	put_group(out, month, BY_POOL, month->by_pool, POOLS);
	put_group(out, month, BY_RULE, month->by_rule, RULES);
	put_group(out, month, BY_REASON, month->by_reason, REASONS);
	put_group(out, month, BY_HOST, month->by_host, month->options.routers);
	put_hours(out, month);
	put_subscribers(out, month);
	put_sources(out, month);
	put_rest(out, month);
	return fclose(out) == 0;
}
