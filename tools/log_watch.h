/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * op25b-log watch: who is blocked most and how the gateway is, live in a terminal. What is known at a moment (a
 * snapshot, from the daemon or from the record file), what follows from several of them (the model) and what stands
 * where (the grid) are values that tests can look at; only log_watch_screen.c knows a terminal.
 */
#ifndef OP25B_TOOLS_LOG_WATCH_H
#define OP25B_TOOLS_LOG_WATCH_H

#include "base/addr.h"
#include "base/moment.h"
#include "event/line.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	WATCH_NAME_MAX = 64,
	WATCH_TEXT_MAX = 200,
	WATCH_WARNINGS_MAX = 8,
	WATCH_MOMENT_MAX = 32,
	WATCH_OFFENDERS_MAX = 1000, /* what op25bd gives at most */
	WATCH_HISTORY = 256,        /* steps of a sparkline */
	WATCH_ANSWERS_MAX = 8,      /* lines about one subscriber */
	WATCH_INTERVAL_LEAST_MS = 100,
	WATCH_INTERVAL_MOST_MS = 3600000,
};

/* ---- a snapshot ---- */

/* Texts come from elsewhere: watch_text() has made them printable ASCII. */
struct watch_offender {
	char subscriber[PREFIX_TEXT_MAX]; /* hosts without their length */
	uint64_t packets, attempts, offloaded, destinations;
	bool destinations_exact, monitored;
	char reason[WATCH_NAME_MAX];
	char since[MOMENT_TEXT_MAX], last[MOMENT_TEXT_MAX];
	/* Of records only; "" where not known. */
	char host[WATCH_NAME_MAX], pool[WATCH_NAME_MAX], rule[WATCH_NAME_MAX], destination[ADDR_TEXT_MAX];
};

/* What only grows, so that two snapshots make a rate. */
enum watch_counter {
	WATCH_PACKETS, /* judged, or blocked by the kernel itself; of records: those recorded */
	WATCH_BLOCKED,
	WATCH_ACCEPTED,
	WATCH_ATTEMPTS,
	WATCH_OFFLOADED, /* of those blocked, by the kernel itself */
	WATCH_RECORDS,
	WATCH_COUNTERS,
};

enum watch_case {
	WATCH_NO_DAEMON,
	WATCH_QUEUE_FULL,
	WATCH_BUFFER_FULL,
	WATCH_KILLED,
	WATCH_STALLED,
	WATCH_CASES
};

struct watch_snapshot {
	int64_t at_ns;  /* steady clock */
	bool of_daemon; /* else of the record file */
	char clock[16]; /* of the wall, for people */
	char today[16]; /* "2026-11-22" likewise; "" where not known */
	char origin[WATCH_TEXT_MAX];
	char newest
		[WATCH_MOMENT_MAX]; /* when the latest record was written; "" of the daemon, or without records */
	uint64_t counters[WATCH_COUNTERS];
	bool known[WATCH_COUNTERS];
	uint64_t pid, uptime_s;
	char gateway[WATCH_NAME_MAX], version[WATCH_NAME_MAX], mode[WATCH_NAME_MAX], fail[WATCH_NAME_MAX];
	uint64_t queues, in_flight, failed_open;
	bool kernel_known;
	uint64_t waiting, queue_dropped, socket_dropped;
	char fates[WATCH_CASES][WATCH_NAME_MAX];
	bool offload_wanted;
	char offload[WATCH_NAME_MAX];
	uint64_t offload_sources;
	uint64_t records_lost, log_waiting;
	uint64_t subscribers, looked, window_s;
	char warnings[WATCH_WARNINGS_MAX][WATCH_TEXT_MAX];
	size_t warning_count;
	struct watch_offender *offenders; /* owned */
	size_t offender_count;
};

void watch_snapshot_free(struct watch_snapshot *snapshot);
/* Printable ASCII of any text; everything else becomes '?'. NULL is "". */
void watch_text(char *out, size_t size, const char *text);
void watch_warn(struct watch_snapshot *snapshot, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What op25bd answers to "status" and "offenders"; what is missing or of another type counts as 0 and "". 0 or -ENOMEM. */
void watch_read_status(const json_t *status, struct watch_snapshot *snapshot);
int watch_read_offenders(const json_t *answer, struct watch_snapshot *snapshot);
/* Its answer to "explain", as lines for people; how many. */
size_t watch_read_explain(const json_t *answer, char lines[WATCH_ANSWERS_MAX][WATCH_TEXT_MAX]);

/* ---- filters ---- */

/* Whom the options let through. ADDR_NONE, NULL, 0: all; texts are borrowed. */
struct watch_filter {
	struct prefix src, dst;
	const char *pool, *rule, *reason, *host;
	uint64_t min_attempts;
	char text[WATCH_TEXT_MAX]; /* as on the command line, each with a blank before it */
};

/* Fills in `text`. */
void watch_filter_name(struct watch_filter *only);
/* Only records tell of it; op25bd does not. */
bool watch_filter_wants_records(const struct watch_filter *only);
/* All but min_attempts. A record of several rules or reasons is left with the packets of those that are asked for. */
bool watch_filter_record(const struct watch_filter *only, struct event_line *line);
/* All that is asked of a notice. */
bool watch_filter_host(const struct watch_filter *only, const struct event_line *line);
bool watch_filter_offender(const struct watch_filter *only, const struct watch_offender *offender);

/* ---- records ---- */

struct watch_records;

struct watch_records *watch_records_new(void); /* NULL without memory */
void watch_records_free(struct watch_records *records);
/* From now on the other records count nowhere. Borrowed. */
void watch_records_only(struct watch_records *records, const struct watch_filter *only);
/*
 * One line of a record file. What is no record of ours is counted, no more. now_us: microseconds since 1970 UTC, here and
 * below; silence is from the last packet that a record tells until then, however late the record is read.
 */
void watch_records_line(struct watch_records *records, const char *line, size_t len, int64_t now_us);
void watch_records_refuse(struct watch_records *records);
/* Who has sent a packet in the last ten minutes, and the sums since the beginning. 0 or -ENOMEM. */
int watch_records_snapshot(struct watch_records *records, int64_t now_us, struct watch_snapshot *snapshot);

/* A file that grows and is rotated, read from near its end. */
struct watch_tail;

struct watch_tail *watch_tail_new(const char *path); /* NULL without memory */
void watch_tail_free(struct watch_tail *tail);
/* Reads what is new, for a bounded time. 0, or -errno when there is no file to read. *ret_more: there is still more. */
int watch_tail_read(struct watch_tail *tail, struct watch_records *records, int64_t now_us, bool *ret_more);

/* ---- the model ---- */

enum watch_order { WATCH_BY_PACKETS, WATCH_BY_ATTEMPTS, WATCH_BY_DESTINATIONS, WATCH_BY_TIME };
enum watch_mode { WATCH_LIST, WATCH_HELP, WATCH_DETAILS, WATCH_ASK_INTERVAL, WATCH_ASK_FILTER };

/* Keys that are no characters. */
enum watch_key {
	WATCH_KEY_NONE = -1,
	WATCH_KEY_UP = 1000,
	WATCH_KEY_DOWN,
	WATCH_KEY_PAGE_UP,
	WATCH_KEY_PAGE_DOWN,
	WATCH_KEY_HOME,
	WATCH_KEY_END,
	WATCH_KEY_ENTER,
	WATCH_KEY_BACKSPACE,
	WATCH_KEY_ESCAPE,
	WATCH_KEY_RESIZE,
};

/* What a key asks of who owns clock and terminal. */
enum watch_wish { WATCH_GO_ON, WATCH_QUIT, WATCH_REFRESH, WATCH_NEW_INTERVAL, WATCH_EXPLAIN, WATCH_COLOUR };

/* Rates are thousandths of one a second. */
struct watch_row {
	const struct watch_offender *offender;
	uint64_t packet_rate, attempt_rate;
};

struct watch_model {
	struct watch_snapshot now; /* owned */
	bool has_rates;
	uint64_t rates[WATCH_COUNTERS];
	uint64_t history[WATCH_COUNTERS][WATCH_HISTORY]; /* the newest last */
	size_t steps;
	struct watch_row *all;  /* owned: a row for each offender of `now` */
	struct watch_row *rows; /* owned: of these, those that the filter lets through, sorted */
	size_t row_count;
	uint64_t interval_ms;
	enum watch_order order;
	enum watch_mode mode;
	const struct watch_filter *only; /* the options'; NULL: all. Borrowed */
	char filter[WATCH_NAME_MAX];     /* typed */
	char prompt[WATCH_NAME_MAX], said[WATCH_NAME_MAX];
	char selected[PREFIX_TEXT_MAX]; /* "": the first */
	size_t cursor, top;             /* row selected, and row shown first */
	size_t page;                    /* rows that were shown */
	bool utf8;
	/* The subscriber whose details were last shown. */
	char followed[PREFIX_TEXT_MAX];
	uint64_t followed_history[WATCH_HISTORY];
	size_t followed_steps;
	char answers[WATCH_ANSWERS_MAX][WATCH_TEXT_MAX];
	size_t answer_count;
};

void watch_model_free(struct watch_model *model);
/* Takes the snapshot over, also on failure. 0 or -ENOMEM: the model then shows what it showed. */
int watch_model_take(struct watch_model *model, struct watch_snapshot *snapshot);
enum watch_wish watch_model_key(struct watch_model *model, int key);
/* The row under the cursor, NULL when there is none. */
const struct watch_row *watch_model_selected(const struct watch_model *model);
/* So many rows are on the screen: the cursor is among them afterwards. */
void watch_model_fit(struct watch_model *model, size_t page);
/* The offender whose details are shown, NULL when he has gone. */
const struct watch_offender *watch_model_followed(const struct watch_model *model);
/* "1", "0.5": seconds. False: none, or out of range. */
bool watch_interval_parse(const char *text, uint64_t *ret_ms);
const char *watch_order_name(enum watch_order order);

/* ---- the grid ---- */

enum watch_style {
	WATCH_PLAIN,
	WATCH_BAR, /* title, heads, the row selected */
	WATCH_BOLD,
	WATCH_FAINT,
	WATCH_GOOD,
	WATCH_WORSE,
	WATCH_BAD,
	WATCH_CURVE,
	WATCH_STYLES,
};

/* A place on the screen. glyph: printable ASCII, or U+2581 to U+2588. */
struct watch_cell {
	uint16_t glyph;
	uint8_t style;
};

struct watch_grid {
	int rows, columns;
	struct watch_cell *cells; /* owned */
};

void watch_grid_free(struct watch_grid *grid);
/* Blank, and of this size. 0 or -ENOMEM: it is then as it was. */
int watch_grid_clear(struct watch_grid *grid, int rows, int columns);
/* Each writes what fits from there on, and returns the column behind it. */
int watch_put(struct watch_grid *grid, int row, int column, enum watch_style style, const char *text);
int watch_putf(struct watch_grid *grid, int row, int column, enum watch_style style, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* The whole text on rows from there to before end, cut at blanks; returns the row behind it. */
int watch_put_lines(struct watch_grid *grid, int row, int end, enum watch_style style, const char *text);
/* A "+" at the end of the row, if what was put came to a column beyond it. */
void watch_tell_cut(struct watch_grid *grid, int row, int column);
/* The row from there to its end. */
void watch_fill(struct watch_grid *grid, int row, int column, enum watch_style style);
/* The last `width` of the values, the greatest of them as high as a line is. */
void watch_spark(struct watch_grid *grid, int row, int column, int width, bool utf8, const uint64_t *values,
		 size_t count);
/* At most width (4 to 20) characters: whole as long as it fits, else as 123k, 45M. */
const char *watch_number(uint64_t value, int width, char out[24]);
/* Thousandths a second: "0", "0.4", "12.5", "1234". */
const char *watch_rate(uint64_t rate, int width, char out[24]);

/* The whole screen. */
void watch_view(struct watch_model *model, struct watch_grid *grid);
/* Its parts: details and help take all but the first row and the last. */
void watch_view_details(const struct watch_model *model, struct watch_grid *grid);
void watch_view_help(struct watch_grid *grid);

/* ---- the terminal ---- */

struct watch_screen;

/*
 * Takes the terminal: from here to watch_screen_close() standard input and output are the screen's, and it is given
 * back also when the process ends in another way. 0 with *ret; -ENOTTY, -EINVAL (TERM is none that can show it), -ENOMEM.
 */
int watch_screen_open(bool colour, struct watch_screen **ret);
void watch_screen_close(struct watch_screen *screen); /* NULL is fine */
bool watch_screen_utf8(const struct watch_screen *screen);
void watch_screen_size(const struct watch_screen *screen, int *ret_rows, int *ret_columns);
void watch_screen_colour(struct watch_screen *screen); /* on or off */
void watch_screen_draw(struct watch_screen *screen, const struct watch_grid *grid);
/* Waits for a key for so long: its value, or WATCH_KEY_NONE. *ret_ended: the number of the signal that wants an end, or 0. */
int watch_screen_key(struct watch_screen *screen, int timeout_ms, int *ret_ended);

/* ---- the command ---- */

struct watch_config {
	const char *program; /* before what is said on standard error */
	const char *socket;  /* NULL: the daemon is not asked */
	const char *log;     /* NULL: no record file is read */
	struct watch_filter only;
	bool colour;
	uint64_t interval_ms;
};

/* Until the user or a signal ends it. 0; -errno after saying why. */
int watch_run(const struct watch_config *config);

#endif
