/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/database.h"
#include "store/query.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

int store_say(struct store *store, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(store->error, sizeof(store->error), format, arguments);
	va_end(arguments);
	return -error;
}

const char *store_error(const struct store *store)
{
	return store->error;
}

int store_damaged(struct store *store, const char *how)
{
	return store_say(store, EBADMSG, "%s: %s (%s)", store->path, store->form->damaged, how);
}

int store_failed(struct store *store)
{
	int code = sqlite3_extended_errcode(store->db);

	switch (code & 0xff) {
	case SQLITE_NOMEM:
		return store_say(store, ENOMEM, "%s: not enough memory", store->path);
	case SQLITE_FULL:
		return store_say(store, ENOSPC, "%s: the disk is full: make room", store->path);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return store_say(store, EBUSY, "%s: another program has been writing to it for too long",
				 store->path);
	case SQLITE_CORRUPT:
		return store_say(store, EBADMSG, "%s: %s", store->path, store->form->damaged);
	case SQLITE_NOTADB:
		return store_say(store, EBADMSG, "%s: this is not %s, or a damaged one", store->path,
				 store->form->what);
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return store_say(store, EACCES, "%s: no permission to write to it", store->path);
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
		if (sqlite3_system_errno(store->db) == ENOSPC)
			return store_say(store, ENOSPC, "%s: the disk is full: make room", store->path);
		return store_say(store, EIO, "%s: %s (%s)", store->path, sqlite3_errstr(code),
				 strerror(sqlite3_system_errno(store->db)));
	case SQLITE_ERROR: /* the statements are always the same: what they name is gone */
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
		return store_damaged(store, sqlite3_errmsg(store->db));
	default:
		return store_say(store, EIO, "%s: %s", store->path, sqlite3_errmsg(store->db));
	}
}

int store_prepare(struct store *store, const char *sql, sqlite3_stmt **ret)
{
	if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) != SQLITE_OK)
		return store_failed(store);
	return 0;
}

int store_run(struct store *store, const char *sql)
{
	if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return store_failed(store);
	return 0;
}

int store_number(struct store *store, const char *sql, int64_t otherwise, int64_t *ret)
{
	sqlite3_stmt *statement CLEANUP_STATEMENT = NULL;
	int r = store_prepare(store, sql, &statement);

	if (r < 0)
		return r;
	r = sqlite3_step(statement);
	if (r != SQLITE_ROW && r != SQLITE_DONE)
		return store_failed(store);
	*ret = r == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : otherwise;
	return 0;
}
