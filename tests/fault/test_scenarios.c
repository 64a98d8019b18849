/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_scenarios FILE: plays one scenario. */
#include "scenario.h"
#include "stage.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	int failed = 0;

	if (argc < 2) {
		fputs("usage: test_scenarios SCENARIO...\n", stderr);
		return 2;
	}
	stage_open();
	for (int i = 1; i < argc; i++)
		failed |= scenario_play(argv[i]);
	stage_close();
	return failed;
}
