/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay_checks.h"

#include "base/out.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FINDING_MAX = 1024 };

static size_t count_failed(const struct expect *expect)
{
	size_t failed = 0;

	for (size_t i = 0; i < expect_count(expect); i++)
		failed += !expect_holds(expect_at(expect, i));
	return failed;
}

static void json_text(FILE *out, const char *before, const char *text)
{
	fputs(before, out);
	out_json_string_to(out, text, strlen(text));
}

/* ---- for people ---- */

/* Control characters would drive the terminal. */
static void plain_text(FILE *out, const char *text)
{
	for (; *text; text++)
		fputc((unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text, out);
}

/* https://no-color.org: set and not empty. */
static bool is_coloured(FILE *out)
{
	const char *no_colour = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return isatty(fileno(out)) && !(no_colour && no_colour[0]) &&
	       !(terminal && strcmp(terminal, "dumb") == 0);
}

static void print_text_line(const struct expect_line *line, bool colour, FILE *out)
{
	char finding[FINDING_MAX];
	bool holds = expect_holds(line);

	fprintf(out, "%s%s%s  %s:%" PRIu32 "  ", colour ? (holds ? "\033[32m" : "\033[1;31m") : "",
		holds ? "ok  " : "FAIL", colour ? "\033[0m" : "", line->file, line->number);
	plain_text(out, line->text);
	fputc('\n', out);
	if (holds)
		return;
	expect_finding(line, finding, sizeof(finding));
	fprintf(out, "      found: %s\n", finding);
}

static void print_text(const struct expect *expect, FILE *out)
{
	bool colour = is_coloured(out);
	size_t failed = count_failed(expect), count = expect_count(expect);

	for (size_t i = 0; i < count; i++)
		print_text_line(expect_at(expect, i), colour, out);
	fprintf(out, "\n%zu of %zu expectations hold\n", count - failed, count);
}

/* ---- JSON ---- */

static void print_json_line(const struct expect_line *line, FILE *out)
{
	char finding[FINDING_MAX];

	json_text(out, "\t\t{\"file\": ", line->file);
	fprintf(out, ", \"line\": %" PRIu32, line->number);
	json_text(out, ", \"text\": ", line->text);
	fprintf(out, ", \"holds\": %s, \"attempts\": %" PRIu64 ", \"packets\": %" PRIu64,
		expect_holds(line) ? "true" : "false", line->attempts, line->packets);
	if (!expect_holds(line)) {
		expect_finding(line, finding, sizeof(finding));
		json_text(out, ", \"found\": ", finding);
	}
	fputc('}', out);
}

static void print_json(const struct expect *expect, FILE *out)
{
	size_t count = expect_count(expect), failed = count_failed(expect);

	fprintf(out, "{\n\t\"expectations\": %zu,\n\t\"failed\": %zu,\n\t\"lines\": [\n", count, failed);
	for (size_t i = 0; i < count; i++) {
		print_json_line(expect_at(expect, i), out);
		fputs(i + 1 < count ? ",\n" : "\n", out);
	}
	fputs("\t]\n}\n", out);
}

/* ---- TAP 14 (testanything.org): "#" and "\" are escaped in descriptions, a YAML block tells why ---- */

static void print_tap_line(const struct expect_line *line, size_t number, FILE *out)
{
	char finding[FINDING_MAX];
	bool holds = expect_holds(line);

	fprintf(out, "%s %zu - ", holds ? "ok" : "not ok", number);
	for (const char *at = line->text; *at; at++) {
		if (*at == '#' || *at == '\\')
			fputc('\\', out);
		fputc((unsigned char)*at < 0x20 ? ' ' : *at, out);
	}
	fputc('\n', out);
	if (holds)
		return;
	expect_finding(line, finding, sizeof(finding));
	json_text(out, "  ---\n  file: ", line->file);
	fprintf(out, "\n  line: %" PRIu32, line->number);
	json_text(out, "\n  found: ", finding);
	fputs("\n  ...\n", out);
}

static void print_tap(const struct expect *expect, FILE *out)
{
	fprintf(out, "TAP version 14\n1..%zu\n", expect_count(expect));
	for (size_t i = 0; i < expect_count(expect); i++)
		print_tap_line(expect_at(expect, i), i + 1, out);
}

/* ---- JUnit's XML, in the form that CI servers agree on (tests/replay/junit.xsd) ---- */

static size_t sequence_length(unsigned char first)
{
	return first < 0x80 ? 1 : first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : 0;
}

/* XML has no way to write most control characters, and a parser stops at bytes that are not UTF-8: '?' for each. */
static size_t xml_length(const char *text)
{
	size_t len = sequence_length((unsigned char)text[0]);
	bool surrogate = (unsigned char)text[0] == 0xed && (unsigned char)text[1] >= 0xa0;
	bool overlong = (unsigned char)text[0] == 0xe0 && (unsigned char)text[1] < 0xa0;
	bool no_character = (unsigned char)text[0] == 0xef && (unsigned char)text[1] == 0xbf;

	for (size_t i = 1; i < len; i++)
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 0;
	return surrogate || overlong || no_character || (unsigned char)text[0] < 0x20 ? 0 : len;
}

static void xml_text(FILE *out, const char *text)
{
	while (*text) {
		size_t len = xml_length(text);

		if (*text == '&')
			fputs("&amp;", out);
		else if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '>')
			fputs("&gt;", out);
		else if (*text == '"')
			fputs("&quot;", out);
		else if (len == 0)
			fputc('?', out);
		else
			fwrite(text, 1, len, out);
		text += len ? len : 1;
	}
}

static void xml_attribute(FILE *out, const char *name, const char *text)
{
	fprintf(out, " %s=\"", name);
	xml_text(out, text);
	fputc('"', out);
}

static void print_junit_case(const struct expect_line *line, FILE *out)
{
	char finding[FINDING_MAX], name[64];

	snprintf(name, sizeof(name), "line %" PRIu32 ": ", line->number);
	fputs("\t\t<testcase", out);
	xml_attribute(out, "classname", line->file);
	fprintf(out, " name=\"%s", name);
	xml_text(out, line->text);
	fputs("\" time=\"0\"", out);
	if (expect_holds(line)) {
		fputs("/>\n", out);
		return;
	}
	expect_finding(line, finding, sizeof(finding));
	fputs(">\n\t\t\t<failure", out);
	xml_attribute(out, "message", finding);
	fputs(" type=\"expectation\">", out);
	xml_text(out, line->file);
	fprintf(out, ":%" PRIu32 "</failure>\n\t\t</testcase>\n", line->number);
}

static void print_junit(const struct expect *expect, FILE *out)
{
	size_t count = expect_count(expect), failed = count_failed(expect);

	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
	fprintf(out, "<testsuites tests=\"%zu\" failures=\"%zu\" errors=\"0\" time=\"0\">\n", count, failed);
	fprintf(out,
		"\t<testsuite name=\"op25b-replay\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"0\" "
		"time=\"0\">\n",
		count, failed);
	for (size_t i = 0; i < count; i++)
		print_junit_case(expect_at(expect, i), out);
	fputs("\t</testsuite>\n</testsuites>\n", out);
}

void replay_checks_print(const struct expect *expect, enum replay_form output, FILE *out)
{
	switch (output) {
	case REPLAY_FORM_TEXT:
		print_text(expect, out);
		return;
	case REPLAY_FORM_JSON:
		print_json(expect, out);
		return;
	case REPLAY_FORM_TAP:
		print_tap(expect, out);
		return;
	case REPLAY_FORM_JUNIT:
		print_junit(expect, out);
		return;
	}
}
