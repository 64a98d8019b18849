/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An upgrade is done when the next process answers, and not when the one before has agreed to it. */
#include "ctl.h"

#include "base/cleanup.h"
#include "base/exitcode.h"
#include "control/client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	NEXT_S = 30, /* the daemon ends its workers and reads its policy, which may be a long one */
	LOOK_NS = 50000000,
	LOOK_MS = 2000,
};

static int64_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static json_int_t lives_of(const json_t *status)
{
	return json_integer_value(json_object_get(json_object_get(status, "handover"), "lives"));
}

/* The status, if another process gives it; NULL: not yet. */
static json_t *ask_next(const char *path, const json_t *request, json_int_t lives)
{
	char message[CONTROL_ERROR_TEXT_MAX];
	enum control_error error;
	json_t *status = NULL;

	if (control_client_call(path, request, LOOK_MS, &error, &status, message) == 0 &&
	    error == CONTROL_OK && lives_of(status) != lives)
		return status;
	json_decref(status);
	return NULL;
}

static int wait_for_next(const char *path, json_t *result)
{
	const struct timespec pause = {.tv_nsec = LOOK_NS};
	json_int_t lives = json_integer_value(json_object_get(result, "lives"));
	int64_t until_s = now_s() + NEXT_S;
	json_t *request = control_request_new("status");
	json_t *status = NULL;

	if (!request)
		return -ENOMEM;
	while (!status && now_s() < until_s) {
		status = ask_next(path, request, lives);
		if (!status)
			nanosleep(&pause, NULL);
	}
	json_decref(request);
	if (!status)
		return -ETIMEDOUT;
	json_object_set_new(result, "now",
			    json_pack("{s:O, s:O, s:I}", "version", json_object_get(status, "version"), "pid",
				      json_object_get(status, "pid"), "lives", lives_of(status)));
	json_decref(status);
	return 0;
}

static void print_process(const json_t *process)
{
	const char *version = json_string_value(json_object_get(process, "version"));

	printf("op25bd %s (process %" PRId64 ")", version ? version : "?",
	       (int64_t)json_integer_value(json_object_get(process, "pid")));
}

static void print_upgrade(const json_t *result)
{
	print_process(result);
	fputs(" was taken over by ", stdout);
	print_process(json_object_get(result, "now"));
	puts("");
}

int ctl_upgrade(const struct ctl_context *context, int argc, char **argv)
{
	static const struct ctl_answer answer = {CTL_RELOAD_MS, "lives", JSON_INTEGER, NULL, NULL};
	CLEANUP_FREE char *path = NULL;
	json_t *result = NULL;
	int code = ctl_ask(context, control_request_new("upgrade"), &answer, &result);
	int r;

	if (code == EXIT_CODE_OK)
		code = ctl_find_socket(context, &path);
	if (code != EXIT_CODE_OK) {
		json_decref(result);
		return code;
	}
	r = wait_for_next(path, result);
	if (r < 0)
		fprintf(stderr, "op25bctl: no process took over (%s): the log of op25bd says why\n",
			strerror(-r));
	else if (context->json)
		json_dumpf(result, stdout, JSON_INDENT(2)), puts("");
	else
		print_upgrade(result);
	json_decref(result);
	return r < 0 ? EXIT_CODE_SYSTEM : EXIT_CODE_OK;
}
