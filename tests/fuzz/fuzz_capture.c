/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a capture file: every record within its bounds, and an end or an error with a text. A pipe, which leaves
 * no way round libpcap, runs of records, and the parts of a file, where they fit together, must tell the same.
 */
#include "capture/capture.h"

#include "../lib/packet_facts.h"
#include "entry.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PIPE_MAX = 65536, PARTS = 3, MANY = 5 };

/* What reading gave: how it ended, how many records, and a number for all that stands in them. */
struct told {
	int result;
	uint64_t count, digest;
	struct capture_error error;
};

static void mix(struct told *told, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		told->digest = (told->digest ^ ((const uint8_t *)bytes)[i]) * UINT64_C(0x100000001b3);
}

static void check_record(const struct capture_record *record, struct told *told)
{
	const uint64_t numbers[] = {record->len, record->wire_len, (uint64_t)record->time_ns,
				    (uint64_t)record->link_type, record->has_time};
	struct packet packet;

	if (record->wire_len < record->len)
		abort();
	packet_parse_link(record->link, record->bytes, record->len, record->wire_len, &packet);
	if (packet_facts_broken(&packet))
		abort();
	mix(told, numbers, sizeof(numbers));
	mix(told, record->bytes, record->len);
	told->count++;
}

/* A run's records, which must agree with what it says of all of them. */
static void check_run(const struct capture *capture, const struct capture_run *run, struct told *told)
{
	for (size_t i = 0; i < run->count; i++) {
		struct capture_record record;

		capture_run_record(capture, run, i, &record);
		if (record.bytes != run->bytes[i] || record.len != run->len[i] || record.link != run->link ||
		    record.time_ns / 1000000000 != run->second || record.number != told->count + 1)
			abort();
		check_record(&record, told);
	}
}

/* by_runs: as far as that goes. */
static void read_capture(struct capture *capture, bool by_runs, struct told *told)
{
	struct capture_record records[MANY];
	struct capture_run run;
	int n = 1;

	while (n > 0) {
		if (by_runs && capture_next_run(capture, &run) > 0) {
			check_run(capture, &run, told);
			continue;
		}
		n = capture_next_many(capture, records, MANY);
		for (int i = 0; i < n; i++)
			check_record(&records[i], told);
	}
	told->result = n;
	told->error = *capture_failure(capture);
	if ((told->error.text[0] != '\0') != (n < 0))
		abort();
}

static bool is_same(const struct told *a, const struct told *b)
{
	return a->result == b->result && a->count == b->count && a->digest == b->digest &&
	       strcmp(a->error.text, b->error.text) == 0 && a->error.offset == b->error.offset;
}

static void read_runs(const char *path, const struct told *wanted)
{
	struct capture *capture = NULL;
	struct told told = {0};

	if (capture_open(path, &capture, &told.error) < 0)
		abort();
	read_capture(capture, true, &told);
	capture_close(capture);
	if (!is_same(&told, wanted))
		abort();
}

/* Parts that do not fit together were guessed wrong, and say nothing. */
static void read_parts(const struct capture *whole, const struct told *wanted)
{
	uint64_t size = capture_size(whole), at = 24;
	struct told told = {0};

	for (unsigned i = 0; size > 0 && i < PARTS; i++) {
		struct capture *part = NULL;
		bool fits;

		if (capture_open_part(whole, size * i / PARTS, size * (i + 1) / PARTS, &part) < 0)
			return;
		fits = capture_begin(part) == at;
		if (fits)
			read_capture(part, false, &told);
		at = capture_position(part);
		capture_close(part);
		if (!fits || told.result < 0)
			return;
	}
	if (at == size &&
	    (wanted->result != 0 || told.count != wanted->count || told.digest != wanted->digest))
		abort();
}

/* False when the bytes are refused before the first record. */
static bool read_path(const char *path, struct told *told)
{
	struct capture *capture = NULL;

	memset(told, 0, sizeof(*told));
	if (capture_open(path, &capture, &told->error) < 0)
		return false;
	read_capture(capture, false, told);
	read_parts(capture, told);
	capture_close(capture);
	return true;
}

static void read_pipe(const uint8_t *data, size_t size, bool wanted_opened, const struct told *wanted)
{
	struct told told;
	int ends[2];
	char path[64];
	bool opened;

	if (size > PIPE_MAX || pipe2(ends, O_CLOEXEC) < 0)
		return;
	if (write(ends[1], data, size) != (ssize_t)size)
		abort();
	close(ends[1]);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	opened = read_path(path, &told);
	close(ends[0]);
	if (opened != wanted_opened || told.result != wanted->result || told.count != wanted->count ||
	    told.digest != wanted->digest || strcmp(told.error.text, wanted->error.text) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int file = memfd_create("capture", MFD_CLOEXEC);
	struct told told;
	char path[64];

	if (file < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	if (write(file, data, size) == (ssize_t)size) {
		bool opened = read_path(path, &told);

		if (opened)
			read_runs(path, &told);
		read_pipe(data, size, opened, &told);
	}
	close(file);
	return 0;
}
