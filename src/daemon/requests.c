/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/requests.h"

#include "daemon/clock.h"
#include "daemon/explain.h"
#include "daemon/gateway.h"
#include "daemon/keeper.h"
#include "daemon/learned_list.h"
#include "daemon/learning.h"
#include "daemon/metrics.h"
#include "daemon/offenders.h"
#include "daemon/records.h"
#include "daemon/roles.h"
#include "daemon/status.h"
#include "daemon/uses.h"

#include <string.h>

static void answer_status(struct gateway *gateway, struct control_call *call, const json_t *request)
{
	control_call_answer(call, status_json(gateway));
}

static void answer_stats(struct gateway *gateway, struct control_call *call, const json_t *request)
{
	control_call_answer(call, status_stats_json(gateway));
}

static void answer_metrics(struct gateway *gateway, struct control_call *call, const json_t *request)
{
	json_t *result = metrics_json(gateway);

	if (result)
		control_call_answer(call, result);
	else
		control_call_refuse(call, CONTROL_FAILED, NULL, "out of memory");
}

static void answer_reload(struct gateway *gateway, struct control_call *call, const json_t *request)
{
	reload_begin(gateway, call);
}

static void answer_explain(struct gateway *gateway, struct control_call *call, const json_t *request)
{
	char text[CONTROL_ERROR_TEXT_MAX];
	json_t *result = explain_json(gateway->world, clock_wall_ns() / NSEC_PER_SEC, request, text);

	if (result)
		keeper_explain(gateway, result);
	if (result)
		control_call_answer(call, result);
	else
		control_call_refuse(call, CONTROL_BAD_ARGUMENT, NULL, "%s", text);
}

static void answer_generations(struct gateway *gateway, struct control_call *call, const json_t *request)
{
	control_call_answer(call, learning_generations_json(gateway));
}

static void answer_drain(struct gateway *gateway, struct control_call *call, const json_t *request)
{
	learning_drain(gateway, call);
}

/* A number of rows that the request may name; false after a refusal. */
static bool read_top(struct control_call *call, const json_t *request, size_t usual, size_t max, size_t *ret)
{
	const json_t *top = json_object_get(request, "top");

	*ret = usual;
	if (!top)
		return true;
	if (json_is_integer(top) && json_integer_value(top) >= 1 &&
	    (uint64_t)json_integer_value(top) <= max) {
		*ret = (size_t)json_integer_value(top);
		return true;
	}
	control_call_refuse(call, CONTROL_BAD_ARGUMENT, NULL, "top: a number from 1 to %zu", max);
	return false;
}

static void answer_or_fail(struct control_call *call, json_t *result)
{
	if (result)
		control_call_answer(call, result);
	else
		control_call_refuse(call, CONTROL_FAILED, NULL, "no memory for the answer");
}

static void answer_offload_list(struct gateway *gateway, struct control_call *call, const json_t *request)
{
	size_t most;

	if (read_top(call, request, LEARNED_LIST_DEFAULT, LEARNED_LIST_MAX, &most))
		answer_or_fail(call, learned_list_json(gateway, most));
}

static void answer_offload_flush(struct gateway *gateway, struct control_call *call, const json_t *request)
{
	if (learning_flush(gateway))
		control_call_answer(call, json_pack("{s:b}", "flushed", 1));
	else
		control_call_refuse(call, CONTROL_FAILED, NULL,
				    "the kernel has not turned away from what it learned; it is tried again");
}

static void answer_offenders(struct gateway *gateway, struct control_call *call, const json_t *request)
{
	size_t most;

	if (!read_top(call, request, OFFENDERS_DEFAULT, OFFENDERS_MAX, &most))
		return;
	/* What has happened so far is to be in it. */
	records_gather(gateway);
	answer_or_fail(call, offenders_json(gateway, most));
}

static void answer_exemptions(struct gateway *gateway, struct control_call *call, const json_t *request)
{
	answer_or_fail(call, uses_json(gateway));
}

static void answer_reopen(struct gateway *gateway, struct control_call *call, const json_t *request)
{
	struct logwriter_stats stats;
	const char *path;

	records_reopen(gateway);
	logwriter_stats_get(gateway->log, &stats);
	path = logwriter_path(gateway->log);
	if (stats.error == 0)
		control_call_answer(call, json_pack("{s:o}", "file", control_text(path)));
	else
		control_call_refuse(call, CONTROL_FAILED, NULL,
				    "%.150s: %s; records wait in memory, and it is tried again", path,
				    strerror(-stats.error));
}

static void answer_upgrade(struct gateway *gateway, struct control_call *call, const json_t *request)
{
	upgrade_begin(gateway, call);
}

static const struct command {
	const char *name;
	enum role role;
	void (*answer)(struct gateway *gateway, struct control_call *call, const json_t *request);
} commands[] = {
	{"status", ROLE_READER, answer_status},
	{"stats", ROLE_READER, answer_stats},
	{"metrics", ROLE_READER, answer_metrics},
	{"reload", ROLE_OPERATOR, answer_reload},
	{"explain", ROLE_READER, answer_explain},
	{"nft-generations", ROLE_READER, answer_generations},
	{"offload-drain", ROLE_OPERATOR, answer_drain},
	{"offenders", ROLE_READER, answer_offenders},
	{"offload-list", ROLE_READER, answer_offload_list},
	{"offload-flush", ROLE_OPERATOR, answer_offload_flush},
	{"exemptions", ROLE_READER, answer_exemptions},
	{"reopen", ROLE_OPERATOR, answer_reopen},
	{"allow", ROLE_OPERATOR, keeper_answer_set},
	{"block", ROLE_OPERATOR, keeper_answer_set},
	{"remove", ROLE_OPERATOR, keeper_answer_remove},
	{"overrides", ROLE_READER, keeper_answer_list},
	{"upgrade", ROLE_OPERATOR, answer_upgrade},
};

void requests_handle(void *context, struct control_call *call, const json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "command"));
	struct gateway *gateway = context;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(name, commands[i].name) != 0)
			continue;
		if (commands[i].role == ROLE_OPERATOR && roles_of(gateway->world, call) != ROLE_OPERATOR)
			roles_refuse(gateway->world, call, name);
		else
			commands[i].answer(gateway, call, request);
		return;
	}
	control_call_refuse(call, CONTROL_UNKNOWN_COMMAND, NULL, "unknown command \"%.64s\"", name);
}
