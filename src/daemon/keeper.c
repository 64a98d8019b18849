/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/keeper.h"

#include "base/cleanup.h"
#include "daemon/clock.h"
#include "daemon/gateway.h"
#include "daemon/override_check.h"
#include "daemon/override_state.h"
#include "daemon/say.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { VOID_BLOCKS_TOLD = 10 };

static int64_t now_s(void)
{
	return clock_wall_ns() / NSEC_PER_SEC;
}

static int32_t offset_s(void)
{
	time_t now = (time_t)now_s();
	struct tm local;

	return localtime_r(&now, &local) ? (int32_t)local.tm_gmtoff : 0;
}

static void say_override(const char *what, const struct override *override)
{
	char source[PREFIX_TEXT_MAX], until[MOMENT_TEXT_MAX];

	prefix_format(&override->rule.prefix, source);
	moment_format(override->rule.until_s, offset_s(), until);
	say(SAY_NOTICE, "override %s: %s %s until %s, by user %" PRIu32 ": %s", what,
	    override_action(override), source, until, (uint32_t) override->uid, override->reason);
}

/* The state file */

static void save(struct gateway *gateway)
{
	struct keeper *keeper = &gateway->keeper;
	const char *directory = gateway->world->policy->gateway.state;
	int r = override_state_save(&keeper->list, directory);

	if (r < 0 && r != keeper->error)
		say(SAY_ERROR,
		    "overrides cannot be saved in %s: %s; they are in force, and a restart forgets them",
		    directory, strerror(-r));
	if (r == 0 && keeper->error != 0)
		say(SAY_NOTICE, "overrides are saved again in %s", directory);
	keeper->error = r;
	keeper->unsaved = r < 0;
}

static void load(struct gateway *gateway)
{
	const char *directory = gateway->world->policy->gateway.state;
	char text[STATE_LIST_TEXT_MAX] = "";
	int r = override_state_load(&gateway->keeper.list, directory, text);

	if (r == -EBADMSG)
		say(SAY_ERROR, "%s/%s is damaged (%s): it is now %s, and %zu overrides of it are in force",
		    directory, OVERRIDE_STATE_FILE, text, OVERRIDE_STATE_DAMAGED, gateway->keeper.list.count);
	else if (r < 0)
		say(SAY_ERROR, "%s/%s cannot be read: %s; no override is in force", directory,
		    OVERRIDE_STATE_FILE, strerror(-r));
	gateway->keeper.unsaved = r == -EBADMSG;
}

/* Putting in force */

int keeper_fill(const struct gateway *gateway, struct world **world)
{
	const struct overrides *list = &gateway->keeper.list;
	CLEANUP_FREE struct engine_override *rules = overrides_rules(list);
	struct world *filled;
	int r;

	if (list->count == 0)
		return 0;
	if (!rules)
		return -ENOMEM;
	r = world_override(*world, (*world)->generation, rules, list->count, &filled);
	if (r < 0)
		return r;
	world_free(*world);
	*world = filled;
	return 0;
}

/* 0 or -errno: then nothing is changed. */
static int put_in_force(struct gateway *gateway)
{
	const struct overrides *list = &gateway->keeper.list;
	CLEANUP_FREE struct engine_override *rules = overrides_rules(list);
	struct world *fresh;
	int r;

	if (list->count > 0 && !rules)
		return -ENOMEM;
	r = world_override(gateway->world, gateway->world->generation + 1, rules, list->count, &fresh);
	if (r == 0)
		gateway->keeper.kernel_late = !reload_exchange(gateway, fresh);
	return r;
}

static bool take_ended_out(struct gateway *gateway)
{
	struct override ended;
	bool any = false;

	while (overrides_take_ended(&gateway->keeper.list, now_s(), &ended)) {
		say_override("has ended", &ended);
		any = true;
	}
	return any;
}

int keeper_start(struct gateway *gateway)
{
	load(gateway);
	if (take_ended_out(gateway))
		gateway->keeper.unsaved = true;
	for (size_t i = 0; i < gateway->keeper.list.count; i++)
		say_override("in force", &gateway->keeper.list.items[i]);
	if (gateway->keeper.unsaved)
		save(gateway);
	keeper_note_reload(gateway);
	return keeper_fill(gateway, &gateway->world);
}

void keeper_free(struct gateway *gateway)
{
	overrides_clear(&gateway->keeper.list);
}

void keeper_tick(struct gateway *gateway)
{
	/* They have ended to the second already: the engine looks at their dates. */
	if (take_ended_out(gateway)) {
		(void)put_in_force(gateway);
		gateway->keeper.unsaved = true;
	}
	if (gateway->keeper.unsaved)
		save(gateway);
}

void keeper_note_reload(struct gateway *gateway)
{
	const struct overrides *list = &gateway->keeper.list;
	char source[PREFIX_TEXT_MAX], text[CONTROL_ERROR_TEXT_MAX];
	size_t told = 0;

	for (size_t i = 0; i < list->count && told < VOID_BLOCKS_TOLD; i++) {
		const struct override *override = &list->items[i];

		if (!override->rule.block ||
		    override_can_block(gateway->world->policy, &override->rule.prefix, text))
			continue;
		prefix_format(&override->rule.prefix, source);
		say(SAY_WARNING, "the override block %s does not hold under this policy: %s", source, text);
		told++;
	}
}

void keeper_explain(const struct gateway *gateway, json_t *explanation)
{
	const char *source = json_string_value(json_object_get(explanation, "override"));
	const struct override *found;
	struct prefix prefix;

	if (!source || prefix_parse(source, strlen(source), &prefix) != ADDR_OK)
		return;
	found = overrides_find(&gateway->keeper.list, &prefix);
	if (found)
		json_object_set_new(explanation, "override", override_json(found, offset_s()));
}

json_t *keeper_json(const struct gateway *gateway)
{
	return json_pack("{s:I, s:i, s:b}", "count", (json_int_t)gateway->keeper.list.count, "max",
			 (int)ENGINE_OVERRIDES_MAX, "saved", gateway->keeper.error == 0);
}

/* Requests */

static bool read_source(const json_t *request, struct prefix *ret, char text[CONTROL_ERROR_TEXT_MAX])
{
	const char *source = json_string_value(json_object_get(request, "source"));
	struct prefix prefix;
	enum addr_error error;

	if (!source) {
		snprintf(text, CONTROL_ERROR_TEXT_MAX, "no \"source\"");
		return false;
	}
	error = prefix_parse(source, strlen(source), &prefix);
	if (error != ADDR_OK) {
		snprintf(text, CONTROL_ERROR_TEXT_MAX, "\"%.60s\": %s", source, addr_error_text(error));
		return false;
	}
	*ret = prefix_canonical(&prefix);
	if (!prefix_has_host_bits(&prefix))
		return true;
	snprintf(text, CONTROL_ERROR_TEXT_MAX, "\"%.60s\": bits behind the prefix are set", source);
	return false;
}

static bool read_override(const json_t *request, struct override *ret, char text[CONTROL_ERROR_TEXT_MAX])
{
	const char *reason = json_string_value(json_object_get(request, "reason"));
	json_int_t seconds = json_integer_value(json_object_get(request, "seconds"));

	if (!read_source(request, &ret->rule.prefix, text))
		return false;
	if (seconds < 1 || seconds > OVERRIDE_SECONDS_MAX) {
		snprintf(
			text, CONTROL_ERROR_TEXT_MAX,
			"an override is for 1 second to 30 days; what is for longer belongs into the policy");
		return false;
	}
	if (!reason || !override_reason_is_good(reason)) {
		snprintf(text, CONTROL_ERROR_TEXT_MAX, "a reason is 1 to %d bytes without control characters",
			 (int)OVERRIDE_REASON_MAX);
		return false;
	}
	ret->made_s = now_s();
	ret->rule.until_s = ret->made_s + seconds;
	ret->rule.block = strcmp(json_string_value(json_object_get(request, "command")), "block") == 0;
	memcpy(ret->reason, reason, strlen(reason) + 1);
	return true;
}

/* It is in force, whether it could be saved or not; the latter is told. */
static void answer(struct gateway *gateway, struct control_call *call, const struct override *override)
{
	json_t *result =
		json_pack("{s:o, s:b, s:b}", "override", override_json(override, offset_s()), "saved",
			  gateway->keeper.error == 0, "kernel_late", gateway->keeper.kernel_late);

	if (gateway->keeper.error == 0)
		control_call_answer(call, result);
	else
		control_call_refuse(
			call, CONTROL_FAILED, result,
			"it is in force, but cannot be saved in %.100s (%s): a restart would forget it",
			gateway->world->policy->gateway.state, strerror(-gateway->keeper.error));
}

static void undo(struct gateway *gateway, const struct override *override, const struct override *before)
{
	if (before)
		(void)overrides_set(&gateway->keeper.list, before);
	else
		(void)overrides_remove(&gateway->keeper.list, &override->rule.prefix);
}

/* 0 or -errno: then nothing is changed. */
static int set(struct gateway *gateway, const struct override *override)
{
	const struct override *found = overrides_find(&gateway->keeper.list, &override->rule.prefix);
	struct override before = found ? *found : (struct override){0};
	int r = overrides_set(&gateway->keeper.list, override);

	if (r < 0)
		return r;
	r = put_in_force(gateway);
	if (r < 0)
		undo(gateway, override, found ? &before : NULL);
	return r;
}

void keeper_answer_set(struct gateway *gateway, struct control_call *call, const json_t *request)
{
	char text[CONTROL_ERROR_TEXT_MAX];
	struct override override = {0};
	int r;

	(void)control_call_uid(call, &override.uid);
	if (!read_override(request, &override, text)) {
		control_call_refuse(call, CONTROL_BAD_ARGUMENT, NULL, "%s", text);
		return;
	}
	if (override.rule.block && !override_can_block(gateway->world->policy, &override.rule.prefix, text)) {
		control_call_refuse(call, CONTROL_REFUSED, NULL, "a block would not hold: %s", text);
		return;
	}
	r = set(gateway, &override);
	if (r < 0) {
		control_call_refuse(call, CONTROL_FAILED, NULL, "%s",
				    r == -ENOSPC
					    ? "10000 overrides are in force, and no more fit: remove some"
					    : strerror(-r));
		return;
	}
	say_override("made", &override);
	save(gateway);
	answer(gateway, call, &override);
}

void keeper_answer_remove(struct gateway *gateway, struct control_call *call, const json_t *request)
{
	char text[CONTROL_ERROR_TEXT_MAX], source[PREFIX_TEXT_MAX];
	const struct override *found;
	struct override removed;
	struct prefix prefix;
	int r;

	if (!read_source(request, &prefix, text)) {
		control_call_refuse(call, CONTROL_BAD_ARGUMENT, NULL, "%s", text);
		return;
	}
	found = overrides_find(&gateway->keeper.list, &prefix);
	if (!found) {
		prefix_format(&prefix, source);
		control_call_refuse(call, CONTROL_BAD_ARGUMENT, NULL, "no override is of %s", source);
		return;
	}
	removed = *found;
	(void)overrides_remove(&gateway->keeper.list, &prefix);
	r = put_in_force(gateway);
	if (r < 0) {
		(void)overrides_set(&gateway->keeper.list, &removed);
		control_call_refuse(call, CONTROL_FAILED, NULL, "%s", strerror(-r));
		return;
	}
	say_override("removed", &removed);
	save(gateway);
	answer(gateway, call, &removed);
}

void keeper_answer_list(struct gateway *gateway, struct control_call *call, const json_t *request)
{
	const struct overrides *list = &gateway->keeper.list;
	json_t *rows = json_array();
	int64_t at_s = now_s();

	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].rule.until_s > at_s)
			json_array_append_new(rows, override_json(&list->items[i], offset_s()));
	control_call_answer(call, json_pack("{s:o, s:i, s:b}", "overrides", rows, "max",
					    (int)ENGINE_OVERRIDES_MAX, "saved", gateway->keeper.error == 0));
}
