/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Internal to store/: the open database and how its errors become words for people. What sqlite says of itself ("database
 * disk image is malformed") tells nobody what to do, so the kinds that people meet have a sentence of our own.
 */
#ifndef OP25B_STORE_DATABASE_H
#define OP25B_STORE_DATABASE_H

#include "store/store.h"

#include <sqlite3.h>

enum {
	STORE_SCHEMA = 3,
	STORE_ERROR_MAX = 600,
	STORE_NAMED = 2, /* as reach.exact: an estimate, but all are known by name */
};

/* Two kinds of database: the store, and beside it the work queue, which outlives it. */
struct store_form {
	const char *tables;     /* the statements that make an empty one */
	int application;        /* sqlite's mark of whose file this is */
	const char *what;       /* "a store of records" */
	const char *is_missing; /* what is said of an empty one that may not be written */
	const char *damaged;    /* what it is then, and what to do */
	const char *set_up;     /* statements for each connection that writes */
	bool log;               /* readers see the last batch while the next one is written */
};

struct store {
	sqlite3 *db;
	char *path;
	bool write;
	const struct store_form *form;
	struct store *work; /* the work queue, once it was asked for; NULL */
	void (*busy)(void *context);
	void *busy_context;
	char error[STORE_ERROR_MAX];
};

/* The number of a subscriber's day in the table known, of the columns given. */
#define STORE_DAY_ID(day, subscriber) day " * 4294967296 + " subscriber

/* Keeps the sentence for store_error(); returns -error. */
int store_say(struct store *store, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* What stands in it cannot be, and what to do then; `how` is for those who look at it. -EBADMSG. */
int store_damaged(struct store *store, const char *how);
/* The same of what sqlite last failed with. */
int store_failed(struct store *store);

/* 0, or as store_failed(). *ret is the caller's, to free with sqlite3_finalize(). */
int store_prepare(struct store *store, const char *sql, sqlite3_stmt **ret);
/* Statements whose rows nobody wants, one behind the other. */
int store_run(struct store *store, const char *sql);
/* The one number that a question answers; `otherwise` when it answers nothing. */
int store_number(struct store *store, const char *sql, int64_t otherwise, int64_t *ret);

/* The work queue beside the store, in *ret, which stays the store's; NULL where there is none, and none may be made. 0 or a
 * negative errno, told to the store. */
int store_work_open(struct store *store, struct store **ret);

/* A file of the store, made if it is missing; readable and writable for the group in a directory made for one. A descriptor,
 * the caller's, or a negative errno. */
int store_make_file(const char *path);

/* schema.c: the statements that make an empty store, and work queue. */
extern const char store_schema[], store_work_schema[];

static inline void cleanup_statement(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}

#define CLEANUP_STATEMENT __attribute__((cleanup(cleanup_statement)))

#endif
