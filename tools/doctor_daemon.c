/* SPDX-License-Identifier: GPL-2.0-or-later */
/* op25bctl doctor: what the daemon says of itself, against the policy's file. */
#include "doctor.h"

#include "base/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

enum { PATH_TEXT_MAX = 64, LINE_TEXT_MAX = 256 };

static const json_t *part(const struct doctor *doctor, const char *key)
{
	return json_object_get(doctor->status, key);
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "-";
}

static int64_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

void doctor_check_policy(struct doctor *doctor)
{
	const char *path = doctor->context->policy;

	if (doctor->policy_read_error == -EACCES)
		doctor_skip(doctor, path, doctor->policy_read_error);
	else if (!doctor->policy)
		doctor_find(
			&doctor->findings, DOCTOR_PROBLEM, doctor->policy_error,
			"op25b-rules check shows every error; until it is mended, nothing can be reloaded or restarted",
			"%s", path);
	else if (doctor->policy_warnings > 0)
		doctor_find(&doctor->findings, DOCTOR_WARNING, "the policy has warnings",
			    "op25b-rules check shows them", "%s: %zu warnings", path,
			    doctor->policy_warnings);
	else
		doctor_find(&doctor->findings, DOCTOR_OK, NULL, NULL, "%s: no errors, no warnings", path);
}

void doctor_check_daemon(struct doctor *doctor)
{
	static const char remedy[] =
		"systemctl status op25bd tells whether it runs, journalctl -u op25bd why not";

	if (!doctor->status && doctor->no_answer_error == -EACCES)
		doctor_skip(doctor, "op25bd on its control socket", doctor->no_answer_error);
	else if (!doctor->status)
		doctor_find(&doctor->findings, DOCTOR_PROBLEM, doctor->no_answer, remedy,
			    "op25bd on its control socket");
	else if (strcmp(text(doctor->status, "version"), OP25B_VERSION) != 0)
		doctor_find(&doctor->findings, DOCTOR_WARNING,
			    "it is not of this program's version, " OP25B_VERSION, "systemctl restart op25bd",
			    "op25bd %s, process %" PRId64, text(doctor->status, "version"),
			    number(doctor->status, "pid"));
	else
		doctor_find(&doctor->findings, DOCTOR_OK, NULL, NULL, "op25bd %s, process %" PRId64,
			    text(doctor->status, "version"), number(doctor->status, "pid"));
}

void doctor_check_in_force(struct doctor *doctor)
{
	const json_t *policy = part(doctor, "policy");

	if (!doctor_has_policy(doctor) || !doctor_has_status(doctor))
		return;
	if (strcmp(text(policy, "digest"), doctor->policy->digest) != 0)
		doctor_find(&doctor->findings, DOCTOR_PROBLEM, "it is not what the policy file says now",
			    "op25b-rules apply && op25bctl reload", "policy in force, of %s",
			    text(policy, "loaded"));
	else if (json_is_false(json_object_get(policy, "last_reload_ok")))
		doctor_find(&doctor->findings, DOCTOR_WARNING, "the last reload was refused",
			    "op25bctl reload", "policy in force, of %s", text(policy, "loaded"));
	else
		doctor_find(&doctor->findings, DOCTOR_OK, NULL, NULL,
			    "policy in force, of %s: that of the file", text(policy, "loaded"));
}

void doctor_check_workers(struct doctor *doctor)
{
	const json_t *workers = part(doctor, "workers"), *worker, *before;
	size_t i;

	if (!doctor_has_status(doctor))
		return;
	before = json_object_get(doctor->before, "workers");
	json_array_foreach(workers, i, worker)
		judge_worker(&doctor->findings, json_array_get(before, i), worker);
}

void doctor_check_losses(struct doctor *doctor)
{
	if (doctor_has_status(doctor))
		judge_losses(&doctor->findings, json_object_get(doctor->before, "kernel"),
			     part(doctor, "kernel"));
}

void doctor_check_fail_mode(struct doctor *doctor)
{
	if (doctor_has_policy(doctor) && doctor_has_status(doctor))
		judge_fail_mode(&doctor->findings, policy_fail_name(doctor->policy->gateway.fail),
				text(doctor->status, "fail"), part(doctor, "fail_modes"));
}

void doctor_check_guard(struct doctor *doctor)
{
	if (doctor_has_status(doctor))
		judge_guard(&doctor->findings, part(doctor, "rules"));
}

void doctor_check_offload(struct doctor *doctor)
{
	const json_t *offload = part(doctor, "offload");
	const char *error = json_string_value(json_object_get(offload, "error"));

	if (!doctor_has_status(doctor))
		return;
	if (!json_is_true(json_object_get(offload, "wanted")))
		doctor_find(&doctor->findings, DOCTOR_OK, NULL, NULL, "offload: not wanted");
	else if (!json_is_true(json_object_get(offload, "ready")))
		doctor_find(&doctor->findings, DOCTOR_PROBLEM,
			    error ? error
				  : "the kernel has no sets for it, so the daemon answers every packet",
			    "op25b-rules apply", "offload: wanted, and not in force");
	else if (error)
		doctor_find(&doctor->findings, DOCTOR_WARNING, error, "op25b-rules status; op25b-rules apply",
			    "offload: in force");
	else
		doctor_find(&doctor->findings, DOCTOR_OK, NULL, NULL, "offload: in force");
}

void doctor_check_overrides(struct doctor *doctor)
{
	const json_t *overrides = part(doctor, "overrides");

	if (!doctor_has_status(doctor))
		return;
	if (!json_is_true(json_object_get(overrides, "saved")))
		doctor_find(&doctor->findings, DOCTOR_PROBLEM,
			    "they cannot be saved, and would be lost with a restart",
			    "see that the directory [gateway] state is there, is op25bd's, and has room",
			    "overrides: %" PRId64, number(overrides, "count"));
	else
		doctor_find(&doctor->findings, DOCTOR_OK, NULL, NULL, "overrides: %" PRId64 ", saved",
			    number(overrides, "count"));
}

void doctor_check_records(struct doctor *doctor)
{
	const json_t *log = part(doctor, "log");
	const char *error = json_string_value(json_object_get(log, "error"));

	if (!doctor_has_status(doctor))
		return;
	if (error)
		doctor_find(&doctor->findings, DOCTOR_PROBLEM, error,
			    "see that the directory of [log] file is there, is op25bd's, and has room",
			    "record file %s", text(log, "file"));
	else if (number(log, "lost") > 0)
		doctor_find(&doctor->findings, DOCTOR_WARNING,
			    "records were lost while it could not be written",
			    "the daemon's log says when; restarting op25bd begins the count anew",
			    "record file %s: %" PRId64 " lost", text(log, "file"), number(log, "lost"));
	else
		doctor_find(&doctor->findings, DOCTOR_OK, NULL, NULL, "record file %s: written, nothing lost",
			    text(log, "file"));
}

/* Of /proc/PID/status and uid_map: whether SO_RCVBUFFORCE is allowed (net/core/sock.c, sk_setsockopt). */
static bool may_force(int64_t process)
{
	FILE *status CLEANUP_FCLOSE = NULL;
	FILE *map CLEANUP_FCLOSE = NULL;
	char path[PATH_TEXT_MAX], line[LINE_TEXT_MAX];
	uint64_t capabilities = 0;

	snprintf(path, sizeof(path), "/proc/%" PRId64 "/status", process);
	status = fopen(path, "re");
	snprintf(path, sizeof(path), "/proc/%" PRId64 "/uid_map", process);
	map = fopen(path, "re");
	while (status && fgets(line, sizeof(line), status) && !doctor_parse_capabilities(line, &capabilities))
		continue;
	return (capabilities >> CAP_NET_ADMIN & 1) != 0 && map && fgets(line, sizeof(line), map) &&
	       doctor_is_first_user_namespace(line);
}

void doctor_check_buffer(struct doctor *doctor)
{
	uint64_t rmem_max = 0;
	int r;

	if (!doctor_has_status(doctor))
		return;
	if (may_force(number(doctor->status, "pid"))) {
		judge_buffer(&doctor->findings, true, 0);
		return;
	}
	r = doctor_read_number("/proc/sys/net/core/rmem_max", &rmem_max);
	/* Only the first network namespace shows it. */
	if (r < 0)
		doctor_skip(doctor, "net.core.rmem_max", r);
	else
		judge_buffer(&doctor->findings, false, rmem_max);
}
