/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/requests.h"

#include "daemon/clock.h"
#include "daemon/explain.h"
#include "daemon/gateway.h"
#include "daemon/keeper.h"
#include "daemon/learning.h"
#include "daemon/metrics.h"
#include "daemon/roles.h"
#include "daemon/status.h"

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
	{"allow", ROLE_OPERATOR, keeper_answer_set},
	{"block", ROLE_OPERATOR, keeper_answer_set},
	{"remove", ROLE_OPERATOR, keeper_answer_remove},
	{"overrides", ROLE_READER, keeper_answer_list},
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
