/* SPDX-License-Identifier: GPL-2.0-or-later */
/* offenders: who is blocked most at this moment, once or again and again. */
#include "ctl.h"

#include "base/exitcode.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { TOP_MAX = 1000, WATCH_MAX_S = 3600 };

static int64_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "-";
}

static void print_row(const json_t *row)
{
	printf("%-32s %10" PRId64 " %10" PRId64 " %10" PRId64 " %s%-8" PRId64 " %-19.19s  %s%s\n",
	       text(row, "subscriber"), number(row, "packets"), number(row, "attempts"),
	       number(row, "offloaded"), json_is_true(json_object_get(row, "destinations_exact")) ? " " : "~",
	       number(row, "destinations"), text(row, "since"), text(row, "reason"),
	       json_is_true(json_object_get(row, "monitored")) ? ", let through" : "");
}

static void print(const json_t *result)
{
	const json_t *rows = json_object_get(result, "offenders");
	size_t i;

	printf("%-32s %10s %10s %10s  %-8s %-19s  %s\n", "subscriber", "packets", "attempts", "offloaded",
	       "to", "window since", "reason");
	for (i = 0; i < json_array_size(rows); i++)
		print_row(json_array_get(rows, i));
	printf("%" PRId64 " subscribers in windows of %" PRId64 " s", number(result, "subscribers"),
	       number(result, "window_s"));
	if (number(result, "looked") < number(result, "subscribers"))
		printf(", of which the %" PRId64 " of the oldest windows were looked at",
		       number(result, "looked"));
	puts("");
}

static int ask(const struct ctl_context *context, uint64_t top)
{
	static const struct ctl_answer answer = {CTL_ANSWER_MS, "offenders", JSON_ARRAY, print, NULL};
	json_t *request = control_request_new("offenders");

	if (top > 0)
		json_object_set_new(request, "top", json_integer((json_int_t)top));
	return ctl_call(context, request, &answer);
}

int ctl_offenders(const struct ctl_context *context, int argc, char **argv)
{
	bool terminal = isatty(STDOUT_FILENO) && !context->json;
	uint64_t top = 0, watch_s = 0;
	int code;

	if (!ctl_number(context, "top", TOP_MAX, &top) ||
	    !ctl_number(context, "watch", WATCH_MAX_S, &watch_s))
		return EXIT_CODE_USAGE;
	for (;;) {
		const struct timespec pause = {.tv_sec = (time_t)watch_s};

		if (terminal && watch_s > 0)
			fputs("\033[H\033[2J", stdout);
		code = ask(context, top);
		if (code != EXIT_CODE_OK || watch_s == 0 || fflush(stdout) != 0)
			return code;
		nanosleep(&pause, NULL);
	}
}
