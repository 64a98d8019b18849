/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "doctor.h"

#include "base/exitcode.h"
#include "base/vec.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const severity_names[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_SKIPPED] = "skipped",
	[DOCTOR_WARNING] = "warning",
	[DOCTOR_PROBLEM] = "problem",
};

_Static_assert(sizeof(severity_names) / sizeof(severity_names[0]) == DOCTOR_SEVERITIES, "a name each");

const char *doctor_severity_name(enum doctor_severity severity)
{
	return severity_names[severity];
}

void doctor_find(struct doctor_findings *findings, enum doctor_severity severity, const char *wrong,
		 const char *remedy, const char *format, ...)
{
	struct doctor_finding finding = {.severity = severity, .check = findings->check, .remedy = remedy};
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vasprintf(&finding.looked, format, arguments);
	va_end(arguments);
	if (len < 0)
		finding.looked = NULL;
	if (wrong)
		finding.wrong = strdup(wrong);
	if (finding.looked && (!wrong || finding.wrong) &&
	    VEC_RESERVE(findings->items, findings->capacity, findings->count + 1)) {
		findings->items[findings->count++] = finding;
		return;
	}
	free(finding.looked);
	free(finding.wrong);
	findings->out_of_memory = true;
}

void doctor_findings_clear(struct doctor_findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		free(findings->items[i].looked);
		free(findings->items[i].wrong);
	}
	free(findings->items);
	*findings = (struct doctor_findings){0};
}

size_t doctor_count(const struct doctor_findings *findings, enum doctor_severity severity)
{
	size_t count = 0;

	for (size_t i = 0; i < findings->count; i++)
		count += findings->items[i].severity == severity;
	return count;
}

int doctor_exit_code(const struct doctor_findings *findings)
{
	if (findings->out_of_memory)
		return EXIT_CODE_SYSTEM;
	if (doctor_count(findings, DOCTOR_PROBLEM) + doctor_count(findings, DOCTOR_WARNING) > 0)
		return EXIT_CODE_DIFFERS;
	return doctor_count(findings, DOCTOR_SKIPPED) > 0 ? EXIT_CODE_SAMPLED : EXIT_CODE_OK;
}
