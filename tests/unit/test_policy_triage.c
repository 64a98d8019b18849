/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The section [triage]: thresholds for people, which decide about no packet. */
#include "policy/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "[gateway]\nmode = enforce\nfail = open\nupstream_interfaces = eth0\n"

static struct policy *accepted(const char *text)
{
	size_t len = strlen(text);
	FILE *stream = fmemopen(NULL, len + 1, "w+");
	struct policy *policy = NULL;

	fputs(text, stream);
	rewind(stream);
	assert_int_equal(policy_read_stream(stream, "text", NULL, 0, NULL, &policy), 0);
	fclose(stream);
	return policy;
}

/* Who is called a bot changes no packet's answer, and no record. */
static void test_the_digest_leaves_it_out(void **state)
{
	struct policy *without = accepted(HEAD);
	struct policy *with = accepted(HEAD "[triage]\nbot_destinations = 50\nleast_attempts = 1\n");

	(void)state;
	assert_string_equal(without->digest, with->digest);
	policy_free(without);
	policy_free(with);
}

static void assert_read(const struct policy *policy)
{
	assert_int_equal(policy->triage.bot_destinations, 31);
	assert_int_equal(policy->triage.client_destinations, 1);
	assert_int_equal(policy->triage.client_attempts_per_hour, 90);
	assert_int_equal(policy->triage.client_silent_hours, 5);
	assert_int_equal(policy->triage.server_destinations, 8);
	assert_int_equal(policy->triage.server_clock_hours, 18);
	assert_int_equal(policy->triage.least_attempts, 100);
}

static void test_every_key_reaches_its_field_and_is_printed(void **state)
{
	struct policy *policy = accepted("[triage]\nbot_destinations = 31\nclient_destinations = 1\n"
					 "client_attempts_per_hour = 90\nclient_silent_hours = 5\n"
					 "server_destinations = 8\nserver_clock_hours = 18\n"
					 "least_attempts = 100\n" HEAD);
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	assert_read(policy);
	assert_int_equal(policy_print(policy, out), 0);
	fclose(out);
	policy_free(policy);
	policy = accepted(text);
	assert_read(policy);
	policy_free(policy);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_digest_leaves_it_out),
		cmocka_unit_test(test_every_key_reaches_its_field_and_is_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
