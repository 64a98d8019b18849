/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of op25b-log. Each subcommand is a row of the table in op25b-log.c and one function in tools/log_NAME.c;
 * log_options.c parses the options that all take (filters, times, output form, store, policy), so that every command
 * means the same by them. A new command is a row, its function, a line in completions/op25b, and its part of the manual.
 */
#ifndef OP25B_TOOLS_LOG_H
#define OP25B_TOOLS_LOG_H

#include "store/query.h"
#include "store/store.h"
#include "store/triage.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct policy;

enum log_output { LOG_TABLE, LOG_JSON, LOG_NDJSON, LOG_CSV };

/* Where the gateway keeps its store, unless its policy says otherwise. */
#define LOG_STATE_PATH "/var/lib/op25b"
#define LOG_STORE_PATH LOG_STATE_PATH "-review/review.db"

/* Exit codes as grep's. */
enum { LOG_FOUND = 0, LOG_NOTHING = 1, LOG_ERROR = 2 };

enum {
	LOG_OPTIONS_MAX = 8, /* of one command */
	LOG_FILES_MAX = 64,  /* record files named by --log */
};

struct log_context;

/* An option of one command; those that all take are in no row. */
struct log_option {
	const char *name;     /* without "--"; NULL ends the list */
	const char *argument; /* what the help calls its value; NULL: it takes none */
	const char *help;
};

/* What a command needs done before it runs. */
enum log_prepare {
	LOG_FILLED, /* the store open, and filled from the record files */
	LOG_OPENED, /* the store open to be written, and not filled */
	LOG_BARE,   /* nothing: it never asks the store */
};

struct log_command {
	const char *name;
	const char *arguments; /* as the usage shows them, "" for none; options do not stand there */
	int least, most;       /* how many */
	const char *what;      /* one line */
	struct log_option options[LOG_OPTIONS_MAX + 1];
	const char *letters;  /* letters[i]: the short form of options[i], ' ' for none; NULL: none has one */
	const char *also;     /* the options of all commands that mean something to it */
	uint64_t rows;        /* usual, without -n; 0: all */
	const char *rows_say; /* what its --help says of them; NULL: the number, "": nothing */
	const char *codes[2]; /* what the exit codes 0 and 1 mean; NULL: something, and nothing, was found */
	const char *examples; /* whole lines of its --help */
	enum log_prepare prepare;
	/* argv[1] to argv[argc - 1] are the arguments, without options. LOG_FOUND, LOG_NOTHING or LOG_ERROR, after what there
	 * is to say. */
	int (*run)(struct log_context *context, int argc, char **argv);
};

struct log_context {
	const struct log_command *command;
	const char *policy_path;
	bool policy_named;
	struct policy *policy; /* NULL: there is none that can be read; only a named one must be readable */
	struct triage_limits limits;
	char *store_path;
	bool store_named;
	bool own_store;                   /* the user's, though he asked for none of his own */
	struct store *store;              /* open, and filled from the record files, before run() */
	bool writable;                    /* the store */
	bool fill;                        /* not --no-ingest */
	const char *files[LOG_FILES_MAX]; /* record files: those named, else the policy's */
	unsigned file_count;
	bool files_named;
	bool rotated;       /* with the rotated ones beside them */
	bool tells_refused; /* each line that is no record is told on stderr */
	bool told_unread; /* what files were not read whole: once is enough where the store is filled again and again */
	struct store_filter filter;
	uint64_t limit; /* -n, or the command's own default; 0: all. See log_limit() */
	bool limit_given;
	enum log_output output;
	bool colour, pager, utc;
	bool wide;       /* tables are as wide as they are */
	bool utf8;       /* the terminal's characters */
	unsigned width;  /* its columns; 0: standard output is no terminal */
	unsigned height; /* its lines; 0: likewise, or not known */
	int64_t now_us;
	const char *values[LOG_OPTIONS_MAX]; /* of the command's options; "" for one that takes none */
};

/* clang-format off */
#define LOG_COMMANDS(X)                                                                                      \
	X(top) X(list) X(tail) X(timeline) X(show) X(first_seen) X(destinations) X(pools) X(compare)         \
	X(report) X(watch) X(ingest) X(queue) X(ack) X(notified) X(reopen) X(close) X(annotate)       \
	X(ticket) X(exemptions) X(verify)
/* clang-format on */

#define LOG_DECLARE(name) int log_##name(struct log_context *context, int argc, char **argv);
LOG_COMMANDS(LOG_DECLARE)
#undef LOG_DECLARE

/* ---- what stands on the command line ---- */

/* The value of an option of this command, "" of one that takes none; NULL when it was not given. */
const char *log_value(const struct log_context *context, const char *name);
/* The same as a number from 1 to max; *ret is untouched when it was not given. False after saying that it is none. */
bool log_number(const struct log_context *context, const char *name, uint64_t max, uint64_t *ret);
/* -n, or what is usual for this command and has room on the terminal; 0: all. */
uint64_t log_limit(const struct log_context *context);
/* --sort as all commands that sort subscribers take it. False after saying what is wrong. */
bool log_order(const struct log_context *context, enum store_order *ret);
/* The time that an option names; *ret is untouched where text is NULL: it was not given. LOG_FOUND or LOG_ERROR, said. */
int log_moment(const struct log_context *context, const char *option, const char *text, bool later,
	       int64_t *ret);
/* A subscriber on the command line, an address or prefix, into the filter. False after saying what is wrong. */
bool log_subscriber(const char *text, struct prefix *ret);

/* Says on stderr what is wrong. LOG_ERROR, to be returned. */
int log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same of a call on the store that returned something negative. */
int log_store_error(const struct log_context *context);
enum { LOG_LATEST_MAX = 96 };
/* Says on the terminal that nothing was found, and how new what is stored is. LOG_NOTHING. */
int log_nothing(const struct log_context *context);
/* Says the same of a page that was written. LOG_NOTHING. */
int log_empty_page(const struct log_context *context);
/* Says which names of --host and --rule no record tells of. LOG_FOUND or LOG_ERROR, said. */
int log_look_at_names(const struct log_context *context);

/* Offset of local time (or 0 with --utc) at that moment, seconds east of UTC. */
int32_t log_offset(const struct log_context *context, int64_t us);

/* ---- the store ---- */

/* Reads the policy, finds the store and the record files. LOG_FOUND or LOG_ERROR, said. */
int log_store_find(struct log_context *context);
/* Opens it and, where the command wants it, fills it from the record files. LOG_FOUND or LOG_ERROR, said. */
int log_store_open(struct log_context *context);
/* Fills it once more, for commands that go on looking. LOG_FOUND or LOG_ERROR, said. *ret may be NULL. */
int log_store_fill(struct log_context *context, struct store_ingested *ret);
void log_store_end(struct log_context *context);

/* ---- output ---- */

/* Sends standard output to a pager from here on, if one is wanted and there is none yet. Tables do it by themselves. */
void log_page(const struct log_context *context);
/* Waits until the pager's user has seen enough. */
void log_page_end(void);

/*
 * A table of any form: one description of the columns makes the aligned table, JSON objects, NDJSON and CSV (RFC 4180; texts
 * that a spreadsheet would take for a formula get an apostrophe before them). Control characters never reach the terminal
 * as such. Rows are printed as they come, so memory does not grow with them.
 */
enum log_cell {
	LOG_CELL_TEXT,
	LOG_CELL_RIGHT, /* text aligned like a number */
	LOG_CELL_NUMBER,
	LOG_CELL_TIME,
	LOG_CELL_BOOL,
	LOG_CELL_SPARK,
	LOG_CELL_BAR, /* only in the aligned table */
};

struct log_column {
	const char *name;  /* in JSON and CSV; NULL: not there */
	const char *title; /* in the aligned table; NULL: not there */
	enum log_cell type;
	/*
	 * On terminals that are too narrow for all columns: 0 is shown always, then the lowest ranks first, as far as there is
	 * room. No rank is given twice in a table. least: the column may be cut to so many characters; 0: it is not cut.
	 */
	unsigned rank, least;
};

struct log_table;

/* NULL without memory, which log_table_end() tells; all functions take it. columns is borrowed until the end. */
struct log_table *log_table_new(const struct log_context *context, const struct log_column *columns,
				size_t count);
/* The next cell, as its column says; of columns that this form does not have, too. */
/* NULL: none, also in a column of numbers. */
void log_table_text(struct log_table *table, const char *value);
void log_table_number(struct log_table *table, uint64_t value);
void log_table_time(struct log_table *table, int64_t us); /* INT64_MIN: none */
void log_table_bool(struct log_table *table, bool value);
void log_table_spark(struct log_table *table, const uint64_t *values, size_t count);
void log_table_bar(struct log_table *table, uint64_t value, uint64_t most);
/* Paints the cell written last, by the number of ECMA-48's SGR (31: red). */
void log_table_paint(struct log_table *table, unsigned colour);
/* For commands that go on looking: of how many characters what comes may be, by column. Borrowed until the end. */
void log_table_expect(struct log_table *table, const size_t *widths);
/* Prints what is kept so far, for commands that go on looking. */
void log_table_flush(struct log_table *table);
/* Prints what is kept, frees. LOG_FOUND, LOG_NOTHING without rows, LOG_ERROR without memory. */
int log_table_end(struct log_table *table);
/* Prints a line below or above tables, in the aligned form only. */
void log_note(const struct log_context *context, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The same where there is no such form on stderr: other forms hold nothing but rows. */
void log_remark(const struct log_context *context, const char *text);

/* One character for each value, up to the greatest of them. */
void log_spark_print(FILE *out, const uint64_t *values, size_t count, bool utf8);
/* "192.0.2.1", "2001:db8::/56"; "(unknown)" of overflow. */
const char *log_subscriber_text(const struct prefix *subscriber, char out[PREFIX_TEXT_MAX]);
/* "17", or "~170" where it is an estimate. */
const char *log_destinations_text(uint64_t destinations, bool exact, char out[24]);

/* ---- parts of several commands ---- */

/* Says what the figures just printed do not know, where they are by rule and by reason at once. LOG_FOUND or LOG_ERROR, said. */
int log_divided(const struct log_context *context);

/* Subscribers with what the triage says of each: the columns, and a row of them. sparks: with a sparkline of the period. */
extern const struct log_column log_talker_columns[];
extern const size_t log_talker_column_count;
enum { LOG_TALKER_COLUMNS_MAX = 32 };
void log_talker_write(struct log_table *table, const struct log_context *context,
		      const struct store_talker *row, const uint64_t *spark, size_t spark_count);
unsigned log_class_colour(enum triage_class class);

/* Subscribers kept beyond the question that told them, for commands that ask more about each. */
enum { LOG_WAY_TEXTS = 7 };
struct log_talker {
	struct store_talker row;
	char *texts[LOG_WAY_TEXTS]; /* that row's way points to */
};
struct log_talkers {
	struct log_talker *items;
	size_t count, capacity;
	int64_t least_first_us; /* only who was first seen then or later is kept */
};

/* Those of the context's filter. LOG_FOUND or LOG_ERROR, said; log_talkers_free() in any case. */
int log_talkers_read(const struct log_context *context, enum store_order order, uint64_t limit,
		     struct log_talkers *talkers);
void log_talkers_free(struct log_talkers *talkers);
/* Says to people when records begin, if a period that others are compared with begins before. LOG_FOUND or LOG_ERROR, said. */
int log_say_begin(const struct log_context *context, int64_t since_us);

#endif
