/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a capture file: every record within its bounds, and an end or an error with a text. */
#include "capture/capture.h"

#include "../lib/packet_facts.h"
#include "entry.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void check_record(const struct capture_record *record)
{
	struct packet packet;

	if (record->wire_len < record->len)
		abort();
	packet_parse_link(record->link, record->bytes, record->len, record->wire_len, &packet);
	if (packet_facts_broken(&packet))
		abort();
}

static void read_all(const char *path)
{
	struct capture *capture = NULL;
	struct capture_error error;
	struct capture_record record;
	int r;

	if (capture_open(path, &capture, &error) < 0)
		return;
	while ((r = capture_next(capture, &record)) == 1)
		check_record(&record);
	if ((capture_failure(capture)->text[0] != '\0') != (r < 0))
		abort();
	capture_close(capture);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int file = memfd_create("capture", MFD_CLOEXEC);
	char path[64];

	if (file < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	if (write(file, data, size) == (ssize_t)size)
		read_all(path);
	close(file);
	return 0;
}
