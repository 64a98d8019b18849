/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the store is when nobody names one: that of all who look after the gateway, or else one of this user alone. */
#include "log_place.h"

#include "base/cleanup.h"
#include "base/siphash.h"
#include "policy/policy.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CACHE_MODE = 0700 };

static const char default_state[] = LOG_STATE_PATH;

/* ---- a user's own ---- */

/* DIRECTORY/op25b of the user's cache, made where it is missing; NULL without memory or a home. */
static char *cache_directory(void)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char *parent = NULL, *path = NULL;

	if (cache && cache[0] == '/')
		parent = strdup(cache);
	else if (!home || !home[0] || asprintf(&parent, "%s/.cache", home) < 0)
		parent = NULL;
	if (parent)
		(void)mkdir(parent, CACHE_MODE);
	if (!parent || asprintf(&path, "%s/op25b", parent) < 0)
		path = NULL;
	if (path)
		(void)mkdir(path, CACHE_MODE);
	free(parent);
	return path;
}

static uint64_t hash_text(const char *text)
{
	static const struct siphash_key key = {0};
	uint64_t words[PATH_MAX / sizeof(uint64_t)] = {0};
	size_t len = strnlen(text, PATH_MAX - 1);

	memcpy(words, text, len);
	return siphash_words(&key, words, len / sizeof(words[0]) + 1);
}

/* Other record files than the gateway's have a store of their own, so that no question mixes them. */
static uint64_t name_files(const struct log_context *context)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < context->file_count; i++) {
		char *whole CLEANUP_FREE = realpath(context->files[i], NULL);
		const char *name = whole ? whole : context->files[i];

		/* A sum, so that the order in which they are named does not matter. */
		sum += hash_text(name);
	}
	return sum;
}

static char *cached_store(const struct log_context *context)
{
	char *directory CLEANUP_FREE = cache_directory(), *path = NULL;
	int r = -1;

	if (directory && context->files_named)
		r = asprintf(&path, "%s/review-%016" PRIx64 ".db", directory, name_files(context));
	else if (directory)
		r = asprintf(&path, "%s/review.db", directory);
	return r < 0 ? NULL : path;
}

/* ---- that of all ---- */

static const char *state_of(const struct log_context *context)
{
	return context->policy ? context->policy->gateway.state : default_state;
}

/* DIRECTORY/review.db where this user may write it, or read what is there. */
static char *store_in(const char *directory)
{
	char *path;

	if (asprintf(&path, "%s/review.db", directory) < 0)
		return NULL;
	if (access(path, R_OK) == 0 || (access(path, F_OK) < 0 && access(directory, W_OK | X_OK) == 0))
		return path;
	free(path);
	return NULL;
}

/* The daemon's state is for nobody else, so what people share stands beside it. NULL without memory. */
static char *review_directory(const struct log_context *context)
{
	char *path;

	return asprintf(&path, "%s-review", state_of(context)) < 0 ? NULL : path;
}

/* Without the directory of all it is the daemon's, as far as this user may. */
static char *gateway_store(const struct log_context *context)
{
	char *directory CLEANUP_FREE = review_directory(context);

	if (directory && access(directory, F_OK) == 0)
		return store_in(directory);
	return store_in(state_of(context));
}

int log_place_find(struct log_context *context)
{
	if (!context->store_path && !context->files_named) {
		context->store_path = gateway_store(context);
		context->own_store = !context->store_path;
	}
	if (!context->store_path)
		context->store_path = cached_store(context);
	return context->store_path ? LOG_FOUND : log_error("no place for the store: name one by --store");
}

/* ---- whose the work queue is ---- */

static void tell_own(const char *directory)
{
	static const char alone[] = "this work queue is yours alone";
	struct stat found;
	const struct group *group;

	if (stat(directory, &found) < 0) {
		log_error(
			"%s: there is no %s; 'systemd-tmpfiles --create', by root, makes it, if op25b is installed",
			alone, directory);
		return;
	}
	group = getgrgid(found.st_gid);
	if (access(directory, W_OK | X_OK) < 0 && group && (found.st_mode & S_IWGRP))
		log_error(
			"%s: only members of the group %s share that in %s; 'usermod -aG %s NAME', by root, makes one "
			"of you, from your next login on",
			alone, group->gr_name, directory, group->gr_name);
	else
		log_error("%s: that in %s is not yours to read; it should be as systemd-tmpfiles makes it",
			  alone, directory);
}

/* What was entered before there was a place for all would seem to be lost. */
static void tell_older(const char *directory, const char *state)
{
	char *older CLEANUP_FREE = NULL, *newer CLEANUP_FREE = NULL;
	const char *store = "review.db-work";

	if (asprintf(&older, "%s/%s", state, store) < 0) {
		older = NULL;
		return;
	}
	if (asprintf(&newer, "%s/%s", directory, store) < 0) {
		newer = NULL;
		return;
	}
	if (access(directory, W_OK | X_OK) == 0 && access(older, F_OK) == 0 && access(newer, F_OK) < 0)
		log_error(
			"%s holds what was entered before; to have it in the queue of all: install -m 660 -g \"$(stat -c %%G %s)\" %s %s",
			older, directory, older, newer);
}

void log_place_tell(const struct log_context *context)
{
	char *directory CLEANUP_FREE = review_directory(context);

	if (!directory || context->store_named || context->files_named)
		return;
	if (context->own_store || access(directory, F_OK) < 0)
		tell_own(directory);
	else
		tell_older(directory, state_of(context));
}
