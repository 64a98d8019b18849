/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fills a store from record files, as op25b-log does, and prints what became of the lines as JSON:
 *   store_fill [-r] [-v] STORE FILE...
 * -r: with what was rotated from each; -v: refused lines go to standard error. Exit code 1 with a sentence when it fails.
 */
#include "store/query.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void print_refused(void *context, const char *path, uint64_t line, uint64_t offset, const char *why)
{
	(void)context;
	fprintf(stderr, "%s:%llu (byte %llu): %s\n", path, (unsigned long long)line,
		(unsigned long long)offset, why);
}

static void print_unread(void *context, const char *path, const char *why)
{
	(void)context;
	fprintf(stderr, "unread %s: %s\n", path, why);
}

static int print_waiting(void *context, const struct store_ingested *so_far, uint64_t bytes_expected)
{
	(void)context;
	if (so_far->waiting)
		fprintf(stderr, "waiting\n");
	else
		fprintf(stderr, "%llu of %llu bytes\n", (unsigned long long)so_far->bytes,
			(unsigned long long)bytes_expected);
	return 0;
}

static void print_counts(const struct store_ingested *counts)
{
	struct rusage used = {0};

#ifndef OP25B_SANITIZED /* which takes memory of its own */
	(void)getrusage(RUSAGE_SELF, &used);
#endif
	printf("{\"lines\": %llu, \"records\": %llu, \"notices\": %llu, \"duplicates\": %llu, \"foreign\": %llu, \"refused\": %llu, \"files\": "
	       "%llu, \"bytes\": %llu, \"memory_kib\": %ld}\n",
	       (unsigned long long)counts->lines, (unsigned long long)counts->records,
	       (unsigned long long)counts->notices, (unsigned long long)counts->duplicates,
	       (unsigned long long)counts->foreign, (unsigned long long)counts->refused,
	       (unsigned long long)counts->files, (unsigned long long)counts->bytes, used.ru_maxrss);
}

int main(int argc, char **argv)
{
	struct store_ingest_config config = {.progress = print_waiting, .unread = print_unread};
	struct store_ingested counts = {0};
	struct store *store = NULL;
	char *error = NULL;
	int option, r;

	while ((option = getopt(argc, argv, "rv")) != -1) {
		config.rotated |= option == 'r';
		config.refused = option == 'v' ? print_refused : config.refused;
	}
	if (argc - optind < 2)
		return 2;
	if (store_open(argv[optind], true, &store, &error) < 0) {
		fprintf(stderr, "%s\n", error ? error : "not enough memory");
		free(error);
		return 1;
	}
	config.paths = (const char *const *)argv + optind + 1;
	config.path_count = (unsigned)(argc - optind - 1);
	r = store_ingest(store, &config, &counts);
	print_counts(&counts);
	if (r < 0)
		fprintf(stderr, "%s\n", store_error(store));
	store_close(store);
	return r < 0;
}
