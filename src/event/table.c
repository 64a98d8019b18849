/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	NONE = 0, /* no entry has the anchor's index */
	VLANS = sizeof(((struct entry *)NULL)->vlan) / sizeof(uint16_t),
	CACHE_LINE = 64,
	SETS_BYTES_PER_SUBSCRIBER = 256,
	SETS_BYTES_MIN = 64 * 1024,
};

struct event_names table_names(const struct table *table, uint16_t number)
{
	struct event_names names = {"", "", "", ""};

	if (!number)
		return names;
	names.rule = intern_text(&table->names, number);
	names.rule_kind = names.rule + strlen(names.rule) + 1;
	names.pool = names.rule_kind + strlen(names.rule_kind) + 1;
	names.digest = names.pool + strlen(names.pool) + 1;
	return names;
}

int64_t table_shown_ns(const struct entry *entry)
{
	const struct detail *detail = entry->detail;

	return detail && (detail->parts || detail->offloaded > 0) ? detail->shown_ns : entry->last_ns;
}

static uint8_t family_of_destination(const struct entry *entry)
{
	return entry->unseen ? ADDR_NONE : entry->ip6 ? ADDR_IP6 : ADDR_IP4;
}

struct event_fact table_fact(const struct table *table, const struct entry *entry)
{
	struct event_fact fact = {
		.time_ns = table_shown_ns(entry),
		.src = {entry->src_hi, entry->src_lo, entry->ip6 ? ADDR_IP6 : ADDR_IP4},
		.dst = {entry->dst_hi, entry->dst_lo, family_of_destination(entry)},
		.sport = entry->sport,
		.dport = entry->dport,
		.subscriber_len = entry->subscriber_len,
		.verdict = entry->verdict,
		.monitored = entry->monitored,
		.tcp_flags = entry->tcp_flags,
		.ttl = entry->ttl,
		.tos = entry->tos,
		.ip_len = entry->ip_len,
		.tcp_window = entry->tcp_window,
		.ip_id = entry->ip_id,
		.tcp_seq = entry->tcp_seq,
		.tcp_ack = entry->tcp_ack,
		.reason = entry->reason,
		.names = table_names(table, entry->names),
		.pcap_cnt = table->pcap_cnt ? table->pcap_cnt[entry - table->entries] : 0,
	};
	const char *iface = intern_text(&table->ifaces, entry->in_iface);

	memcpy(fact.in_iface, iface, strnlen(iface, IF_NAME_MAX - 1));
	for (; fact.vlan_count < VLANS && entry->vlan[fact.vlan_count] != NO_VLAN; fact.vlan_count++)
		fact.vlan[fact.vlan_count] = entry->vlan[fact.vlan_count];
	return fact;
}

static void show_interface(struct table *table, struct entry *entry, const char *name)
{
	uint16_t iface = 0;

	if (name[0])
		iface = intern_hold(&table->ifaces, name, strnlen(name, IF_NAME_MAX - 1));
	intern_release(&table->ifaces, entry->in_iface);
	entry->in_iface = iface;
}

void table_show(struct table *table, struct entry *entry, const struct event_fact *fact, uint16_t names)
{
	show_interface(table, entry, fact->in_iface);
	if (entry->names != names) {
		intern_keep(&table->names, names);
		intern_release(&table->names, entry->names);
		entry->names = names;
	}
	entry->verdict = fact->verdict & 3U;
	entry->monitored = fact->monitored;
	entry->unseen = fact->offloaded > 0;
	entry->src_hi = fact->src.hi;
	entry->src_lo = fact->src.lo;
	entry->dst_hi = fact->dst.hi;
	entry->dst_lo = fact->dst.lo;
	if (entry->detail)
		entry->detail->shown_ns = fact->time_ns;
	entry->tcp_seq = fact->tcp_seq;
	entry->tcp_ack = fact->tcp_ack;
	entry->ip_id = fact->ip_id;
	entry->sport = fact->sport;
	entry->dport = fact->dport;
	entry->ip_len = fact->ip_len;
	entry->tcp_window = fact->tcp_window;
	entry->tcp_flags = fact->tcp_flags;
	entry->ttl = fact->ttl;
	entry->tos = fact->tos;
	entry->reason = fact->reason;
	for (size_t i = 0; i < VLANS; i++)
		entry->vlan[i] = i < fact->vlan_count ? fact->vlan[i] : NO_VLAN;
	if (table->pcap_cnt)
		table->pcap_cnt[entry - table->entries] = fact->pcap_cnt;
}

void table_drop_detail(struct table *table, struct entry *entry)
{
	if (!entry->detail)
		return;
	destinations_free(entry->detail->destinations, &table->budget);
	free(entry->detail->reasons);
	parts_free(entry->detail->parts, &table->names);
	free(entry->detail);
	entry->detail = NULL;
}

static uint32_t *chain_of(const struct table *table, const struct addr *subscriber, unsigned len)
{
	const uint64_t words[] = {subscriber->hi, subscriber->lo, (uint64_t)subscriber->family << 8 | len};
	uint64_t hash = siphash_words(&table->key, words, sizeof(words) / sizeof(words[0]));

	return &table->chains[hash & table->chain_mask];
}

static struct addr subscriber_of(const struct entry *entry)
{
	struct addr src = {entry->src_hi, entry->src_lo, entry->ip6 ? ADDR_IP6 : ADDR_IP4};

	return addr_mask(&src, entry->subscriber_len);
}

static bool same_name(const char *kept, const char *name)
{
	return strncmp(kept, name, RECORD_NAME_MAX) == 0;
}

static void list_remove(struct table *table, struct entry *entry)
{
	table->entries[entry->previous].next = entry->next;
	table->entries[entry->next].previous = entry->previous;
}

static void list_append(struct table *table, struct entry *entry, int64_t now_ns)
{
	struct entry *anchor = &table->entries[NONE];
	uint32_t index = (uint32_t)(entry - table->entries);

	entry->opened_ns = now_ns;
	entry->previous = anchor->previous;
	entry->next = NONE;
	table->entries[anchor->previous].next = index;
	anchor->previous = index;
}

void table_remove(struct table *table, struct entry *entry)
{
	struct addr subscriber = subscriber_of(entry);
	uint32_t index = (uint32_t)(entry - table->entries);
	uint32_t *link = chain_of(table, &subscriber, entry->subscriber_len);

	while (*link != index)
		link = &table->entries[*link].chain;
	*link = entry->chain;
	list_remove(table, entry);
	intern_release(&table->names, entry->names);
	intern_release(&table->ifaces, entry->in_iface);
	table_drop_detail(table, entry);
	entry->chain = table->free;
	table->free = index;
	table->count--;
}

static uint16_t hold_names(struct table *table, const struct event_names *names)
{
	const char *const parts[] = {names->rule, names->rule_kind, names->pool, names->digest};
	char bytes[4 * (RECORD_NAME_MAX + 1)];
	size_t len = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t part = strnlen(parts[i], RECORD_NAME_MAX);

		memcpy(bytes + len, parts[i], part);
		bytes[len + part] = '\0';
		len += part + 1;
	}
	return intern_hold(&table->names, bytes, len);
}

uint16_t table_hold_names(struct table *table, const struct entry *entry, const struct event_names *names)
{
	struct event_names own = table_names(table, entry->names);

	if (!same_name(own.rule, names->rule) || !same_name(own.rule_kind, names->rule_kind) ||
	    !same_name(own.pool, names->pool) || !same_name(own.digest, names->digest))
		return hold_names(table, names);
	intern_keep(&table->names, entry->names);
	return entry->names;
}

static uint32_t take_index(struct table *table)
{
	uint32_t index = table->free;

	if (index)
		table->free = table->entries[index].chain;
	else if (table->used < table->max)
		index = ++table->used;
	return index;
}

struct entry *table_add(struct table *table, uint32_t *chain, const struct event_fact *fact, int64_t now_ns)
{
	uint16_t names = hold_names(table, &fact->names);
	uint32_t index = names ? take_index(table) : NONE;
	struct entry *entry = &table->entries[index];

	if (!index) {
		intern_release(&table->names, names);
		return NULL;
	}
	*entry = (struct entry){
		.chain = *chain,
		.names = names,
		.subscriber_len = fact->subscriber_len,
		.ip6 = fact->src.family == ADDR_IP6,
	};
	*chain = index;
	table->told[index] = (struct told_at_once){0};
	list_append(table, entry, now_ns);
	table->count++;
	table_show(table, entry, fact, names);
	return entry;
}

uint32_t *table_chain(const struct table *table, const struct event_fact *fact)
{
	struct addr subscriber = addr_mask(&fact->src, fact->subscriber_len);
	uint32_t *chain = chain_of(table, &subscriber, fact->subscriber_len);

	__builtin_prefetch(chain);
	return chain;
}

void table_expect(const struct table *table, const uint32_t *chain)
{
	const char *entry = (const char *)&table->entries[*chain];

	__builtin_prefetch(entry, 1);
	__builtin_prefetch(entry + CACHE_LINE, 1);
}

struct entry *table_find(struct table *table, const uint32_t *chain, const struct event_fact *fact)
{
	struct addr subscriber = addr_mask(&fact->src, fact->subscriber_len);

	for (uint32_t i = *chain; i != NONE; i = table->entries[i].chain) {
		struct entry *entry = &table->entries[i];
		struct addr own = subscriber_of(entry);

		if (entry->subscriber_len == fact->subscriber_len && addr_equal(&own, &subscriber))
			return entry;
	}
	return NULL;
}

struct entry *table_oldest(const struct table *table)
{
	uint32_t head = table->entries[NONE].next;

	return head == NONE ? NULL : &table->entries[head];
}

const struct entry *table_next(const struct table *table, const struct entry *entry)
{
	return entry->next == NONE ? NULL : &table->entries[entry->next];
}

void table_reopen(struct table *table, struct entry *entry, int64_t now_ns)
{
	list_remove(table, entry);
	list_append(table, entry, now_ns);
	table->told[entry - table->entries] = (struct told_at_once){0};
}

void table_told(struct table *table, const struct entry *entry, bool attempt)
{
	struct told_at_once *told = &table->told[entry - table->entries];

	told->packets++;
	if (attempt)
		told->attempts++;
}

int table_init(struct table *table, const struct siphash_key *key, uint32_t subscribers_max, bool replay)
{
	size_t entries = (size_t)subscribers_max + 1, chains = 16;

	while (chains < subscribers_max)
		chains *= 2;
	*table = (struct table){
		.key = *key,
		.max = subscribers_max,
		.chain_mask = (uint32_t)(chains - 1),
		.chains = calloc(chains, sizeof(*table->chains)),
		.entries = calloc(entries, sizeof(*table->entries)),
		.told = calloc(entries, sizeof(*table->told)),
		.pcap_cnt = replay ? calloc(entries, sizeof(*table->pcap_cnt)) : NULL,
		.names.key = *key,
		.ifaces.key = *key,
		.budget.max = SETS_BYTES_MIN + (size_t)subscribers_max * SETS_BYTES_PER_SUBSCRIBER,
	};
	return table->chains && table->entries && table->told && (table->pcap_cnt || !replay) ? 0 : -ENOMEM;
}

void table_free(struct table *table)
{
	for (uint32_t i = NONE + 1; table->entries && i <= table->used; i++)
		table_drop_detail(table, &table->entries[i]);
	intern_clear(&table->names);
	intern_clear(&table->ifaces);
	free(table->entries);
	free(table->told);
	free(table->pcap_cnt);
	free(table->chains);
}
