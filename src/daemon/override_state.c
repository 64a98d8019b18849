/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/override_state.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { STATE_VERSION = 1, FILE_MODE = 0600, DIRECTORY_MODE = 0750 };

#define FRESH_FILE OVERRIDE_STATE_FILE ".new"

static int open_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 ? fd : -errno;
}

static json_t *list_json(const struct overrides *overrides)
{
	json_t *list = json_array();

	for (size_t i = 0; i < overrides->count; i++)
		if (json_array_append_new(list, override_json(&overrides->items[i], 0)) < 0) {
			json_decref(list);
			return NULL;
		}
	return json_pack("{s:i, s:o}", "op25b", (int)STATE_VERSION, "overrides", list);
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		bytes += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* A name that is there already would be somebody's link. */
static int write_fresh(int directory, const char *text)
{
	CLEANUP_CLOSE int fd = -1;

	(void)unlinkat(directory, FRESH_FILE, 0);
	fd = openat(directory, FRESH_FILE, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return -errno;
	return write_all(fd, text, strlen(text));
}

static int put_in_place(int directory, const char *text)
{
	int r = write_fresh(directory, text);

	if (r == 0 && renameat(directory, FRESH_FILE, directory, OVERRIDE_STATE_FILE) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(directory, FRESH_FILE, 0);
		return r;
	}
	/* The name itself has to be on the disk, too. */
	return fsync(directory) < 0 ? -errno : 0;
}

int override_state_save(const struct overrides *overrides, const char *path)
{
	CLEANUP_CLOSE int directory = -1;
	CLEANUP_FREE char *text = NULL;
	json_t *json = list_json(overrides);

	text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
	json_decref(json);
	if (!text)
		return -ENOMEM;
	(void)mkdir(path, DIRECTORY_MODE);
	directory = open_directory(path);
	return directory < 0 ? directory : put_in_place(directory, text);
}

/* The whole of a regular file that is not too long; the caller's. */
static int read_text(int directory, char **ret, size_t *ret_len)
{
	CLEANUP_CLOSE int fd = openat(directory, OVERRIDE_STATE_FILE, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	CLEANUP_FREE char *text = NULL;
	struct stat status;
	size_t len = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || status.st_size > OVERRIDE_STATE_BYTES_MAX)
		return -EFBIG;
	text = malloc((size_t)status.st_size + 1);
	if (!text)
		return -ENOMEM;
	while (len < (size_t)status.st_size) {
		ssize_t n = read(fd, text + len, (size_t)status.st_size - len);

		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
	}
	*ret = TAKE_PTR(text);
	*ret_len = len;
	return 0;
}

/* 0 or -EBADMSG, -ENOMEM. */
static int take_list(struct overrides *overrides, const json_t *list, char text[OVERRIDE_STATE_TEXT_MAX])
{
	size_t i, bad = 0;

	for (i = 0; i < json_array_size(list); i++) {
		struct override override;
		int r = -EBADMSG;

		if (override_from_json(json_array_get(list, i), &override))
			r = overrides_set(overrides, &override);
		if (r == -ENOMEM)
			return r;
		if (r < 0 && bad++ == 0)
			snprintf(text, OVERRIDE_STATE_TEXT_MAX,
				 "number %zu of its overrides is none, or one too many", i + 1);
	}
	return bad > 0 ? -EBADMSG : 0;
}

static int take_text(struct overrides *overrides, const char *bytes, size_t len,
		     char text[OVERRIDE_STATE_TEXT_MAX])
{
	json_error_t error;
	json_t *json = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &error);
	const json_t *list = json_object_get(json, "overrides");
	int r = -EBADMSG;

	if (!json)
		snprintf(text, OVERRIDE_STATE_TEXT_MAX, "line %d: %.100s", error.line, error.text);
	else if (!json_is_array(list) || json_integer_value(json_object_get(json, "op25b")) != STATE_VERSION)
		snprintf(text, OVERRIDE_STATE_TEXT_MAX, "it holds no list of overrides of this version");
	else
		r = take_list(overrides, list, text);
	json_decref(json);
	return r;
}

int override_state_load(struct overrides *overrides, const char *path, char text[OVERRIDE_STATE_TEXT_MAX])
{
	CLEANUP_CLOSE int directory = open_directory(path);
	CLEANUP_FREE char *bytes = NULL;
	size_t len = 0;
	int r;

	if (directory < 0)
		return directory == -ENOENT ? 0 : directory;
	r = read_text(directory, &bytes, &len);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = take_text(overrides, bytes, len, text);
	if (r == -EBADMSG)
		(void)renameat(directory, OVERRIDE_STATE_FILE, directory, OVERRIDE_STATE_DAMAGED);
	return r;
}
