/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "log_options.h"

#include "log_text.h"
#include "log_time.h"
#include "log_wait.h"

#include "base/number.h"
#include "base/suggest.h"
#include "engine/engine.h"

#include <errno.h>
#include <getopt.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* getopt's values: letters for those that have one, numbers from here on for the rest. */
enum {
	OPTION_STORE = 256,
	OPTION_LOG,
	OPTION_NO_INGEST,
	OPTION_SRC,
	OPTION_DST,
	OPTION_POOL,
	OPTION_RULE,
	OPTION_REASON,
	OPTION_HOST,
	OPTION_MIN_ATTEMPTS,
	OPTION_JSON,
	OPTION_UTC,
	OPTION_COLOR,
	OPTION_NO_PAGER,
	OPTION_HELP,
	OPTION_VERSION,
	FIRST_OWN, /* a command's own */
};

#define COMMON_LETTERS "p:S:U:n:o:w"

static const struct option common[] = {
	{"policy", required_argument, NULL, 'p'},
	{"store", required_argument, NULL, OPTION_STORE},
	{"log", required_argument, NULL, OPTION_LOG},
	{"no-ingest", no_argument, NULL, OPTION_NO_INGEST},
	{"since", required_argument, NULL, 'S'},
	{"until", required_argument, NULL, 'U'},
	{"src", required_argument, NULL, OPTION_SRC},
	{"dst", required_argument, NULL, OPTION_DST},
	{"pool", required_argument, NULL, OPTION_POOL},
	{"rule", required_argument, NULL, OPTION_RULE},
	{"reason", required_argument, NULL, OPTION_REASON},
	{"host", required_argument, NULL, OPTION_HOST},
	{"min-attempts", required_argument, NULL, OPTION_MIN_ATTEMPTS},
	{"limit", required_argument, NULL, 'n'},
	{"output", required_argument, NULL, 'o'},
	{"json", no_argument, NULL, OPTION_JSON},
	{"utc", no_argument, NULL, OPTION_UTC},
	{"color", required_argument, NULL, OPTION_COLOR},
	{"no-pager", no_argument, NULL, OPTION_NO_PAGER},
	{"wide", no_argument, NULL, 'w'},
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
};

enum {
	COMMON = sizeof(common) / sizeof(common[0]),
	LETTERS_MAX = 2 * LOG_OPTIONS_MAX + 16,
	USUAL_WIDTH = 80,
	AROUND =
		8, /* lines that stand around a table of a screen: its titles, what is said below, the shell's */
	ROWS_LEAST = 5,
};

/* The environment's word before the terminal's: so it can be told otherwise. */
static unsigned terminal_width(int fd)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t width;

	if (columns && number_parse(columns, strlen(columns), 1, UINT16_MAX, &width) == NUMBER_OK)
		return (unsigned)width;
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return USUAL_WIDTH;
}

/* 0: not known. */
static unsigned terminal_height(int fd)
{
	const char *lines = getenv("LINES");
	struct winsize size;
	uint64_t height;

	if (lines && number_parse(lines, strlen(lines), 1, UINT16_MAX, &height) == NUMBER_OK)
		return (unsigned)height;
	return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_row : 0;
}

int log_error(const char *format, ...)
{
	struct log_wrap wrap = {.indent = 2,
				.width = isatty(STDERR_FILENO) ? terminal_width(STDERR_FILENO) : 0};
	va_list arguments;
	char *text = NULL;
	int len;

	va_start(arguments, format);
	len = vasprintf(&text, format, arguments);
	va_end(arguments);
	log_wait_end();
	wrap.begin = (size_t)fprintf(stderr, "op25b-log: ");
	/* File names and what the store says may hold anything, too. */
	log_text_wrap(stderr, len >= 0 ? text : "", strcmp(nl_langinfo(CODESET), "UTF-8") == 0, wrap);
	free(len >= 0 ? text : NULL);
	return LOG_ERROR;
}

int log_options_wrong(const struct log_command *command)
{
	fprintf(stderr, "Try 'op25b-log %s%s--help'.\n", command ? command->name : "", command ? " " : "");
	return LOG_ERROR;
}

/* ---- reading ---- */

/* All options in getopt's form: those of the command behind those of all. */
static void list_options(const struct log_command *command, struct option list[COMMON + LOG_OPTIONS_MAX + 1],
			 char letters[LETTERS_MAX])
{
	size_t count = COMMON,
	       len = (size_t)snprintf(letters, LETTERS_MAX, "%s" COMMON_LETTERS, command ? "" : "+");

	memcpy(list, common, sizeof(common));
	for (size_t i = 0; command && command->options[i].name; i++) {
		bool takes = command->options[i].argument != NULL;

		list[count++] = (struct option){.name = command->options[i].name,
						.has_arg = takes ? required_argument : no_argument,
						.val = FIRST_OWN + (int)i};
		if (!command->letters || strlen(command->letters) <= i || command->letters[i] == ' ')
			continue;
		letters[len++] = command->letters[i];
		if (takes)
			letters[len++] = ':';
		letters[len] = '\0';
	}
	list[count] = (struct option){0};
}

/* Which of the command's options has that letter; -1: none. */
static int find_letter(const struct log_command *command, int letter)
{
	/* strchr() would take a number beyond the letters for its low byte. */
	bool is_letter = letter > ' ' && letter < OPTION_STORE;
	const char *found =
		command && command->letters && is_letter ? strchr(command->letters, letter) : NULL;

	return found ? (int)(found - command->letters) : -1;
}

static bool take_filter(struct log_context *context, struct log_words *words, int option)
{
	switch (option) {
	case 'S':
		words->since = optarg;
		return true;
	case 'U':
		words->until = optarg;
		return true;
	case OPTION_SRC:
		words->src = optarg;
		return true;
	case OPTION_DST:
		words->dst = optarg;
		return true;
	case OPTION_POOL:
		context->filter.pool = optarg;
		return true;
	case OPTION_RULE:
		context->filter.rule = optarg;
		return true;
	case OPTION_REASON:
		context->filter.reason = optarg;
		return true;
	case OPTION_HOST:
		context->filter.host = optarg;
		return true;
	case OPTION_MIN_ATTEMPTS:
		words->min_attempts = optarg;
		return true;
	}
	return false;
}

static bool take_output(struct log_context *context, struct log_words *words, int option)
{
	switch (option) {
	case 'n':
		words->limit = optarg;
		return true;
	case 'o':
		words->output = optarg;
		return true;
	case OPTION_JSON:
		words->output = "json";
		return true;
	case OPTION_UTC:
		context->utc = true;
		return true;
	case OPTION_COLOR:
		words->colour = optarg;
		return true;
	case OPTION_NO_PAGER:
		context->pager = false;
		return true;
	case 'w':
		context->wide = true;
		return true;
	}
	return false;
}

/* As a script gives it whose variable is empty. */
static bool is_name(const char *option, const char *text)
{
	if (text && text[0] != '\0')
		return true;
	log_error("%s: the name of a file is wanted", option);
	return false;
}

static bool take_store(struct log_context *context, int option)
{
	switch (option) {
	case 'p':
		context->policy_path = optarg;
		context->policy_named = true;
		return true;
	case OPTION_STORE:
		if (!is_name("--store", optarg))
			return false;
		free(context->store_path);
		context->store_path = strdup(optarg);
		context->store_named = true;
		return context->store_path != NULL;
	case OPTION_LOG:
		if (!is_name("--log", optarg))
			return false;
		if (context->file_count == LOG_FILES_MAX) {
			log_error("--log may be given %d times at most", LOG_FILES_MAX);
			return false;
		}
		context->files[context->file_count++] = optarg;
		context->files_named = true;
		return true;
	case OPTION_NO_INGEST:
		context->fill = false;
		return true;
	}
	return false;
}

static bool is_terminal(const char *none_if_set)
{
	const char *set = none_if_set ? getenv(none_if_set) : NULL, *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(set && set[0]) && !(terminal && strcmp(terminal, "dumb") == 0);
}

int log_options_read(struct log_context *context, struct log_words *words, const struct log_command *commands,
		     size_t count, int argc, char **argv)
{
	struct option list[COMMON + LOG_OPTIONS_MAX + 1];
	char letters[LETTERS_MAX];
	int option;

	list_options(context->command, list, letters);
	optind = 0;
	while ((option = getopt_long(argc, argv, letters, list, NULL)) != -1) {
		int own = option >= FIRST_OWN ? option - FIRST_OWN : find_letter(context->command, option);

		if (own >= 0) {
			context->values[own] = optarg ? optarg : "";
		} else if (option == OPTION_HELP) {
			context->pager = context->pager && is_terminal(NULL);
			log_page(context);
			log_help_print(context->command, commands, count);
			return LOG_FOUND;
		} else if (option == OPTION_VERSION) {
			puts("op25b-log " OP25B_VERSION);
			return LOG_FOUND;
		} else if (!take_filter(context, words, option) && !take_output(context, words, option) &&
			   !take_store(context, option)) {
			return log_options_wrong(context->command);
		}
	}
	return -1;
}

/* ---- what the words say ---- */

int log_moment(const struct log_context *context, const char *option, const char *text, bool later,
	       int64_t *ret)
{
	int r = text ? log_time_parse(text, context->now_us, context->utc, later, ret) : 0;

	if (r == -ERANGE)
		return log_error("--%s %s: there is no such time", option, text);
	if (r == -ENOTSUP)
		return log_error(
			"--%s %s: zones have no names here; an offset at the end does it: +09:00, or UTC",
			option, text);
	if (r < 0)
		return log_error("--%s %s: not a time; -2h, \"2 hours ago\", yesterday, \"yesterday 16:00\", "
				 "\"2026-11-22 10:00\" and @EPOCH are",
				 option, text);
	return LOG_FOUND;
}

/* Bits behind the length are often a slip of the length. */
static void tell_taken(const char *option, const char *text, const struct prefix *given,
		       const struct prefix *taken)
{
	char taken_text[PREFIX_TEXT_MAX];

	if (!prefix_has_host_bits(given))
		return;
	prefix_format(taken, taken_text);
	log_error("%s%s%s: taken for %s", option, option[0] ? " " : "", text, taken_text);
}

static int read_prefix(const char *option, const char *text, struct prefix *ret)
{
	struct prefix prefix;
	enum addr_error error;

	if (!text)
		return LOG_FOUND;
	error = prefix_parse(text, strlen(text), &prefix);
	if (error != ADDR_OK)
		return log_error("%s%s%s: %s", option, option[0] ? " " : "", text, addr_error_text(error));
	*ret = prefix_canonical(&prefix);
	tell_taken(option, text, &prefix, ret);
	return LOG_FOUND;
}

bool log_subscriber(const char *text, struct prefix *ret)
{
	if (strcmp(text, "(unknown)") == 0) {
		log_error(
			"(unknown): of packets that could not be told apart by subscriber there are sums alone, in 'op25b-log top' and 'op25b-log list'");
		return false;
	}
	return read_prefix("", text, ret) == LOG_FOUND;
}

static bool read_number(const char *option, const char *text, uint64_t least, uint64_t most, uint64_t *ret)
{
	if (number_parse(text, strlen(text), least, most, ret) == NUMBER_OK)
		return true;
	if (most == UINT64_MAX)
		log_error("--%s %s: not a number", option, text);
	else
		log_error("--%s %s: not a number from %llu to %llu", option, text, (unsigned long long)least,
			  (unsigned long long)most);
	return false;
}

/* Which of the words it is; -1 after saying that it is none. */
static int read_word(const char *option, const char *text, const char *const *words, size_t count)
{
	const char *nearest;

	for (size_t i = 0; i < count; i++)
		if (strcmp(text, words[i]) == 0)
			return (int)i;
	nearest = suggest_nearest(text, strlen(text), words, count);
	fprintf(stderr, "op25b-log: --%s %s: ", option, text);
	if (nearest)
		fprintf(stderr, "did you mean \"%s\"?\n", nearest);
	for (size_t i = 0; i < count && !nearest; i++)
		fprintf(stderr, "%s%s", words[i], i + 1 == count ? "\n" : i + 2 == count ? " or " : ", ");
	return -1;
}

static void look_at_terminal(struct log_context *context)
{
	context->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	context->width = isatty(STDOUT_FILENO) ? terminal_width(STDOUT_FILENO) : 0;
	context->height = context->width > 0 ? terminal_height(STDOUT_FILENO) : 0;
	context->pager = context->pager && is_terminal(NULL);
}

static int apply_output(struct log_context *context, const struct log_words *words)
{
	static const char *const forms[] = {"table", "json", "ndjson", "csv"}, *const when[] = {"auto",
												"always",
												"never"};
	int form = words->output ? read_word("output", words->output, forms, 4) : LOG_TABLE;
	int colour = words->colour ? read_word("color", words->colour, when, 3) : 0;

	if (form < 0 || colour < 0)
		return LOG_ERROR;
	context->output = (enum log_output)form;
	context->colour = form == LOG_TABLE && (colour == 1 || (colour == 0 && is_terminal("NO_COLOR")));
	look_at_terminal(context);
	return LOG_FOUND;
}

/* A command that would not heed a choice of records must not look as if it did. */
static int refuse_filters(const struct log_context *context, const struct log_words *words)
{
	const struct {
		const char *option, *given;
	} filters[] = {{"--since", words->since},
		       {"--until", words->until},
		       {"--src", words->src},
		       {"--dst", words->dst},
		       {"--pool", context->filter.pool},
		       {"--rule", context->filter.rule},
		       {"--reason", context->filter.reason},
		       {"--host", context->filter.host},
		       {"--min-attempts", words->min_attempts},
		       {"--limit", words->limit},
		       {"--output", words->output}};

	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
		if (filters[i].given && !strstr(context->command->also, filters[i].option))
			return log_error(
				"%s takes no %s; of the options of all commands it takes %s (see op25b-log %s --help)",
				context->command->name, filters[i].option, context->command->also,
				context->command->name);
	return LOG_FOUND;
}

static bool is_reason(const char *text)
{
	const char *names[REASONS];

	for (unsigned i = 0; i < REASONS; i++)
		names[i] = engine_reasons[i].name;
	return read_word("reason", text, names, REASONS) >= 0;
}

int log_options_apply(struct log_context *context, const struct log_words *words)
{
	struct store_filter *filter = &context->filter;

	filter->since_us = INT64_MIN;
	filter->until_us = INT64_MAX;
	filter->day_of = context->utc ? NULL : log_time_day_number;
	/* watch says itself what a screen cannot do, and who can. */
	if (context->command->run != log_watch && refuse_filters(context, words) != LOG_FOUND)
		return LOG_ERROR;
	if (filter->reason && !is_reason(filter->reason))
		return LOG_ERROR;
	if (apply_output(context, words) != LOG_FOUND ||
	    log_moment(context, "since", words->since, false, &filter->since_us) != LOG_FOUND ||
	    log_moment(context, "until", words->until, true, &filter->until_us) != LOG_FOUND ||
	    read_prefix("--src", words->src, &filter->src) != LOG_FOUND ||
	    read_prefix("--dst", words->dst, &filter->dst) != LOG_FOUND)
		return LOG_ERROR;
	if (filter->since_us > filter->until_us)
		return log_error("--since is later than --until");
	if (words->min_attempts &&
	    !read_number("min-attempts", words->min_attempts, 0, UINT64_MAX, &filter->min_attempts))
		return LOG_ERROR;
	context->limit_given = words->limit != NULL;
	if (words->limit && !read_number("limit", words->limit, 0, INT64_MAX, &context->limit))
		return LOG_ERROR;
	return LOG_FOUND;
}

/* ---- for the commands ---- */

const char *log_value(const struct log_context *context, const char *name)
{
	const struct log_option *options = context->command->options;

	for (size_t i = 0; options[i].name; i++)
		if (strcmp(options[i].name, name) == 0)
			return context->values[i];
	return NULL;
}

bool log_number(const struct log_context *context, const char *name, uint64_t max, uint64_t *ret)
{
	const char *text = log_value(context, name);

	return !text || read_number(name, text, 1, max, ret);
}

uint64_t log_limit(const struct log_context *context)
{
	const struct log_command *command = context->command;
	uint64_t room = context->height > AROUND + ROWS_LEAST ? context->height - AROUND : ROWS_LEAST;

	if (context->limit_given)
		return context->limit;
	/* What is usual is a screen: the pager is for those who ask for more. */
	if (context->output == LOG_TABLE && context->height > 0 && !command->rows_say && command->rows > room)
		return room;
	return command->rows;
}

bool log_order(const struct log_context *context, enum store_order *ret)
{
	static const char *const orders[] = {"attempts", "packets", "destinations", "first", "last"};
	const char *text = log_value(context, "sort");
	int order = text ? read_word("sort", text, orders, 5) : (int)*ret;

	if (order < 0)
		return false;
	*ret = (enum store_order)order;
	return true;
}

int32_t log_offset(const struct log_context *context, int64_t us)
{
	return log_time_offset(us, context->utc);
}

/* What sqlite says already has the store's name before it, or that of a file beside it; what is said of a record file has that
 * file's. */
static bool names_its_file(const struct log_context *context, const char *why)
{
	bool names = strncmp(why, context->store_path, strlen(context->store_path)) == 0;

	for (size_t i = 0; i < context->file_count && !names; i++) {
		size_t len = strlen(context->files[i]);

		names = strncmp(why, context->files[i], len) == 0 && strncmp(why + len, ": ", 2) == 0;
	}
	return names;
}

int log_store_error(const struct log_context *context)
{
	const char *why = store_error(context->store), *path = context->store_path;

	if (names_its_file(context, why))
		return log_error("%s", why);
	return log_error("%s: %s", path, why[0] ? why : "cannot be asked");
}
