/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The capture that synthetic packets are written into: draft-ietf-opsawg-pcapng, sections 4.1 to 4.3. */
#include "synth/spec.h"

#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 6,
	LINK_ETHERNET = 1,
	OPTION_NAME = 2,
	OPTION_RESOLUTION = 9,
	INTERFACES_MAX = 65536,
};

struct synth {
	FILE *out;
	int64_t time_s; /* of the packet before */
	uint64_t count;
	char (*interfaces)[IF_NAME_MAX];
	size_t interface_count, interface_capacity;
};

static void write_u16(struct synth *synth, uint16_t value)
{
	fwrite(&value, sizeof(value), 1, synth->out);
}

static void write_u32(struct synth *synth, uint32_t value)
{
	fwrite(&value, sizeof(value), 1, synth->out);
}

static void write_padded(struct synth *synth, const void *bytes, size_t len)
{
	static const uint8_t zeros[4];

	fwrite(bytes, 1, len, synth->out);
	fwrite(zeros, 1, -len % 4, synth->out);
}

/* In this machine's byte order, which the section's head tells. */
static void write_section(struct synth *synth)
{
	static const uint32_t head[] = {BLOCK_SECTION, 28, 0x1a2b3c4d, 1, UINT32_MAX, UINT32_MAX, 28};

	fwrite(head, sizeof(head), 1, synth->out);
}

static void write_interface(struct synth *synth, const char *name)
{
	static const uint8_t nanoseconds = 9;
	size_t name_len = strlen(name);
	uint32_t named = name_len ? 4 + (uint32_t)(name_len + 3) / 4 * 4 : 0, len = 20 + named + 8 + 4;

	write_u32(synth, BLOCK_INTERFACE);
	write_u32(synth, len);
	write_u32(synth, LINK_ETHERNET);
	write_u32(synth, 0); /* no limit on a packet's length */
	if (named) {
		write_u16(synth, OPTION_NAME);
		write_u16(synth, (uint16_t)name_len);
		write_padded(synth, name, name_len);
	}
	write_u16(synth, OPTION_RESOLUTION);
	write_u16(synth, 1);
	write_padded(synth, &nanoseconds, 1);
	write_u32(synth, 0); /* end of options */
	write_u32(synth, len);
}

static int find_interface(struct synth *synth, const char *name, uint32_t *ret)
{
	size_t i = 0;

	while (i < synth->interface_count && strcmp(synth->interfaces[i], name) != 0)
		i++;
	if (i == INTERFACES_MAX)
		return -E2BIG;
	if (i == synth->interface_count) {
		if (!VEC_RESERVE(synth->interfaces, synth->interface_capacity, i + 1))
			return -ENOMEM;
		memcpy(synth->interfaces[synth->interface_count++], name, IF_NAME_MAX);
		write_interface(synth, name);
	}
	*ret = (uint32_t)i;
	return 0;
}

static void write_packet(struct synth *synth, uint32_t interface, int64_t time_ns, const uint8_t *frame,
			 size_t captured, size_t wire)
{
	uint32_t len = 32 + (uint32_t)(captured + 3) / 4 * 4;
	uint64_t ticks = (uint64_t)time_ns;
	const uint32_t head[] = {
		BLOCK_PACKET,       len,           interface, (uint32_t)(ticks >> 32), (uint32_t)ticks,
		(uint32_t)captured, (uint32_t)wire};

	fwrite(head, sizeof(head), 1, synth->out);
	write_padded(synth, frame, captured);
	write_u32(synth, len);
	synth->count++;
}

int synth_new(FILE *out, int64_t start_s, struct synth **ret)
{
	struct synth *synth = calloc(1, sizeof(*synth));

	if (!synth)
		return -ENOMEM;
	synth->out = out;
	synth->time_s = start_s;
	write_section(synth);
	*ret = synth;
	return 0;
}

/* Nanoseconds since 1970 fit 64 bits until this second, in the year 2262. */
static int check_time(const struct line *line, const struct synth_spec *spec)
{
	if (spec->time_s <= INT64_MAX / NSEC_PER_SEC - SYNTH_TIMES_MAX)
		return 0;
	return line_wrong(line, "take an earlier date", "captures end with the year 2261");
}

static int write_spec(struct synth *synth, struct synth_spec *spec)
{
	uint8_t frame[SYNTH_FRAME_MAX];
	uint32_t interface;
	int r = find_interface(synth, spec->interface, &interface);

	for (uint32_t i = 0; i < spec->times && r == 0; i++) {
		size_t captured, wire = synth_build(spec, frame, &captured);

		write_packet(synth, interface, spec->time_s * NSEC_PER_SEC, frame, captured, wire);
		synth->time_s = spec->time_s++;
		spec->seq++;
	}
	return r;
}

int synth_line(struct synth *synth, struct line *line)
{
	struct synth_spec spec = {.time_s = synth->time_s,
				  .times = 1,
				  .ttl = 64,
				  .id = 1,
				  .sport = 49152,
				  .dport = 25,
				  .seq = 1000,
				  .window = 64240};
	struct line ahead = *line;
	int r;

	if (!line_next(&ahead))
		return 0;
	r = synth_parse(line, &spec);
	if (r == 0)
		r = check_time(line, &spec);
	return r < 0 ? r : write_spec(synth, &spec);
}

uint64_t synth_count(const struct synth *synth)
{
	return synth->count;
}

void synth_free(struct synth *synth)
{
	if (!synth)
		return;
	free(synth->interfaces);
	free(synth);
}
