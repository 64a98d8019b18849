/* SPDX-License-Identifier: GPL-2.0-or-later */
/* watch: where the daemon and its record file are; log_watch_run.c does the rest. */
#include "log.h"
#include "log_watch.h"

#include "ctl.h"

#include "base/cleanup.h"
#include "policy/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char default_file[] = "/var/log/op25b/events.json";

/* The daemon must be reachable also while its policy has errors. NULL: none is named, or without memory. */
static char *find_socket(const struct log_context *context)
{
	const char *named = log_value(context, "socket");
	char *path = NULL;

	if (named)
		return strdup(named);
	if (ctl_socket_path(context->policy_path, &path) < 0)
		path = context->policy_named ? NULL : ctl_default_socket();
	return path;
}

/* The file where the daemon writes; NULL when it writes none, or without memory. */
static char *find_file(const struct log_context *context)
{
	struct policy *policy = NULL;
	const char *file = default_file;
	char *path;

	if (policy_read_file(context->policy_path, context->now_us / 1000000, NULL, &policy) == 0)
		file = policy->log.file;
	path = strcmp(file, "-") == 0 ? NULL : strdup(file);
	policy_free(policy);
	return path;
}

int log_watch(struct log_context *context, int argc, char **argv)
{
	CLEANUP_FREE char *socket = NULL;
	CLEANUP_FREE char *file = NULL;
	struct watch_config config = {.program = "op25b-log", .colour = context->colour, .interval_ms = 1000};
	const char *interval = log_value(context, "interval");

	if (interval && !watch_interval_parse(interval, &config.interval_ms))
		return log_error("--interval %s: seconds from 0.1 to 3600", interval);
	if (context->file_count > 1)
		return log_error("watch looks at one record file");
	if (context->file_count == 0) {
		socket = find_socket(context);
		file = find_file(context);
		if (!socket && !file)
			return log_error("%s: %s", context->policy_path,
					 "no control socket and no record file can be found by it");
	}
	config.socket = socket;
	config.log = context->file_count == 1 ? context->files[0] : file;
	return watch_run(&config) < 0 ? LOG_ERROR : LOG_FOUND;
}
