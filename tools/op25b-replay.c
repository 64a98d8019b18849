/* SPDX-License-Identifier: GPL-2.0-or-later */
/* op25b-replay: what the gateway would have done with recorded traffic. */
#include "replay.h"

#include "base/escape.h"
#include "base/files.h"

#include <string.h>

/* The first word of a command line. A capture of the same name is given as ./NAME. */
static const struct command {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns the exit code */
} commands[] = {
	{"", replay_captures}, /* no word of this list: the words are captures */
	{"anonymise", replay_anonymise}, {"diff", replay_diff},
	{"explain", replay_explain},     {"synth", replay_synth_command},
};

int main(int argc, char **argv)
{
	files_reserve_standard();
	escape_errors();
	for (size_t i = 1; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return commands[0].run(argc, argv);
}
