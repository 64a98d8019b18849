/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever is read from any bytes is written again, and reads as the same packets. */
#include "capture/capture.h"
#include "capture/write.h"

#include "entry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { NAME_MAX_LEN = 65535, WRITTEN_MAX = 1 << 20 };

struct memory_file {
	int file;
	char path[64];
};

static bool open_memory(struct memory_file *memory)
{
	memory->file = memfd_create("capture", MFD_CLOEXEC);
	snprintf(memory->path, sizeof(memory->path), "/proc/self/fd/%d", memory->file);
	return memory->file >= 0;
}

/* Sooner or later the bytes come to an end. Only what has a place in the format is written. */
static void write_again(const char *from, FILE *out)
{
	struct capture *capture = NULL;
	struct capture_writer *writer = NULL;
	struct capture_error error;
	struct capture_record record;

	if (capture_writer_new(out, &writer) < 0)
		return;
	if (capture_open(from, &capture, &error) == 0) {
		while (capture_next(capture, &record) == 1 && ftello(out) < WRITTEN_MAX)
			(void)capture_writer_add(writer, &record, "op25b: accept");
	}
	capture_close(capture);
	capture_writer_free(writer);
}

static bool is_same_name(const char *a, const char *b)
{
	return (a == NULL) == (b == NULL) && (!a || strncmp(a, b, NAME_MAX_LEN) == 0);
}

static void compare(const struct capture_record *was, const struct capture_record *is)
{
	int64_t time_ns = was->time_ns > 0 ? was->time_ns : 0;
	const char *name = was->interface && was->interface[0] ? was->interface : NULL;

	if (was->len != is->len || was->wire_len != is->wire_len ||
	    memcmp(was->bytes, is->bytes, was->len) != 0 || was->link_type != is->link_type ||
	    is->time_ns != time_ns || !is_same_name(name, is->interface))
		abort();
}

static void compare_files(const char *first, const char *second)
{
	struct capture *was = NULL, *is = NULL;
	struct capture_error error;
	struct capture_record old, new;

	if (capture_open(second, &is, &error) < 0)
		abort();
	if (capture_open(first, &was, &error) == 0) {
		while (capture_next(is, &new) == 1) {
			do {
				if (capture_next(was, &old) != 1)
					abort();
			} while (old.link_type == CAPTURE_LINK_NONE);
			compare(&old, &new);
		}
	}
	if (capture_next(is, &new) != 0)
		abort();
	capture_close(was);
	capture_close(is);
}

static void check(const struct memory_file *first, const struct memory_file *second)
{
	FILE *out = fdopen(dup(second->file), "wb");

	if (!out)
		return;
	write_again(first->path, out);
	if (fclose(out) == 0)
		compare_files(first->path, second->path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory_file first, second;

	if (!open_memory(&first))
		return 0;
	if (open_memory(&second)) {
		if (write(first.file, data, size) == (ssize_t)size)
			check(&first, &second);
		close(second.file);
	}
	close(first.file);
	return 0;
}
