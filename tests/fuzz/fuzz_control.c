/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a line on the control socket: refused with a reason, or taken; a question of explain is then answered, and
 * an override that is taken reads as the same when it has been written down.
 */
#include "daemon/explain.h"
#include "daemon/overrides.h"

#include "entry.h"

#include <stdlib.h>
#include <string.h>

enum { NOW_S = 1800000000 };

static const char policy_text[] = "[gateway]\nname = fuzz\nfail = open\nsubscriber_interfaces = ppp*\n"
				  "[pool homes]\nprefix = 198.51.100.0/24\nprefix = 2001:db8::/32\n"
				  "[relay mx]\naddress = 192.0.2.25\n";

static const struct world *world(void)
{
	static struct world made;
	FILE *stream;

	if (made.engine)
		return &made;
	stream = fmemopen((void *)(uintptr_t)policy_text, sizeof(policy_text) - 1, "r");
	if (!stream || policy_read_stream(stream, "fuzz", NULL, NOW_S, NULL, &made.policy) < 0 ||
	    engine_build(made.policy, &made.engine) < 0)
		abort();
	fclose(stream);
	return &made;
}

static void must_explain(const json_t *request)
{
	char text[CONTROL_ERROR_TEXT_MAX] = "";
	json_t *answer = explain_json(world(), NOW_S, request, text);

	if (!answer && !text[0])
		abort();
	json_decref(answer);
}

static void must_read_the_same(const json_t *request)
{
	struct override override, again;
	json_t *json;

	if (!override_from_json(request, &override))
		return;
	json = override_json(&override, 0);
	if (!json || !override_from_json(json, &again) ||
	    prefix_compare(&override.rule.prefix, &again.rule.prefix) != 0 ||
	    override.rule.block != again.rule.block || strcmp(override.reason, again.reason) != 0)
		abort();
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[CONTROL_ERROR_TEXT_MAX] = "";
	json_t *request = NULL;

	if (size > CONTROL_REQUEST_MAX)
		return 0;
	if (control_request_decode((const char *)data, size, &request, text) != CONTROL_OK) {
		if (request || !text[0])
			abort();
		return 0;
	}
	must_explain(request);
	must_read_the_same(request);
	json_decref(request);
	return 0;
}
