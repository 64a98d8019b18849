/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture/write.h"

#include "base/siphash.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* draft-ietf-opsawg-pcapng: block types, options. */
enum {
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 6,
	BLOCK_FRAME = 12,
	SECTION_LEN = 28,
	INTERFACE_FIXED = 8,
	PACKET_FIXED = 20,
	OPTION_HEAD = 4,
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	OPTION_NAME = 2,
	OPTION_RESOLUTION = 9,
	INTERFACES_MAX = 65536,
	TEXT_MAX = 65535,
	FIRST_PLACES = 64,
	HASHED_MAX = 64,
	LINK_TYPE_MAX = 65535,
};

#define BLOCK_SECTION    UINT32_C(0x0a0d0d0a)
#define BYTE_ORDER_MAGIC UINT32_C(0x1a2b3c4d)

struct written_interface {
	char *name; /* NULL: it has none */
	int link_type;
};

struct capture_writer {
	FILE *file;
	struct written_interface *interfaces;
	size_t count, capacity;
	uint32_t *places; /* hash table of indexes into interfaces plus 1; 0: an empty place */
	size_t place_count;
};

static void put16(FILE *file, unsigned value)
{
	fputc((int)(value & 0xff), file);
	fputc((int)(value >> 8 & 0xff), file);
}

static void put32(FILE *file, uint32_t value)
{
	put16(file, value & 0xffff);
	put16(file, value >> 16);
}

static size_t padded(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

static void put_padded(FILE *file, const void *bytes, size_t len)
{
	static const uint8_t zeros[4];

	if (len > 0)
		fwrite(bytes, 1, len, file);
	fwrite(zeros, 1, padded(len) - len, file);
}

static void put_option(FILE *file, unsigned code, const void *value, size_t len)
{
	put16(file, code);
	put16(file, (unsigned)len);
	put_padded(file, value, len);
}

static size_t option_size(size_t len)
{
	return OPTION_HEAD + padded(len);
}

static void put_section(FILE *file)
{
	put32(file, BLOCK_SECTION);
	put32(file, SECTION_LEN);
	put32(file, BYTE_ORDER_MAGIC);
	put16(file, 1);
	put16(file, 0);
	put32(file, UINT32_MAX); /* the section's length is not told */
	put32(file, UINT32_MAX);
	put32(file, SECTION_LEN);
}

int capture_writer_new(FILE *file, struct capture_writer **ret)
{
	struct capture_writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return -ENOMEM;
	writer->file = file;
	put_section(file);
	*ret = writer;
	return 0;
}

/* ---- interfaces ---- */

static void put_interface(FILE *file, const struct written_interface *interface)
{
	static const uint8_t nanoseconds = 9;
	size_t name = interface->name ? strnlen(interface->name, TEXT_MAX) : 0;
	size_t total = BLOCK_FRAME + INTERFACE_FIXED + (interface->name ? option_size(name) : 0) +
		       option_size(1) + OPTION_HEAD;

	put32(file, BLOCK_INTERFACE);
	put32(file, (uint32_t)total);
	put16(file, (unsigned)interface->link_type);
	put16(file, 0);
	put32(file, 0); /* packets of any length */
	if (interface->name)
		put_option(file, OPTION_NAME, interface->name, name);
	put_option(file, OPTION_RESOLUTION, &nanoseconds, 1);
	put_option(file, OPTION_END, NULL, 0);
	put32(file, (uint32_t)total);
}

static bool is_same(const struct written_interface *a, const char *name, int link_type)
{
	if (a->link_type != link_type || !a->name != !name)
		return false;
	return !name || strcmp(a->name, name) == 0;
}

/* The key is fixed: where an entry stands in the table is seen nowhere, and its names are at most 65536. */
static uint32_t *find_place(const struct capture_writer *writer, const char *name, int link_type)
{
	static const struct siphash_key key = {25, 587};
	uint64_t words[HASHED_MAX / sizeof(uint64_t) + 1] = {0};
	size_t mask = writer->place_count - 1, at;

	if (name)
		memcpy(words, name, strnlen(name, HASHED_MAX));
	words[HASHED_MAX / sizeof(uint64_t)] = (uint64_t)link_type;
	at = siphash_words(&key, words, sizeof(words) / sizeof(words[0])) & mask;
	while (writer->places[at] != 0 &&
	       !is_same(&writer->interfaces[writer->places[at] - 1], name, link_type))
		at = (at + 1) & mask;
	return &writer->places[at];
}

static int reserve_place(struct capture_writer *writer)
{
	size_t count = writer->place_count > 0 ? writer->place_count * 2 : FIRST_PLACES;
	uint32_t *places;

	if ((writer->count + 1) * 2 <= writer->place_count)
		return 0;
	places = calloc(count, sizeof(*places));
	if (!places)
		return -ENOMEM;
	free(writer->places);
	writer->places = places;
	writer->place_count = count;
	for (size_t i = 0; i < writer->count; i++)
		*find_place(writer, writer->interfaces[i].name, writer->interfaces[i].link_type) =
			(uint32_t)i + 1;
	return 0;
}

static int add_interface(struct capture_writer *writer, const char *name, int link_type)
{
	struct written_interface added = {.link_type = link_type};

	if (writer->count == INTERFACES_MAX)
		return -E2BIG;
	if (!VEC_RESERVE(writer->interfaces, writer->capacity, writer->count + 1))
		return -ENOMEM;
	if (name) {
		added.name = strdup(name);
		if (!added.name)
			return -ENOMEM;
	}
	writer->interfaces[writer->count++] = added;
	put_interface(writer->file, &added);
	return 0;
}

/* Its number in the file, where it is described when it first occurs. */
static int interface_of(struct capture_writer *writer, const struct capture_record *record, uint32_t *ret)
{
	uint32_t *place;
	int r = reserve_place(writer);

	if (r < 0)
		return r;
	place = find_place(writer, record->interface, record->link_type);
	if (*place == 0) {
		r = add_interface(writer, record->interface, record->link_type);
		if (r < 0)
			return r;
		*place = (uint32_t)writer->count;
	}
	*ret = *place - 1;
	return 0;
}

/* ---- packets ---- */

static void put_packet(FILE *file, uint32_t interface, const struct capture_record *record,
		       const char *comment)
{
	uint64_t ticks = record->time_ns > 0 ? (uint64_t)record->time_ns : 0;
	size_t text = strnlen(comment, TEXT_MAX);
	size_t total = BLOCK_FRAME + PACKET_FIXED + padded(record->len) + option_size(text) + OPTION_HEAD;

	put32(file, BLOCK_PACKET);
	put32(file, (uint32_t)total);
	put32(file, interface);
	put32(file, (uint32_t)(ticks >> 32));
	put32(file, (uint32_t)ticks);
	put32(file, (uint32_t)record->len);
	put32(file, (uint32_t)record->wire_len);
	put_padded(file, record->bytes, record->len);
	put_option(file, OPTION_COMMENT, comment, text);
	put_option(file, OPTION_END, NULL, 0);
	put32(file, (uint32_t)total);
}

int capture_writer_add(struct capture_writer *writer, const struct capture_record *record,
		       const char *comment)
{
	uint32_t interface = 0;
	int r;

	if (record->link_type < 0 || record->link_type > LINK_TYPE_MAX)
		return -EINVAL;
	r = interface_of(writer, record, &interface);
	if (r < 0)
		return r;
	put_packet(writer->file, interface, record, comment);
	return 0;
}

void capture_writer_free(struct capture_writer *writer)
{
	if (!writer)
		return;
	for (size_t i = 0; i < writer->count; i++)
		free(writer->interfaces[i].name);
	free(writer->interfaces);
	free(writer->places);
	free(writer);
}
