/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Record lines, summed up by subscriber: for where no daemon can be asked. */
#include "log_watch.h"

#include "base/json.h"
#include "event/destinations.h"
#include "event/line.h"

#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KEEP_US (INT64_C(600) * 1000000)

enum { TALKERS_MAX = 16384, REACH_BYTES = 16 << 20, EVENT_LINE_MAX_SHOWN = 1024 };

struct talker {
	struct prefix subscriber;
	struct watch_offender sums;
	struct destinations *reach;
	bool partly;   /* it lacks some */
	int64_t at_us; /* the last packet */
};

struct watch_records {
	const struct watch_filter *only; /* NULL: all */
	void *tree;
	struct talker *talkers[TALKERS_MAX];
	size_t talker_count;
	uint64_t counters[WATCH_COUNTERS];
	uint64_t overflowed; /* packets of subscribers who are not told apart */
	uint64_t refused, window_s;
	int64_t newest_us; /* when the latest record was written; 0: there is none */
	struct destinations_budget budget;
	struct event_line line; /* the one in hand */
	char gateway[WATCH_NAME_MAX];
	char notice[WATCH_TEXT_MAX]; /* of the gateway itself, the latest that is not well again */
	int64_t notice_us;
};

static int compare(const void *a, const void *b)
{
	return prefix_compare(&((const struct talker *)a)->subscriber,
			      &((const struct talker *)b)->subscriber);
}

struct watch_records *watch_records_new(void)
{
	struct watch_records *records = calloc(1, sizeof(*records));

	if (records)
		records->budget.max = REACH_BYTES;
	return records;
}

void watch_records_only(struct watch_records *records, const struct watch_filter *only)
{
	records->only = only;
}

static void forget_one(struct watch_records *records, struct talker *talker)
{
	tdelete(talker, &records->tree, compare);
	destinations_free(talker->reach, &records->budget);
	free(talker);
}

void watch_records_free(struct watch_records *records)
{
	for (size_t i = 0; records && i < records->talker_count; i++)
		forget_one(records, records->talkers[i]);
	free(records);
}

void watch_records_refuse(struct watch_records *records)
{
	records->refused++;
}

/* Of a field of a record; "" where there is none. */
static void take_text(char *out, size_t size, const struct json_text *text)
{
	char decoded[EVENT_LINE_MAX_SHOWN];
	size_t len = text->len;

	if (len >= sizeof(decoded))
		len = 0;
	else if (text->escaped)
		len = json_text_decode(text, decoded);
	else if (len > 0)
		memcpy(decoded, text->at, len);
	decoded[len] = '\0';
	watch_text(out, size, decoded);
}

static void take_moment(char out[MOMENT_TEXT_MAX], int64_t us)
{
	time_t s = (time_t)(us / 1000000);
	struct tm local;

	moment_format(s, localtime_r(&s, &local) ? (int32_t)local.tm_gmtoff : 0, out);
}

/* The subscriber's sums, made where there are none; NULL when there is no room, or no memory. */
static struct talker *find(struct watch_records *records, const struct prefix *subscriber)
{
	struct talker key = {.subscriber = *subscriber}, **found, *made;

	found = (struct talker **)tfind(&key, &records->tree, compare);
	if (found)
		return *found;
	made = records->talker_count < TALKERS_MAX ? malloc(sizeof(*made)) : NULL;
	if (!made)
		return NULL;
	*made = key;
	if (!tsearch(made, &records->tree, compare)) {
		free(made);
		return NULL;
	}
	subscriber_format(subscriber, made->sums.subscriber);
	records->talkers[records->talker_count++] = made;
	return made;
}

/* False: not all that the record counts could be told apart. */
static bool take_destinations(struct watch_records *records, struct destinations **set,
			      const struct event_line *line)
{
	uint8_t registers[DESTINATIONS_REGISTERS];
	bool all = true;

	if (line->sketch.len > 0)
		return destinations_sketch_read(line->sketch.at, line->sketch.len, registers) &&
		       destinations_add_registers(set, registers, &records->budget);
	for (unsigned i = 0; i < line->destination_count; i++)
		all = destinations_add(set, &line->destination[i], &records->budget) && all;
	if (line->destination_count == 0 && line->dst.family != ADDR_NONE)
		all = destinations_add(set, &line->dst, &records->budget) && line->destinations <= 1;
	return all && line->destinations_exact;
}

static void take_sums(struct watch_records *records, struct talker *talker, const struct event_line *line)
{
	struct watch_offender *sums = &talker->sums;

	sums->packets += line->packets;
	sums->attempts += line->attempts;
	sums->offloaded += line->offloaded;
	talker->partly = !take_destinations(records, &talker->reach, line) || talker->partly;
	sums->destinations = destinations_count(talker->reach, &sums->destinations_exact);
	sums->destinations =
		line->destinations > sums->destinations ? line->destinations : sums->destinations;
	sums->destinations_exact = sums->destinations_exact && !talker->partly;
	sums->monitored = line->monitored;
	if (!sums->since[0])
		take_moment(sums->since, line->first_us);
	take_moment(sums->last, line->last_us);
	take_text(sums->reason, sizeof(sums->reason), &line->reason);
	take_text(sums->pool, sizeof(sums->pool), &line->pool);
	take_text(sums->rule, sizeof(sums->rule), &line->rule);
	take_text(sums->host, sizeof(sums->host), &line->host);
	if (line->dst.family != ADDR_NONE)
		addr_format(&line->dst, sums->destination);
}

static bool is_silent(int64_t at_us, int64_t now_us)
{
	return now_us - at_us >= KEEP_US;
}

/* Who comes back after he was forgotten, or would have been, begins anew. */
static void begin_anew(struct watch_records *records, struct talker *talker)
{
	struct talker anew = {.subscriber = talker->subscriber};

	destinations_free(talker->reach, &records->budget);
	subscriber_format(&anew.subscriber, anew.sums.subscriber);
	*talker = anew;
}

/* A clock that is ahead keeps nobody for ever. */
static int64_t not_later(int64_t us, int64_t now_us)
{
	return us < now_us ? us : now_us;
}

static void take_record(struct watch_records *records, const struct event_line *line, int64_t now_us)
{
	int64_t at_us = not_later(line->last_us, now_us);
	struct talker *talker =
		line->subscriber.addr.family != ADDR_NONE ? find(records, &line->subscriber) : NULL;

	records->counters[WATCH_PACKETS] += line->packets;
	records->counters[WATCH_BLOCKED] += line->blocked;
	records->counters[WATCH_ATTEMPTS] += line->attempts;
	records->counters[WATCH_OFFLOADED] += line->offloaded;
	records->window_s = line->window_s;
	if (!talker) {
		records->overflowed += line->packets;
		return;
	}
	if (is_silent(talker->at_us, not_later(line->first_us, now_us)))
		begin_anew(records, talker);
	talker->at_us = at_us > talker->at_us ? at_us : talker->at_us;
	take_sums(records, talker, line);
}

/* What is well again is not told. */
static void take_notice(struct watch_records *records, const struct event_line *line)
{
	records->notice[0] = '\0';
	records->notice_us = line->time_us;
	if (!json_text_is(&line->state, "end") && !json_text_is(&line->kind_text, "rules-back"))
		take_text(records->notice, sizeof(records->notice), &line->message);
}

static void take_newest(struct watch_records *records, enum event_line_type type,
			const struct event_line *line)
{
	if (type == EVENT_LINE_RECORD && line->time_us > records->newest_us)
		records->newest_us = line->time_us;
}

static bool is_wanted(const struct watch_records *records, enum event_line_type type, struct event_line *line)
{
	if (type != EVENT_LINE_RECORD && type != EVENT_LINE_NOTICE)
		return false;
	if (!records->only)
		return true;
	return type == EVENT_LINE_NOTICE ? watch_filter_host(records->only, line)
					 : watch_filter_record(records->only, line);
}

void watch_records_line(struct watch_records *records, const char *line, size_t len, int64_t now_us)
{
	struct event_line *read = &records->line;
	enum event_line_type type = event_line_read(line, len, read);

	if (type == EVENT_LINE_REFUSED)
		records->refused++;
	take_newest(records, type, read);
	if (!is_wanted(records, type, read))
		return;
	records->counters[WATCH_RECORDS]++;
	take_text(records->gateway, sizeof(records->gateway), &read->host);
	if (type == EVENT_LINE_NOTICE)
		take_notice(records, read);
	else
		take_record(records, read, now_us);
}

/* Who has been silent for long goes. */
static void forget(struct watch_records *records, int64_t now_us)
{
	for (size_t i = 0; i < records->talker_count;) {
		struct talker *talker = records->talkers[i];

		if (!is_silent(talker->at_us, now_us)) {
			i++;
			continue;
		}
		forget_one(records, talker);
		records->talkers[i] = records->talkers[--records->talker_count];
	}
}

static int by_packets(const void *a, const void *b)
{
	const struct talker *one = *(struct talker *const *)a, *other = *(struct talker *const *)b;

	if (one->sums.packets != other->sums.packets)
		return one->sums.packets > other->sums.packets ? -1 : 1;
	return compare(one, other);
}

/* "2026-11-22 10:00:00" */
static void say_moment(char out[WATCH_MOMENT_MAX], int64_t us)
{
	char text[MOMENT_TEXT_MAX];

	take_moment(text, us);
	snprintf(out, WATCH_MOMENT_MAX, "%.10s %.8s", text, text + 11);
}

/* What was so long ago is not told as if it were now. */
static void put_notice(const struct watch_records *records, int64_t now_us, struct watch_snapshot *snapshot)
{
	char moment[WATCH_MOMENT_MAX];

	say_moment(moment, records->notice_us);
	if (records->notice[0] && is_silent(records->notice_us, now_us))
		watch_warn(snapshot, "told at %s: %s", moment, records->notice);
	else if (records->notice[0])
		watch_warn(snapshot, "%s", records->notice);
}

int watch_records_snapshot(struct watch_records *records, int64_t now_us, struct watch_snapshot *snapshot)
{
	size_t most;

	forget(records, now_us);
	snapshot->newest[0] = '\0';
	if (records->newest_us != 0)
		say_moment(snapshot->newest, records->newest_us);
	most = records->talker_count < WATCH_OFFENDERS_MAX ? records->talker_count : WATCH_OFFENDERS_MAX;
	free(snapshot->offenders);
	snapshot->offender_count = 0;
	snapshot->offenders = calloc(most ? most : 1, sizeof(*snapshot->offenders));
	if (!snapshot->offenders)
		return -ENOMEM;
	qsort(records->talkers, records->talker_count, sizeof(void *), by_packets);
	for (size_t i = 0; i < most; i++)
		snapshot->offenders[i] = records->talkers[i]->sums;
	snapshot->offender_count = most;
	snapshot->subscribers = snapshot->looked = records->talker_count;
	snapshot->window_s = records->window_s;
	memcpy(snapshot->counters, records->counters, sizeof(snapshot->counters));
	for (unsigned i = 0; i < WATCH_COUNTERS; i++)
		snapshot->known[i] = i != WATCH_ACCEPTED;
	watch_text(snapshot->gateway, WATCH_NAME_MAX, records->gateway);
	put_notice(records, now_us, snapshot);
	if (records->overflowed > 0)
		watch_warn(snapshot, "%" PRIu64 " packets of subscribers who are not told apart",
			   records->overflowed);
	if (records->refused > 0)
		watch_warn(snapshot, "%" PRIu64 " %s", records->refused,
			   records->refused == 1 ? "line is no record" : "lines are no records");
	return 0;
}
