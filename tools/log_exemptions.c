/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exemptions: each exemption of the policy, so that those who granted it look at it again. What is exempt makes no records,
 * so its uses are op25bd's to tell, and where nobody counted them they are not known.
 */
#include "log_exemptions.h"

#include "log_daemon.h"

#include "log_time.h"

#include "base/diag.h"
#include "base/number.h"
#include "policy/policy.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	COLOUR_RED = 31,
	COLOUR_YELLOW = 33,
	USUAL_OVER = 1000,
	DAY_S = 86400,
	USUAL_WITHIN_DAYS = 30,
	EARLY_DAYS = 14, /* who sends mail once a week has had two occasions then */
	PROBLEM_MAX = 64,
};

/* Whether the uses of an exemption are known, and how. */
enum known { KNOWN_COUNTED, KNOWN_NOBODY_ASKED, KNOWN_CUT, KNOWN_SETTLED, KNOWNS };

struct review {
	struct log_context *context;
	struct log_table *table;
	json_t *answers; /* NULL: nobody told */
	bool foreign;    /* some are of another policy */
	int64_t since_s; /* the latest begin of counting among them */
	int64_t within_s;
	uint64_t over; /* attempts a day */
	uint64_t rows[KNOWNS];
};

struct used {
	bool known;
	uint64_t attempts, packets;
	int64_t last_s; /* INT64_MIN: never */
};

/* ---- what op25bd counted ---- */

static int64_t moment_of(const json_t *object, const char *key)
{
	const char *text = log_daemon_text(object, key);
	struct moment moment;

	return moment_parse(text, strlen(text), &moment, NULL) == MOMENT_OK ? moment.s : INT64_MIN;
}

/* What is wrong with a row; NULL: nothing. */
static const char *row_fault(const json_t *row)
{
	if (!json_is_string(json_object_get(row, "name")))
		return "an exemption without a name";
	if (!log_daemon_is_count(row, "attempts"))
		return "\"attempts\" of an exemption is no count";
	if (!log_daemon_is_count(row, "packets"))
		return "\"packets\" of an exemption is no count";
	if (moment_of(row, "last") == INT64_MIN && !json_is_null(json_object_get(row, "last")))
		return "\"last\" of an exemption is no time";
	return NULL;
}

/* What is wrong with an answer; NULL: nothing. What it does not say must not be taken for "unused". */
static const char *answer_fault(const json_t *answer)
{
	const json_t *rows = json_object_get(answer, "exemptions");
	const char *fault = NULL;

	if (!json_is_array(rows))
		return "there is no list \"exemptions\"";
	if (moment_of(answer, "since") == INT64_MIN)
		return "\"since\" is no time";
	if (!json_is_string(json_object_get(answer, "digest")))
		return "there is no \"digest\" of the policy";
	if (!log_daemon_is_count(answer, "used") || log_daemon_number(answer, "used") < json_array_size(rows))
		return "\"used\" is not the number of exemptions that were used";
	for (size_t i = 0; i < json_array_size(rows) && !fault; i++)
		fault = row_fault(json_array_get(rows, i));
	return fault;
}

/* LOG_FOUND or LOG_ERROR, said. file NULL: op25bd was asked. */
static int check_answers(const json_t *answers, const char *file)
{
	for (size_t i = 0; i < json_array_size(answers); i++) {
		const char *fault = answer_fault(json_array_get(answers, i));

		if (fault && file)
			return log_error(
				"%s: answer %zu is none about exemptions: %s; give what 'op25bctl exemptions --json' prints",
				file, i + 1, fault);
		if (fault)
			return log_error(
				"op25bd's answer is none about exemptions: %s; is it of another version?",
				fault);
	}
	return LOG_FOUND;
}

/* As log_daemon_answers(), of exemptions and checked. */
static int ask_uses(const struct log_context *context, const char *file, json_t **ret)
{
	json_t *answers = NULL;
	int code = log_daemon_answers(context, "exemptions", file, &answers);

	if (code == LOG_FOUND)
		code = check_answers(answers, file);
	if (code == LOG_FOUND)
		*ret = answers;
	else
		json_decref(answers);
	return code;
}

/* Of several gateways that follow one policy: together, since the last of them began to count. */
static void look_at_answers(struct review *review)
{
	const char *digest = review->context->policy->digest;

	review->since_s = 0;
	for (size_t i = 0; i < json_array_size(review->answers); i++) {
		const json_t *answer = json_array_get(review->answers, i);
		int64_t since_s = moment_of(answer, "since");

		review->since_s = since_s > review->since_s ? since_s : review->since_s;
		review->foreign = review->foreign || strcmp(log_daemon_text(answer, "digest"), digest) != 0;
	}
}

static const json_t *find_use(const json_t *answer, const char *name)
{
	const json_t *rows = json_object_get(answer, "exemptions");

	for (size_t i = 0; i < json_array_size(rows); i++)
		if (strcmp(log_daemon_text(json_array_get(rows, i), "name"), name) == 0)
			return json_array_get(rows, i);
	return NULL;
}

/* An answer that lists fewer than were used says nothing of those that it does not list. */
static bool lists_all(const json_t *answer)
{
	return json_array_size(json_object_get(answer, "exemptions")) == log_daemon_number(answer, "used");
}

static struct used uses_of(const struct review *review, const struct policy_rule *rule)
{
	struct used used = {.known = review->answers && !policy_exemption_is_settled(rule),
			    .last_s = INT64_MIN};

	for (size_t i = 0; used.known && i < json_array_size(review->answers); i++) {
		const json_t *answer = json_array_get(review->answers, i),
			     *row = find_use(answer, rule->name);
		int64_t last_s = row ? moment_of(row, "last") : INT64_MIN;

		used.attempts += log_daemon_number(row, "attempts");
		used.packets += log_daemon_number(row, "packets");
		used.last_s = last_s > used.last_s ? last_s : used.last_s;
		used.known = row || lists_all(answer);
	}
	return used;
}

/* ---- a row ---- */

static const char *state_of(const struct review *review, const struct policy_rule *rule)
{
	int64_t now_s = review->context->now_us / LOG_US_PER_S;

	if (rule->has_until && rule->until.s <= now_s)
		return "expired";
	if (rule->has_from && now_s < rule->from.s)
		return "not yet";
	return rule->has_until && rule->until.s - now_s <= review->within_s ? "expiring" : "in force";
}

/* A gateway that has counted for less than a day is taken for one of a day. */
static bool is_overused(const struct review *review, const struct used *used)
{
	int64_t counted_s = review->context->now_us / LOG_US_PER_S - review->since_s;
	uint64_t days = counted_s > DAY_S ? (uint64_t)counted_s / DAY_S : 1;

	return used->attempts / days > review->over ||
	       (used->attempts / days == review->over && used->attempts % days > 0);
}

/* Whether it was counted for too short a time, or was in force for too short a time of it, to be called unused. */
static bool is_early(const struct review *review, const struct policy_rule *rule)
{
	int64_t since_s = review->since_s;

	if (rule->has_from && rule->from.s > since_s)
		since_s = rule->from.s;
	return review->context->now_us / LOG_US_PER_S - since_s < (int64_t)EARLY_DAYS * DAY_S;
}

static const char *use_of(const struct review *review, const struct policy_rule *rule,
			  const struct used *used)
{
	if (!used->known)
		return "not known";
	if (used->packets == 0)
		return is_early(review, rule) ? "too early" : "unused";
	return is_overused(review, used) ? "overused" : "used";
}

static enum known how_known(const struct review *review, const struct policy_rule *rule,
			    const struct used *used)
{
	if (used->known)
		return KNOWN_COUNTED;
	if (policy_exemption_is_settled(rule))
		return KNOWN_SETTLED;
	return review->answers ? KNOWN_CUT : KNOWN_NOBODY_ASKED;
}

/* NULL: it is known. */
static const char *why_not_known(enum known known)
{
	static const char *const texts[KNOWNS] = {
		[KNOWN_NOBODY_ASKED] = "no op25bd was asked",
		[KNOWN_CUT] = "op25bd has more than it tells",
		[KNOWN_SETTLED] =
			"the kernel lets it pass uncounted; count = yes in its section has op25bd asked",
	};

	return texts[known];
}

/* What would be the same in many rows stands once below them. */
static void explain(const struct review *review)
{
	char since[LOG_TIME_TEXT_MAX];

	if (review->rows[KNOWN_COUNTED] > 0) {
		log_time_format(review->since_s * LOG_US_PER_S, review->context->utc, since);
		log_note(review->context, "Uses are counted since %s.", since);
	}
	for (enum known known = KNOWN_NOBODY_ASKED; known < KNOWNS; known++)
		if (review->rows[known] > 0)
			log_note(review->context, "Not known, %" PRIu64 " exemption%s: %s.",
				 review->rows[known], review->rows[known] == 1 ? "" : "s",
				 why_not_known(known));
}

static const struct log_column columns[] = {
	{"name", "EXEMPTION", LOG_CELL_TEXT, 0, 12},  {"state", "STATE", LOG_CELL_TEXT, 0, 0},
	{"use", "USE", LOG_CELL_TEXT, 0, 0},          {"attempts", "ATTEMPTS", LOG_CELL_NUMBER, 2, 0},
	{"packets", NULL, LOG_CELL_NUMBER, 0, 0},     {"last_used", "LAST USED", LOG_CELL_TIME, 3, 0},
	{"from", NULL, LOG_CELL_TIME, 0, 0},          {"until", "UNTIL", LOG_CELL_TIME, 0, 0},
	{"ticket", "TICKET", LOG_CELL_TEXT, 1, 0},    {"owner", "OWNER", LOG_CELL_TEXT, 4, 6},
	{"reason", NULL, LOG_CELL_TEXT, 0, 0},        {"counted_since", NULL, LOG_CELL_TIME, 0, 0},
	{"why_not_known", NULL, LOG_CELL_TEXT, 0, 0}, {"problem", "PROBLEM", LOG_CELL_TEXT, 0, 0},
};

static int64_t time_of(bool given, int64_t s)
{
	return given ? s * LOG_US_PER_S : INT64_MIN;
}

static void write_state(struct log_table *table, const char *state)
{
	log_table_text(table, state);
	if (strcmp(state, "expired") == 0)
		log_table_paint(table, COLOUR_RED);
	else if (strcmp(state, "expiring") == 0)
		log_table_paint(table, COLOUR_YELLOW);
}

/* What nobody counted is not 0. */
static void write_count(struct log_table *table, bool known, uint64_t count)
{
	if (known)
		log_table_number(table, count);
	else
		log_table_text(table, NULL);
}

static void add_problem(char text[PROBLEM_MAX], bool is_one, const char *problem)
{
	size_t len = strlen(text);

	if (is_one)
		snprintf(text + len, PROBLEM_MAX - len, "%s%s", len > 0 ? ", " : "", problem);
}

/* What is worth looking at: with --problems nothing else is shown. False: nothing. */
static bool problem_of(const struct review *review, const struct policy_rule *rule, char out[PROBLEM_MAX])
{
	struct used used = uses_of(review, rule);
	const char *state = state_of(review, rule), *use = use_of(review, rule, &used);

	out[0] = '\0';
	add_problem(out, strncmp(state, "exp", 3) == 0, state);
	add_problem(out, strcmp(use, "unused") == 0 || strcmp(use, "overused") == 0, use);
	add_problem(out, !rule->has_until, "no end");
	return out[0] != '\0';
}

static void write_row(struct review *review, const struct policy_rule *rule)
{
	struct log_table *table = review->table;
	struct used used = uses_of(review, rule);
	enum known known = how_known(review, rule, &used);
	const char *use = use_of(review, rule, &used);
	char problem[PROBLEM_MAX];

	review->rows[known]++;
	log_table_text(table, rule->name);
	write_state(table, state_of(review, rule));
	log_table_text(table, use);
	if (strcmp(use, "unused") == 0 || strcmp(use, "overused") == 0)
		log_table_paint(table, COLOUR_YELLOW);
	write_count(table, used.known, used.attempts);
	write_count(table, used.known, used.packets);
	log_table_time(table, time_of(used.last_s != INT64_MIN, used.last_s));
	log_table_time(table, time_of(rule->has_from, rule->from.s));
	log_table_time(table, time_of(rule->has_until, rule->until.s));
	log_table_text(table, rule->ticket[0] ? rule->ticket : NULL);
	log_table_text(table, rule->owner[0] ? rule->owner : NULL);
	log_table_text(table, rule->reason[0] ? rule->reason : NULL);
	log_table_time(table, time_of(used.known, review->since_s));
	log_table_text(table, why_not_known(known));
	log_table_text(table, problem_of(review, rule, problem) ? problem : NULL);
}

/* ---- the command ---- */

static bool read_options(struct review *review)
{
	const struct log_context *context = review->context;
	const char *within = log_value(context, "within");
	int64_t within_us = (int64_t)USUAL_WITHIN_DAYS * DAY_S * LOG_US_PER_S;

	review->over = USUAL_OVER;
	if (within && log_span_parse(within, &within_us) < 0) {
		log_error("--within %s: not a length of time; 30d and 2w are", within);
		return false;
	}
	review->within_s = within_us / LOG_US_PER_S;
	return log_number(context, "over", UINT32_MAX, &review->over);
}

static int read_policy(struct log_context *context)
{
	struct diag_list findings = {0};
	int r = policy_read_file(context->policy_path, context->now_us / LOG_US_PER_S, &findings,
				 &context->policy);

	if (r < 0)
		diag_print(&findings, stderr);
	diag_list_free(&findings);
	return r < 0 ? log_error("%s: without a policy there are no exemptions to look at",
				 context->policy_path)
		     : LOG_FOUND;
}

/* Without a daemon the dates are still worth a look. */
static int read_uses(struct review *review)
{
	const char *file = log_value(review->context, "uses");
	int code = ask_uses(review->context, file, &review->answers);

	if (code != LOG_FOUND && file)
		return code;
	if (code != LOG_FOUND)
		log_error(
			"uses are not known: let op25bd run, or name what 'op25bctl exemptions --json' printed by --uses");
	look_at_answers(review);
	if (review->foreign)
		log_error("op25bd follows another policy than %s: names may differ",
			  review->context->policy_path);
	return LOG_FOUND;
}

static int review_all(struct review *review)
{
	const struct policy *policy = review->context->policy;
	bool problems = log_value(review->context, "problems") != NULL;
	struct log_column shown[sizeof(columns) / sizeof(columns[0])];
	char problem[PROBLEM_MAX];
	int code;

	memcpy(shown, columns, sizeof(columns));
	if (!problems)
		shown[sizeof(shown) / sizeof(shown[0]) - 1].title = NULL;
	review->table = log_table_new(review->context, shown, sizeof(shown) / sizeof(shown[0]));
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct policy_rule *rule = &policy->rules[i];

		if (rule->kind == POLICY_EXEMPT && (!problems || problem_of(review, rule, problem)))
			write_row(review, rule);
	}
	code = log_table_end(review->table);
	if (code == LOG_FOUND)
		explain(review);
	return code;
}

int log_exemptions(struct log_context *context, int argc, char **argv)
{
	struct review review = {.context = context};
	int code = read_options(&review) ? read_policy(context) : LOG_ERROR;

	if (code == LOG_FOUND)
		code = read_uses(&review);
	if (code == LOG_FOUND)
		code = review_all(&review);
	json_decref(review.answers);
	return code;
}

/* ---- for other commands ---- */

struct log_exemption_uses {
	struct review review;
};

int log_exemption_uses_read(struct log_context *context, const char *file, struct log_exemption_uses **ret)
{
	struct log_exemption_uses *uses = calloc(1, sizeof(*uses));
	int code;

	if (!uses)
		return log_error("out of memory");
	uses->review = (struct review){.context = context, .over = USUAL_OVER};
	code = ask_uses(context, file, &uses->review.answers);
	if (code != LOG_FOUND) {
		log_exemption_uses_free(uses);
		return code;
	}
	look_at_answers(&uses->review);
	*ret = uses;
	return LOG_FOUND;
}

void log_exemption_uses_free(struct log_exemption_uses *uses)
{
	if (uses)
		json_decref(uses->review.answers);
	free(uses);
}

const char *log_exemption_use(const struct log_exemption_uses *uses, const struct policy_rule *rule,
			      uint64_t *ret_attempts)
{
	struct used used = uses_of(&uses->review, rule);

	*ret_attempts = used.known ? used.attempts : 0;
	return use_of(&uses->review, rule, &used);
}
