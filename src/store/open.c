/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/database.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
	BUSY_WAIT_MS = 5,
	BUSY_WAITS = 60 * 1000 / BUSY_WAIT_MS,
	FILE_MODE = 0640, /* it tells of subscribers */
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

/* A pipe would keep whoever opens it waiting for ever. */
static int check_kind(struct store *store)
{
	struct stat found;

	if (stat(store->path, &found) < 0 || S_ISREG(found.st_mode))
		return 0;
	return store_say(store, EINVAL, "%s: %s, not a store of records", store->path,
			 S_ISDIR(found.st_mode) ? "a directory" : "no plain file");
}

/* sqlite gives its other files the mode of this one. */
static int make_file(struct store *store)
{
	int file CLEANUP_CLOSE = open(store->path, O_WRONLY | O_CREAT | O_CLOEXEC, FILE_MODE);

	if (file < 0)
		return store_say(store, errno, "%s: cannot be made or written to: %s", store->path,
				 strerror(errno));
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
	int64_t tables = 0;
	int r = store_run(store, "BEGIN IMMEDIATE");

	if (r < 0)
		return r;
	r = store_number(store, "SELECT count(*) FROM sqlite_schema", 0, &tables);
	if (r == 0 && tables == 0)
		r = store_run(store, store_schema);
	if (r == 0 && tables == 0)
		r = store_run(store, "PRAGMA application_id = 1869623861");
	if (r == 0)
		r = store_run(store, "COMMIT");
	if (r < 0)
		(void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

_Static_assert(STORE_APPLICATION == 1869623861, "as in the PRAGMA above");

/* With a log beside the file (WAL), readers see the last committed batch while the next one is written. sqlite does not wait by
 * itself for another one who makes the same change. */
static int make_store(struct store *store)
{
	int r, waits = 0;

	do
		r = store_run(store, "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL");
	while (r == -EBUSY && wait_while_busy(NULL, waits++));
	if (r < 0)
		return r;
	store->error[0] = '\0';
	return make_tables(store);
}

static int check_whose(struct store *store)
{
	int64_t tables = 0, application = 0, schema = 0;
	int r = store_number(store, "SELECT count(*) FROM sqlite_schema", 0, &tables);

	if (r == 0 && tables == 0)
		r = store->write ? make_store(store)
				 : store_say(store, ENODATA, "%s: nothing was stored yet", store->path);
	if (r == 0)
		r = store_number(store, "PRAGMA application_id", 0, &application);
	if (r == 0 && application != STORE_APPLICATION)
		r = store_say(store, EBADMSG,
			      "%s: this is another program's database, not a store of records", store->path);
	if (r == 0)
		r = store_number(store, "SELECT value FROM meta WHERE key = 'schema'", 0, &schema);
	if (r == 0 && schema > STORE_SCHEMA)
		r = store_say(
			store, ENOTSUP,
			"%s: its form is version %lld, and this program knows %d: use the newer op25b-log",
			store->path, (long long)schema, STORE_SCHEMA);
	if (r == 0 && schema > 0 && schema < STORE_SCHEMA)
		r = store_say(
			store, ENOTSUP,
			"%s: its form is version %lld, of an older op25b-log: move it away, and it is filled again from the record files",
			store->path, (long long)schema);
	else if (r == 0 && schema < STORE_SCHEMA)
		r = store_say(store, EBADMSG, "%s: the store is damaged: it does not tell its form",
			      store->path);
	return r;
}

/* The log is made permanent where it is moved into the database: a power cut may lose the last batches, but with their places. */
static int set_up(struct store *store)
{
	int r = make_file(store);

	r = r < 0 ? r : open_database(store);
	r = r < 0 ? r : check_whose(store);
	return r < 0 ? r
		     : store_run(
			       store,
			       "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 8192; PRAGMA journal_size_limit = 16777216");
}

int store_open(const char *path, bool write, struct store **ret, char **ret_error)
{
	struct store *store = calloc(1, sizeof(*store));
	int r = -ENOMEM;

	*ret_error = NULL;
	if (!store)
		return r;
	store->write = write;
	store->path = strdup(path);
	if (store->path)
		r = check_kind(store);
	if (store->path && r == 0) {
		r = write ? set_up(store) : open_database(store);
		r = r < 0 || write ? r : check_whose(store);
	}
	if (r < 0) {
		if (store->error[0] != '\0')
			*ret_error = strdup(store->error);
		store_close(store);
		return r;
	}
	*ret = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	(void)sqlite3_close_v2(store->db);
	free(store->path);
	free(store);
}
