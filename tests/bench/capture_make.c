/* SPDX-License-Identifier: GPL-2.0-or-later */
/* capture_make FILE PACKETS SOURCES SHARE: a pcap file of TCP SYNs over Ethernet, SHARE percent of them to port 25. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME = 60, RECORD = 16 + FRAME, FIRST_S = 1767225600, PER_SECOND = 100000 };

/* Small and fast, and the same everywhere. */
static uint32_t next_random(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + 1;
	return (uint32_t)(*state >> 33);
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

static void fill_frame(uint8_t *frame, uint32_t source, uint64_t *state, unsigned share)
{
	static const uint8_t form[] = {2, 0,    0, 0, 0,  1, 2, 0,    0, 0,  0, 2, 8,
				       0, 0x45, 0, 0, 40, 0, 0, 0x40, 0, 63, 6, 0, 0};
	bool mail = next_random(state) % 100 < share;

	memset(frame, 0, FRAME);
	memcpy(frame, form, sizeof(form));
	put32(frame + 26, 10U << 24 | 1U << 16 | source);
	put32(frame + 30, next_random(state) | 0xc0000000);
	put16(frame + 34, next_random(state) % 30000 + 32768);
	put16(frame + 36, mail ? 25 : 443);
	put32(frame + 38, next_random(state));
	frame[46] = 0x50;
	frame[47] = 2;
	put16(frame + 48, 64240);
}

static int write_all(FILE *out, uint64_t packets, uint32_t sources, unsigned share)
{
	static const uint32_t head[] = {0xa1b2c3d4, 4U << 16 | 2, 0, 0, 65535, 1};
	uint64_t state = 25;

	fwrite(head, sizeof(head), 1, out);
	for (uint64_t i = 0; i < packets; i++) {
		uint8_t record[RECORD];
		const uint32_t fields[] = {(uint32_t)(FIRST_S + i / PER_SECOND),
					   (uint32_t)(i % PER_SECOND * 10), FRAME, FRAME};

		memcpy(record, fields, sizeof(fields));
		fill_frame(record + sizeof(fields), next_random(&state) % sources, &state, share);
		fwrite(record, sizeof(record), 1, out);
	}
	return fclose(out) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	FILE *out = argc == 5 ? fopen(argv[1], "we") : NULL;

	if (!out) {
		fprintf(stderr, "usage: %s FILE PACKETS SOURCES SHARE\n", argv[0]);
		return 2;
	}
	return write_all(out, strtoull(argv[2], NULL, 10), (uint32_t)strtoul(argv[3], NULL, 10),
			 (unsigned)strtoul(argv[4], NULL, 10));
}
