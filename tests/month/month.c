/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "month.h"

#include "base/exitcode.h"
#include "base/moment.h"
#include "base/number.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Options with a number. */
static const struct number_option {
	const char *name;
	size_t place; /* within struct options */
	uint32_t min, max, fallback;
	const char *help;
} numbers[] = {
	{"days", offsetof(struct options, days), 1, DAYS_MAX, 30, "days"},
	{"routers", offsetof(struct options, routers), 1, ROUTERS_MAX, 3, "routers, each with its own files"},
	{"bots", offsetof(struct options, bots), 0, 1000000, 20, "senders with hundreds of destinations"},
	{"clients", offsetof(struct options, clients), 0, 1000000, 60,
	 "mail programs set up wrong: one or two destinations, people's hours"},
	{"servers", offsetof(struct options, servers), 0, 1000000, 4,
	 "mail servers: few destinations, day and night"},
	{"rare", offsetof(struct options, rare), 0, 1000000, 80, "senders of a few packets"},
	{"floods", offsetof(struct options, floods), 0, 1000, 2,
	 "hours with forged sources, and some of unknown ones"},
	{"flood-sources", offsetof(struct options, flood_sources), 0, 1000000, 500, "of each flood"},
	{"offloaded", offsetof(struct options, offloaded), 0, 100, 20,
	 "percent of the bots that the kernel blocks in part"},
	{"mixed", offsetof(struct options, mixed), 0, 100, 0,
	 "percent of the bots that meet several rules and reasons"},
	{"roaming", offsetof(struct options, roaming), 0, 100, 5, "percent that pass all routers, by turns"},
	{"restarts", offsetof(struct options, restarts), 0, 1000, 1, "of each router, with a new boot id"},
	{"notices", offsetof(struct options, notices), 0, 1000, 3,
	 "of each router: periods that failed open"},
	{"gaps", offsetof(struct options, gaps), 0, 100, 0, "of each router: runs of records lost"},
	{"duplicates", offsetof(struct options, duplicates), 0, 100000, 0,
	 "of each router: records that stand twice"},
	{"rotate", offsetof(struct options, rotations), 0, 1000, 0,
	 "rotated files of each router: .1, and packed .2.gz and on"},
	{"window", offsetof(struct options, window_s), 1, 1800, 300, "seconds"},
	{"table", offsetof(struct options, table), 1, 10000000, 200000,
	 "subscribers that a router has room for; with less than there are, only totals are known"},
};

enum {
	NUMBERS = sizeof(numbers) / sizeof(numbers[0]),
	OPTION_SEED = 1,
	OPTION_START,
	OPTION_OFFSET,
	OPTION_HELP
};

static void print_help(void)
{
	fputs("usage: op25b-month [OPTION...] DIRECTORY\n\n"
	      "Makes months of block records with known truth:\n"
	      "  DIRECTORY/HOST/events.json[.1|.2.gz...]  the records of each router\n"
	      "  DIRECTORY/truth.json                     what was sent, counted before any record was made\n"
	      "  DIRECTORY/op25b.ini                      the policy, with exempt ones that no record tells of\n\n"
	      "  --seed N           everything follows from it (1)\n"
	      "  --start DATE       midnight, UTC, as 2026-03-01T00:00:00Z (that one)\n"
	      "  --utc-offset S     seconds east of UTC in which the records' times are written (32400)\n",
	      stdout);
	for (size_t i = 0; i < NUMBERS; i++)
		printf("  --%-14s N  %s (%" PRIu32 ")\n", numbers[i].name, numbers[i].help,
		       numbers[i].fallback);
	fputs("  --help             print this\n\n"
	      "No record spans two hours: the last minutes of each are quiet. Lost records are such as count no packet.\n\n"
	      "examples:\n"
	      "  op25b-month --days 3 --gaps 2 --duplicates 5 --rotate 3 /tmp/month\n"
	      "  op25b-month --bots 2000 --clients 6000 --servers 100 /tmp/large\n"
	      "                     some ten million records, ten gigabytes, in two or three minutes\n",
	      stdout);
}

static uint32_t *place_of(struct options *options, size_t i)
{
	return (uint32_t *)(void *)((char *)options + numbers[i].place);
}

static bool read_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	char *end;

	errno = 0;
	if (text[0] < '0' || text[0] > '9')
		return false;
	*ret = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' && *ret >= min && *ret <= max;
}

static bool read_start(const char *text, int64_t *ret)
{
	struct moment moment;

	if (moment_parse(text, strlen(text), &moment, NULL) != MOMENT_OK ||
	    moment.s % (HOUR_S * DAY_HOURS) != 0)
		return false;
	*ret = moment.s;
	return true;
}

static bool read_offset(const char *text, int32_t *ret)
{
	bool west = text[0] == '-';
	uint64_t value;

	if (!read_number(text + west, 0, 50400, &value) || value % 60 != 0)
		return false;
	*ret = west ? -(int32_t)value : (int32_t)value;
	return true;
}

static bool take_option(struct options *options, int which, const char *text)
{
	uint64_t value;

	switch (which) {
	case OPTION_SEED:
		return read_number(text, 0, UINT64_MAX, &options->seed);
	case OPTION_START:
		return read_start(text, &options->start_s);
	case OPTION_OFFSET:
		return read_offset(text, &options->utc_offset_s);
	default:
		which -= 100;
		if (!read_number(text, numbers[which].min, numbers[which].max, &value))
			return false;
		*place_of(options, (size_t)which) = (uint32_t)value;
		return true;
	}
}

/* 0, an exit code, or -1 when help was asked for. */
static int read_options(int argc, char **argv, struct options *options)
{
	struct option longs[NUMBERS + 5] = {{"seed", required_argument, NULL, OPTION_SEED},
					    {"start", required_argument, NULL, OPTION_START},
					    {"utc-offset", required_argument, NULL, OPTION_OFFSET},
					    {"help", no_argument, NULL, OPTION_HELP}};
	int which;

	for (size_t i = 0; i < NUMBERS; i++) {
		longs[4 + i] = (struct option){numbers[i].name, required_argument, NULL, 100 + (int)i};
		*place_of(options, i) = numbers[i].fallback;
	}
	while ((which = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (which == OPTION_HELP)
			return -1;
		if (which == '?')
			return EXIT_CODE_USAGE;
		if (!take_option(options, which, optarg)) {
			fprintf(stderr, "op25b-month: '%s' is no value for that (see --help)\n", optarg);
			return EXIT_CODE_USAGE;
		}
	}
	if (optind + 1 != argc) {
		fputs("op25b-month: one directory is wanted (see --help)\n", stderr);
		return EXIT_CODE_USAGE;
	}
	options->directory = argv[optind];
	return EXIT_CODE_OK;
}

static int make(struct month *month)
{
	int r = 0;

	if (mkdir(month->options.directory, 0755) < 0 && errno != EEXIST)
		r = -errno;
	if (r == 0 && !world_make(month))
		r = -ENOMEM;
	if (r < 0)
		fprintf(stderr, "op25b-month: %s: %s\n", month->options.directory, strerror(-r));
	for (uint32_t router = 0; r == 0 && router < month->options.routers; router++)
		r = write_router(month, router);
	if (r == 0 && (!truth_write(month) || !world_write_policy(month))) {
		r = errno ? -errno : -EIO;
		fprintf(stderr, "op25b-month: %s: %s\n", month->options.directory, strerror(-r));
	}
	if (r == 0)
		printf("%" PRIu64 " records in %zu files\n", month->lines, month->file_count);
	world_free(month);
	return r == 0 ? EXIT_CODE_OK : EXIT_CODE_SYSTEM;
}

int main(int argc, char **argv)
{
	/* 2026-03-01T00:00:00Z, with Japan's clock. */
	struct month *month = calloc(1, sizeof(*month));
	int code;

	if (!month)
		return EXIT_CODE_SYSTEM;
	month->options = (struct options){.seed = 1, .start_s = INT64_C(1772323200), .utc_offset_s = 32400};
	code = read_options(argc, argv, &month->options);
	if (code < 0)
		print_help();
	else if (code == EXIT_CODE_OK)
		code = make(month);
	free(month);
	return code < 0 ? EXIT_CODE_OK : code;
}
