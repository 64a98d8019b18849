/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints what a policy's reader finds, at a fixed time: policy_findings [--print] POLICY NOW. The last line is
 * "accepted" or "refused"; with --print, an accepted policy's canonical form goes to standard output instead.
 */
#include "base/exitcode.h"
#include "policy/policy.h"

#include <inttypes.h>
#include <string.h>

int main(int argc, char **argv)
{
	bool print = argc == 4 && strcmp(argv[1], "--print") == 0;
	const char *path = print ? argv[2] : argv[1];
	struct diag_list diags = {0};
	struct policy *policy = NULL;
	struct moment now;
	int error;

	if ((argc != 3 && !print) ||
	    moment_parse(argv[argc - 1], strlen(argv[argc - 1]), &now, NULL) != MOMENT_OK) {
		fprintf(stderr, "usage: policy_findings [--print] POLICY NOW\n");
		return EXIT_CODE_USAGE;
	}
	error = policy_read_file(path, now.s, &diags, &policy);
	diag_print(&diags, print ? stderr : stdout);
	if (error)
		printf("refused: %zu errors, %zu warnings\n", diags.errors, diags.warnings);
	else if (print)
		policy_print(policy, stdout);
	else
		printf("accepted: %zu warnings\n", diags.warnings);
	policy_free(policy);
	diag_list_free(&diags);
	return error ? EXIT_CODE_POLICY : EXIT_CODE_OK;
}
