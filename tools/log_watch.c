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
#include <time.h>

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

/* What only means something to commands that ask the store. */
static int refuse_options(const struct log_context *context)
{
	const struct {
		bool given;
		const char *why;
	} options[] = {
		{context->filter.since_us != INT64_MIN || context->filter.until_us != INT64_MAX,
		 "--since and --until are for commands that look back, as op25b-log top; watch shows this moment"},
		{context->store_named || !context->fill,
		 "--store and --no-ingest are for commands that ask the store; watch asks op25bd, or reads the record "
		 "file (--log)"},
		{context->limit_given, "watch shows as many rows as the terminal has: it takes no --limit"},
		{context->output != LOG_TABLE,
		 "watch is a screen: op25bctl offenders --json, or op25b-log top, write text for programs"},
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (options[i].given)
			return log_error("%s", options[i].why);
	return LOG_FOUND;
}

static struct watch_filter filter_of(const struct log_context *context)
{
	const struct store_filter *filter = &context->filter;
	struct watch_filter only = {.src = filter->src,
				    .dst = filter->dst,
				    .pool = filter->pool,
				    .rule = filter->rule,
				    .reason = filter->reason,
				    .host = filter->host,
				    .min_attempts = filter->min_attempts};

	watch_filter_name(&only);
	return only;
}

static int refuse_socket(const struct log_context *context, const struct watch_config *config)
{
	if (!watch_filter_wants_records(&config->only))
		return LOG_FOUND;
	if (log_value(context, "socket"))
		return log_error(
			"--socket: op25bd tells no pool, rule, host or destination of an offender; without "
			"it the record file is read");
	return config->log
		       ? LOG_FOUND
		       : log_error(
				 "only records tell what %s asks for, and there is no record file: name one by --log",
				 config->only.text + 1);
}

int log_watch(struct log_context *context, int argc, char **argv)
{
	CLEANUP_FREE char *socket = NULL;
	CLEANUP_FREE char *file = NULL;
	struct watch_config config = {.program = "op25b-log",
				      .colour = context->colour,
				      .interval_ms = 1000,
				      .only = filter_of(context)};
	const char *interval = log_value(context, "interval");

	if (refuse_options(context) != LOG_FOUND)
		return LOG_ERROR;
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
	config.log = context->file_count == 1 ? context->files[0] : file;
	if (refuse_socket(context, &config) != LOG_FOUND)
		return LOG_ERROR;
	config.socket = watch_filter_wants_records(&config.only) ? NULL : socket;
	if (context->utc && (setenv("TZ", "UTC0", 1) < 0))
		return log_error("out of memory");
	tzset();
	return watch_run(&config) < 0 ? LOG_ERROR : LOG_FOUND;
}
