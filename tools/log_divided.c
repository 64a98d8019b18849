/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What figures by rule and by reason at once do not know, said below them. */
#include "log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool tells_sums(const struct log_context *context)
{
	static const char *const commands[] = {"top", "timeline", "pools", "report"};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(context->command->name, commands[i]) == 0)
			return true;
	return false;
}

static bool is_by(const struct log_context *context, const char *name)
{
	const char *by = log_value(context, "by");

	return by && strcmp(by, name) == 0;
}

static char *say_both(const struct store_divided *divided)
{
	char *text = NULL;

	if (asprintf(
		    &text,
		    "in all from %" PRIu64 " to %" PRIu64 " packets had this rule and this reason, %" PRIu64
		    " are counted: records with several rules and several reasons do not tell which packets had both",
		    divided->least, divided->most, divided->least + divided->divided) < 0)
		return NULL;
	return text;
}

static char *say_some(const struct store_divided *divided)
{
	char *text = NULL;

	if (asprintf(
		    &text,
		    "%" PRIu64
		    " of these packets are of records with several rules and several reasons, which do not tell which"
		    " packets had both: they are shared in one of the possible ways",
		    divided->divided) < 0)
		return NULL;
	return text;
}

int log_divided(const struct log_context *context)
{
	const struct store_filter *filter = &context->filter;
	bool by_rule = is_by(context, "rule") || is_by(context, "rule-kind");
	struct store_divided divided;
	char *text;

	if (!tells_sums(context) || !(filter->rule || by_rule) ||
	    !(filter->reason || is_by(context, "reason")))
		return LOG_FOUND;
	if (store_divided(context->store, filter, &divided) < 0)
		return log_store_error(context);
	if (divided.divided == 0 && divided.least == divided.most)
		return LOG_FOUND;
	text = filter->rule && filter->reason ? say_both(&divided) : say_some(&divided);
	if (text)
		log_remark(context, text);
	free(text);
	return LOG_FOUND;
}
