/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What op25b-replay --help says of the commands. */
#include "replay.h"

/* clang-format off */
const char replay_commands_help[] =
	"\n"
	"commands:\n"
	"  anonymise  a capture and its policy, fit to be given away, that say the same as before\n"
	"  diff       what a change of the policy would do to the subscribers of captures\n"
	"  explain    the whole chain of one decision: each rule with its file and line, and when it changes\n"
	"  synth      write packets made from lines of words into a capture\n"
	"\n"
	"options of commands (each command has its own --help):\n"
	"      --key-file FILE    anonymise: the key, 32 hexadecimal digits\n"
	"      --policy-out FILE  anonymise: where to write the policy\n"
	"      --keep-names       anonymise: keep the names of sections\n"
	"      --sweep FROM..TO   diff: how many subscribers are blocked at each date\n"
	"      --step STEP        diff: also each so often, 1d\n"
	"      --src ADDRESS      explain: a SYN from this source\n"
	"      --dst ADDRESS      explain: to port 25 of this destination\n"
	"      --packet N         explain: the N-th packet of a capture\n"
	"      --iface NAME       explain: it arrived on this interface\n"
	"      --at DATE          diff, explain: at this date\n"
	"  -w, --write CAPTURE    synth: where to write\n"
	"  -f, --file FILE        synth: a file of lines\n";
/* clang-format on */
