/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading a policy when each allocation in turn fails: an error or a policy, never a half, and nothing leaked. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"

/* Which allocation from now on fails; 0: none. */
static unsigned fail_at;

static bool fails(void)
{
	return fail_at > 0 && --fail_at == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_reallocarray(void *memory, size_t count, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t len);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_reallocarray(void *memory, size_t count, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
	return fails() ? NULL : __real_realloc(memory, size);
}

void *__wrap_reallocarray(void *memory, size_t count, size_t size)
{
	return fails() ? NULL : __real_reallocarray(memory, count, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t len)
{
	return fails() ? NULL : __real_strndup(text, len);
}

static const char text[] =
	"[gateway]\nmode = enforce\nfail = open\nupstream_interfaces = eth0 eth1\ncontrol = /c\n[log]\nfile = -\n"
	"[pool p]\nprefix = 10.0.0.1/8\nprefix = 2001:db8::/32\ninterface = ppp*\nnote = a\n"
	"[relay r]\naddress = 10.0.0.25\n[exempt e]\nprefix = 192.0.2.1\nto = d, 203.0.113.0/24\nreason = b\n"
	"[destination d]\nprefix = 198.51.100.0/24\nprefix = 198.51.100.0/24\nenforce_from = 2026-01-01T00:00:00Z\n";

/* Reads the text with the nth allocation failing; true when there were fewer. */
static bool read_with_failure(unsigned nth, const char *input, int wanted)
{
	struct diag_list diags = {0};
	struct policy *policy = NULL;
	char *copy = strdup(input);
	FILE *stream = copy ? fmemopen(copy, strlen(copy), "r") : NULL;
	bool through;
	int error;

	assert_non_null(stream);
	fail_at = nth;
	error = policy_read_stream(stream, "memory.ini", NULL, 1800000000, &diags, &policy);
	through = fail_at > 0;
	fail_at = 0;
	assert_true(error == wanted || error == -ENOMEM);
	assert_int_equal(policy != NULL, error == 0);
	/* What is not told of is counted all the same. */
	assert_true(through || error == -ENOMEM || diags.out_of_memory || error == wanted);
	policy_free(policy);
	diag_list_free(&diags);
	fclose(stream);
	free(copy);
	return through;
}

static void sweep(const char *input, int wanted)
{
	unsigned nth = 1;

	while (!read_with_failure(nth, input, wanted) && nth < 10000)
		nth++;
	assert_true(nth > 20 && nth < 10000);
}

static void test_each_allocation_fails_in_turn_with_a_good_policy(void **state)
{
	(void)state;
	sweep(text, 0);
}

static void test_each_allocation_fails_in_turn_with_a_bad_policy(void **state)
{
	char bad[sizeof(text) + 64];

	(void)state;
	snprintf(bad, sizeof(bad), "%s[pool q]\nprefix = 10.0.0.0/8\nactoin = drop\n", text);
	sweep(bad, -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_allocation_fails_in_turn_with_a_good_policy),
		cmocka_unit_test(test_each_allocation_fails_in_turn_with_a_bad_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
