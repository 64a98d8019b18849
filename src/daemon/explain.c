/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/explain.h"

#include "base/ifpattern.h"
#include "explain/explain.h"

#include <stdio.h>
#include <string.h>

struct question {
	struct addr src, dst;
	struct moment at;
	char interface[IF_NAME_MAX]; /* "" when not given */
};

static bool read_address(const json_t *request, const char *key, struct addr *ret,
			 char text[CONTROL_ERROR_TEXT_MAX])
{
	const char *value = json_string_value(json_object_get(request, key));
	enum addr_error error;

	if (!value) {
		snprintf(text, CONTROL_ERROR_TEXT_MAX, "no \"%s\"", key);
		return false;
	}
	error = addr_parse(value, strlen(value), ret);
	if (error != ADDR_OK)
		snprintf(text, CONTROL_ERROR_TEXT_MAX, "%s: \"%.60s\": %s", key, value,
			 addr_error_text(error));
	return error == ADDR_OK;
}

static bool read_moment(const json_t *request, struct moment *ret, char text[CONTROL_ERROR_TEXT_MAX])
{
	const json_t *at = json_object_get(request, "at");
	const char *value = json_string_value(at);
	enum moment_error error;

	if (!at)
		return true;
	if (!value) {
		snprintf(text, CONTROL_ERROR_TEXT_MAX, "at: not a text");
		return false;
	}
	error = moment_parse(value, strlen(value), ret, NULL);
	if (error != MOMENT_OK)
		snprintf(text, CONTROL_ERROR_TEXT_MAX, "at: \"%.60s\": %s", value, moment_error_text(error));
	return error == MOMENT_OK;
}

static bool read_interface(const json_t *request, char interface[IF_NAME_MAX],
			   char text[CONTROL_ERROR_TEXT_MAX])
{
	const json_t *iface = json_object_get(request, "iface");
	const char *value = json_string_value(iface);

	interface[0] = '\0';
	if (!iface)
		return true;
	if (!value || !ifpattern_valid(value, strlen(value)) || strchr(value, '*')) {
		snprintf(text, CONTROL_ERROR_TEXT_MAX, "iface: not the name of an interface");
		return false;
	}
	memcpy(interface, value, strlen(value) + 1);
	return true;
}

static bool read_question(const json_t *request, struct question *ret, char text[CONTROL_ERROR_TEXT_MAX])
{
	if (!read_address(request, "src", &ret->src, text) ||
	    !read_address(request, "dst", &ret->dst, text) || !read_moment(request, &ret->at, text) ||
	    !read_interface(request, ret->interface, text))
		return false;
	if (ret->src.family == ret->dst.family)
		return true;
	snprintf(text, CONTROL_ERROR_TEXT_MAX, "src and dst are not of one address family");
	return false;
}

static json_t *moment_json(int64_t s, int32_t offset_s)
{
	char text[MOMENT_TEXT_MAX];

	if (s == MOMENT_NEVER)
		return json_null();
	moment_format(s, offset_s, text);
	return json_string(text);
}

static json_t *rule_json(const struct policy *policy, int32_t rule)
{
	if (rule < 0)
		return json_null();
	return json_pack("{s:s, s:s, s:I}", "kind", policy_kind_name(policy->rules[rule].kind), "name",
			 policy->rules[rule].name, "line", (json_int_t)policy->rules[rule].line);
}

static json_t *answer(const struct world *world, const struct question *question,
		      const struct decision *decision)
{
	const struct reason_row *row = &engine_reasons[decision->reason];
	char src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX];

	addr_format(&question->src, src);
	addr_format(&question->dst, dst);
	return json_pack(
		"{s:s, s:s, s:o, s:o, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:s}", "src", src, "dst", dst,
		"iface", question->interface[0] ? json_string(question->interface) : json_null(), "at",
		moment_json(question->at.s, question->at.offset_s), "verdict",
		verdict_name(decision->verdict), "would", verdict_name(decision->would), "reason", row->name,
		"action", row->action, "meaning", row->meaning, "rule",
		rule_json(world->policy, decision->rule), "pool", rule_json(world->policy, decision->pool),
		"next_change", moment_json(decision->next_change_s, question->at.offset_s), "digest",
		world->policy->digest);
}

/* The prefix of the override that decides. */
static json_t *override_source(const struct world *world, const struct question *question)
{
	const struct engine_override *override =
		engine_find_override(world->engine, &question->src, question->at.s);
	char source[PREFIX_TEXT_MAX];

	if (!override)
		return json_null();
	prefix_format(&override->prefix, source);
	return json_string(source);
}

json_t *explain_json(const struct world *world, int64_t now_s, const json_t *request,
		     char text[CONTROL_ERROR_TEXT_MAX])
{
	struct question question = {.at = {.s = now_s}};
	struct engine_context context = {.port25 = true};
	struct decision decision;
	struct packet packet;
	json_t *result;

	if (!read_question(request, &question, text))
		return NULL;
	packet = explain_syn(&question.src, &question.dst);
	context.now_s = question.at.s;
	context.interface =
		engine_resolve_interface(world->engine, question.interface[0] ? question.interface : NULL);
	decision = decide(world->engine, &packet, &context);
	result = answer(world, &question, &decision);
	if (result && (decision.reason == REASON_OVERRIDE_ALLOW || decision.reason == REASON_OVERRIDE_BLOCK))
		json_object_set_new(result, "override", override_source(world, &question));
	if (!result)
		snprintf(text, CONTROL_ERROR_TEXT_MAX, "out of memory");
	return result;
}
