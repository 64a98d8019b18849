/* SPDX-License-Identifier: GPL-2.0-or-later */
/* op25bctl doctor: looks at all that a gateway needs, and says what to do. */
#include "doctor.h"

#include "base/cleanup.h"
#include "base/exitcode.h"
#include "control/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CHECK_COLUMN = 13, BETWEEN_NS = 1000000000 };

static const struct {
	const char *name;
	void (*run)(struct doctor *doctor);
} checks[] = {
	/* clang-format off */
	{"policy", doctor_check_policy},
	{"daemon", doctor_check_daemon},
	{"in-force", doctor_check_in_force},
	{"kernel", doctor_check_kernel},
	{"rules", doctor_check_rules},
	{"guard", doctor_check_guard},
	{"before", doctor_check_before},
	{"flowtables", doctor_check_flowtables},
	{"queues", doctor_check_queues},
	{"workers", doctor_check_workers},
	{"losses", doctor_check_losses},
	{"buffers", doctor_check_buffer},
	{"fail-mode", doctor_check_fail_mode},
	{"offload", doctor_check_offload},
	{"overrides", doctor_check_overrides},
	{"records", doctor_check_records},
	{"log-space", doctor_check_space},
	{"clock", doctor_check_clock},
	{"interfaces", doctor_check_interfaces},
	{"relays", doctor_check_relays},
	{"forwarding", doctor_check_forwarding},
	{"sources", doctor_check_sources},
	{"bridges", doctor_check_bridges},
	{"conntrack", doctor_check_conntrack},
	/* clang-format on */
};

enum { CHECKS = sizeof(checks) / sizeof(checks[0]) };

bool doctor_has_policy(struct doctor *doctor)
{
	if (!doctor->policy)
		doctor_find(&doctor->findings, DOCTOR_SKIPPED, "the policy cannot be read", NULL,
			    "the system against the policy");
	return doctor->policy != NULL;
}

bool doctor_has_status(struct doctor *doctor)
{
	if (!doctor->status)
		doctor_find(&doctor->findings, DOCTOR_SKIPPED, "op25bd does not answer", NULL,
			    "what op25bd tells of itself");
	return doctor->status != NULL;
}

void doctor_skip(struct doctor *doctor, const char *looked, int r)
{
	bool denied = r == -EPERM || r == -EACCES;

	doctor_find(&doctor->findings, DOCTOR_SKIPPED, strerror(-r), denied ? "run it as root" : NULL, "%s",
		    looked);
}

/* NULL without memory. A file that cannot be opened has no line. */
static char *tell_error(const struct diag *diag, size_t errors)
{
	char *told;

	if (diag->line == 0)
		return strdup(diag->message);
	if (asprintf(&told, "line %u: %s (of %zu error%s)", diag->line, diag->message, errors,
		     errors == 1 ? "" : "s") < 0)
		return NULL;
	return told;
}

static void read_policy(struct doctor *doctor)
{
	struct diag_list diags = {0};
	int r = policy_read_file(doctor->context->policy, (int64_t)time(NULL), &diags, &doctor->policy);

	for (size_t i = 0; r < 0 && i < diags.count && !doctor->policy_error; i++) {
		const struct diag *diag = &diags.items[i];

		if (diag->severity == DIAG_ERROR)
			doctor->policy_error = tell_error(diag, diags.errors);
	}
	if (r < 0 && !doctor->policy_error)
		doctor->policy_error = strdup(strerror(-r));
	doctor->policy_read_error = r;
	doctor->policy_warnings = diags.warnings;
	diag_list_free(&diags);
	if (r == 0 && ruleset_build(doctor->policy, &doctor->ruleset) < 0)
		doctor->findings.out_of_memory = true;
}

/* NULL: no answer, and doctor->no_answer says why. */
static json_t *ask_status(struct doctor *doctor, const char *path)
{
	char text[CONTROL_ERROR_TEXT_MAX] = "";
	json_t *request = control_request_new("status"), *result = NULL;
	enum control_error error = CONTROL_OK;
	int r = request ? control_client_call(path, request, CTL_ANSWER_MS, &error, &result, text) : -ENOMEM;

	json_decref(request);
	if (r == 0 && error == CONTROL_OK && json_is_object(result))
		return result;
	json_decref(result);
	doctor->no_answer_error = r;
	free(doctor->no_answer);
	if (asprintf(&doctor->no_answer, "it does not answer at %s: %s", path,
		     r < 0 && r != -EPROTO ? strerror(-r) : text) < 0)
		doctor->no_answer = NULL;
	return NULL;
}

/* A second lies between: what does not move meanwhile stands still. */
static void read_status(struct doctor *doctor, const char *path)
{
	const struct timespec pause = {.tv_sec = BETWEEN_NS / 1000000000};

	doctor->before = ask_status(doctor, path);
	if (!doctor->before)
		return;
	(void)nanosleep(&pause, NULL);
	doctor->status = ask_status(doctor, path);
}

static int find_socket(const struct ctl_context *context, char **ret)
{
	int r = 0;

	if (context->socket)
		*ret = strdup(context->socket);
	else
		r = ctl_socket_path(context->policy, ret);
	if (r < 0 && r != -ENOMEM)
		*ret = ctl_default_socket();
	return *ret ? 0 : -ENOMEM;
}

static void run_checks(struct doctor *doctor)
{
	char *path CLEANUP_FREE = NULL;

	read_policy(doctor);
	if (find_socket(doctor->context, &path) < 0)
		doctor->findings.out_of_memory = true;
	else
		read_status(doctor, path);
	if (doctor->ruleset)
		doctor->foreign_error =
			nft_find_foreign(doctor->ruleset->family, doctor->ruleset->chains[0].priority,
					 &doctor->foreign, &doctor->foreign_count);
	for (size_t i = 0; i < CHECKS && !doctor->findings.out_of_memory; i++) {
		doctor->findings.check = checks[i].name;
		checks[i].run(doctor);
	}
}

static bool is_coloured(void)
{
	const char *none = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && (!none || !none[0]);
}

static void print_finding(const struct doctor_finding *finding, bool coloured)
{
	static const char *const colours[] = {
		[DOCTOR_OK] = "\033[32m",
		[DOCTOR_SKIPPED] = "\033[36m",
		[DOCTOR_WARNING] = "\033[33m",
		[DOCTOR_PROBLEM] = "\033[1;31m",
	};

	printf("%s%-7s%s  %-*s%s\n", coloured ? colours[finding->severity] : "",
	       doctor_severity_name(finding->severity), coloured ? "\033[0m" : "", CHECK_COLUMN,
	       finding->check, finding->looked);
	if (finding->wrong)
		printf("%9s%*s%s\n", "", CHECK_COLUMN, "", finding->wrong);
	if (finding->remedy)
		printf("%9s%*sremedy: %s\n", "", CHECK_COLUMN, "", finding->remedy);
}

static void print_findings(const struct doctor_findings *findings)
{
	size_t problems = doctor_count(findings, DOCTOR_PROBLEM);
	size_t warnings = doctor_count(findings, DOCTOR_WARNING);
	bool coloured = is_coloured();

	for (size_t i = 0; i < findings->count; i++)
		print_finding(&findings->items[i], coloured);
	printf("%zu problem%s, %zu warning%s, %zu skipped, %zu ok\n", problems, problems == 1 ? "" : "s",
	       warnings, warnings == 1 ? "" : "s", doctor_count(findings, DOCTOR_SKIPPED),
	       doctor_count(findings, DOCTOR_OK));
}

static void print_json(const struct doctor_findings *findings)
{
	json_t *array = json_array(), *result;

	for (size_t i = 0; i < findings->count; i++) {
		const struct doctor_finding *finding = &findings->items[i];

		json_array_append_new(
			array,
			json_pack("{ss ss so so so}", "check", finding->check, "severity",
				  doctor_severity_name(finding->severity), "looked_at",
				  control_text(finding->looked), "wrong",
				  finding->wrong ? control_text(finding->wrong) : json_null(), "remedy",
				  finding->remedy ? json_string(finding->remedy) : json_null()));
	}
	result = json_pack("{so sI sI sI sI}", "findings", array, "problems",
			   (json_int_t)doctor_count(findings, DOCTOR_PROBLEM), "warnings",
			   (json_int_t)doctor_count(findings, DOCTOR_WARNING), "skipped",
			   (json_int_t)doctor_count(findings, DOCTOR_SKIPPED), "ok",
			   (json_int_t)doctor_count(findings, DOCTOR_OK));
	json_dumpf(result, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	puts("");
	json_decref(result);
}

static void doctor_clear(struct doctor *doctor)
{
	doctor_findings_clear(&doctor->findings);
	policy_free(doctor->policy);
	ruleset_free(doctor->ruleset);
	json_decref(doctor->before);
	json_decref(doctor->status);
	free(doctor->no_answer);
	free(doctor->policy_error);
	free(doctor->foreign);
}

int ctl_doctor(const struct ctl_context *context, int argc, char **argv)
{
	struct doctor doctor = {.context = context};
	int code;

	run_checks(&doctor);
	code = doctor_exit_code(&doctor.findings);
	if (doctor.findings.out_of_memory)
		fputs("op25bctl: out of memory\n", stderr);
	else if (context->json)
		print_json(&doctor.findings);
	else
		print_findings(&doctor.findings);
	doctor_clear(&doctor);
	return code;
}
