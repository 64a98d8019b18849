/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_top STORE ROUNDS: asks a store that is filled for its 20 greatest talkers, of all that is stored and of a period that
 * cuts a day at both ends. Prints JSON: seconds that passed in each round, the store opened anew each time; how many records
 * and subscribers that was about; and memory.
 */
#include "store/query.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { TALKERS = 20 };

#define CUT_US INT64_C(20000000123) /* some five and a half hours */

static double now_s(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int count_row(void *context, const struct store_talker *row)
{
	uint64_t *attempts = context;

	*attempts += row->sums.attempts;
	return 0;
}

static struct store *open_store(const char *path)
{
	struct store *store = NULL;
	char *error = NULL;

	if (store_open(path, false, &store, &error) < 0) {
		fprintf(stderr, "%s\n", error ? error : "not enough memory");
		exit(1);
	}
	return store;
}

static void check(const struct store *store, int r)
{
	if (r < 0) {
		fprintf(stderr, "%s\n", store_error(store));
		exit(1);
	}
}

static double top_s(const char *path, const struct store_filter *filter)
{
	struct store *store = open_store(path);
	double begin = now_s();
	uint64_t attempts = 0, total;

	check(store, store_talkers(store, filter, STORE_BY_ATTEMPTS, TALKERS, count_row, &attempts, &total));
	begin = now_s() - begin;
	store_close(store);
	return begin;
}

static void print_rounds(const char *name, const char *path, const struct store_filter *filter,
			 unsigned rounds)
{
	printf("\"%s\": [", name);
	for (unsigned i = 0; i < rounds; i++)
		printf("%s%.4f", i ? ", " : "", top_s(path, filter));
	printf("], ");
}

int main(int argc, char **argv)
{
	struct store_filter filter = {.since_us = INT64_MIN, .until_us = INT64_MAX};
	struct store_sums sums;
	struct rusage used;
	struct store *store;
	uint64_t subscribers;
	unsigned rounds = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;

	if (rounds == 0) {
		fprintf(stderr, "usage: bench_top STORE ROUNDS\n");
		return 2;
	}
	store = open_store(argv[1]);
	check(store, store_totals(store, &filter, &sums, &subscribers));
	store_close(store);
	printf("{\"records\": %llu, \"subscribers\": %llu, ", (unsigned long long)sums.records,
	       (unsigned long long)subscribers);
	print_rounds("top", argv[1], &filter, rounds);
	(void)getrusage(RUSAGE_SELF, &used);
	filter.since_us = sums.first_us + CUT_US;
	filter.until_us = sums.last_us - CUT_US;
	print_rounds("cut", argv[1], &filter, rounds);
	printf("\"memory_kib\": %ld}\n", used.ru_maxrss);
	return 0;
}
