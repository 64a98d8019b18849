/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/database.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	BUSY_WAIT_MS = 5,
	BUSY_WAITS = 60 * 1000 / BUSY_WAIT_MS,
	FILE_MODE = 0640, /* it tells of subscribers */
	GROUP_MODE = 0660,
	BUSY_STEPS = 50000, /* of sqlite's machine: a few milliseconds */
};

/* Short waits: a run that fills the store leaves others only a moment between its batches. */
static int wait_while_busy(void *context, int waits)
{
	const struct timespec pause = {.tv_nsec = BUSY_WAIT_MS * 1000000L};

	if (waits >= BUSY_WAITS)
		return 0;
	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	return 1;
}

/* A directory made for a group, which files in it belong to: setgid, and the group may write. */
static bool is_shared(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory CLEANUP_FREE =
		slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : NULL;
	struct stat found;

	return stat(slash ? directory : ".", &found) == 0 && (found.st_mode & S_ISGID) &&
	       (found.st_mode & S_IWGRP);
}

/* A pipe would keep whoever opens it waiting for ever. */
static int check_kind(struct store *store)
{
	struct stat found;

	if (is_shared(store->path) && lstat(store->path, &found) == 0 && S_ISLNK(found.st_mode))
		return store_say(store, EINVAL, "%s: a link, in a directory of several users", store->path);
	if (stat(store->path, &found) < 0 || S_ISREG(found.st_mode))
		return 0;
	return store_say(store, EINVAL, "%s: %s, not %s", store->path,
			 S_ISDIR(found.st_mode) ? "a directory" : "no plain file", store->form->what);
}

int store_make_file(const char *path)
{
	/* Where others may put names, none of them leads root elsewhere. */
	int flags = O_RDWR | O_CLOEXEC | (is_shared(path) ? O_NOFOLLOW : 0);
	int file = open(path, flags | O_CREAT | O_EXCL, FILE_MODE), r = 0;

	if (file < 0 && errno == EEXIST)
		return (file = open(path, flags | O_CREAT, FILE_MODE)) < 0 ? -errno : file;
	if (file >= 0 && is_shared(path))
		r = fchmod(file, GROUP_MODE); /* the mask of who comes first is not that of all */
	if (file < 0 || r < 0) {
		r = -errno;
		if (file >= 0)
			close(file);
		return r;
	}
	return file;
}

/* sqlite gives its other files the mode of this one. */
static int make_file(struct store *store)
{
	int file CLEANUP_CLOSE = store_make_file(store->path);

	if (file < 0)
		return store_say(store, -file, "%s: cannot be made or written to: %s", store->path,
				 strerror(-file));
	return 0;
}

static int open_database(struct store *store)
{
	int keep = 1, flags;

	/* Counts that nobody asks for cost a lock for each piece of memory; too late when sqlite is in use already. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	flags = (store->write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX;
	if (!store->write && access(store->path, R_OK) < 0)
		return store_say(store, errno, "%s: %s", store->path, strerror(errno));
	if (sqlite3_open_v2(store->path, &store->db, flags, NULL) != SQLITE_OK)
		return store->db ? store_failed(store)
				 : store_say(store, ENOMEM, "%s: not enough memory", store->path);
	(void)sqlite3_extended_result_codes(store->db, 1);
	(void)sqlite3_busy_handler(store->db, wait_while_busy, NULL);
	/* Who may only read needs the files that stand beside it while it is open. */
	(void)sqlite3_file_control(store->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
	return 0;
}

/* Another run may have made it since it was found empty. */
static int make_tables(struct store *store)
{
	char mark[64];
	int64_t tables = 0;
	int r = store_run(store, "BEGIN IMMEDIATE");

	if (r < 0)
		return r;
	snprintf(mark, sizeof(mark), "PRAGMA application_id = %d", store->form->application);
	r = store_number(store, "SELECT count(*) FROM sqlite_schema", 0, &tables);
	if (r == 0 && tables == 0)
		r = store_run(store, store->form->tables);
	if (r == 0 && tables == 0)
		r = store_run(store, mark);
	if (r == 0)
		r = store_run(store, "COMMIT");
	if (r < 0)
		(void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

/* sqlite does not wait by itself for another one who makes the same change. */
static int make_store(struct store *store)
{
	int r = 0, waits = 0;

	do
		r = store->form->log ? store_run(store, "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL")
				     : 0;
	while (r == -EBUSY && wait_while_busy(NULL, waits++));
	if (r < 0)
		return r;
	store->error[0] = '\0';
	return make_tables(store);
}

static int check_whose(struct store *store)
{
	int64_t tables = 0, application = 0;
	int r = store_number(store, "SELECT count(*) FROM sqlite_schema", 0, &tables);

	if (r == 0 && tables == 0)
		r = store->write ? make_store(store)
				 : store_say(store, ENODATA, "%s: %s", store->path, store->form->is_missing);
	if (r == 0)
		r = store_number(store, "PRAGMA application_id", 0, &application);
	if (r == 0 && application != store->form->application)
		r = store_say(store, EBADMSG, "%s: this is another program's database, not %s", store->path,
			      store->form->what);
	return r;
}

static int set_up(struct store *store)
{
	int r = make_file(store);

	r = r < 0 ? r : open_database(store);
	r = r < 0 ? r : check_whose(store);
	return r < 0 ? r : store_run(store, store->form->set_up);
}

/* ---- the store ---- */

static const struct store_form records_form = {
	.tables = store_schema,
	.application = 0x6f703235, /* "op25" */
	.what = "a store of records",
	.is_missing = "nothing was stored yet",
	.damaged = "the store is damaged; move it away, and it is filled again from the record files",
	/* The log is made permanent where it is moved into the database: a power cut may lose the last batches, but with their
	 * places. */
	.set_up =
		"PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 8192; PRAGMA journal_size_limit = 16777216",
	.log = true,
};

/* What people entered into a store of version 1, where the queue was one of its tables. Done again, it adds nothing. */
static int carry_work_over(struct store *store)
{
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	struct store *work = NULL;
	int64_t tables = 0;
	int r = store_number(store, "SELECT count(*) FROM sqlite_schema WHERE name = 'work'", 0, &tables);

	r = r == 0 && tables > 0 && store->write ? store_work_open(store, &work) : r;
	if (r < 0 || !work)
		return r;
	r = store_prepare(work, "ATTACH ?1 AS old", &statement);
	if (r == 0 && (sqlite3_bind_text(statement, 1, store->path, -1, SQLITE_STATIC) != SQLITE_OK ||
		       sqlite3_step(statement) != SQLITE_DONE))
		r = store_failed(work);
	r = r < 0 ? r
		  : store_run(
			    work,
			    "INSERT OR IGNORE INTO main.work(id, subscriber_text, time, who, what, ticket, note)"
			    " SELECT id, subscriber_text, time, who, what, ticket, note FROM old.work");
	return r < 0 ? store_say(store, -r, "%s", work->error) : 0;
}

static int check_version(struct store *store)
{
	int64_t schema = 0;
	int r = store_number(store, "SELECT value FROM meta WHERE key = 'schema'", 0, &schema);

	if (r < 0 || schema == STORE_SCHEMA)
		return r;
	if (schema > STORE_SCHEMA)
		return store_say(
			store, ENOTSUP,
			"%s: its form is version %lld, and this program knows %d: use the newer op25b-log",
			store->path, (long long)schema, STORE_SCHEMA);
	if (schema < 1)
		return store_damaged(store, "it does not tell its form");
	r = schema == 1 ? carry_work_over(store) : 0;
	return r < 0 ? r
		     : store_say(
			       store, ENOTSUP,
			       "%s: its form is version %lld, of an older op25b-log: move it away, and it is filled again from the record files",
			       store->path, (long long)schema);
}

static int open_form(struct store *store)
{
	int r = check_kind(store);

	if (r == 0 && store->write)
		r = set_up(store);
	else if (r == 0)
		r = open_database(store);
	return r < 0 || store->write ? r : check_whose(store);
}

int store_open(const char *path, bool write, struct store **ret, char **ret_error)
{
	struct store *store = calloc(1, sizeof(*store));
	int r = -ENOMEM;

	*ret_error = NULL;
	if (!store)
		return r;
	store->write = write;
	store->form = &records_form;
	store->path = strdup(path);
	r = store->path ? open_form(store) : -ENOMEM;
	r = r < 0 ? r : check_version(store);
	if (r < 0) {
		if (store->error[0] != '\0')
			*ret_error = strdup(store->error);
		store_close(store);
		return r;
	}
	*ret = store;
	return 0;
}

static int still_asked(void *context)
{
	struct store *store = context;

	store->busy(store->busy_context);
	return 0;
}

void store_while_asked(struct store *store, void (*busy)(void *context), void *context)
{
	store->busy = busy;
	store->busy_context = context;
	sqlite3_progress_handler(store->db, busy ? BUSY_STEPS : 0, busy ? still_asked : NULL, store);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	store_close(store->work);
	(void)sqlite3_close_v2(store->db);
	free(store->path);
	free(store);
}

/* ---- the work queue ---- */

static const struct store_form work_form = {
	.tables = store_work_schema,
	.application = 0x6f703277, /* "op2w" */
	.what = "a work queue",
	.is_missing = "nothing was entered yet",
	.damaged =
		"the work queue is damaged; move it away, and put a copy of it in its place if there is one",
	/* Records can be read again after a power cut; what people entered cannot. */
	.set_up = "PRAGMA synchronous = FULL",
};

/* The first version of the queue kept no graces. */
static int add_grace(struct store *work)
{
	int64_t has_grace = 0;
	int r = store_run(work, "BEGIN IMMEDIATE");

	if (r < 0)
		return r;
	r = store_number(work, "SELECT count(*) FROM pragma_table_info('work') WHERE name = 'grace'", 0,
			 &has_grace);
	if (r == 0 && !has_grace)
		r = store_run(work, "ALTER TABLE work ADD COLUMN grace INTEGER");
	if (r == 0)
		r = store_run(work, "COMMIT");
	if (r < 0)
		(void)sqlite3_exec(work->db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

/* Where others made nothing, there is nothing to be read. */
static int open_work(struct store *work)
{
	struct stat found;
	int64_t columns = 0;
	int r;

	if (!work->write && (stat(work->path, &found) < 0 ? errno == ENOENT : found.st_size == 0))
		return -ENOENT;
	r = open_form(work);
	if (r == 0 && work->write)
		r = store_number(
			work, "SELECT count(*) FROM pragma_table_info('work') WHERE name IN ('id', 'grace')",
			0, &columns);
	return r == 0 && work->write && columns == 1 ? add_grace(work) : r;
}

int store_work_open(struct store *store, struct store **ret)
{
	struct store *work = store->work;
	int r;

	*ret = work;
	if (work)
		return 0;
	work = calloc(1, sizeof(*work));
	if (!work || asprintf(&work->path, "%s-work", store->path) < 0) {
		free(work);
		return store_say(store, ENOMEM, "not enough memory");
	}
	/* Who may only read what others entered may do that. */
	work->write = store->write && (access(work->path, W_OK) == 0 || access(work->path, R_OK) < 0);
	work->form = &work_form;
	r = open_work(work);
	if (r < 0) {
		r = r == -ENOENT && !work->write ? 0 : store_say(store, -r, "%s", work->error);
		store_close(work);
		return r;
	}
	*ret = store->work = work;
	return 0;
}
