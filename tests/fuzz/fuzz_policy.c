/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a policy: refused with a reason, or accepted, and then what is printed reads as the same policy. */
#include "policy/policy.h"

#include "entry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { NOW_S = 1800000000 };

/* A list file that the bytes name must not be one of this machine's: no path in them may leave the directory. */
static char *harmless_copy(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);

	if (!copy)
		return NULL;
	memcpy(copy, data, size);
	copy[size] = '\0';
	for (size_t i = 0; i < size;) {
		size_t end = i + strcspn(copy + i, "\n");

		if (memmem(copy + i, end - i, "file", 4)) {
			for (size_t k = i; k < end; k++)
				copy[k] = copy[k] == '/' || copy[k] == '.' ? '_' : copy[k];
		}
		i = end + (copy[end] == '\n' || end < size);
	}
	return copy;
}

static struct policy *read_bytes(char *bytes, size_t size, struct diag_list *diags)
{
	FILE *stream = size ? fmemopen(bytes, size, "r") : NULL;
	struct policy *policy = NULL;
	int error;

	if (!stream)
		return NULL;
	error = policy_read_stream(stream, "fuzz", "/nonexistent", NOW_S, diags, &policy);
	fclose(stream);
	if (error ? policy != NULL : policy == NULL || diags->errors > 0)
		abort();
	if (error == -EBADMSG && diags->errors == 0)
		abort();
	return policy;
}

static void must_print_the_same(const struct policy *policy)
{
	struct diag_list diags = {0};
	struct policy *again;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out || policy_print(policy, out) != 0)
		abort();
	fclose(out);
	again = read_bytes(text, len, &diags);
	if (!again) {
		diag_print(&diags, stderr);
		abort();
	}
	if (strcmp(again->digest, policy->digest) != 0 || again->ip4_count != policy->ip4_count ||
	    again->ip6_count != policy->ip6_count)
		abort();
	policy_free(again);
	diag_list_free(&diags);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct diag_list diags = {0};
	char *copy = harmless_copy(data, size);
	struct policy *policy = copy ? read_bytes(copy, size, &diags) : NULL;
	FILE *nowhere = fopen("/dev/null", "we");

	if (nowhere) {
		diag_print(&diags, nowhere);
		fclose(nowhere);
	}
	if (policy)
		must_print_the_same(policy);
	policy_free(policy);
	diag_list_free(&diags);
	free(copy);
	return 0;
}
