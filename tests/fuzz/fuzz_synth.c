/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as lines of packets: refused with a finding, or a capture that reads to its end with as many packets. */
#include "capture/capture.h"
#include "synth/synth.h"

#include "../lib/packet_facts.h"
#include "entry.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PACKETS_MAX = 1000 };

static int take_line(void *context, struct line *line)
{
	struct synth *synth = context;
	size_t findings = line->diags->errors;
	int r;

	if (synth_count(synth) > PACKETS_MAX)
		return -E2BIG;
	r = synth_line(synth, line);
	if ((r == -EINVAL) != (line->diags->errors > findings))
		abort();
	return r;
}

static void must_read(int fd, uint64_t wanted)
{
	struct capture *capture = NULL;
	struct capture_error error;
	struct capture_record record;
	uint64_t count = 0;
	char path[64];
	int r;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (capture_open(path, &capture, &error) < 0)
		abort();
	while ((r = capture_next(capture, &record)) == 1) {
		struct packet packet;

		packet_parse_link(record.link, record.bytes, record.len, record.wire_len, &packet);
		if (packet_facts_broken(&packet))
			abort();
		count++;
	}
	if (r < 0 || count != wanted)
		abort();
	capture_close(capture);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diag_list diags = {0};
	struct synth *synth = NULL;
	FILE *in = size ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
	int fd = memfd_create("synth", MFD_CLOEXEC);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

	if (in && out && synth_new(out, 0, &synth) == 0) {
		(void)line_read_all(in, "fuzz", &diags, take_line, synth);
		fflush(out);
		must_read(fd, synth_count(synth));
	}
	synth_free(synth);
	diag_list_free(&diags);
	if (in)
		fclose(in);
	if (out)
		fclose(out);
	return 0;
}
