/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints what a policy's reader finds, at a fixed time: policy_findings [--print] POLICY NOW. The last line is
 * "accepted" or "refused"; with --print, an accepted policy's canonical form goes to standard output instead.
 * policy_findings --dictionary prints the words of the language for fuzzers, from the table of keys.
 */
#include "base/exitcode.h"
#include "policy/keys.h"
#include "policy/policy.h"

#include <stdio.h>
#include <string.h>

/* The form of libFuzzer and AFL++: one quoted word a line. */
static int print_dictionary(void)
{
	puts("# Made from src/policy/keys.c by tests/golden/policy.sh --update.");
	for (unsigned i = 0; i < POLICY_SECTIONS; i++)
		printf(policy_section_is_named((enum policy_section)i) ? "\"[%s \"\n" : "\"[%s]\"\n",
		       policy_section_name((enum policy_section)i));
	for (size_t i = 0; i < policy_key_count; i++) {
		printf("\"%s = %s\"\n", policy_keys[i].name,
		       policy_keys[i].default_text ? policy_keys[i].default_text : "");
		for (size_t k = 0; policy_keys[i].words && policy_keys[i].words[k]; k++)
			printf("\"%s\"\n", policy_keys[i].words[k]);
	}
	puts("\"any\"\n\"none\"\n\"2026-10-01T00:00:00+09:00\"\n\"192.0.2.0/24\"\n\"2001:db8::/32\"");
	return EXIT_CODE_OK;
}

int main(int argc, char **argv)
{
	bool print = argc == 4 && strcmp(argv[1], "--print") == 0;
	const char *path = argc == 3 || print ? argv[argc - 2] : NULL;
	struct diag_list diags = {0};
	struct policy *policy = NULL;
	struct moment now;
	int error;

	if (argc == 2 && strcmp(argv[1], "--dictionary") == 0)
		return print_dictionary();
	if ((argc != 3 && !print) ||
	    moment_parse(argv[argc - 1], strlen(argv[argc - 1]), &now, NULL) != MOMENT_OK) {
		fprintf(stderr,
			"usage: policy_findings [--print] POLICY NOW, policy_findings --dictionary\n");
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
