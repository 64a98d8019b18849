/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the store knows at all: said where a question finds nothing, so that silence is told from records that never came. */
#include "log.h"

#include "log_time.h"

#include "base/suggest.h"
#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAMES_LISTED = 8 };

/* " the latest record ..."; what cannot be asked is left out, as nothing is wrong with the answer itself. */
static void latest_text(const struct log_context *context, char out[LOG_LATEST_MAX])
{
	char time[LOG_TIME_TEXT_MAX];
	int64_t latest_us;

	out[0] = '\0';
	if (!context->store || context->command->prepare != LOG_FILLED ||
	    store_latest(context->store, &latest_us) < 0)
		return;
	if (latest_us == INT64_MIN) {
		snprintf(out, LOG_LATEST_MAX, "; no record is stored at all");
		return;
	}
	log_time_format(latest_us, context->utc, time);
	snprintf(out, LOG_LATEST_MAX, "; the latest record is of %s", time);
}

int log_nothing(const struct log_context *context)
{
	char latest[LOG_LATEST_MAX];

	if (context->output != LOG_TABLE || !isatty(STDERR_FILENO))
		return LOG_NOTHING;
	latest_text(context, latest);
	log_error("nothing found%s", latest);
	return LOG_NOTHING;
}

int log_empty_page(const struct log_context *context)
{
	char latest[LOG_LATEST_MAX];

	latest_text(context, latest);
	log_error("the page tells of no record%s", latest);
	return LOG_NOTHING;
}

/* ---- names in filters ---- */

struct names {
	char **items;
	size_t count, capacity;
};

static int keep_name(void *context, const char *name)
{
	struct names *names = context;

	if (!VEC_RESERVE(names->items, names->capacity, names->count + 1))
		return -ENOMEM;
	names->items[names->count] = strdup(name);
	return names->items[names->count++] ? 0 : -ENOMEM;
}

static bool is_among(const struct names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->items[i], name) == 0)
			return true;
	return false;
}

static void tell_names(const struct names *names, const char *option, const char *name)
{
	const char *nearest =
		suggest_nearest(name, strlen(name), (const char *const *)names->items, names->count);
	char *list = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&list, &size);

	for (size_t i = 0; out && i < names->count && i < NAMES_LISTED; i++)
		fprintf(out, "%s%s", i ? ", " : "", names->items[i]);
	if (out && names->count > NAMES_LISTED)
		fputs(", ...", out);
	if (!out || fclose(out) != 0)
		return;
	if (nearest)
		log_error("--%s %s: no record tells of it: did you mean \"%s\"?", option, name, nearest);
	else
		log_error("--%s %s: no record tells of it%s%s", option, name,
			  names->count > 0 ? "; records tell of " : "", list);
	free(list);
}

/* It is no error: records may come that do. */
static int look_at_name(const struct log_context *context, enum store_group by, const char *option,
			const char *name)
{
	struct names names = {0};
	int r = name ? store_names(context->store, by, keep_name, &names) : 0;

	if (r == 0 && name && !is_among(&names, name))
		tell_names(&names, option, name);
	for (size_t i = 0; i < names.count; i++)
		free(names.items[i]);
	free(names.items);
	if (r == -ENOMEM)
		return log_error("no memory");
	return r < 0 ? log_store_error(context) : LOG_FOUND;
}

int log_look_at_names(const struct log_context *context)
{
	int code = look_at_name(context, STORE_GROUP_HOST, "host", context->filter.host);

	return code == LOG_FOUND ? look_at_name(context, STORE_GROUP_RULE, "rule", context->filter.rule)
				 : code;
}
