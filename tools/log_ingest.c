/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ingest: fills the store and says what came of it. */
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static const struct log_column columns[] = {
	{"files", "FILES", LOG_CELL_NUMBER, 0, 0},
	{"bytes", "BYTES", LOG_CELL_NUMBER, 2, 0},
	{"lines", "LINES", LOG_CELL_NUMBER, 0, 0},
	{"records", "RECORDS", LOG_CELL_NUMBER, 0, 0},
	{"notices", "NOTICES", LOG_CELL_NUMBER, 0, 0},
	{"duplicates", "DUPLICATES", LOG_CELL_NUMBER, 0, 0},
	{"foreign", "OTHER PROGRAMS'", LOG_CELL_NUMBER, 1, 0},
	{"refused", "REFUSED", LOG_CELL_NUMBER, 0, 0},
	{"store", "STORE", LOG_CELL_TEXT, 3, 20},
};

static void print_ingested(const struct log_context *context, const struct store_ingested *done)
{
	struct log_table *table = log_table_new(context, columns, sizeof(columns) / sizeof(columns[0]));

	log_table_number(table, done->files);
	log_table_number(table, done->bytes);
	log_table_number(table, done->lines);
	log_table_number(table, done->records);
	log_table_number(table, done->notices);
	log_table_number(table, done->duplicates);
	log_table_number(table, done->foreign);
	log_table_number(table, done->refused);
	log_table_text(table, context->store_path);
	log_table_end(table);
}

/* Files that are named are all there is to read: without their rotated ones. */
int log_ingest(struct log_context *context, int argc, char **argv)
{
	struct store_ingested done;

	if (!context->writable)
		return log_error("%s cannot be written to", context->store_path);
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '\0')
			return log_error("ingest: the name of a file is wanted, and one is empty");
		if (access(argv[i], R_OK) < 0)
			return log_error("%s: %s", argv[i], strerror(errno));
		context->files[i - 1] = argv[i];
	}
	if (argc > 1)
		context->file_count = (unsigned)argc - 1;
	if (context->file_count == 0)
		return log_error("the policy writes its records to no file: name one");
	context->rotated = argc == 1;
	context->tells_refused = true;
	if (log_store_fill(context, &done) != LOG_FOUND)
		return LOG_ERROR;
	print_ingested(context, &done);
	return done.records + done.notices > 0 ? LOG_FOUND : LOG_NOTHING;
}
