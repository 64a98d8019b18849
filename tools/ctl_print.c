/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int64_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "-";
}

static void print_ledger(const char *title, const json_t *ledger)
{
	printf("%-10s received %" PRId64 " = accepted %" PRId64 " + dropped %" PRId64
	       " + failed open %" PRId64 " + in flight %" PRId64 "\n",
	       title, number(ledger, "received"), number(ledger, "accepted"), number(ledger, "dropped"),
	       number(ledger, "failed_open"), number(ledger, "in_flight"));
}

static void print_kernel(const char *title, const json_t *kernel)
{
	if (!json_is_object(kernel))
		printf("%-10s counters cannot be read (root or group root may)\n", title);
	else
		printf("%-10s waiting %" PRId64 ", dropped by a full queue %" PRId64
		       ", by a full socket %" PRId64 "\n",
		       title, number(kernel, "waiting"), number(kernel, "queue_dropped"),
		       number(kernel, "user_dropped"));
}

static void print_worker(const json_t *worker)
{
	const json_t *ledger = json_object_get(worker, "ledger");
	char title[32];

	snprintf(title, sizeof(title), "queue %" PRId64, number(worker, "queue"));
	print_ledger(title, ledger);
	print_kernel("", json_object_get(worker, "kernel"));
	if (number(ledger, "lost_ids") || number(ledger, "verdict_errors") || number(ledger, "unjudged"))
		printf("%-10s undelivered %" PRId64 ", answers without a packet %" PRId64
		       ", unjudged %" PRId64 "\n",
		       "", number(ledger, "lost_ids"), number(ledger, "verdict_errors"),
		       number(ledger, "unjudged"));
	if (json_is_string(json_object_get(worker, "error")))
		printf("%-10s error: %s\n", "", text(worker, "error"));
}

static void print_uptime(int64_t s)
{
	printf("%" PRId64 "d %02d:%02d:%02d", s / 86400, (int)(s / 3600 % 24), (int)(s / 60 % 60),
	       (int)(s % 60));
}

static void print_policy(const json_t *policy)
{
	printf("policy     %s\n", text(policy, "path"));
	printf("           digest %s, loaded %s, built in %" PRId64 " ms, %" PRId64 " warnings\n",
	       text(policy, "digest"), text(policy, "loaded"), number(policy, "build_ms"),
	       number(policy, "warnings"));
	printf("           reloads %" PRId64 ", refused %" PRId64 "%s\n", number(policy, "reloads"),
	       number(policy, "refused"),
	       json_is_false(json_object_get(policy, "last_reload_ok"))
		       ? ": the last one; its policy is NOT in force"
		       : "");
}

static const char *offload_state(const json_t *offload)
{
	if (json_is_true(json_object_get(offload, "drained")))
		return "drained for an exchange of the rules";
	if (json_is_false(json_object_get(offload, "ready")))
		return "NOT READY: the kernel's ruleset has no sets for this policy";
	return json_is_integer(json_object_get(offload, "generation")) ? "in force" : "ready";
}

static void print_offload(const json_t *offload)
{
	bool failing = json_is_string(json_object_get(offload, "error"));

	if (!json_is_true(json_object_get(offload, "wanted")))
		return;
	printf("offload    %s; changes of generation %" PRId64 ", sources in the last %" PRId64
	       ", failures %" PRId64 "%s%s\n",
	       offload_state(offload), number(offload, "rotations"), number(offload, "sources"),
	       number(offload, "failures"), failing ? ", FAILING: " : "",
	       failing ? text(offload, "error") : "");
	printf("           blocked %" PRId64 " = dropped - learned %" PRId64 " + offloaded %" PRId64
	       " (of these without room %" PRId64 ", marked too late %" PRId64 ")\n",
	       number(offload, "blocked"), number(offload, "learned"), number(offload, "packets"),
	       number(offload, "full"), number(offload, "stale"));
}

static void print_overrides(const json_t *overrides)
{
	if (number(overrides, "count") > 0)
		printf("overrides  %" PRId64 " in force%s\n", number(overrides, "count"),
		       json_is_false(json_object_get(overrides, "saved")) ? ", NOT SAVED" : "");
}

static void print_records(const json_t *events, const json_t *log)
{
	printf("records    packets %" PRId64 ", attempts %" PRId64 ", records %" PRId64
	       ", subscribers tracked %" PRId64 ", overflowed %" PRId64 ", of these unattributed %" PRId64
	       "\n",
	       number(events, "observed"), number(events, "attempts"), number(events, "records"),
	       number(events, "subscribers"), number(events, "overflowed"), number(events, "unattributed"));
	printf("log        %s: written %" PRId64 " of %" PRId64 ", lost %" PRId64 ", waiting %" PRId64
	       " bytes%s%s\n",
	       text(log, "file"), number(log, "written"), number(log, "records"), number(log, "lost"),
	       number(log, "waiting_bytes"),
	       json_is_string(json_object_get(log, "error")) ? ", FAILING: " : "",
	       json_is_string(json_object_get(log, "error")) ? text(log, "error") : "");
}

/* Beside the log. */
static void print_outputs(const json_t *outputs)
{
	size_t i;

	for (i = 0; i < json_array_size(outputs); i++) {
		const json_t *output = json_array_get(outputs, i);
		bool failing = json_is_string(json_object_get(output, "error"));

		printf("%-10s %s: sent %" PRId64 " of %" PRId64 ", lost %" PRId64 ", waiting %" PRId64
		       " bytes%s%s\n",
		       text(output, "name"), text(output, "socket"), number(output, "sent"),
		       number(output, "records"), number(output, "lost"), number(output, "waiting_bytes"),
		       failing ? ", FAILING: " : "", failing ? text(output, "error") : "");
	}
}

void ctl_print_status(const json_t *result)
{
	const json_t *workers = json_object_get(result, "workers");
	size_t i;

	printf("%s: op25bd %s, mode %s, fail %s, process %" PRId64 ", up ", text(result, "name"),
	       text(result, "version"), text(result, "mode"), text(result, "fail"), number(result, "pid"));
	print_uptime(number(result, "uptime_s"));
	printf("\n");
	print_policy(json_object_get(result, "policy"));
	ctl_print_missing(json_object_get(result, "missing_interfaces"));
	print_ledger("ledger", json_object_get(result, "ledger"));
	print_kernel("kernel", json_object_get(result, "kernel"));
	ctl_print_fail_modes(json_object_get(result, "fail_modes"), json_object_get(result, "rules"));
	for (i = 0; i < json_array_size(workers); i++)
		print_worker(json_array_get(workers, i));
	print_offload(json_object_get(result, "offload"));
	print_overrides(json_object_get(result, "overrides"));
	print_records(json_object_get(result, "events"), json_object_get(result, "log"));
	print_outputs(json_object_get(result, "outputs"));
}

void ctl_print_stats(const json_t *result)
{
	json_t *reasons = json_object_get(result, "reasons"), *row;
	const char *name;

	print_ledger("ledger", json_object_get(result, "ledger"));
	printf("\n%-20s %12s %12s %12s %12s %12s\n", "reason", "accept", "drop", "reset", "icmp",
	       "monitored");
	json_object_foreach(reasons, name, row)
	{
		if (number(row, "packets") == 0)
			continue;
		printf("%-20s %12" PRId64 " %12" PRId64 " %12" PRId64 " %12" PRId64 " %12" PRId64 "\n", name,
		       number(row, "accept"), number(row, "drop"), number(row, "reset"), number(row, "icmp"),
		       number(row, "monitored"));
	}
}

void ctl_print_reload(const json_t *result)
{
	const json_t *stay = json_object_get(result, "needs_restart");
	size_t i;

	/* The findings themselves are for standard error, as every op25b program prints them. */
	fputs(json_string_value(json_object_get(result, "report")) ? text(result, "report") : "", stderr);
	for (i = 0; i < json_array_size(stay); i++)
		fprintf(stderr, "op25bctl: warning: %s until a restart\n",
			json_string_value(json_array_get(stay, i)));
	if (json_is_string(json_object_get(result, "digest")))
		printf("policy %s is in force (generation %" PRId64 ", built in %" PRId64 " ms)\n",
		       text(result, "digest"), number(result, "generation"), number(result, "build_ms"));
}

static void print_rule(const char *title, const json_t *rule)
{
	if (json_is_object(rule))
		printf("%-12s [%s %s], line %" PRId64 "\n", title, text(rule, "kind"), text(rule, "name"),
		       number(rule, "line"));
}

static void print_override(const json_t *override)
{
	if (json_is_object(override))
		printf("%-12s %s %s until %s, by user %" PRId64 ": %s\n", "override",
		       text(override, "action"), text(override, "source"), text(override, "until"),
		       number(override, "uid"), text(override, "reason"));
}

void ctl_print_explain(const json_t *result)
{
	const char *verdict = text(result, "verdict"), *would = text(result, "would");

	printf("%s -> %s port 25%s%s at %s: %s%s%s\n", text(result, "src"), text(result, "dst"),
	       json_is_string(json_object_get(result, "iface")) ? " by " : "",
	       json_is_string(json_object_get(result, "iface")) ? text(result, "iface") : "",
	       text(result, "at"), verdict, strcmp(verdict, would) == 0 ? "" : ", monitored: would be ",
	       strcmp(verdict, would) == 0 ? "" : would);
	printf("%-12s %s: %s\n", "reason", text(result, "reason"), text(result, "meaning"));
	print_rule("rule", json_object_get(result, "rule"));
	print_rule("pool", json_object_get(result, "pool"));
	print_override(json_object_get(result, "override"));
	printf("%-12s %s\n", "next change",
	       json_is_string(json_object_get(result, "next_change")) ? text(result, "next_change")
								      : "none by date");
	printf("%-12s %s\n", "policy", text(result, "digest"));
}
