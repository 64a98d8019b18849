/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our own reader of pcapng (draft-ietf-opsawg-pcapng), because libpcap 1.10.3 ends a file with "an interface has
 * a type 0 different from the type of the first interface" as soon as two interfaces differ in link type or snapshot
 * length (of the four packets of gopacket's test201.pcapng it reads none), and never tells the interfaces' names
 * (if_name), which the direction of a packet depends on. Every length is checked against its block, every block against BLOCK_MAX.
 */
#include "base/moment.h"
#include "base/vec.h"
#include "capture/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 2, /* obsolete */
	BLOCK_SIMPLE_PACKET = 3,
	BLOCK_ENHANCED_PACKET = 6,
	BLOCK_JOURNAL = 9,
	BLOCK_CUSTOM = 0x00000bad,
	BLOCK_CUSTOM_PRIVATE = 0x40000bad,
};

enum {
	BLOCK_FRAME = 12, /* type and length in front, the length again behind */
	BLOCK_MAX = 16 * 1024 * 1024,
	SECTION_FIXED = 16,
	INTERFACE_FIXED = 8,
	PACKET_FIXED = 20,
	SIMPLE_FIXED = 4,
	OPTION_END = 0,
	OPTION_NAME = 2,
	OPTION_RESOLUTION = 9,
	OPTION_OFFSET = 14,
	SECTION_MAJOR = 1,
	INTERFACES_MAX = 65536,
};

#define BYTE_ORDER_MAGIC UINT32_C(0x1a2b3c4d)

struct interface {
	char *name; /* NULL when the file gives none */
	int link_type;
	uint32_t snaplen; /* 0: unlimited */
	uint8_t resolution;
	int64_t offset_s;
};

struct source {
	FILE *file;
	uint64_t offset; /* of the block at hand */
	uint64_t next;   /* of the block behind it */
	bool big_endian; /* the section at hand */
	struct interface *interfaces;
	size_t count;
	size_t capacity;
	uint8_t *body; /* of the block at hand, without its frame */
	size_t body_len;
	size_t body_capacity;
};

static uint16_t get16(const struct source *source, const uint8_t *bytes)
{
	unsigned first = bytes[0];
	unsigned second = bytes[1];

	return (uint16_t)(source->big_endian ? first << 8 | second : second << 8 | first);
}

static uint32_t get32(const struct source *source, const uint8_t *bytes)
{
	uint32_t first = get16(source, bytes);
	uint32_t second = get16(source, bytes + 2);

	return source->big_endian ? first << 16 | second : second << 16 | first;
}

static uint64_t get64(const struct source *source, const uint8_t *bytes)
{
	uint64_t first = get32(source, bytes);
	uint64_t second = get32(source, bytes + 4);

	return source->big_endian ? first << 32 | second : second << 32 | first;
}

static size_t padded(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

static void forget_interfaces(struct source *source)
{
	for (size_t i = 0; i < source->count; i++)
		free(source->interfaces[i].name);
	source->count = 0;
}

/* A read that ends early is damage, unless the system says that it failed. */
static int cut_short(const struct source *source, struct capture_error *error)
{
	int code = ferror(source->file) ? errno : 0;

	if (code == 0)
		return source_damaged(error, source->offset, "the file ends in the middle of a block");
	(void)source_damaged(error, source->offset, "%s", strerror(code));
	return -code;
}

static int read_exactly(const struct source *source, uint8_t *bytes, size_t len, struct capture_error *error)
{
	return fread(bytes, 1, len, source->file) == len ? 0 : cut_short(source, error);
}

static int check_trailer(const struct source *source, uint32_t total, struct capture_error *error)
{
	uint8_t trailer[4];
	int r = read_exactly(source, trailer, sizeof(trailer), error);

	if (r < 0)
		return r;
	if (get32(source, trailer) != total)
		return source_damaged(error, source->offset, "a block's two lengths differ: %u and %u", total,
				      get32(source, trailer));
	return 0;
}

static bool is_known(uint32_t type)
{
	switch (type) {
	case BLOCK_SECTION:
	case BLOCK_INTERFACE:
	case BLOCK_PACKET:
	case BLOCK_SIMPLE_PACKET:
	case BLOCK_ENHANCED_PACKET:
	case BLOCK_JOURNAL:
	case BLOCK_CUSTOM:
	case BLOCK_CUSTOM_PRIVATE:
		return true;
	default:
		return false;
	}
}

/* By reading, not by seeking, which pipes refuse. */
static int skip_body(const struct source *source, size_t len, struct capture_error *error)
{
	uint8_t bytes[4096];

	while (len > 0) {
		size_t part = len < sizeof(bytes) ? len : sizeof(bytes);
		int r = read_exactly(source, bytes, part, error);

		if (r < 0)
			return r;
		len -= part;
	}
	return 0;
}

/* In steps, so that a length alone never claims memory that the file has no bytes for. */
static int load_body(struct source *source, size_t have, size_t len, struct capture_error *error)
{
	enum { STEP = 65536 };

	while (have < len) {
		size_t part = len - have < STEP ? len - have : STEP;
		int r;

		if (!VEC_RESERVE(source->body, source->body_capacity, have + part)) {
			(void)source_damaged(error, source->offset, "out of memory");
			return -ENOMEM;
		}
		r = read_exactly(source, source->body + have, part, error);
		if (r < 0)
			return r;
		have += part;
	}
	source->body_len = len;
	return 0;
}

/*
 * A section header says in its body which byte order its own length has: that much of it is read first. Returns the
 * bytes of the body that are loaded so.
 */
static int learn_byte_order(struct source *source, struct capture_error *error)
{
	int r = load_body(source, 0, 4, error);

	if (r < 0)
		return r;
	source->big_endian = true;
	if (get32(source, source->body) == BYTE_ORDER_MAGIC)
		return 4;
	source->big_endian = false;
	if (get32(source, source->body) == BYTE_ORDER_MAGIC)
		return 4;
	return source_damaged(error, source->offset, "a section header without a byte-order mark");
}

/* The next block's type, with its body loaded if it is one we read. 1, 0 at the end of the file, or a negative errno. */
static int read_block(struct source *source, uint32_t *ret_type, struct capture_error *error)
{
	uint8_t front[8];
	size_t got = fread(front, 1, sizeof(front), source->file);
	uint32_t type, total;
	int have = 0, r;

	source->offset = source->next;
	if (got == 0 && !ferror(source->file))
		return 0;
	if (got < sizeof(front))
		return cut_short(source, error);
	type = get32(source, front);
	if (type == BLOCK_SECTION) {
		have = learn_byte_order(source, error);
		if (have < 0)
			return have;
	}
	total = get32(source, front + 4);
	if (total < BLOCK_FRAME + (uint32_t)have || total % 4 != 0)
		return source_damaged(error, source->offset, "a block of impossible length %u", total);
	if (is_known(type) && total > BLOCK_MAX)
		return source_damaged(error, source->offset, "a block of %u bytes, more than the limit of %d",
				      total, BLOCK_MAX);
	r = is_known(type) ? load_body(source, (size_t)have, total - BLOCK_FRAME, error)
			   : skip_body(source, total - BLOCK_FRAME, error);
	if (r == 0)
		r = check_trailer(source, total, error);
	if (r < 0)
		return r;
	source->next = source->offset + total;
	*ret_type = type;
	return 1;
}

static int read_section(struct source *source, struct capture_error *error)
{
	if (source->body_len < SECTION_FIXED)
		return source_damaged(error, source->offset, "a section header of %zu bytes",
				      source->body_len);
	if (get16(source, source->body + 4) != SECTION_MAJOR)
		return source_damaged(error, source->offset, "pcapng version %u.%u, which nobody has defined",
				      get16(source, source->body + 4), get16(source, source->body + 6));
	forget_interfaces(source);
	return 0;
}

static int read_interface_option(const struct source *source, unsigned code, const uint8_t *value, size_t len,
				 struct interface *interface)
{
	char *name;

	if (code == OPTION_RESOLUTION && len >= 1)
		interface->resolution = value[0];
	if (code == OPTION_OFFSET && len >= 8)
		interface->offset_s = (int64_t)get64(source, value);
	if (code != OPTION_NAME || len == 0)
		return 0;
	name = strndup((const char *)value, len);
	if (!name)
		return -ENOMEM;
	free(interface->name);
	interface->name = name;
	return 0;
}

static int read_interface_options(const struct source *source, struct interface *interface,
				  struct capture_error *error)
{
	size_t at = INTERFACE_FIXED;

	while (source->body_len - at >= 4) {
		unsigned code = get16(source, source->body + at);
		size_t len = get16(source, source->body + at + 2);

		at += 4;
		if (code == OPTION_END)
			return 0;
		if (padded(len) > source->body_len - at)
			return source_damaged(error, source->offset,
					      "an interface's option of %zu bytes leaves its block", len);
		if (read_interface_option(source, code, source->body + at, len, interface) < 0) {
			(void)source_damaged(error, source->offset, "out of memory");
			return -ENOMEM;
		}
		at += padded(len);
	}
	return 0;
}

/* Powers of ten up to 19 and of two up to 63 fit into 64 bits. */
static bool resolution_is_known(uint8_t resolution)
{
	return resolution & 0x80 ? (resolution & 0x7f) < 64 : resolution < 20;
}

static int read_interface(struct source *source, struct capture_error *error)
{
	struct interface interface = {.resolution = 6};
	int r;

	if (source->body_len < INTERFACE_FIXED)
		return source_damaged(error, source->offset, "an interface description of %zu bytes",
				      source->body_len);
	if (source->count == INTERFACES_MAX)
		return source_damaged(error, source->offset, "more than %d interfaces", INTERFACES_MAX);
	if (!VEC_RESERVE(source->interfaces, source->capacity, source->count + 1)) {
		(void)source_damaged(error, source->offset, "out of memory");
		return -ENOMEM;
	}
	interface.link_type = get16(source, source->body);
	interface.snaplen = get32(source, source->body + 4);
	r = read_interface_options(source, &interface, error);
	if (r == 0 && !resolution_is_known(interface.resolution))
		r = source_damaged(error, source->offset,
				   "an interface with timestamps finer than 64 bits can count");
	if (r < 0) {
		free(interface.name);
		return r;
	}
	source->interfaces[source->count++] = interface;
	return 0;
}

/* The part of a second that `ticks`, less than one second's worth, stand for. */
static int64_t fraction_ns(uint64_t ticks, unsigned exponent, bool is_binary)
{
	if (is_binary) {
		if (exponent > 32)
			return (int64_t)((ticks >> (exponent - 32)) * NSEC_PER_SEC >> 32);
		return (int64_t)(ticks * NSEC_PER_SEC >> exponent);
	}
	for (; exponent > 9; exponent--)
		ticks /= 10;
	for (; exponent < 9; exponent++)
		ticks *= 10;
	return (int64_t)ticks;
}

/* Times that nanoseconds in 64 bits cannot hold come out as the nearest that they can. */
static int64_t time_ns(const struct interface *interface, uint64_t ticks)
{
	bool is_binary = interface->resolution & 0x80;
	unsigned exponent = interface->resolution & 0x7f;
	uint64_t per_second = 1;
	int64_t s, ns;

	for (unsigned i = 0; i < exponent; i++)
		per_second *= is_binary ? 2 : 10;
	if (ticks / per_second > INT64_MAX)
		return INT64_MAX;
	if (__builtin_add_overflow((int64_t)(ticks / per_second), interface->offset_s, &s) ||
	    __builtin_mul_overflow(s, NSEC_PER_SEC, &ns) ||
	    __builtin_add_overflow(ns, fraction_ns(ticks % per_second, exponent, is_binary), &ns))
		return interface->offset_s < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

static const struct interface *find_interface(const struct source *source, size_t id,
					      struct capture_error *error)
{
	if (id < source->count)
		return &source->interfaces[id];
	(void)source_damaged(error, source->offset,
			     "a packet of interface %zu, of which the section has only %zu", id,
			     source->count);
	return NULL;
}

static void fill_record(const struct interface *interface, const uint8_t *bytes, size_t len, size_t wire_len,
			struct capture_record *ret)
{
	*ret = (struct capture_record){
		.bytes = bytes,
		.len = len,
		.wire_len = wire_len,
		.has_time = true,
		.link_type = interface->link_type,
		.interface = interface->name,
	};
}

/* The enhanced and the obsolete packet block differ only in the first four bytes: the interface's number. */
static int read_packet(const struct source *source, bool is_obsolete, struct capture_record *ret,
		       struct capture_error *error)
{
	const uint8_t *body = source->body;
	const struct interface *interface;
	uint64_t ticks;
	size_t len;

	if (source->body_len < PACKET_FIXED)
		return source_damaged(error, source->offset, "a packet block of %zu bytes", source->body_len);
	interface = find_interface(source, is_obsolete ? get16(source, body) : get32(source, body), error);
	if (!interface)
		return -EBADMSG;
	len = get32(source, body + 12);
	if (len > source->body_len - PACKET_FIXED)
		return source_damaged(error, source->offset, "a packet of %zu bytes leaves its block", len);
	ticks = (uint64_t)get32(source, body + 4) << 32 | get32(source, body + 8);
	fill_record(interface, body + PACKET_FIXED, len, get32(source, body + 16), ret);
	ret->time_ns = time_ns(interface, ticks);
	return 1;
}

/* Always of the section's first interface, and cut at that one's snapshot length. */
static int read_simple_packet(const struct source *source, struct capture_record *ret,
			      struct capture_error *error)
{
	const struct interface *interface = find_interface(source, 0, error);
	size_t len, wire_len;

	if (!interface)
		return -EBADMSG;
	if (source->body_len < SIMPLE_FIXED)
		return source_damaged(error, source->offset, "a simple packet block of %zu bytes",
				      source->body_len);
	wire_len = get32(source, source->body);
	len = interface->snaplen != 0 && interface->snaplen < wire_len ? interface->snaplen : wire_len;
	if (len > source->body_len - SIMPLE_FIXED)
		return source_damaged(error, source->offset, "a packet of %zu bytes leaves its block", len);
	fill_record(interface, source->body + SIMPLE_FIXED, len, wire_len, ret);
	ret->has_time = false;
	return 1;
}

/*
 * Journal entries and what only its maker can read: a record that shows no packet, so that the counts agree with
 * Wireshark's, and nothing that could be one goes unseen.
 */
static int read_foreign(const struct source *source, struct capture_record *ret)
{
	*ret = (struct capture_record){
		.bytes = source->body,
		.len = source->body_len,
		.wire_len = source->body_len,
		.link_type = CAPTURE_LINK_NONE,
	};
	return 1;
}

/* 1 when the block was a packet, 0 when it was something else. */
static int read_body(struct source *source, uint32_t type, struct capture_record *ret,
		     struct capture_error *error)
{
	switch (type) {
	case BLOCK_SECTION:
		return read_section(source, error);
	case BLOCK_INTERFACE:
		return read_interface(source, error);
	case BLOCK_PACKET:
	case BLOCK_ENHANCED_PACKET:
		return read_packet(source, type == BLOCK_PACKET, ret, error);
	case BLOCK_SIMPLE_PACKET:
		return read_simple_packet(source, ret, error);
	case BLOCK_JOURNAL:
	case BLOCK_CUSTOM:
	case BLOCK_CUSTOM_PRIVATE:
		return read_foreign(source, ret);
	default:
		return 0;
	}
}

/* One at a time: the next block takes this one's place. */
static int next(struct source *source, struct capture_record *records, size_t max,
		struct capture_error *error)
{
	for (;;) {
		uint32_t type = 0;
		int r = read_block(source, &type, error);

		if (r <= 0)
			return r;
		r = read_body(source, type, records, error);
		if (r != 0)
			return r;
	}
}

static void close_source(struct source *source)
{
	forget_interfaces(source);
	free(source->interfaces);
	free(source->body);
	if (source->file != stdin)
		fclose(source->file);
	free(source);
}

const struct source_kind source_pcapng = {.next = next, .close = close_source};

/* The first section header is read with the first packet: what is damaged in it is reported like all damage. */
int pcapng_source_open(FILE *file, struct source **ret, struct capture_error *error)
{
	struct source *source = calloc(1, sizeof(*source));

	if (!source) {
		(void)source_damaged(error, 0, "out of memory");
		return -ENOMEM;
	}
	source->file = file;
	*ret = source;
	return 0;
}
