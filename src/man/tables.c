/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run while building: the parts of the manual that are made from the program's own tables (keys, reasons, fields of
 * block records, limits), in scdoc's language, so that the manual cannot tell of what is not there.
 */
#include "base/exitcode.h"
#include "base/ifpattern.h"
#include "control/metrics.h"
#include "engine/engine.h"
#include "event/destinations.h"
#include "event/event.h"
#include "event/fields.h"
#include "event/form.h"
#include "event/notice.h"
#include "policy/keys.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"usage: op25b-man-tables keys [SECTION] | reasons | fields [OBJECT] | metrics | example | names |\n"
	"                        page FILE\n"
	"\n"
	"Prints manual text in scdoc's language, made from the tables of the programs.\n"
	"  keys     the keys of a section of the policy file, or of all sections\n"
	"  reasons  the reasons of decisions\n"
	"  fields   the fields of a block record: of the object top, drop, alert, op25b or rules, or of all\n"
	"  metrics  the metrics for Prometheus\n"
	"  example  two block records\n"
	"  names    the names of all keys, reasons, fields and metrics, one a line\n"
	"  page     FILE, with lines like @keys pool@ and words like @policy@ filled in\n"
	"\n"
	"example: op25b-man-tables keys pool\n";

/* ---- scdoc's language ---- */

static void put_escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (strchr("\\*_<#[|+", *text))
			putc('\\', out);
		putc(*text, out);
	}
}

static void put_bold(FILE *out, const char *text)
{
	putc('*', out);
	put_escaped(out, text);
	putc('*', out);
}

static void put_underlined(FILE *out, const char *text)
{
	putc('_', out);
	put_escaped(out, text);
	putc('_', out);
}

/* The paragraph below an entry's head; the tables' sentences may lack their capital and full stop. */
static void put_sentence(FILE *out, const char *text)
{
	size_t len = strlen(text);
	bool ended = len > 0 && text[len - 1] == '.';

	putc('\t', out);
	if (text[0] >= 'a' && text[0] <= 'z')
		putc(*text++ - 'a' + 'A', out);
	put_escaped(out, text);
	if (!ended)
		putc('.', out);
	fputs("\n\n", out);
}

/* ---- the policy's keys ---- */

static const char *const type_names[] = {
	[POLICY_TYPE_TEXT] = "text",           [POLICY_TYPE_NAME] = "name",
	[POLICY_TYPE_PATH] = "path",           [POLICY_TYPE_NUMBER] = "number",
	[POLICY_TYPE_CHOICE] = "word",         [POLICY_TYPE_DATE] = "date",
	[POLICY_TYPE_ADDRESS] = "address",     [POLICY_TYPE_PREFIX] = "prefix",
	[POLICY_TYPE_LIST_FILE] = "list file", [POLICY_TYPE_INTERFACES] = "interfaces",
	[POLICY_TYPE_TO] = "destinations",
};

static void put_value(FILE *out, const struct policy_key *key)
{
	if (key->type != POLICY_TYPE_CHOICE) {
		put_underlined(out, type_names[key->type]);
		return;
	}
	for (size_t i = 0; key->words[i]; i++) {
		fputs(i ? " | " : "", out);
		put_bold(out, key->words[i]);
	}
}

/* " (required, may be repeated)" */
static void put_terms(FILE *out, const struct policy_key *key)
{
	const char *separator = " (";

	if (key->type == POLICY_TYPE_NUMBER) {
		fprintf(out, "%s%" PRIu64 " to %" PRIu64, separator, key->min, key->max);
		separator = ", ";
	}
	if (key->required) {
		fprintf(out, "%srequired", separator);
		separator = ", ";
	}
	if (key->repeatable) {
		fprintf(out, "%smay be repeated", separator);
		separator = ", ";
	}
	if (key->default_text) {
		fprintf(out, "%sdefault ", separator);
		put_bold(out, key->default_text);
		separator = ", ";
	}
	fputs(separator[0] == ',' ? ")" : "", out);
}

static void put_section_keys(FILE *out, enum policy_section section)
{
	size_t count;
	const struct policy_key *keys = policy_section_keys(section, &count);

	for (size_t i = 0; i < count; i++) {
		put_bold(out, keys[i].name);
		fputs(" = ", out);
		put_value(out, &keys[i]);
		put_terms(out, &keys[i]);
		putc('\n', out);
		put_sentence(out, keys[i].help);
	}
}

static bool put_keys(FILE *out, const char *wanted)
{
	bool found = false;

	for (unsigned i = 0; i < POLICY_SECTIONS; i++) {
		enum policy_section section = (enum policy_section)i;

		if (wanted && strcmp(wanted, policy_section_name(section)) != 0)
			continue;
		put_section_keys(out, section);
		found = true;
	}
	return found;
}

/* ---- the reasons ---- */

static bool put_reasons(FILE *out, const char *wanted)
{
	if (wanted)
		return false;
	for (unsigned i = 0; i < REASONS; i++) {
		const struct reason_row *row = &engine_reasons[i];

		put_bold(out, row->name);
		fprintf(out, " (%u): ", i);
		put_underlined(out, row->action);
		fputs(row->charged ? ". Gets block records.\n" : "\n", out);
		put_sentence(out, row->meaning);
	}
	return true;
}

/* ---- the fields of a block record ---- */

/* "top" where the record itself is meant. */
static const char *object_name(const struct event_field *field)
{
	const char *name = event_object_name(field->object);

	return name[0] ? name : "top";
}

static bool put_fields(FILE *out, const char *wanted)
{
	bool found = false;

	for (size_t i = 0; i < event_field_count; i++) {
		const struct event_field *field = &event_fields[i];

		if (wanted && strcmp(wanted, object_name(field)) != 0)
			continue;
		put_bold(out, field->name);
		fputs(": ", out);
		put_underlined(out, field->type);
		putc('\n', out);
		put_sentence(out, field->meaning);
		found = true;
	}
	return found;
}

/* ---- the metrics ---- */

static bool put_metrics(FILE *out, const char *wanted)
{
	if (wanted)
		return false;
	for (unsigned i = 0; i < METRICS; i++) {
		const struct metric_row *row = &metric_rows[i];

		put_bold(out, row->name);
		if (row->labels) {
			fputs(" {", out);
			put_underlined(out, row->labels);
			putc('}', out);
		}
		fprintf(out, ": %s, ", metric_type_name(row->type));
		put_escaped(out, row->unit);
		putc('\n', out);
		put_sentence(out, row->help);
	}
	return true;
}

/* Likewise of a record about the gateway. */
static bool put_notice_fields(FILE *out, const char *wanted)
{
	bool found = false;

	for (size_t i = 0; i < event_notice_field_count; i++) {
		const struct event_notice_field *field = &event_notice_fields[i];

		if (wanted && strcmp(wanted, field->object) != 0)
			continue;
		put_bold(out, field->name);
		fputs(": ", out);
		put_underlined(out, field->type);
		putc('\n', out);
		put_sentence(out, field->meaning);
		found = true;
	}
	return found;
}

/* ---- an example of block records ---- */

enum { EXAMPLE_COLUMNS = 68 };

static const char *example_reason(unsigned reason)
{
	return reason_name((enum reason)reason);
}

/* A record as a literal block, broken where a member begins. */
static void put_record(void *context, const char *line, size_t len)
{
	FILE *out = context;
	size_t column = 0;

	fputs("```\n", out);
	for (size_t i = 0; i + 1 < len; i++) {
		const char *comma = memchr(line + i + 1, ',', len - i - 1);
		size_t member = comma ? (size_t)(comma - line) - i : len - i;

		if (line[i] == '\\')
			putc('\\', out);
		putc(line[i], out);
		column++;
		if (line[i] == ',' && column + member >= EXAMPLE_COLUMNS) {
			putc('\n', out);
			column = 0;
		}
	}
	fputs("\n```\n\n", out);
}

/* One subscriber's first packet, then what a host does that delivers spam: other destinations, retransmissions. */
static void observe_example(struct event_collector *collector)
{
	struct event_fact fact = {
		.time_ns = INT64_C(1774998000) * 1000000000 + 123456000, /* 2026-04-01T08:00:00+09:00 */
		.src = addr_ip4(0xc6336411),
		.dst = addr_ip4(0xcb007119),
		.sport = 49152,
		.dport = 25,
		.subscriber_len = 32,
		.verdict = EVENT_DROP,
		.attempt = true,
		.tcp_flags = 0x02,
		.ttl = 63,
		.ip_len = 60,
		.tcp_window = 64240,
		.ip_id = 41717,
		.tcp_seq = 2742311837,
		.reason = REASON_POOL_ENFORCE,
		.in_iface = "ppp17",
		.names = {"dynamic", "pool", "dynamic", "5f1d0e8c7a3b49d2960b8c4e2f7d1a36"},
	};

	event_observe(collector, &fact, 1);
	for (unsigned i = 0; i < 5; i++) {
		fact.time_ns += INT64_C(1048576000);
		fact.dst = addr_ip4(0xcb007119 + (i + 1) / 2);
		fact.tcp_seq += i % 2;
		fact.sport = (uint16_t)(fact.sport + i % 2);
		event_observe(collector, &fact, 1);
	}
}

static bool put_example(FILE *out, const char *wanted)
{
	struct event_config config = {
		.host = "gw1.isp.example",
		.boot_id = "6e1f83a0-5b7c-4d0e-9a61-27c4b1f0d3e8",
		.first_seq = 4711,
		.window_s = 300,
		.subscribers_max = 1000,
		.utc_offset_s = 9 * 3600,
		.reason_name = example_reason,
		.emit = put_record,
		.context = out,
	};
	struct event_collector *collector;

	if (wanted || event_collector_new(&config, &collector) != 0)
		return false;
	observe_example(collector);
	event_flush(collector, INT64_C(1774998300) * 1000000000);
	event_collector_free(collector);
	return true;
}

/* ---- for the test of the pages ---- */

/* What the pages must name, one a line, without any of scdoc's marks. */
static bool put_names(FILE *out, const char *wanted)
{
	if (wanted)
		return false;
	for (size_t i = 0; i < policy_key_count; i++)
		fprintf(out, "key %s %s\n", policy_section_name(policy_keys[i].section), policy_keys[i].name);
	for (unsigned i = 0; i < REASONS; i++)
		fprintf(out, "reason %u %s\n", i, engine_reasons[i].name);
	for (size_t i = 0; i < event_field_count; i++)
		fprintf(out, "field %s %s\n", object_name(&event_fields[i]), event_fields[i].name);
	for (size_t i = 0; i < event_notice_field_count; i++)
		fprintf(out, "notice %s %s\n", event_notice_fields[i].object, event_notice_fields[i].name);
	for (unsigned i = 0; i < METRICS; i++)
		fprintf(out, "metric %s %s\n", metric_type_name(metric_rows[i].type), metric_rows[i].name);
	return true;
}

/* ---- whole pages ---- */

/* What a page may name between two '@'. Numbers stand in `number`, where text is NULL. */
static const struct word {
	const char *name;
	const char *text;
	uint64_t number;
} words[] = {
	{"version", OP25B_VERSION, 0},
	{"at", "@", 0},
	{"policy", OP25B_SYSCONFDIR "/op25b/op25b.ini", 0},
	{"line_max", NULL, POLICY_LINE_MAX},
	{"name_max", NULL, POLICY_NAME_MAX},
	{"sections_max", NULL, POLICY_RULES_MAX},
	{"interfaces_max", NULL, POLICY_INTERFACES_MAX},
	{"patterns_max", NULL, POLICY_PATTERNS_MAX},
	{"interface_name_max", NULL, IF_NAME_MAX - 1},
	{"ip6_subscriber_length", NULL, POLICY_IP6_SUBSCRIBER_LEN},
	{"record_max", NULL, EVENT_RECORD_MAX},
	{"sd_id", EVENT_FORM_SD_ID, 0},
	{"sketch_key0", NULL, DESTINATIONS_KEY_0},
	{"sketch_key1", NULL, DESTINATIONS_KEY_1},
	{"exit_ok", NULL, EXIT_CODE_OK},
	{"exit_differs", NULL, EXIT_CODE_DIFFERS},
	{"exit_usage", NULL, EXIT_CODE_USAGE},
	{"exit_input", NULL, EXIT_CODE_INPUT},
	{"exit_policy", NULL, EXIT_CODE_POLICY},
	{"exit_system", NULL, EXIT_CODE_SYSTEM},
	{"exit_daemon", NULL, EXIT_CODE_DAEMON},
	{"exit_sampled", NULL, EXIT_CODE_SAMPLED},
};

static const struct word *find_word(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].name) == len && memcmp(words[i].name, name, len) == 0)
			return &words[i];
	}
	return NULL;
}

/* What stands alone in a line, "@keys pool@", and makes many. Each returns false for an argument it does not know. */
static const struct table {
	const char *name;
	bool (*put)(FILE *out, const char *wanted);
} tables[] = {
	{"keys", put_keys},       {"reasons", put_reasons},
	{"fields", put_fields},   {"notices", put_notice_fields},
	{"metrics", put_metrics}, {"example", put_example},
	{"names", put_names},
};

static bool put_table(FILE *out, const char *name, const char *wanted)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		if (strcmp(tables[i].name, name) == 0)
			return tables[i].put(out, wanted);
	}
	return false;
}

/* True when the whole line is "@TABLE@" or "@TABLE ARGUMENT@", and the table has been put. */
static bool put_table_line(FILE *out, const char *line)
{
	char name[64];
	size_t len = strlen(line);
	char *argument;

	if (len < 3 || len >= sizeof(name) || line[0] != '@' || line[len - 1] != '@')
		return false;
	memcpy(name, line + 1, len - 2);
	name[len - 2] = '\0';
	argument = strchr(name, ' ');
	if (argument)
		*argument++ = '\0';
	return put_table(out, name, argument);
}

/* The default of "SECTION.KEY", as in "log.file"; NULL if it has none. */
static const char *find_default(const char *name, size_t len)
{
	const char *dot = memchr(name, '.', len);
	size_t section_len = dot ? (size_t)(dot - name) : 0;

	for (unsigned i = 0; dot && i < POLICY_SECTIONS; i++) {
		const char *section = policy_section_name((enum policy_section)i);
		const struct policy_key *key;

		if (strlen(section) != section_len || memcmp(section, name, section_len) != 0)
			continue;
		key = policy_key_find((enum policy_section)i, dot + 1, len - section_len - 1);
		return key ? key->default_text : NULL;
	}
	return NULL;
}

static bool put_word(FILE *out, const char *name, size_t len)
{
	const struct word *word = find_word(name, len);
	const char *text = word ? word->text : find_default(name, len);

	if (text)
		put_escaped(out, text);
	else if (word)
		fprintf(out, "%" PRIu64, word->number);
	return text || word;
}

/* False: the line names a word that is not known. */
static bool put_line(FILE *out, const char *line)
{
	const char *at, *end;

	while ((at = strchr(line, '@'))) {
		fwrite(line, 1, (size_t)(at - line), out);
		end = strchr(at + 1, '@');
		if (!end || !put_word(out, at + 1, (size_t)(end - at - 1)))
			return false;
		line = end + 1;
	}
	fputs(line, out);
	return true;
}

static bool put_page(FILE *out, const char *path)
{
	FILE *in = fopen(path, "r");
	size_t size = 0, number = 0;
	char *line = NULL;
	bool good = in != NULL;
	ssize_t len;

	if (!in)
		fprintf(stderr, "op25b-man-tables: %s cannot be read\n", path);
	while (good && (len = getline(&line, &size, in)) >= 0) {
		number++;
		if (len > 0 && line[len - 1] == '\n')
			line[len - 1] = '\0';
		if (put_table_line(out, line))
			continue;
		good = put_line(out, line);
		if (!good)
			fprintf(stderr, "%s:%zu: no such table or word: %s\n", path, number, line);
		putc('\n', out);
	}
	free(line);
	if (in)
		fclose(in);
	return good;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return EXIT_CODE_OK;
	}
	if (argc == 3 && strcmp(argv[1], "page") == 0) {
		if (!put_page(stdout, argv[2]))
			return EXIT_CODE_INPUT;
	} else if (argc < 2 || argc > 3 || !put_table(stdout, argv[1], argv[2])) {
		fputs(usage, stderr);
		return EXIT_CODE_USAGE;
	}
	return fflush(stdout) == 0 ? EXIT_CODE_OK : EXIT_CODE_SYSTEM;
}
