/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counting and time. What a subscriber's entry is, and how it is found, stands in table.c. */
#include "event/event.h"

#include "event/form.h"
#include "event/notice.h"
#include "event/overflow.h"
#include "event/record.h"
#include "event/retransmission.h"
#include "event/table.h"
#include "event/top.h"

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
	unsigned forms; /* a bit each */
	struct table table;
	struct retransmissions retransmissions;
	struct overflow overflow;
};

/* ---- records ---- */

void event_told_add(struct event_told *sum, const struct event_told *more)
{
	sum->blocked += more->blocked;
	sum->monitored += more->monitored;
	sum->attempts += more->attempts;
	for (unsigned reason = 0; reason < EVENT_REASONS_MAX; reason++)
		sum->reasons[reason] += more->reasons[reason];
}

static void count_told(struct event_told *told, const struct event_record *record)
{
	told->blocked += record->packets_blocked;
	told->monitored += record->packets - record->packets_blocked;
	told->attempts += record->attempts;
	if (!record->reasons)
		told->reasons[record->fact.reason] += record->packets;
	for (unsigned reason = 0; record->reasons && reason < EVENT_REASONS_MAX; reason++)
		told->reasons[reason] += record->reasons[reason];
}

static void emit(void *context, struct event_record *record)
{
	struct event_collector *c = context;
	char line[EVENT_RECORD_MAX];

	record->config = &c->config;
	record->seq = c->stats.next_seq++;
	c->stats.records++;
	c->stats.firsts += record->kind == EVENT_KIND_FIRST;
	if (record->kind == EVENT_KIND_OVERFLOW)
		c->stats.overflowed += record->packets;
	count_told(&c->stats.told, record);
	c->config.emit(c->config.context, line, event_record_encode(record, line));
	event_form_emit_record(c->forms, record);
}

void event_notice(struct event_collector *c, const struct event_notice *notice)
{
	char line[EVENT_RECORD_MAX];
	uint64_t seq = c->stats.next_seq++;
	size_t len = event_notice_encode(&c->config, seq, notice, line);

	c->stats.records++;
	c->config.emit(c->config.context, line, len);
	event_form_emit_notice(c->forms, &c->config, seq, notice);
}

void event_collector_set_forms(struct event_collector *collector, unsigned forms)
{
	collector->forms = forms;
}

static void emit_first(struct event_collector *c, const struct entry *entry, const struct event_fact *fact,
		       bool attempt)
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
	table_told(&c->table, entry, attempt);
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
		.packets_offloaded = detail ? detail->offloaded : 0,
		.destinations = !entry->unseen,
		.destinations_exact = true,
		.reasons = detail ? detail->reasons : NULL,
		.parts = parts,
		.part_count = list_parts(&c->table, detail ? detail->parts : NULL, parts),
	};

	record.reached = detail ? detail->destinations : NULL;
	if (record.reached)
		record.destinations = destinations_count(record.reached, &record.destinations_exact);
	if (entry->destinations_lost || record.packets_offloaded > 0)
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

static bool keep_destination(struct event_collector *c, struct entry *entry, const struct addr *dst)
{
	struct detail *detail = detail_of(entry);
	bool kept = detail && destinations_add(&detail->destinations, dst, &c->table.budget);

	if (!kept)
		entry->destinations_lost = 1;
	return kept;
}

/* Without a set of destinations the only one is the entry's, if it shows a packet with one. When another comes, or it is
 * to be shown no more, it is the first of the set. */
static void count_destination(struct event_collector *c, struct entry *entry, const struct event_fact *fact,
			      bool shown)
{
	struct addr known = {entry->dst_hi, entry->dst_lo, entry->ip6 ? ADDR_IP6 : ADDR_IP4};
	bool set = entry->detail && entry->detail->destinations;

	if (!set && (entry->unseen ? shown : addr_equal(&known, &fact->dst)))
		return;
	if (!set && !entry->unseen && !keep_destination(c, entry, &known))
		return;
	if (fact->offloaded == 0)
		keep_destination(c, entry, &fact->dst);
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
	detail->shown_ns = table_shown_ns(entry);
	detail->parts = parts_new(&c->table.names, shown, entry->packets, entry->attempts);
	return detail->parts != NULL;
}

/* What one fact adds. */
struct addition {
	const struct event_fact *fact;
	uint16_t names;
	uint32_t packets, attempts;
};

/* False without memory to tell these packets from those before. */
static bool count_apart(struct event_collector *c, struct entry *entry, const struct addition *addition)
{
	const struct event_fact *fact = addition->fact;
	struct part_key key = {addition->names, fact->verdict, fact->monitored};
	struct detail *detail;

	if (!can_count_reason(entry, fact->reason) || !can_count_part(c, entry, &key))
		return false;
	detail = entry->detail;
	if (detail && detail->reasons)
		detail->reasons[fact->reason] += addition->packets;
	if (detail && detail->parts)
		parts_count(detail->parts, &c->table.names, key, addition->packets, addition->attempts);
	return true;
}

/* What was blocked is shown rather than what was let through, of that what somebody saw, and then the later rather than the
 * earlier. */
static bool is_to_be_shown(const struct entry *entry, const struct event_fact *fact)
{
	bool unseen = fact->offloaded > 0;

	if (entry->monitored != fact->monitored)
		return entry->monitored;
	if (entry->unseen != unseen)
		return entry->unseen;
	return fact->time_ns >= table_shown_ns(entry);
}

static void widen(struct entry *entry, int64_t time_ns)
{
	if (time_ns < entry->first_ns)
		entry->first_ns = time_ns;
	if (time_ns > entry->last_ns)
		entry->last_ns = time_ns;
}

/* Memory for what the entry has no room for; false without it. */
static bool can_count_offloaded(struct entry *entry, const struct event_fact *fact)
{
	return fact->offloaded == 0 || detail_of(entry);
}

/* False without memory to count them as the subscriber's; of a packet that was seen, never. */
static bool prepare(struct event_collector *c, struct entry *entry, const struct addition *addition)
{
	/* What cannot be told from these packets is told now, and it starts anew. */
	if (entry->packets > UINT32_MAX - addition->packets)
		emit_summary(c, entry);
	if (!can_count_offloaded(entry, addition->fact))
		return false;
	if (entry->packets == 0 || count_apart(c, entry, addition))
		return true;
	emit_summary(c, entry);
	return can_count_offloaded(entry, addition->fact);
}

static void show_first(struct event_collector *c, struct entry *entry, const struct addition *addition)
{
	entry->first_ns = entry->last_ns = addition->fact->time_ns;
	table_show(&c->table, entry, addition->fact, addition->names);
}

static void show_next(struct event_collector *c, struct entry *entry, const struct addition *addition)
{
	bool shown = is_to_be_shown(entry, addition->fact);

	if (addition->fact->offloaded == 0 || shown)
		count_destination(c, entry, addition->fact, shown);
	if (shown)
		table_show(&c->table, entry, addition->fact, addition->names);
	widen(entry, addition->fact->time_ns);
}

/* False as prepare() says; then nothing is counted. */
static bool count(struct event_collector *c, struct entry *entry, const struct addition *addition)
{
	if (!prepare(c, entry, addition))
		return false;
	if (addition->fact->offloaded > 0) {
		entry->detail->shown_ns = table_shown_ns(entry);
		entry->detail->offloaded += addition->packets;
	}
	(entry->packets == 0 ? show_first : show_next)(c, entry, addition);
	entry->packets += addition->packets;
	entry->attempts += addition->attempts;
	return true;
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
	struct entry *known = table_find(&c->table, chain, fact);
	struct entry *entry = known ? known : table_add(&c->table, chain, fact, c->now_ns);
	struct addition addition = {.fact = fact, .packets = 1, .attempts = attempt};

	if (!entry)
		return false;
	if (!known || is_newly_blocked(entry, fact)) {
		emit_first(c, entry, fact, attempt);
	} else {
		addition.names = table_hold_names(&c->table, entry, &fact->names);
		if (!addition.names)
			return false;
		count(c, entry, &addition);
		intern_release(&c->table.names, addition.names);
	}
	entry->blocked_now |= !fact->monitored;
	return true;
}

/* Opens a window where none is open, without a record: there is no packet to show. False: there is no room for them. */
static bool count_offloaded(struct event_collector *c, uint32_t *chain, const struct event_fact *fact,
			    uint32_t packets)
{
	struct entry *known = table_find(&c->table, chain, fact), *entry = known;
	struct addition addition = {.fact = fact, .packets = packets};
	bool counted = false;

	if (!entry)
		entry = table_add(&c->table, chain, fact, c->now_ns);
	if (!entry)
		return false;
	addition.names = table_hold_names(&c->table, entry, &fact->names);
	if (addition.names) {
		counted = count(c, entry, &addition);
		intern_release(&c->table.names, addition.names);
	}
	entry->blocked_now |= counted;
	if (!counted && !known)
		table_remove(&c->table, entry);
	return counted;
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

/* Of packets that nobody saw: what is known. */
static struct event_fact unseen_fact(const struct event_fact *fact)
{
	return (struct event_fact){
		.time_ns = fact->time_ns,
		.src = fact->src,
		.subscriber_len = fact->subscriber_len,
		.verdict = fact->verdict,
		.reason = fact->reason,
		.names = fact->names,
		.offloaded = fact->offloaded,
	};
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
	return copy.offloaded > 0 ? unseen_fact(&copy) : copy;
}

/* A fact on its way into the table. */
struct observation {
	struct event_fact fact;
	uint64_t syn; /* its number among the SYNs */
	uint32_t *chain;
};

/* As many at once as a record counts: more than the kernel sees in a window. */
static void observe_offloaded(struct event_collector *c, const struct observation *observation)
{
	const struct event_fact *fact = &observation->fact;
	uint32_t packets;

	c->stats.observed += fact->offloaded;
	advance(c, fact->time_ns);
	for (uint64_t left = fact->offloaded; left > 0; left -= packets) {
		packets = left < UINT32_MAX ? (uint32_t)left : UINT32_MAX;
		if (fact->src.family == ADDR_NONE || !count_offloaded(c, observation->chain, fact, packets))
			overflow_count(&c->overflow, fact, packets, 0, c->now_ns, emit, c);
	}
}

static void observe(struct event_collector *c, const struct observation *observation)
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
			(group[i].fact.offloaded > 0 ? observe_offloaded : observe)(collector, &group[i]);
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

int event_top(const struct event_collector *collector, struct event_offender *out, size_t max,
	      size_t looks_max, struct event_top *ret)
{
	return top_of_table(&collector->table, out, max, looks_max, ret);
}
