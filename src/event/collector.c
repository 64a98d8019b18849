/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counting and time. What a subscriber's entry is, and how it is found, stands in table.c. */
#include "event/event.h"

#include "event/overflow.h"
#include "event/record.h"
#include "event/retransmission.h"
#include "event/table.h"

#include "base/moment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Times are kept within this of 1970, so that windows can be added and taken off: 146 years. */
#define TIME_MAX_NS (INT64_MAX / 2)

enum { GROUP = 16 }; /* facts whose memory is asked for together */

struct event_collector {
	struct event_config config;
	char *host, *boot_id, *pcap_filename;
	struct event_stats stats;
	int64_t now_ns; /* the latest time seen */
	struct table table;
	struct retransmissions retransmissions;
	struct overflow overflow;
};

/* ---- records ---- */

static void emit(void *context, struct event_record *record)
{
	struct event_collector *c = context;
	char line[EVENT_RECORD_MAX];
	size_t len;

	record->config = &c->config;
	record->seq = c->stats.next_seq++;
	c->stats.records++;
	if (record->kind == EVENT_KIND_OVERFLOW)
		c->stats.overflowed += record->packets;
	len = event_record_encode(record, line);
	c->config.emit(c->config.context, line, len);
}

static void emit_first(struct event_collector *c, const struct event_fact *fact, bool attempt)
{
	struct event_record record = {
		.kind = EVENT_KIND_FIRST,
		.fact = *fact,
		.first_ns = fact->time_ns,
		.last_ns = fact->time_ns,
		.packets = 1,
		.attempts = attempt,
		.packets_blocked = !fact->monitored,
		.destinations = 1,
		.destinations_exact = true,
	};

	emit(c, &record);
}

static size_t list_parts(const struct table *table, const struct parts *parts,
			 struct event_part out[RECORD_PARTS_MAX + 2])
{
	size_t count = 0;
	uint16_t names;

	while (parts && parts_get(parts, count, &out[count], &names)) {
		out[count].names = table_names(table, names);
		count++;
	}
	return count;
}

static uint64_t blocked_in(const struct entry *entry)
{
	if (entry->detail && entry->detail->parts)
		return parts_blocked(entry->detail->parts);
	return entry->monitored ? 0 : entry->packets;
}

static void emit_summary(struct event_collector *c, struct entry *entry)
{
	const struct detail *detail = entry->detail;
	struct event_part parts[RECORD_PARTS_MAX + 2];
	struct event_record record = {
		.kind = EVENT_KIND_SUMMARY,
		.fact = table_fact(&c->table, entry),
		.first_ns = entry->first_ns,
		.last_ns = entry->last_ns,
		.packets = entry->packets,
		.attempts = entry->attempts,
		.packets_blocked = blocked_in(entry),
		.destinations = 1,
		.destinations_exact = true,
		.reasons = detail ? detail->reasons : NULL,
		.parts = parts,
		.part_count = list_parts(&c->table, detail ? detail->parts : NULL, parts),
	};

	if (detail && detail->destinations)
		record.destinations = destinations_count(detail->destinations, &record.destinations_exact);
	if (entry->destinations_lost)
		record.destinations_exact = false;
	emit(c, &record);
	table_drop_detail(&c->table, entry);
	entry->packets = entry->attempts = 0;
	entry->destinations_lost = 0;
}

/* ---- counting ---- */

static struct detail *detail_of(struct entry *entry)
{
	if (!entry->detail)
		entry->detail = calloc(1, sizeof(*entry->detail));
	return entry->detail;
}

static void count_destination(struct event_collector *c, struct entry *entry, const struct event_fact *fact)
{
	struct addr known = {entry->dst_hi, entry->dst_lo, fact->dst.family};
	struct detail *detail = entry->detail;
	bool counted;

	if ((!detail || !detail->destinations) && addr_equal(&known, &fact->dst))
		return;
	detail = detail_of(entry);
	counted = detail && (detail->destinations || destinations_add(&detail->destinations, &c->table.key,
								      &known, &c->table.budget));
	if (!counted || !destinations_add(&detail->destinations, &c->table.key, &fact->dst, &c->table.budget))
		entry->destinations_lost = 1;
}

/* False without memory. */
static bool can_count_reason(struct entry *entry, uint8_t reason)
{
	struct detail *detail = entry->detail;

	if ((detail && detail->reasons) || reason == entry->reason)
		return true;
	detail = detail_of(entry);
	if (!detail)
		return false;
	detail->reasons = calloc(EVENT_REASONS_MAX, sizeof(*detail->reasons));
	if (!detail->reasons)
		return false;
	detail->reasons[entry->reason] = entry->packets;
	return true;
}

/* Likewise. */
static bool can_count_part(struct event_collector *c, struct entry *entry, const struct part_key *key)
{
	struct part_key shown = {entry->names, (uint8_t)entry->verdict, entry->monitored};
	struct detail *detail = entry->detail;

	if ((detail && detail->parts) || part_key_equal(key, &shown))
		return true;
	detail = detail_of(entry);
	if (!detail)
		return false;
	detail->parts = parts_new(&c->table.names, shown, entry->packets, entry->attempts);
	detail->shown_ns = entry->last_ns;
	return detail->parts != NULL;
}

/* False without memory to tell this packet from those before. */
static bool count_apart(struct event_collector *c, struct entry *entry, struct part_key key, uint8_t reason,
			bool attempt)
{
	struct detail *detail;

	if (!can_count_reason(entry, reason) || !can_count_part(c, entry, &key))
		return false;
	detail = entry->detail;
	if (detail && detail->reasons)
		detail->reasons[reason]++;
	if (detail && detail->parts)
		parts_count(detail->parts, &c->table.names, key, attempt);
	return true;
}

/* What was blocked is shown rather than what was let through, and then the later rather than the earlier. */
static bool is_to_be_shown(const struct entry *entry, const struct event_fact *fact)
{
	if (entry->monitored != fact->monitored)
		return entry->monitored;
	return fact->time_ns >= table_shown_ns(entry);
}

static void widen(struct entry *entry, int64_t time_ns)
{
	if (time_ns < entry->first_ns)
		entry->first_ns = time_ns;
	if (time_ns > entry->last_ns)
		entry->last_ns = time_ns;
}

static void count(struct event_collector *c, struct entry *entry, const struct event_fact *fact,
		  uint16_t names, bool attempt)
{
	struct part_key key = {names, fact->verdict, fact->monitored};

	/* What cannot be told from this packet is told now, and it starts anew. */
	if (entry->packets == UINT32_MAX ||
	    (entry->packets > 0 && !count_apart(c, entry, key, fact->reason, attempt)))
		emit_summary(c, entry);
	if (entry->packets == 0) {
		entry->first_ns = entry->last_ns = fact->time_ns;
		table_show(&c->table, entry, fact, names);
	} else {
		count_destination(c, entry, fact);
		if (is_to_be_shown(entry, fact))
			table_show(&c->table, entry, fact, names);
		widen(entry, fact->time_ns);
	}
	entry->packets++;
	entry->attempts += attempt;
}

/* Who was only monitored so far is newly blocked when it becomes earnest. */
static bool is_newly_blocked(const struct entry *entry, const struct event_fact *fact)
{
	return !fact->monitored && !entry->blocked_now && !entry->blocked_before;
}

/* False: there is no room for it. */
static bool count_in_table(struct event_collector *c, uint32_t *chain, const struct event_fact *fact,
			   bool attempt)
{
	struct entry *entry = table_find(&c->table, chain, fact);
	uint16_t names;

	if (!entry) {
		entry = table_add(&c->table, chain, fact, c->now_ns);
		if (!entry)
			return false;
		emit_first(c, fact, attempt);
	} else if (is_newly_blocked(entry, fact)) {
		emit_first(c, fact, attempt);
	} else {
		names = table_hold_names(&c->table, entry, &fact->names);
		if (!names)
			return false;
		count(c, entry, fact, names, attempt);
		intern_release(&c->table.names, names);
	}
	entry->blocked_now |= !fact->monitored;
	return true;
}

/* ---- time ---- */

/* A window ended. One that counted something is told, and the next opens, unless that one has passed as well. */
static void close_window(struct event_collector *c, struct entry *entry)
{
	int64_t window_ns = (int64_t)c->config.window_s * NSEC_PER_SEC;
	bool quiet = entry->packets == 0 || c->now_ns - entry->opened_ns >= 2 * window_ns;

	if (entry->packets > 0)
		emit_summary(c, entry);
	if (quiet) {
		table_remove(&c->table, entry);
		return;
	}
	entry->blocked_before = entry->blocked_now;
	entry->blocked_now = 0;
	table_reopen(&c->table, entry, c->now_ns);
}

static void close_ended(struct event_collector *c)
{
	int64_t opened_ns = c->now_ns - (int64_t)c->config.window_s * NSEC_PER_SEC;
	struct entry *entry;

	while ((entry = table_oldest(&c->table)) && entry->opened_ns <= opened_ns)
		close_window(c, entry);
	overflow_close(&c->overflow, opened_ns, emit, c);
}

static void advance(struct event_collector *c, int64_t now_ns)
{
	if (now_ns <= c->now_ns)
		return;
	c->now_ns = now_ns;
	close_ended(c);
}

static int64_t clamp_ns(int64_t ns)
{
	return ns < -TIME_MAX_NS ? -TIME_MAX_NS : ns > TIME_MAX_NS ? TIME_MAX_NS : ns;
}

/* What the collector relies on, whatever the caller says. */
static struct event_fact sound(const struct event_fact *fact)
{
	struct event_fact copy = *fact;
	unsigned bits = addr_bits(fact->src.family);

	copy.time_ns = clamp_ns(fact->time_ns);
	if (copy.subscriber_len > bits)
		copy.subscriber_len = (uint8_t)bits;
	if (copy.verdict < EVENT_DROP || copy.verdict > EVENT_ICMP)
		copy.verdict = EVENT_DROP;
	if (copy.reason >= EVENT_REASONS_MAX)
		copy.reason = EVENT_REASONS_MAX - 1;
	if (copy.vlan_count > sizeof(copy.vlan) / sizeof(copy.vlan[0]))
		copy.vlan_count = sizeof(copy.vlan) / sizeof(copy.vlan[0]);
	copy.in_iface[IF_NAME_MAX - 1] = '\0';
	return copy;
}

/* A fact on its way into the table. */
struct observation {
	struct event_fact fact;
	uint64_t syn; /* its number among the SYNs */
	uint32_t *chain;
};

static void observe(struct event_collector *c, struct observation *observation)
{
	const struct event_fact *fact = &observation->fact;
	bool many = fact->many.packets > 0;
	bool attempt = !many && fact->attempt &&
		       !retransmissions_seen(&c->retransmissions, observation->syn, fact->time_ns);
	uint32_t packets = many ? fact->many.packets : 1, attempts = many ? fact->many.attempts : attempt;

	c->stats.observed += packets;
	c->stats.attempts += attempts;
	advance(c, fact->time_ns);
	if (many || fact->src.family == ADDR_NONE || !count_in_table(c, observation->chain, fact, attempt))
		overflow_count(&c->overflow, fact, packets, attempts, c->now_ns, emit, c);
}

/* With many subscribers each step would wait for memory: so all take the first, then all the second. */
void event_observe(struct event_collector *collector, const struct event_fact *facts, size_t count)
{
	struct observation group[GROUP];

	for (size_t done = 0, n; done < count; done += n) {
		n = count - done < GROUP ? count - done : GROUP;
		for (size_t i = 0; i < n; i++) {
			group[i].fact = sound(&facts[done + i]);
			group[i].syn = retransmissions_number(&collector->retransmissions, &group[i].fact);
			group[i].chain = table_chain(&collector->table, &group[i].fact);
		}
		for (size_t i = 0; i < n; i++)
			table_expect(&collector->table, group[i].chain);
		for (size_t i = 0; i < n; i++)
			observe(collector, &group[i]);
	}
}

void event_tick(struct event_collector *collector, int64_t now_ns)
{
	now_ns = clamp_ns(now_ns);
	/* A clock that was set back by more than a window would leave windows open until it is there again. */
	if (now_ns < collector->now_ns - (int64_t)collector->config.window_s * NSEC_PER_SEC) {
		event_flush(collector, now_ns);
		collector->now_ns = now_ns;
	}
	advance(collector, now_ns);
}

int64_t event_next_deadline_ns(const struct event_collector *collector)
{
	const struct entry *oldest = table_oldest(&collector->table);
	int64_t opened_ns = overflow_oldest_ns(&collector->overflow);

	if (oldest && oldest->opened_ns < opened_ns)
		opened_ns = oldest->opened_ns;
	return opened_ns == INT64_MAX ? INT64_MAX
				      : opened_ns + (int64_t)collector->config.window_s * NSEC_PER_SEC;
}

void event_flush(struct event_collector *collector, int64_t now_ns)
{
	struct entry *entry;

	advance(collector, clamp_ns(now_ns));
	while ((entry = table_oldest(&collector->table))) {
		if (entry->packets > 0)
			emit_summary(collector, entry);
		table_remove(&collector->table, entry);
	}
	overflow_close(&collector->overflow, INT64_MAX, emit, collector);
}

void event_stats_get(const struct event_collector *collector, struct event_stats *ret)
{
	*ret = collector->stats;
	ret->subscribers = collector->table.count;
}

/* ---- life ---- */

static bool copy_texts(struct event_collector *c, const struct event_config *config)
{
	c->host = strndup(config->host ? config->host : "", RECORD_NAME_MAX);
	c->boot_id = strndup(config->boot_id ? config->boot_id : "", RECORD_NAME_MAX);
	c->pcap_filename = config->pcap_filename ? strndup(config->pcap_filename, RECORD_PATH_MAX) : NULL;
	c->config.host = c->host;
	c->config.boot_id = c->boot_id;
	c->config.pcap_filename = c->pcap_filename;
	return c->host && c->boot_id && (c->pcap_filename || !config->pcap_filename);
}

int event_collector_new(const struct event_config *config, struct event_collector **ret)
{
	struct siphash_key key = {config->hash_key[0], config->hash_key[1]};
	struct event_collector *c;

	if (config->window_s == 0 || config->subscribers_max == 0)
		return -EINVAL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->config = *config;
	c->stats.next_seq = config->first_seq;
	c->now_ns = -TIME_MAX_NS;
	if (!copy_texts(c, config) ||
	    table_init(&c->table, &key, config->subscribers_max, config->pcap_filename != NULL) < 0 ||
	    retransmissions_init(&c->retransmissions, &key, (size_t)config->subscribers_max * 4) < 0) {
		event_collector_free(c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}

void event_collector_free(struct event_collector *collector)
{
	if (!collector)
		return;
	table_free(&collector->table);
	retransmissions_free(&collector->retransmissions);
	free(collector->host);
	free(collector->boot_id);
	free(collector->pcap_filename);
	free(collector);
}
