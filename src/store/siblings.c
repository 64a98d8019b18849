/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/siblings.h"

#include "base/cleanup.h"
#include "base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Steps over ".1" or "-20261122-120000"; NULL when there is no such thing at text. */
static const char *skip_numbers(const char *text)
{
	const char *at = text;

	while ((*at == '.' || *at == '-') && at[1] >= '0' && at[1] <= '9') {
		at++;
		while (*at >= '0' && *at <= '9')
			at++;
	}
	return at == text ? NULL : at;
}

static bool is_packing(const char *text)
{
	return *text == '\0' || strcmp(text, ".gz") == 0 || strcmp(text, ".zst") == 0;
}

bool siblings_is_rotated(const char *base, const char *name)
{
	size_t len = strlen(base);
	const char *dot = strrchr(base, '.'), *at;
	size_t stem = dot ? (size_t)(dot - base) : len;

	if (strncmp(name, base, len) == 0) {
		at = skip_numbers(name + len);
		if (at ? is_packing(at) : name[len] != '\0' && is_packing(name + len))
			return true;
	}
	if (!dot || strncmp(name, base, stem) != 0)
		return false;
	at = skip_numbers(name + stem);
	return at && strncmp(at, dot, len - stem) == 0 && is_packing(at + len - stem);
}

static int add(struct siblings *list, char *path, bool live)
{
	struct stat found;
	int64_t mtime_ns = INT64_MAX;

	if (!path)
		return -ENOMEM;
	if (!VEC_RESERVE(list->items, list->capacity, list->count + 1)) {
		free(path);
		return -ENOMEM;
	}
	if (!live && stat(path, &found) == 0)
		mtime_ns = (int64_t)found.st_mtim.tv_sec * 1000000000 + found.st_mtim.tv_nsec;
	list->items[list->count++] = (struct sibling){path, mtime_ns, live};
	return 0;
}

static char *joined(const char *directory, size_t len, const char *name)
{
	char *path = NULL;

	return asprintf(&path, "%.*s%s", (int)len, directory, name) < 0 ? NULL : path;
}

static int add_rotated(struct siblings *list, const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	size_t len = (size_t)(base - path);
	char *directory CLEANUP_FREE = len ? strndup(path, len) : strdup(".");
	DIR *entries = directory ? opendir(directory) : NULL;
	const struct dirent *entry;
	int r = directory ? 0 : -ENOMEM;

	while (r == 0 && entries && (entry = readdir(entries))) {
		if (siblings_is_rotated(base, entry->d_name))
			r = add(list, joined(path, len, entry->d_name), false);
	}
	if (entries)
		closedir(entries);
	return r;
}

static int older_first(const void *a, const void *b)
{
	const struct sibling *x = a, *y = b;

	if (x->mtime_ns != y->mtime_ns)
		return x->mtime_ns < y->mtime_ns ? -1 : 1;
	return strcmp(y->path, x->path);
}

int siblings_add(struct siblings *list, const char *path, bool rotated)
{
	size_t before = list->count;
	int r = rotated ? add_rotated(list, path) : 0;

	if (r == 0 && list->count > before)
		qsort(list->items + before, list->count - before, sizeof(list->items[0]), older_first);
	return r < 0 ? r : add(list, strdup(path), true);
}

void siblings_free(struct siblings *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].path);
	free(list->items);
	*list = (struct siblings){0};
}
