/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	PROGRESS_BYTES = 64 * 1024 * 1024, /* smaller files are through before anybody wonders */
	PROGRESS_EVERY_MS = 200,
	BAR_WIDTH = 30,
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_wanted(void)
{
	const char *terminal = getenv("TERM"), *automatic = getenv("CI");

	return isatty(STDERR_FILENO) && !(automatic && automatic[0]) &&
	       !(terminal && strcmp(terminal, "dumb") == 0);
}

void replay_progress_begin(struct replay_progress *progress, const char *file)
{
	struct stat status;

	progress->file = file;
	progress->told_ms = now_ms() - PROGRESS_EVERY_MS;
	if (is_wanted() && strcmp(file, "-") != 0 && stat(file, &status) == 0 &&
	    status.st_size >= PROGRESS_BYTES)
		progress->bytes = (uint64_t)status.st_size;
}

/* Packed files unpack to more than they have, so the bar can be full before the end. */
void replay_progress_tell(struct replay_progress *progress)
{
	char bar[BAR_WIDTH + 1];
	uint64_t done = atomic_load_explicit(&progress->done_bytes, memory_order_relaxed), full;
	int64_t now;

	if (progress->bytes == 0)
		return;
	now = now_ms();
	if (now - progress->told_ms < PROGRESS_EVERY_MS)
		return;
	progress->told_ms = now;
	full = done < progress->bytes ? done * BAR_WIDTH / progress->bytes : BAR_WIDTH;
	memset(bar, '.', BAR_WIDTH);
	memset(bar, '#', full);
	bar[BAR_WIDTH] = '\0';
	/* What is printed to stderr has controls escaped, and the file's name may hold some. */
	(void)dprintf(STDERR_FILENO, "\r");
	fprintf(stderr, "%s: [%s] %" PRIu64 " packets", progress->file, bar,
		(uint64_t)atomic_load_explicit(&progress->done_packets, memory_order_relaxed));
}

void replay_progress_end(const struct replay_progress *progress)
{
	if (progress->bytes > 0)
		(void)dprintf(STDERR_FILENO, "\r\033[K");
}
