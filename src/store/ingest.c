/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fills the store: one thread reads, unpacks and understands lines, this one writes them. */
#include "store/input.h"
#include "store/listed_days.h"
#include "store/reader.h"
#include "store/writer.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <time.h>

enum { PROGRESS_MS = 1000, LOCK_POLL_MS = 50 };

struct ingest {
	struct store *store;
	const struct store_ingest_config *config;
	struct store_ingested *done;
	struct siblings files;
	struct channel channel;
	struct reader reader;
	struct writer writer;
	uint64_t expected;
	int64_t told_ms;
	int file_error; /* of a file that could not be read; the others were */
	char file_message[STORE_ERROR_MAX];
};

/* True when the caller wants no more. */
static bool tell(struct ingest *ingest, bool waiting)
{
	struct store_ingested so_far = *ingest->done;
	int64_t now_ms = writer_clock_ms();

	if (!ingest->config->progress || now_ms - ingest->told_ms < PROGRESS_MS)
		return false;
	ingest->told_ms = now_ms;
	so_far.waiting = waiting;
	so_far.bytes += ingest->writer.batch.bytes;
	so_far.records += ingest->writer.batch.records;
	return ingest->config->progress(ingest->config->context, &so_far, ingest->expected) != 0;
}

/* ---- one run at a time ---- */

/* *ret: an open file that holds the lock, released by the system should this process end. 1: the caller wants no more. */
static int lock(struct ingest *ingest, int *ret)
{
	const struct timespec pause = {.tv_nsec = LOCK_POLL_MS * 1000000L};
	char *path CLEANUP_FREE = NULL;

	if (asprintf(&path, "%s-ingest", ingest->store->path) < 0)
		return store_say(ingest->store, ENOMEM, "not enough memory");
	*ret = store_make_file(path);
	if (*ret < 0)
		return store_say(ingest->store, -*ret, "%s: %s", path, strerror(-*ret));
	while (flock(*ret, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return store_say(ingest->store, errno, "%s: %s", path, strerror(errno));
		if (tell(ingest, true))
			return 1;
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	}
	return 0;
}

/* ---- what is to be read ---- */

static uint64_t known_place(struct ingest *ingest, const struct stat *found, bool *ret_unchanged)
{
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	uint64_t place = 0;

	*ret_unchanged = false;
	if (store_prepare(ingest->store,
			  "SELECT place, size, mtime_ns FROM file WHERE device = ?1 AND inode = ?2",
			  &statement) < 0)
		return 0;
	(void)sqlite3_bind_int64(statement, 1, (int64_t)found->st_dev);
	(void)sqlite3_bind_int64(statement, 2, (int64_t)found->st_ino);
	while (sqlite3_step(statement) == SQLITE_ROW) {
		place = (uint64_t)sqlite3_column_int64(statement, 0);
		*ret_unchanged |=
			sqlite3_column_int64(statement, 1) == found->st_size &&
			sqlite3_column_int64(statement, 2) ==
				(int64_t)found->st_mtim.tv_sec * 1000000000 + found->st_mtim.tv_nsec;
	}
	return place;
}

static uint64_t expect_file(struct ingest *ingest, const char *path)
{
	struct input *input = NULL;
	uint64_t place, size;
	bool unchanged;

	if (input_open(path, &input) < 0)
		return 0;
	place = known_place(ingest, input_stat(input), &unchanged);
	size = unchanged ? 0 : input_size(input);
	input_close(input);
	return size > place ? size - place : 0;
}

static int list_files(struct ingest *ingest)
{
	const struct store_ingest_config *config = ingest->config;
	int r = 0;

	for (unsigned i = 0; r == 0 && i < config->path_count; i++)
		r = siblings_add(&ingest->files, config->paths[i], config->rotated);
	if (r < 0)
		return store_say(ingest->store, ENOMEM, "not enough memory");
	for (size_t i = 0; config->progress && i < ingest->files.count; i++)
		ingest->expected += expect_file(ingest, ingest->files.items[i].path);
	return 0;
}

/* ---- blocks ---- */

/* A rotated file may have got another name since they were listed, and the live one may not be there yet. */
static bool may_be_away(const struct ingest *ingest, const char *path)
{
	size_t i = 0;

	while (i < ingest->files.count && ingest->files.items[i].path != path)
		i++;
	return i < ingest->files.count &&
	       (!ingest->files.items[i].live || (i > 0 && !ingest->files.items[i - 1].live));
}

static bool was_named(const struct ingest *ingest, const char *path)
{
	size_t i = 0;

	while (i < ingest->files.count && ingest->files.items[i].path != path)
		i++;
	return i < ingest->files.count && ingest->files.items[i].live;
}

/* It only has a name as logrotate gives it: nobody asked for it. */
static void tell_odd_one(const struct ingest *ingest, const char *path, int error, const char *why)
{
	bool kind = error == -EISDIR || error == -EINVAL;
	char text[STORE_ERROR_MAX];

	if (!ingest->config->unread)
		return;
	snprintf(text, sizeof(text), "not read: %s; %s", why,
		 kind                                  ? "move it away, or give it another name"
		 : error == -EACCES || error == -EPERM ? "let this user read it, or ask as one who may"
						       : "what it holds is missing here");
	ingest->config->unread(ingest->config->context, path, text);
}

/* Of a file that somebody named. */
static const char *what_to_name(int error)
{
	switch (error) {
	case -EISDIR:
		return ": name a record file in it";
	case -EINVAL:
	case -ENXIO:
		return ": records are read from files alone";
	case -EACCES:
	case -EPERM:
		return ": let this user read it, or ask as one who may";
	default:
		return "";
	}
}

static void note_file_error(struct ingest *ingest, const struct block *block)
{
	const char *why = block->error == -EISDIR   ? "a directory"
			  : block->error == -EINVAL ? "no plain file"
						    : strerror(-block->error);

	if (block->error == -ENOENT && may_be_away(ingest, block->file.path))
		return;
	if (!was_named(ingest, block->file.path)) {
		tell_odd_one(ingest, block->file.path, block->error, why);
		return;
	}
	if (ingest->file_error != 0)
		return;
	ingest->file_error = block->error;
	snprintf(ingest->file_message, sizeof(ingest->file_message), "%s: %s%s", block->file.path, why,
		 what_to_name(block->error));
}

static int end_file(struct ingest *ingest, const struct block *block)
{
	if (block->error == 0)
		return writer_end_file(&ingest->writer, block);
	note_file_error(ingest, block);
	return 0;
}

/* 1: that was the last one. */
static int take_block(struct ingest *ingest, struct block *block)
{
	struct writer *writer = &ingest->writer;
	int r;

	switch (block->what) {
	case BLOCK_BEGIN:
		return writer_begin_file(writer, block);
	case BLOCK_LINES:
		r = writer_add(writer, block);
		return r < 0 ? r : writer_commit(writer, false);
	case BLOCK_END:
		return end_file(ingest, block);
	case BLOCK_STOP:
		break;
	}
	return block->error < 0 ? store_say(ingest->store, -block->error, "not enough memory") : 1;
}

static int take_blocks(struct ingest *ingest)
{
	int r = 0;

	while (r == 0) {
		struct block *block = channel_receive(&ingest->channel, PROGRESS_MS);

		if (block) {
			r = take_block(ingest, block);
			channel_return(&ingest->channel, block);
		}
		if (r == 0 && tell(ingest, false))
			r = 1;
	}
	return r < 0 ? r : writer_commit(&ingest->writer, true);
}

static int run_threads(struct ingest *ingest)
{
	pthread_t thread;
	int r = channel_init(&ingest->channel);

	if (r < 0)
		return store_say(ingest->store, ENOMEM, "not enough memory");
	ingest->reader.channel = &ingest->channel;
	ingest->reader.files = &ingest->files;
	r = pthread_create(&thread, NULL, reader_run, &ingest->reader);
	if (r == 0) {
		r = take_blocks(ingest);
		channel_stop(&ingest->channel);
		(void)pthread_join(thread, NULL);
	} else {
		r = store_say(ingest->store, r, "no thread can be made: %s", strerror(r));
	}
	channel_free(&ingest->channel);
	return r;
}

static bool wants_more(void *context)
{
	return !tell(context, false);
}

static int run(struct ingest *ingest)
{
	int lock_file CLEANUP_CLOSE = -1;
	int r = lock(ingest, &lock_file);

	if (r != 0)
		return r < 0 ? r : 0;
	if (getrandom(&ingest->reader.key, sizeof(ingest->reader.key), 0) != sizeof(ingest->reader.key))
		return store_say(ingest->store, EIO, "no random numbers");
	r = list_files(ingest);
	if (r == 0)
		r = writer_init(&ingest->writer, ingest->store, ingest->config, &ingest->reader.key,
				ingest->done);
	if (r == 0)
		r = run_threads(ingest);
	writer_free(&ingest->writer);
	return r < 0 ? r : listed_days_make(ingest->store, &ingest->reader.key, wants_more, ingest);
}

int store_ingest(struct store *store, const struct store_ingest_config *config, struct store_ingested *ret)
{
	struct ingest *ingest = calloc(1, sizeof(*ingest));
	int r;

	*ret = (struct store_ingested){0};
	store->error[0] = '\0';
	if (!ingest)
		return store_say(store, ENOMEM, "not enough memory");
	*ingest =
		(struct ingest){.store = store, .config = config, .done = ret, .told_ms = writer_clock_ms()};
	r = store->write ? run(ingest)
			 : store_say(store, EACCES, "%s: it was opened for reading alone", store->path);
	if (r == 0 && ingest->file_error != 0)
		r = store_say(store, -ingest->file_error, "%s", ingest->file_message);
	siblings_free(&ingest->files);
	free(ingest);
	return r;
}
