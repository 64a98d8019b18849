/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What op25b-log --help says, from the table of commands. */
#include "log_options.h"

#include <string.h>

enum { HELP_COLUMN = 26 };

/* clang-format off */
static const char common_options[] =
	"Options of all commands:\n"
	"  -S, --since TIME        records from this time on: -2h, \"2 hours ago\", yesterday, 2026-11-22 10:00, @EPOCH\n"
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
	"  -p, --policy POLICY     the policy that names the record file (default " OP25B_SYSCONFDIR "/op25b/op25b.ini)\n"
	"      --log FILE          this record file, with its rotated ones; may be given again\n"
	"      --store FILE        the store to fill and to ask\n"
	"      --no-ingest         ask the store as it is\n"
	"      --help              print this\n"
	"      --version           print the version\n";
/* clang-format on */

static const char exit_codes[] = "Exit codes: 0 something was found, 1 nothing was, 2 an error.\n";

/* "[-f|--follow]", "[--step TIME]"; how wide that is. */
static int print_option(const struct log_command *command, size_t i)
{
	const struct log_option *option = &command->options[i];
	char letter = command->letters && strlen(command->letters) > i ? command->letters[i] : ' ';
	int width = printf(" [");

	if (letter != ' ')
		width += printf("-%c|", letter);
	return width + printf("--%s%s%s]", option->name, option->argument ? " " : "",
			      option->argument ? option->argument : "");
}

static int print_usage(const struct log_command *command)
{
	int width = printf("%s%s%s", command->name, command->arguments[0] ? " " : "", command->arguments);

	for (size_t i = 0; command->options[i].name; i++)
		width += print_option(command, i);
	return width;
}

/* What was printed, to a width, then its meaning: in the next line where there is no room. */
static void print_meaning(int width, const char *what)
{
	if (width < HELP_COLUMN)
		printf("%*s%s\n", HELP_COLUMN - width, "", what);
	else
		printf("\n%*s%s\n", HELP_COLUMN, "", what);
}

void log_help_print(const struct log_command *commands, size_t count)
{
	puts("Usage: op25b-log [OPTION...] COMMAND [OPTION...] [ARGUMENT...]\n"
	     "       op25b-log COMMAND --help\n"
	     "\nWhat the block records tell. The store is filled from the record files before each command.\n"
	     "\nCommands:");
	for (size_t i = 0; i < count; i++) {
		fputs("  ", stdout);
		print_meaning(2 + print_usage(&commands[i]), commands[i].what);
	}
	printf("\n%s\nExamples:\n", common_options);
	for (size_t i = 0; i < count; i++)
		fputs(commands[i].examples, stdout);
	printf("\n%s", exit_codes);
}

void log_help_print_command(const struct log_command *command)
{
	fputs("Usage: op25b-log ", stdout);
	print_usage(command);
	printf("\n\n%s\n\n", command->what);
	for (size_t i = 0; command->options[i].name; i++) {
		const struct log_option *option = &command->options[i];
		char letter = command->letters && strlen(command->letters) > i ? command->letters[i] : ' ';
		int width = letter == ' ' ? printf("      ") : printf("  -%c, ", letter);

		width += printf("--%s %s", option->name, option->argument ? option->argument : "");
		print_meaning(width, option->help);
	}
	if (command->options[0].name)
		putchar('\n');
	printf("%s\nExamples:\n%s\n%s", common_options, command->examples, exit_codes);
}
