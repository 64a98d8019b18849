/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packets of one router, through the real collector, into its record files. */
#include "month.h"

#include "base/moment.h"
#include "event/notice.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { US_NS = 1000, US_PER_S = 1000000, BUFFER = 1 << 20, NOTICE_S = 12, GZIP_SUFFIX_FROM = 2 };

struct writer {
	struct month *month;
	struct event_collector *collector;
	uint32_t router;
	size_t source;
	/* The file that is written: one of the two. */
	FILE *plain;
	gzFile packed;
	int error;
	uint64_t dropping; /* lines to lose */
	uint64_t next_seq; /* of the next line */
	struct gap gap;    /* lost since the last line that was written; first > last: none */
	char last[EVENT_RECORD_MAX];
	size_t last_len;
};

static void put_line(struct writer *w, const char *line, size_t len)
{
	bool good = w->plain ? fwrite(line, 1, len, w->plain) == len
			     : gzwrite(w->packed, line, (unsigned)len) == (int)len;

	if (!good)
		w->error = errno ? -errno : -EIO;
	w->month->files[w->month->file_count - 1].lines++;
	w->month->lines++;
}

/* What was lost is a gap only where something stands behind it, and before it. */
static void close_gap(struct writer *w)
{
	struct month *month = w->month;

	if (w->gap.first <= w->gap.last && month->sources[w->source].any && month->gap_count < GAPS_MAX) {
		month->gaps[month->gap_count++] = w->gap;
		month->sources[w->source].missing += w->gap.last - w->gap.first + 1;
	}
	w->gap = (struct gap){.source = w->source, .first = UINT64_MAX};
}

static void take_line(void *context, const char *line, size_t len)
{
	struct writer *w = context;
	struct source *source = &w->month->sources[w->source];
	uint64_t seq = w->next_seq++;

	if (w->dropping > 0) {
		w->dropping--;
		if (w->gap.first > w->gap.last)
			w->gap.first = seq;
		w->gap.last = seq;
		return;
	}
	close_gap(w);
	put_line(w, line, len);
	memcpy(w->last, line, len);
	w->last_len = len;
	if (!source->any)
		source->first_seq = seq;
	source->any = true;
	source->last_seq = seq;
	source->records++;
}

static void fill_names(const struct month *month, const struct judged *judged, uint32_t hour,
		       struct event_names *ret)
{
	*ret = (struct event_names){
		.rule = rule_names[judged->rule],
		.rule_kind = judged->rule == DESTINATION_RULE ? "destination" : "pool",
		.pool = pool_names[judged->pool],
		.digest = hour < month->reload_hour ? "11112222333344445555666677778888"
						    : "99990000aaaabbbbccccddddeeeeffff",
	};
}

/* IPv6 hosts change their address within the prefix, and use several networks of it. */
static struct addr source_of(const struct subscriber *s, const struct shot *shot)
{
	struct addr addr = s->who.addr;

	if (addr.family == ADDR_IP6 && shot->kind != SHOT_OFFLOADED) {
		addr.hi |= shot->sequence & 3;
		addr.lo = UINT64_C(0x0200000000000000) | (uint64_t)(shot->us / US_PER_S / HOUR_S) << 8 |
			  (shot->port & 0xff);
	}
	return addr;
}

static void observe(struct writer *w, const struct shot *shot, uint32_t hour)
{
	const struct month *month = w->month;
	const struct subscriber *s = &month->subscribers[shot->who];
	struct judged judged = traffic_judge(month, shot, hour);
	struct event_fact fact = {
		.time_ns = shot->us * US_NS,
		.src = source_of(s, shot),
		.dst = world_destination(s, shot->destination),
		.subscriber_len = s->who.len,
		.verdict = judged.verdict,
		.monitored = judged.monitored,
		.reason = (uint8_t)judged.reason,
		.ttl = 60,
		.ip_len = s->who.addr.family == ADDR_IP6 ? 80 : 60,
		.ip_id = shot->sequence & 0xffff,
		.in_iface = "ppp0",
	};

	fill_names(month, &judged, hour, &fact.names);
	if (shot->kind == SHOT_SYN) {
		fact.sport = shot->port;
		fact.dport = 25;
		fact.attempt = true;
		fact.tcp_flags = 0x02;
		fact.tcp_seq = shot->sequence;
		fact.tcp_window = 64240;
	}
	if (shot->kind == SHOT_OFFLOADED)
		fact.offloaded = shot->destination;
	if (shot->kind == SHOT_UNKNOWN)
		fact.many.packets = fact.many.attempts = shot->destination;
	event_observe(w->collector, &fact, 1);
}

static struct event_notice notice_of(const struct shot *shot)
{
	return (struct event_notice){
		.kind = EVENT_NOTICE_FAILED_OPEN,
		.state = EVENT_NOTICE_BEGIN,
		.time_ns = shot->us * US_NS,
		.first_ns = shot->us * US_NS,
		.last_ns = (shot->us + NOTICE_S * (int64_t)US_PER_S) * US_NS,
		.open = true,
		.has_packets = true,
		.digest = "99990000aaaabbbbccccddddeeeeffff",
		.message = "the queue was full: the kernel lets packets pass unjudged",
	};
}

/* Begin and end of a period; it is told when it is over, so that both stand together. */
static void tell_notice(struct writer *w, const struct shot *shot)
{
	struct month *month = w->month;
	struct event_notice notice = notice_of(shot);

	event_notice(w->collector, &notice);
	notice.state = EVENT_NOTICE_END;
	notice.time_ns = notice.last_ns;
	notice.packets = notice.queue_full = shot->destination;
	event_notice(w->collector, &notice);
	month->sources[w->source].notices += 2;
	month->notices[month->notice_count++] = (struct told_notice){
		.source = w->source,
		.first_us = shot->us,
		.last_us = notice.last_ns / US_NS,
		.packets = shot->destination,
	};
}

/* What is lost are notices: they count no packet, so the truth about packets stays that of the records. */
static void lose(struct writer *w, const struct shot *shot)
{
	struct event_notice notice = notice_of(shot);

	w->dropping = shot->destination;
	for (uint32_t i = 0; i < shot->destination; i++)
		event_notice(w->collector, &notice);
}

static void repeat_last(struct writer *w)
{
	if (w->last_len == 0)
		return;
	put_line(w, w->last, w->last_len);
	w->month->sources[w->source].duplicates++;
}

static void take_shot(struct writer *w, const struct shot *shot, uint32_t hour)
{
	switch (shot->kind) {
	case SHOT_NOTICE:
		tell_notice(w, shot);
		break;
	case SHOT_GAP:
		lose(w, shot);
		break;
	case SHOT_DUPLICATE:
		repeat_last(w);
		break;
	default:
		truth_count(w->month, w->router, hour, shot);
		observe(w, shot, hour);
		break;
	}
}

/* ---- files ---- */

static void close_file(struct writer *w)
{
	if (w->plain && fclose(w->plain) != 0)
		w->error = errno ? -errno : -EIO;
	if (w->packed && gzclose(w->packed) != Z_OK)
		w->error = -EIO;
	w->plain = NULL;
	w->packed = NULL;
}

/* Part 0 is the oldest one. As logrotate names them: the newest bare, .1 beside it, older ones packed. */
static void open_part(struct writer *w, uint32_t part)
{
	struct month *month = w->month;
	struct part_file *file = &month->files[month->file_count];
	uint32_t age = month->options.rotations - part;
	char host[32], path[4096], suffix[32] = "";

	close_file(w);
	world_host(w->router, host);
	if (age > 0)
		snprintf(suffix, sizeof(suffix), age >= GZIP_SUFFIX_FROM ? ".%u.gz" : ".%u", age);
	snprintf(file->name, sizeof(file->name), "%s/events.json%.24s", host, suffix);
	snprintf(path, sizeof(path), "%s/%s", month->options.directory, file->name);
	if (age >= GZIP_SUFFIX_FROM)
		w->packed = gzopen(path, "wb1");
	else
		w->plain = fopen(path, "w");
	if (w->plain)
		setvbuf(w->plain, NULL, _IOFBF, BUFFER);
	if (!w->plain && !w->packed)
		w->error = errno ? -errno : -EIO;
	month->file_count++;
}

static int make_directory(struct writer *w)
{
	char host[32], path[4096];

	world_host(w->router, host);
	snprintf(path, sizeof(path), "%s/%s", w->month->options.directory, host);
	return mkdir(path, 0755) == 0 || errno == EEXIST ? 0 : -errno;
}

/* ---- the router's life ---- */

static const char *reason_of(unsigned reason)
{
	return reason_name((enum reason)reason);
}

static int boot(struct writer *w)
{
	struct month *month = w->month;
	struct chance chance = chance_for(month->options.seed, 3, month->source_count);
	struct source *source = &month->sources[month->source_count];
	uint64_t a = chance_next(&chance), b = chance_next(&chance);
	struct event_config config = {
		.host = source->host,
		.boot_id = source->boot_id,
		.first_seq = 20000000 + chance_below(&chance, 1000000),
		.window_s = month->options.window_s,
		.subscribers_max = month->options.table,
		.utc_offset_s = month->options.utc_offset_s,
		.hash_key = {month->options.seed, w->router},
		.reason_name = reason_of,
		.emit = take_line,
		.context = w,
	};

	world_host(w->router, source->host);
	snprintf(source->boot_id, sizeof(source->boot_id), "%08x-%04x-%04x-%04x-%012" PRIx64,
		 (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff) | 0x4000,
		 (unsigned)(b >> 48 & 0x3fff) | 0x8000, b & 0xffffffffffff);
	w->source = month->source_count++;
	w->gap = (struct gap){.source = w->source, .first = UINT64_MAX};
	w->next_seq = config.first_seq;
	w->last_len = 0;
	return event_collector_new(&config, &w->collector);
}

static void shut_down(struct writer *w, uint32_t hour)
{
	if (!w->collector)
		return;
	event_flush(w->collector, (w->month->options.start_s + (int64_t)hour * HOUR_S) * NSEC_PER_SEC);
	event_collector_free(w->collector);
	w->collector = NULL;
}

static void run_hour(struct writer *w, uint32_t hour, struct shots *shots)
{
	const struct month *month = w->month;

	traffic_of_hour(month, w->router, hour, shots);
	if (shots->failed)
		w->error = -ENOMEM;
	for (size_t i = 0; i < shots->count && !w->error; i++)
		take_shot(w, &shots->all[i], hour);
	event_tick(w->collector, (month->options.start_s + (int64_t)(hour + 1) * HOUR_S) * NSEC_PER_SEC);
}

int write_router(struct month *month, uint32_t router)
{
	const struct options *o = &month->options;
	struct writer *w = calloc(1, sizeof(*w));
	struct shots shots = {0};
	int r;

	if (!w)
		return -ENOMEM;
	w->month = month;
	w->router = router;
	w->error = make_directory(w);
	for (uint32_t hour = 0; hour < month->hours && !w->error; hour++) {
		if (hour == 0 || hour * (o->rotations + 1) / month->hours !=
					 (hour - 1) * (o->rotations + 1) / month->hours)
			open_part(w, hour * (o->rotations + 1) / month->hours);
		if (hour == 0 || hour * (o->restarts + 1) / month->hours !=
					 (hour - 1) * (o->restarts + 1) / month->hours) {
			shut_down(w, hour);
			w->error = w->error ? w->error : boot(w);
		}
		if (!w->error)
			run_hour(w, hour, &shots);
	}
	shut_down(w, month->hours);
	close_file(w);
	r = w->error;
	if (r < 0)
		fprintf(stderr, "op25b-month: records of router %u: %s\n", router + 1, strerror(-r));
	free(shots.all);
	free(w);
	return r;
}
