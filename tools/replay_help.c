/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What op25b-replay --help says of the commands. */
#include "replay.h"

const char replay_commands_help[] = "\n"
				    "commands:\n"
				    "  synth      write packets made from lines of words into a capture\n"
				    "\n"
				    "options of commands (each command has its own --help):\n"
				    "  -w, --write CAPTURE    synth: where to write\n"
				    "  -f, --file FILE        synth: a file of lines\n";
