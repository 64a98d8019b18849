/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/block.h"

#include "event/destinations.h"

#include <string.h>

enum { TEXT_MAX = 2048, TEXTS_MAX = 8, ALIGNMENT = 8 };

/* Texts one behind the other as words, each ended by its length, so that no two lists of texts look alike. */
struct words {
	uint64_t words[TEXTS_MAX * (TEXT_MAX / 8 + 2)];
	size_t count;
};

static void add_text(struct words *words, const struct json_text *text)
{
	size_t len = text->len < TEXT_MAX ? text->len : TEXT_MAX, rest = len % 8;

	if (len > rest)
		memcpy(words->words + words->count, text->at, len - rest);
	words->count += len / 8;
	if (rest > 0) {
		uint64_t last = 0;

		memcpy(&last, text->at + len - rest, rest);
		words->words[words->count++] = last;
	}
	words->words[words->count++] = len;
}

uint64_t block_way_key(const struct siphash_key *key, const struct json_text *host,
		       const struct row_names *names)
{
	struct words words;

	words.count = 0;
	words.words[words.count++] =
		(uint64_t)names->verdict << 2 | (uint64_t)names->divided << 1 | names->monitored;
	add_text(&words, host);
	add_text(&words, &names->pool);
	add_text(&words, &names->rule);
	add_text(&words, &names->rule_kind);
	add_text(&words, &names->policy);
	add_text(&words, &names->reason);
	return siphash_words(key, words.words, words.count);
}

static uint64_t texts_key(const struct siphash_key *key, const struct json_text *a, const struct json_text *b)
{
	struct words words;

	words.count = 0;
	add_text(&words, a);
	if (b)
		add_text(&words, b);
	return siphash_words(key, words.words, words.count);
}

static uint64_t subscriber_key(const struct siphash_key *key, const struct prefix *subscriber)
{
	const uint64_t words[3] = {subscriber->addr.hi, subscriber->addr.lo,
				   (uint64_t)subscriber->addr.family << 8 | subscriber->len};

	return siphash_words(key, words, 3);
}

static void *take(struct block *block, size_t size)
{
	void *memory = block->arena + block->arena_used;
	size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

	if (rounded > sizeof(block->arena) - block->arena_used)
		return NULL;
	block->arena_used += rounded;
	return memory;
}

static bool keep(struct block *block, const void *from, size_t size, const void **ret)
{
	void *memory;

	if (size == 0)
		return true;
	memory = take(block, size);
	if (memory)
		memcpy(memory, from, size);
	*ret = memory;
	return memory != NULL;
}

/* The destinations as they are kept. */
static bool keep_reach(struct block *block, const struct event_line *line, struct row *row)
{
	size_t size = line->sketch.len > 0 ? DESTINATIONS_REGISTERS : (size_t)line->destination_count * 16;
	uint8_t *memory = size > 0 ? take(block, size) : NULL;

	if (size == 0)
		return true;
	if (!memory)
		return false;
	row->reach = memory;
	if (line->sketch.len > 0) {
		row->estimated = destinations_sketch_read(line->sketch.at, line->sketch.len, memory);
		row->reach_len = DESTINATIONS_REGISTERS;
		return true;
	}
	for (size_t i = 0; i < line->destination_count; i++)
		row->reach_len = (uint16_t)(row->reach_len +
					    addr_to_bytes(&line->destination[i], memory + row->reach_len));
	return true;
}

static bool keep_details(struct block *block, const struct event_line *line, struct row *row)
{
	const void *parts = NULL, *reasons = NULL;
	bool kept = keep(block, line->parts, line->part_count * sizeof(line->parts[0]), &parts) &&
		    keep(block, line->reasons, line->reason_count * sizeof(line->reasons[0]), &reasons) &&
		    keep_reach(block, line, row);

	row->parts = parts;
	row->reasons = reasons;
	return kept;
}

static void fill_record(struct row *row, const struct event_line *line)
{
	row->packets = line->packets;
	row->blocked = line->blocked;
	row->offloaded = line->offloaded;
	row->attempts = line->attempts;
	row->destinations = line->destinations;
	row->destinations_exact = line->destinations_exact;
	row->iface = line->iface;
	row->names = (struct row_names){line->pool,   line->rule,    line->rule_kind, line->policy,
					line->reason, line->verdict, line->monitored, false};
	row->subscriber = line->subscriber;
	row->src = line->src;
	row->dst = line->dst;
	row->sport = line->sport;
	row->dport = line->dport;
	row->window_s = line->window_s;
	row->kind = (uint8_t)line->kind;
	row->part_count = line->part_count;
	row->reason_count = line->reason_count;
	row->reasons_as_written = line->reasons_as_written;
	row->rules_as_written = line->rules_as_written;
}

bool block_add(struct block *block, const struct siphash_key *key, const struct event_line *line,
	       const char *text, size_t len)
{
	struct row *row = &block->rows[block->row_count];
	const void *kept = NULL;

	*row = (struct row){
		.source_key = texts_key(key, &line->host, &line->boot_id),
		.seq = line->seq,
		.time_us = line->time_us,
		.first_us = line->first_us,
		.last_us = line->last_us,
		.host = line->host,
		.boot_id = line->boot_id,
		.notice = line->type == EVENT_LINE_NOTICE,
	};
	if (row->notice) {
		if (!keep(block, line, offsetof(struct event_line, parts), &kept))
			return false;
		row->line = kept;
		row->written = (struct json_text){.at = text, .len = (uint32_t)len};
	} else {
		fill_record(row, line);
		if (!keep_details(block, line, row))
			return false;
		row->way_key = block_way_key(key, &row->host, &row->names);
		row->subscriber_key = subscriber_key(key, &row->subscriber);
		row->iface_key = row->iface.len > 0 ? texts_key(key, &row->iface, NULL) : 0;
	}
	block->row_count++;
	return true;
}

/* What is left of the bytes after whole words is the last one. */
static uint64_t hash(const char *bytes, size_t len, uint64_t which)
{
	const struct siphash_key key = {UINT64_C(0x6f70323562207265), which};
	uint64_t sum[2] = {len, 0}, word;

	for (size_t at = 0; at < len; at += sizeof(word)) {
		size_t part = len - at < sizeof(word) ? len - at : sizeof(word);

		word = 0;
		memcpy(&word, bytes + at, part);
		sum[1] = word;
		sum[0] = siphash_words(&key, sum, 2);
	}
	return sum[0];
}

void block_head(const char *bytes, size_t len, uint8_t out[HEAD_BYTES])
{
	const uint64_t halves[2] = {hash(bytes, len, 1), hash(bytes, len, 2)};

	memcpy(out, halves, HEAD_BYTES);
}

void block_tail(const char *end, size_t len, uint8_t out[TAIL_BYTES])
{
	uint64_t value = hash(end - len, len, 3);

	memcpy(out, &value, TAIL_BYTES);
}
