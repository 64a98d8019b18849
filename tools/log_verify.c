/* SPDX-License-Identifier: GPL-2.0-or-later */
/* verify: whether every record that was written is stored, once: by the numbers, and by the daemon's own count. */
#include "log_daemon.h"

#include "store/audit.h"

#include "base/vec.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLOUR_RED = 31 };

struct verify {
	struct log_context *context;
	struct log_table *table;
	json_t *ledgers;
	uint64_t missing;  /* of the source in hand, in gaps that are losses */
	uint64_t restarts; /* gaps that are none */
	uint64_t lost;     /* the missing ones of all sources */
	const struct store_source *source;
	uint64_t looked_at; /* sources and ledgers that count */
	bool differs;
};

/* --host: a gateway that is known to have lost records says nothing of the others. */
static bool is_wanted(const struct verify *verify, const char *host)
{
	const char *wanted = verify->context->filter.host;

	return !wanted || strcmp(wanted, host) == 0;
}

/* result NULL: nothing is expected, and the number only told. */
static void write_check(struct verify *verify, const char *host, const char *boot_id, const char *check,
			uint64_t expected, uint64_t stored, const char *result)
{
	log_table_text(verify->table, host);
	log_table_text(verify->table, check);
	if (result)
		log_table_number(verify->table, expected);
	else
		log_table_text(verify->table, NULL);
	log_table_number(verify->table, stored);
	log_table_text(verify->table, result ? result : "told");
	if (result && strcmp(result, "ok") != 0)
		log_table_paint(verify->table, COLOUR_RED);
	log_table_text(verify->table, boot_id);
}

static void write_equal(struct verify *verify, const char *host, const char *boot_id, const char *check,
			uint64_t expected, uint64_t stored)
{
	write_check(verify, host, boot_id, check, expected, stored, expected == stored ? "ok" : "differs");
	verify->differs = verify->differs || expected != stored;
}

/* ---- the numbers ---- */

/* The life of a daemon that a ledger tells of: its first number, and the one that it has not given out yet. */
static void life_of(const json_t *ledger, const char **ret_host, const char **ret_boot_id,
		    uint64_t *ret_first, uint64_t *ret_end)
{
	const json_t *events = json_object_get(ledger, "events");
	uint64_t records = log_daemon_number(events, "records");

	*ret_host = log_daemon_text(events, "host");
	*ret_boot_id = log_daemon_text(events, "boot_id");
	*ret_end = log_daemon_number(events, "next_seq");
	*ret_first = *ret_end >= records ? *ret_end - records : 0;
}

/* A gap within the life of a daemon that we know is no restart, however large it is. */
static bool is_in_a_life(const struct verify *verify, const struct store_gap *gap)
{
	const char *host, *boot_id;
	uint64_t first, end;

	for (size_t i = 0; i < json_array_size(verify->ledgers); i++) {
		life_of(json_array_get(verify->ledgers, i), &host, &boot_id, &first, &end);
		if (strcmp(host, gap->host) == 0 && strcmp(boot_id, gap->boot_id) == 0 &&
		    gap->first > first && gap->last < end)
			return true;
	}
	return false;
}

static int take_gap(void *context, const struct store_gap *gap)
{
	struct verify *verify = context;
	uint64_t numbers = gap->last - gap->first + 1;
	char lost[64];

	if (strcmp(gap->host, verify->source->host) != 0 ||
	    strcmp(gap->boot_id, verify->source->boot_id) != 0)
		return 0;
	if (numbers >= STORE_RESTART_NUMBERS && !is_in_a_life(verify, gap)) {
		verify->restarts++;
		return 0;
	}
	verify->missing += numbers;
	(void)snprintf(lost, sizeof(lost), "lost: %" PRIu64 " to %" PRIu64, gap->first, gap->last);
	write_equal(verify, gap->host, gap->boot_id, lost, numbers, 0);
	return 0;
}

/* A source with its texts, kept: a question is not asked while another one is answered. */
struct kept_source {
	struct store_source row;
	char *host, *boot_id;
};

struct kept_sources {
	struct kept_source *items;
	size_t count, capacity;
};

static int keep_source(void *context, const struct store_source *row)
{
	struct kept_sources *sources = context;
	struct kept_source *kept;

	if (!VEC_RESERVE(sources->items, sources->capacity, sources->count + 1))
		return -ENOMEM;
	kept = &sources->items[sources->count];
	*kept = (struct kept_source){.row = *row, .host = strdup(row->host), .boot_id = strdup(row->boot_id)};
	kept->row.host = kept->host;
	kept->row.boot_id = kept->boot_id;
	sources->count++;
	return kept->host && kept->boot_id ? 0 : -ENOMEM;
}

static void free_sources(struct kept_sources *sources)
{
	for (size_t i = 0; i < sources->count; i++) {
		free(sources->items[i].host);
		free(sources->items[i].boot_id);
	}
	free(sources->items);
}

static int check_source(struct verify *verify, const struct store_source *source)
{
	int r;

	if (!is_wanted(verify, source->host))
		return 0;
	verify->looked_at++;
	verify->missing = verify->restarts = 0;
	verify->source = source;
	r = source->gaps > 0 ? store_gaps(verify->context->store, take_gap, verify) : 0;
	if (r < 0)
		return r;
	verify->lost += verify->missing;
	write_equal(verify, source->host, source->boot_id, "numbers", source->records + verify->missing,
		    source->records);
	if (verify->restarts > 0)
		write_check(verify, source->host, source->boot_id, "restarts", 0, verify->restarts, NULL);
	if (source->duplicates > 0)
		write_check(verify, source->host, source->boot_id, "met again, stored once", 0,
			    source->duplicates, NULL);
	return 0;
}

static int check_sources(struct verify *verify)
{
	struct kept_sources sources = {0};
	int r = store_sources(verify->context->store, keep_source, &sources);

	for (size_t i = 0; r == 0 && i < sources.count; i++)
		r = check_source(verify, &sources.items[i].row);
	free_sources(&sources);
	return r;
}

/* ---- the ledgers ---- */

static int check_ledger(struct verify *verify, const json_t *ledger)
{
	const json_t *told = json_object_get(json_object_get(ledger, "events"), "told");
	uint64_t first, end, blocked = log_daemon_number(told, "blocked");
	struct store_share share = {0};
	const char *host, *boot_id;
	int r;

	life_of(ledger, &host, &boot_id, &first, &end);
	if (!is_wanted(verify, host))
		return 0;
	verify->looked_at++;
	r = store_share_of(verify->context->store, host, boot_id, first, end, &share);
	if (r < 0)
		return r;
	write_equal(verify, host, boot_id, "records of op25bd", end - first, share.numbers);
	write_equal(verify, host, boot_id, "packets in them", blocked + log_daemon_number(told, "monitored"),
		    share.packets);
	write_equal(verify, host, boot_id, "of these blocked", blocked, share.blocked);
	write_equal(verify, host, boot_id, "attempts in them", log_daemon_number(told, "attempts"),
		    share.attempts);
	return 0;
}

static bool is_ledger(const json_t *events)
{
	const json_t *told = json_object_get(events, "told");

	return json_is_string(json_object_get(events, "host")) &&
	       json_is_string(json_object_get(events, "boot_id")) &&
	       log_daemon_is_count(events, "next_seq") && log_daemon_is_count(events, "records") &&
	       log_daemon_is_count(told, "blocked") && log_daemon_is_count(told, "monitored") &&
	       log_daemon_is_count(told, "attempts");
}

/* A reader must not take an older daemon's answer for one that says nothing was written. file NULL: op25bd was asked. */
static int check_form(const json_t *ledgers, const char *file)
{
	for (size_t i = 0; i < json_array_size(ledgers); i++) {
		if (is_ledger(json_object_get(json_array_get(ledgers, i), "events")))
			continue;
		if (file)
			return log_error(
				"%s: answer %zu tells no whole ledger: give what this version's 'op25bctl status --json' prints",
				file, i + 1);
		return log_error("op25bd's answer tells no whole ledger: is it of another version?");
	}
	return LOG_FOUND;
}

static void sum_up(const struct verify *verify)
{
	const struct log_context *context = verify->context;

	if (!verify->differs)
		log_note(context, "Complete: %s",
			 json_array_size(verify->ledgers) > 0 ? "all is stored that op25bd wrote."
							      : "no number is missing between those stored.");
	else if (verify->lost > 0)
		log_note(context, "Gaps: %" PRIu64 " record%s missing.", verify->lost,
			 verify->lost == 1 ? " is" : "s are");
	else
		log_note(context, "No number is missing, but op25bd counted otherwise.");
}

static int verify_all(struct verify *verify)
{
	static const struct log_column columns[] = {
		{"host", "HOST", LOG_CELL_TEXT, 0, 6},           {"check", "CHECK", LOG_CELL_TEXT, 0, 0},
		{"expected", "EXPECTED", LOG_CELL_NUMBER, 0, 0}, {"stored", "STORED", LOG_CELL_NUMBER, 0, 0},
		{"result", "RESULT", LOG_CELL_TEXT, 0, 0},       {"boot_id", "BOOT", LOG_CELL_TEXT, 1, 0},
	};
	int r, code;

	verify->table = log_table_new(verify->context, columns, sizeof(columns) / sizeof(columns[0]));
	r = check_sources(verify);
	for (size_t i = 0; r == 0 && i < json_array_size(verify->ledgers); i++)
		r = check_ledger(verify, json_array_get(verify->ledgers, i));
	code = log_table_end(verify->table);
	if (r < 0)
		return log_store_error(verify->context);
	if (verify->context->filter.host && verify->looked_at == 0)
		return log_error("--host %s: neither records nor a count of this gateway are known",
				 verify->context->filter.host);
	if (code == LOG_FOUND)
		sum_up(verify);
	if (code != LOG_FOUND)
		return code == LOG_NOTHING ? LOG_FOUND : code;
	return verify->differs ? LOG_NOTHING : LOG_FOUND;
}

int log_verify(struct log_context *context, int argc, char **argv)
{
	struct verify verify = {.context = context};
	int code = LOG_FOUND;

	/* The daemon first: what it writes behind this moment is not asked for. */
	if (!log_value(context, "no-ledger"))
		code = log_daemon_answers(context, "status", log_value(context, "ledger"), &verify.ledgers);
	if (code != LOG_FOUND && !log_value(context, "ledger"))
		log_error("without op25bd's count, --no-ledger looks at the records' numbers alone");
	if (code == LOG_FOUND)
		code = check_form(verify.ledgers, log_value(context, "ledger"));
	if (code == LOG_FOUND && context->fill)
		code = log_store_fill(context, NULL);
	if (code == LOG_FOUND)
		code = verify_all(&verify);
	json_decref(verify.ledgers);
	return code;
}
