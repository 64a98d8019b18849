/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report: everything about a period on one page, which can be read, printed and sent on. */
#include "log.h"

#include "log_exemptions.h"
#include "log_target.h"
#include "log_time.h"

#include "base/cleanup.h"
#include "base/files.h"

#include "policy/policy.h"

#include "report/gather.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	ROWS_MOST = 1000, /* the page stays one that a browser likes */
	USUAL_DAYS = 7,
	MANY_RECORDS = 1000000,
	EXPIRING_DAYS = 30,
	DAY_S = 86400,
};

static int32_t offset_of(void *context, int64_t us)
{
	return log_offset(context, us);
}

/* ---- exemptions ---- */

static enum report_exemption_state state_of(const struct policy_rule *rule, int64_t now_s)
{
	if (rule->has_until && now_s >= rule->until.s)
		return REPORT_EXEMPTION_EXPIRED;
	if (rule->has_from && now_s < rule->from.s)
		return REPORT_EXEMPTION_FUTURE;
	if (rule->has_until && rule->until.s - now_s <= EXPIRING_DAYS * DAY_S)
		return REPORT_EXEMPTION_EXPIRING;
	return REPORT_EXEMPTION_VALID;
}

static enum report_exemption_use use_of(const struct log_exemption_uses *uses, const struct policy_rule *rule,
					uint64_t *ret_attempts)
{
	static const char *const words[REPORT_USES] = {[REPORT_USE_NONE] = "unused",
						       [REPORT_USE_EARLY] = "too early",
						       [REPORT_USE_SOME] = "used",
						       [REPORT_USE_MUCH] = "overused"};
	const char *use = uses ? log_exemption_use(uses, rule, ret_attempts) : "not known";

	for (enum report_exemption_use i = REPORT_USE_NONE; i < REPORT_USES; i++) {
		if (strcmp(words[i], use) == 0)
			return i;
	}
	return REPORT_USE_UNKNOWN;
}

/* What wants something done comes first. */
static int compare_exemptions(const void *a, const void *b)
{
	static const int urgency[REPORT_EXEMPTION_STATES] = {[REPORT_EXEMPTION_EXPIRED] = 0,
							     [REPORT_EXEMPTION_EXPIRING] = 1,
							     [REPORT_EXEMPTION_FUTURE] = 2,
							     [REPORT_EXEMPTION_VALID] = 3};
	const struct report_exemption *first = a, *second = b;
	int r = urgency[first->state] - urgency[second->state];

	return r ? r : strcmp(first->name, second->name);
}

static struct report_exemption exemption_of(const struct policy_rule *rule,
					    const struct log_exemption_uses *uses, int64_t now_us)
{
	struct report_exemption row = {.name = rule->name,
				       .ticket = rule->ticket,
				       .owner = rule->owner,
				       .reason = rule->reason,
				       .has_from = rule->has_from,
				       .has_until = rule->has_until,
				       .from_us = rule->has_from ? rule->from.s * LOG_US_PER_S : 0,
				       .until_us = rule->has_until ? rule->until.s * LOG_US_PER_S : 0,
				       .state = state_of(rule, now_us / LOG_US_PER_S)};

	row.use = use_of(uses, rule, &row.attempts);
	return row;
}

/* *ret is the caller's to free; its texts are the policy's. LOG_FOUND or LOG_ERROR, said. */
static int fill_exemptions(struct log_context *context, struct report *report, struct report_exemption **ret)
{
	const struct policy *policy = context->policy;
	const char *file = log_value(context, "uses");
	struct log_exemption_uses *uses = NULL;
	size_t count = 0;

	if (!policy)
		return file ? log_error("--uses needs the policy whose exemptions it is about") : LOG_FOUND;
	if (file && log_exemption_uses_read(context, file, &uses) != LOG_FOUND)
		return LOG_ERROR;
	*ret = calloc(policy->rule_count + 1, sizeof(**ret));
	if (!*ret) {
		log_exemption_uses_free(uses);
		return log_error("out of memory");
	}
	for (size_t i = 0; i < policy->rule_count; i++) {
		if (policy->rules[i].kind == POLICY_EXEMPT)
			(*ret)[count++] = exemption_of(&policy->rules[i], uses, report->now_us);
	}
	log_exemption_uses_free(uses);
	qsort(*ret, count, sizeof(**ret), compare_exemptions);
	report->has_policy = true;
	report->exemptions = *ret;
	report->exemption_count = count;
	return LOG_FOUND;
}

/* ---- what is asked ---- */

static void print_prefix(FILE *out, const char *name, const struct prefix *prefix)
{
	char text[PREFIX_TEXT_MAX];

	if (prefix->addr.family != ADDR_NONE) {
		prefix_format(prefix, text);
		fprintf(out, " --%s %s", name, text);
	}
}

/* The filters as on a command line. NULL without memory; the caller's to free. */
static char *filters_text(const struct store_filter *filter)
{
	const struct {
		const char *name, *value;
	} names[] = {{"pool", filter->pool},
		     {"rule", filter->rule},
		     {"reason", filter->reason},
		     {"host", filter->host}};
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	print_prefix(out, "src", &filter->src);
	print_prefix(out, "dst", &filter->dst);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].value)
			fprintf(out, " --%s %s", names[i].name, names[i].value);
	}
	if (filter->min_attempts)
		fprintf(out, " --min-attempts %" PRIu64, filter->min_attempts);
	fclose(out);
	return text;
}

/* A report is about a period with two ends: the last days until now, unless told otherwise. */
static void bound_period(struct store_filter *filter, int64_t now_us)
{
	if (filter->until_us == INT64_MAX)
		filter->until_us = now_us;
	if (filter->since_us == INT64_MIN)
		filter->since_us = filter->until_us - USUAL_DAYS * DAY_S * LOG_US_PER_S;
}

static int read_language(const struct log_context *context, enum report_language *ret)
{
	const char *language = log_value(context, "lang");

	if (!language || strcmp(language, "en") == 0)
		*ret = REPORT_ENGLISH;
	else if (strcmp(language, "ja") == 0)
		*ret = REPORT_JAPANESE;
	else
		return log_error("--lang is en or ja, not \"%s\"", language);
	return LOG_FOUND;
}

/* ---- where it goes ---- */

struct writing {
	const struct report *report;
	enum report_language language;
};

static int write_page(void *context, FILE *out)
{
	const struct writing *writing = context;

	return report_write(writing->report, writing->language, out);
}

/* What the report is made from is not overwritten by it. */
static int check_target(const struct log_context *context, const char *path)
{
	bool same = files_are_same(path, context->store_path) || files_are_same(path, context->policy_path);

	if (strcmp(path, "-") == 0)
		return LOG_FOUND;
	for (unsigned i = 0; i < context->file_count; i++)
		same = same || files_are_same(path, context->files[i]);
	return same ? log_error("--html would overwrite %s, which the report is made from", path) : LOG_FOUND;
}

static int write_report(struct log_context *context, struct report *report, const char *path)
{
	struct report_exemption *exemptions CLEANUP_FREE = NULL;
	struct writing writing = {.report = report};
	int code = read_language(context, &writing.language);

	code = code == LOG_FOUND ? fill_exemptions(context, report, &exemptions) : code;
	code = code == LOG_FOUND ? log_target_write(path, write_page, &writing) : code;
	return code == LOG_FOUND && report->totals.records == 0 ? log_empty_page(context) : code;
}

/* filters is borrowed for as long as *ret is there. */
static int gather(struct log_context *context, int64_t now_us, const char *filters,
		  struct report_gathered **ret)
{
	uint64_t rows = log_limit(context);
	const struct report_question question = {.filter = &context->filter,
						 .limits = &context->limits,
						 .top = rows == 0 || rows > ROWS_MOST ? ROWS_MOST : rows,
						 .many = MANY_RECORDS,
						 .now_us = now_us,
						 .offset = offset_of,
						 .context = context,
						 .filters = *filters ? filters + 1 : ""};
	int r = report_gather(context->store, &question, ret);

	if (r == -EINVAL)
		return log_error(
			"a report is about a period of at most a hundred years, which begins before it ends");
	if (r == -ENOMEM)
		return log_error("out of memory");
	return r < 0 ? log_store_error(context) : LOG_FOUND;
}

static int make_report(struct log_context *context, int64_t now_us, const char *path)
{
	char *filters CLEANUP_FREE = filters_text(&context->filter);
	struct report_gathered *gathered = NULL;
	int code;

	if (!filters)
		return log_error("out of memory");
	bound_period(&context->filter, now_us);
	code = gather(context, now_us, filters, &gathered);
	if (code == LOG_FOUND)
		code = write_report(context, report_gathered_value(gathered), path);
	report_gathered_free(gathered);
	return code;
}

int log_report(struct log_context *context, int argc, char **argv)
{
	const char *path = log_value(context, "html"), *now = log_value(context, "now");
	enum report_language language;
	int64_t now_us = context->now_us;
	int code;

	(void)argc;
	(void)argv;
	if (!path)
		return log_error("report needs --html FILE (\"-\": standard output)");
	if (log_moment(context, "now", now, false, &now_us) != LOG_FOUND)
		return LOG_ERROR;
	code = read_language(context, &language);
	code = code == LOG_FOUND ? check_target(context, path) : code;
	code = code == LOG_FOUND ? log_target_check(path) : code;
	context->now_us = now_us;
	return code == LOG_FOUND ? make_report(context, now_us, path) : code;
}
