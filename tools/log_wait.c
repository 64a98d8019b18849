/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who waits for an answer out of many records is told that the program is at work, on a terminal and until there is something
 * to show.
 */
#include "log_wait.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_MS = 2000, EACH_MS = 1000 };

static struct {
	int64_t begun_ms, told_ms;
	bool wanted, shown;
} waiting;

int64_t log_wait_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool log_wait_is_seen(void)
{
	const char *terminal = getenv("TERM");

	return isatty(STDERR_FILENO) && !(terminal && strcmp(terminal, "dumb") == 0);
}

/* What is printed to stderr has controls escaped. */
void log_wait_clear_line(void)
{
	(void)dprintf(STDERR_FILENO, "\r\033[K");
}

static void tell(void *context)
{
	int64_t now_ms = log_wait_now_ms();

	(void)context;
	if (!waiting.wanted || now_ms - waiting.begun_ms < FIRST_MS || now_ms - waiting.told_ms < EACH_MS)
		return;
	log_wait_clear_line();
	fprintf(stderr, "op25b-log: looking through the store, %" PRId64 " s so far",
		(now_ms - waiting.begun_ms) / 1000);
	waiting.told_ms = now_ms;
	waiting.shown = true;
}

void log_wait_begin(struct store *store)
{
	waiting.begun_ms = log_wait_now_ms();
	waiting.wanted = log_wait_is_seen();
	if (waiting.wanted)
		store_while_asked(store, tell, NULL);
}

void log_wait_end(void)
{
	waiting.wanted = false;
	if (waiting.shown)
		log_wait_clear_line();
	waiting.shown = false;
}
