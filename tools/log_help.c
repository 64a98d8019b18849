/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What op25b-log --help says, from the table of commands: in lines that every terminal has room for. */
#include "log_options.h"

#include "log_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

enum { HELP_COLUMN = 26, HELP_WIDTH = 79 };

/* clang-format off */
static const char common_options[] =
	"Options of all commands:\n"
	"  -S, --since TIME        records from this time on: -2h, \"2 hours ago\",\n"
	"                          yesterday, \"2026-11-22 10:00\", @EPOCH\n"
	"  -U, --until TIME        records before this time\n"
	"      --src PREFIX        of subscribers in this address or prefix\n"
	"      --dst PREFIX        that tell a destination in it\n"
	"      --pool NAME         of this pool\n"
	"      --rule NAME         that met this rule\n"
	"      --reason NAME       for this reason\n"
	"      --host NAME         of this gateway\n"
	"      --min-attempts N    of subscribers with so many attempts or more\n"
	"  -n, --limit N           so many rows at most; 0: all\n"
	"  -o, --output FORM       table, json, ndjson or csv\n"
	"      --json              the same as --output json\n"
	"      --utc               times in UTC instead of local time\n"
	"      --color WHEN        auto, always or never\n"
	"      --no-pager          do not show long output through $PAGER\n"
	"  -w, --wide              all columns of a table, however narrow the terminal is\n"
	"  -p, --policy POLICY     the policy that names the record file; the default is\n"
	"                          " OP25B_SYSCONFDIR "/op25b/op25b.ini\n"
	"      --log FILE          this record file, with its rotated ones; may be given\n"
	"                          again\n"
	"      --store FILE        the store to fill and to ask; the default is\n"
	"                          " LOG_STORE_PATH ", or else\n"
	"                          ~/.cache/op25b/review.db\n"
	"      --no-ingest         ask the store as it is\n"
	"      --help              print this; behind a command, what that one takes\n"
	"      --version           print the version\n";
/* clang-format on */

static void print_wrapped(const char *text, size_t begin, size_t indent)
{
	log_text_wrap(stdout, text, false,
		      (struct log_wrap){.begin = begin, .indent = indent, .width = HELP_WIDTH});
}

/* What was printed, to a width, then its meaning: in the next line where there is no room. */
static void print_meaning(int width, const char *what)
{
	if (width < HELP_COLUMN)
		printf("%*s", HELP_COLUMN - width, "");
	else
		printf("\n%*s", HELP_COLUMN, "");
	print_wrapped(what, HELP_COLUMN, HELP_COLUMN);
}

/* "NAME: text". */
static void print_named(const char *name, const char *text)
{
	size_t begin = (size_t)printf("%s: ", name);

	print_wrapped(text, begin, begin);
}

static void print_overview(const struct log_command *commands, size_t count)
{
	puts("Usage: op25b-log [OPTION...] COMMAND [OPTION...] [ARGUMENT...]\n"
	     "       op25b-log COMMAND --help\n"
	     "\n"
	     "What the block records tell. The store is filled from the record files before\n"
	     "each command.\n"
	     "\n"
	     "Commands:");
	for (size_t i = 0; i < count; i++)
		print_meaning(printf("  %s%s%s", commands[i].name, commands[i].arguments[0] ? " " : "",
				     commands[i].arguments),
			      commands[i].what);
	printf("\n%s\n", common_options);
	puts("Examples:\n"
	     "  op25b-log top --since yesterday\n"
	     "  op25b-log show 198.51.100.7\n"
	     "  op25b-log queue --since -7d --min-attempts 100\n"
	     "  op25b-log verify --help\n");
	puts("Exit codes: 0 something was found, 1 nothing was, 2 an error. What 0 and 1 mean\n"
	     "of commands that find nothing stands in their own --help.");
}

/* ---- of one command ---- */

static void print_options(const struct log_command *command)
{
	if (command->options[0].name)
		puts("Options of this command:");
	for (size_t i = 0; command->options[i].name; i++) {
		const struct log_option *option = &command->options[i];
		char letter = command->letters && strlen(command->letters) > i ? command->letters[i] : ' ';
		int width = letter == ' ' ? printf("      ") : printf("  -%c, ", letter);

		width += printf("--%s %s", option->name, option->argument ? option->argument : "");
		print_meaning(width, option->help);
	}
	if (command->options[0].name)
		putchar('\n');
	puts("Also ('op25b-log --help' tells what they mean):");
	fputs("  ", stdout);
	print_wrapped(command->also, 2, 2);
}

static void print_rows(const struct log_command *command)
{
	if (command->rows_say && command->rows_say[0])
		print_named("Rows", command->rows_say);
	else if (!command->rows_say && command->rows > 0)
		printf("Rows: at most %" PRIu64 ", on a terminal no more than it has room for; at\n"
		       "      most N with -n N, all with -n 0\n",
		       command->rows);
	else if (!command->rows_say)
		puts("Rows: all; at most N with -n N");
}

static void print_codes(const struct log_command *command)
{
	print_named("Exit code 0", command->codes[0] ? command->codes[0] : "something was found");
	if (command->codes[1] || !command->codes[0])
		print_named("Exit code 1", command->codes[1] ? command->codes[1] : "nothing was found");
	puts("Exit code 2: the command line is wrong, or something went wrong");
}

static void print_command(const struct log_command *command)
{
	printf("Usage: op25b-log %s%s%s%s\n\n", command->name, command->options[0].name ? " [OPTION...]" : "",
	       command->arguments[0] ? " " : "", command->arguments);
	putchar(toupper((unsigned char)command->what[0]));
	print_wrapped(command->what + 1, 1, 0);
	putchar('\n');
	print_options(command);
	putchar('\n');
	print_rows(command);
	if (strstr(command->also, "--store"))
		print_named("Store", LOG_STORE_PATH " if it may be written or read, else "
						    "~/.cache/op25b/review.db; another one with --store");
	print_codes(command);
	printf("\nExamples:\n%s", command->examples);
}

void log_help_print(const struct log_command *command, const struct log_command *commands, size_t count)
{
	if (command)
		print_command(command);
	else
		print_overview(commands, count);
}
