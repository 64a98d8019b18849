/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/overrides.h"

#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void overrides_clear(struct overrides *overrides)
{
	free(overrides->items);
	*overrides = (struct overrides){0};
}

static size_t index_of(const struct overrides *overrides, const struct prefix *prefix)
{
	size_t i = 0;

	while (i < overrides->count && prefix_compare(&overrides->items[i].rule.prefix, prefix) != 0)
		i++;
	return i;
}

int overrides_set(struct overrides *overrides, const struct override *override)
{
	size_t at = index_of(overrides, &override->rule.prefix);

	if (at == ENGINE_OVERRIDES_MAX)
		return -ENOSPC;
	if (!VEC_RESERVE(overrides->items, overrides->capacity, at + 1))
		return -ENOMEM;
	overrides->items[at] = *override;
	if (at == overrides->count)
		overrides->count++;
	return 0;
}

const struct override *overrides_find(const struct overrides *overrides, const struct prefix *prefix)
{
	size_t at = index_of(overrides, prefix);

	return at < overrides->count ? &overrides->items[at] : NULL;
}

static void remove_at(struct overrides *overrides, size_t at)
{
	overrides->count--;
	memmove(overrides->items + at, overrides->items + at + 1,
		(overrides->count - at) * sizeof(overrides->items[0]));
}

bool overrides_remove(struct overrides *overrides, const struct prefix *prefix)
{
	size_t at = index_of(overrides, prefix);

	if (at == overrides->count)
		return false;
	remove_at(overrides, at);
	return true;
}

bool overrides_take_ended(struct overrides *overrides, int64_t now_s, struct override *ret)
{
	for (size_t i = 0; i < overrides->count; i++) {
		if (overrides->items[i].rule.until_s > now_s)
			continue;
		*ret = overrides->items[i];
		remove_at(overrides, i);
		return true;
	}
	return false;
}

struct engine_override *overrides_rules(const struct overrides *overrides)
{
	struct engine_override *rules =
		overrides->count > 0 ? calloc(overrides->count, sizeof(rules[0])) : NULL;

	for (size_t i = 0; rules && i < overrides->count; i++)
		rules[i] = overrides->items[i].rule;
	return rules;
}

const char *override_action(const struct override *override)
{
	return override->rule.block ? "block" : "allow";
}

bool override_reason_is_good(const char *reason)
{
	size_t len = strlen(reason);
	json_t *text;

	if (len == 0 || len > OVERRIDE_REASON_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)reason[i];

		/* U+0080 to U+009F are control characters, too, for some terminals. */
		if (byte < 0x20 || byte == 0x7f ||
		    (byte == 0xc2 && (unsigned char)reason[i + 1] >= 0x80 &&
		     (unsigned char)reason[i + 1] < 0xa0))
			return false;
	}
	text = json_string(reason);
	json_decref(text);
	return text != NULL;
}

json_t *override_json(const struct override *override, int32_t offset_s)
{
	char source[PREFIX_TEXT_MAX], made[MOMENT_TEXT_MAX], until[MOMENT_TEXT_MAX];

	prefix_format(&override->rule.prefix, source);
	moment_format(override->made_s, offset_s, made);
	moment_format(override->rule.until_s, offset_s, until);
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s}", "source", source, "action",
			 override_action(override), "made", made, "until", until, "uid",
			 (json_int_t) override->uid, "reason", override->reason);
}

static bool read_moment(const json_t *json, const char *key, int64_t *ret)
{
	const char *text = json_string_value(json_object_get(json, key));
	struct moment moment;

	if (!text || moment_parse(text, strlen(text), &moment, NULL) != MOMENT_OK)
		return false;
	*ret = moment.s;
	return true;
}

bool override_from_json(const json_t *json, struct override *ret)
{
	const char *source = json_string_value(json_object_get(json, "source"));
	const char *action = json_string_value(json_object_get(json, "action"));
	const char *reason = json_string_value(json_object_get(json, "reason"));
	json_int_t uid = json_integer_value(json_object_get(json, "uid"));
	struct override override = {.uid = (uid_t)uid};

	if (!source || !action || !reason || uid < 0 || uid > UINT32_MAX || !override_reason_is_good(reason))
		return false;
	if (prefix_parse(source, strlen(source), &override.rule.prefix) != ADDR_OK ||
	    prefix_has_host_bits(&override.rule.prefix) || !read_moment(json, "made", &override.made_s) ||
	    !read_moment(json, "until", &override.rule.until_s))
		return false;
	override.rule.block = strcmp(action, "block") == 0;
	if (!override.rule.block && strcmp(action, "allow") != 0)
		return false;
	memcpy(override.reason, reason, strlen(reason) + 1);
	*ret = override;
	return true;
}
