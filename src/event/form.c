/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/form.h"

#include "event/fields.h"

#include "base/moment.h"
#include "base/out.h"

#include <string.h>

enum {
	VALUE_MAX =
		512, /* bytes of a value as JSON; longer ones, as a sketch, stand in the record's line only */
	NAME_MAX_BYTES = 255, /* of HOSTNAME, RFC 5424 section 6 */
	FACILITY = 3,         /* system daemons */
	WARNING = 4,
	NOTICE = 5,
	INFO = 6,
	EVE_ZONE_AT = 29, /* where an offset's minutes begin */
};

/* What stands before the fields, of either kind of record. */
struct head {
	enum event_form form;
	unsigned severity;
	const char *host, *kind;
	int64_t time_ns;
	int32_t utc_offset_s;
};

/* ---- values ---- */

static void put_sd_char(struct out *out, char c)
{
	if (c == '"' || c == '\\' || c == ']')
		out_char(out, '\\');
	out_char(out, c);
}

/* The text of a JSON string; its \u00XX stay as they are, so that no control character gets into a log. */
static void put_unquoted(struct out *out, enum event_form form, const char *json, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool escaped = json[i] == '\\' && i + 1 < len && (json[i + 1] == '"' || json[i + 1] == '\\');

		i += escaped;
		if (form == EVENT_FORM_SYSLOG)
			put_sd_char(out, json[i]);
		else
			out_char(out, json[i]);
	}
}

static void put_value(struct out *out, enum event_form form, const char *json, size_t len)
{
	bool text = len >= 2 && json[0] == '"';

	put_unquoted(out, form, text ? json + 1 : json, text ? len - 2 : len);
}

/* Names of journald's fields are capital letters. */
static void put_journal_name(struct out *out, const char *name)
{
	out_text(out, "OP25B_");
	for (; *name; name++)
		out_char(out, *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name);
}

static void put_pair(struct out *out, enum event_form form, const char *name, const struct out *value)
{
	if (value->overflow)
		return;
	if (form == EVENT_FORM_SYSLOG) {
		out_char(out, ' ');
		out_text(out, name);
		out_text(out, "=\"");
	} else {
		put_journal_name(out, name);
		out_char(out, '=');
	}
	put_value(out, form, value->begin, out_len(value));
	out_char(out, form == EVENT_FORM_SYSLOG ? '"' : '\n');
}

/* Time and host stand in the header of RFC 5424. */
static bool is_wanted(enum event_form form, const char *name, const char *type)
{
	if (strncmp(type, "list", 4) == 0 || strcmp(type, "object") == 0)
		return false;
	return form != EVENT_FORM_SYSLOG || (strcmp(name, "timestamp") != 0 && strcmp(name, "host") != 0);
}

/* ---- the header ---- */

static void put_host(struct out *out, const char *host)
{
	size_t len = strnlen(host, NAME_MAX_BYTES);

	if (len == 0)
		out_char(out, '-');
	for (size_t i = 0; i < len; i++)
		out_char(out, host[i] > ' ' && host[i] < 0x7f ? host[i] : '?');
}

/* RFC 3339: as in EVE, with a colon in the offset. */
static void put_timestamp(struct out *out, const struct head *head)
{
	char text[MOMENT_TEXT_MAX];
	size_t len = moment_format_eve(head->time_ns, head->utc_offset_s, text);

	out_bytes(out, text, EVE_ZONE_AT);
	out_char(out, ':');
	out_bytes(out, text + EVE_ZONE_AT, len - EVE_ZONE_AT);
}

static void put_syslog_head(struct out *out, const struct head *head)
{
	out_char(out, '<');
	out_u64(out, FACILITY * 8 + head->severity);
	out_text(out, ">1 ");
	put_timestamp(out, head);
	out_char(out, ' ');
	put_host(out, head->host);
	out_text(out, " op25bd - ");
	out_text(out, head->kind);
	out_text(out, " [" EVENT_FORM_SD_ID);
}

static void put_journal_head(struct out *out, const struct head *head)
{
	out_text(out, "PRIORITY=");
	out_u64(out, head->severity);
	out_text(out, "\nSYSLOG_FACILITY=");
	out_u64(out, FACILITY);
	out_text(out, "\nSYSLOG_IDENTIFIER=op25bd\n");
}

static void put_head(struct out *out, const struct head *head)
{
	(head->form == EVENT_FORM_SYSLOG ? put_syslog_head : put_journal_head)(out, head);
}

static void begin_message(struct out *out, enum event_form form)
{
	out_text(out, form == EVENT_FORM_SYSLOG ? "] " : "MESSAGE=");
}

static size_t end_message(struct out *out, enum event_form form)
{
	if (form == EVENT_FORM_JOURNAL)
		out_char(out, '\n');
	return out->overflow ? 0 : out_len(out);
}

/* ---- block records ---- */

static void put_counted(struct out *out, uint64_t count, const char *what)
{
	out_u64(out, count);
	out_char(out, ' ');
	out_text(out, what);
	out_text(out, count == 1 ? "" : "s");
}

static void put_subscriber(struct out *out, const struct event_record *r)
{
	struct prefix prefix = {addr_mask(&r->fact.src, r->fact.subscriber_len), r->fact.subscriber_len};
	char text[PREFIX_TEXT_MAX];

	if (r->kind == EVENT_KIND_OVERFLOW)
		out_text(out, "unknown subscribers");
	else
		out_bytes(out, text, subscriber_format(&prefix, text));
}

static void put_sentence(struct out *out, const struct event_record *r)
{
	const char *reason = r->config->reason_name(r->fact.reason);

	out_text(out, r->fact.monitored ? "port 25 would be blocked for " : "port 25 blocked for ");
	put_subscriber(out, r);
	out_text(out, ": ");
	put_counted(out, r->packets, "packet");
	out_text(out, ", ");
	put_counted(out, r->attempts, "attempt");
	if (r->kind != EVENT_KIND_OVERFLOW) {
		out_text(out, ", ");
		put_counted(out, r->destinations, "destination");
	}
	out_text(out, ", ");
	out_text(out, reason ? reason : "unknown");
}

static const char *kind_of(enum event_kind kind)
{
	static const char *const names[] = {"first", "summary", "overflow"};

	return names[kind];
}

static void put_record_fields(struct out *out, enum event_form form, const struct event_record *record)
{
	for (size_t i = 0; i < event_field_count; i++) {
		const struct event_field *field = &event_fields[i];
		char memory[VALUE_MAX];
		struct out value = out_over(memory, sizeof(memory));

		if ((field->object != EVENT_OBJECT_TOP && field->object != EVENT_OBJECT_OP25B) ||
		    !is_wanted(form, field->name, field->type) || (field->present && !field->present(record)))
			continue;
		field->write(&value, record);
		put_pair(out, form, field->name, &value);
	}
}

size_t event_form_record(enum event_form form, const struct event_record *record, char memory[EVENT_FORM_MAX])
{
	const struct head head = {
		.form = form,
		.severity = record->fact.monitored ? INFO : NOTICE,
		.host = record->config->host,
		.kind = kind_of(record->kind),
		.time_ns = record->fact.time_ns,
		.utc_offset_s = record->config->utc_offset_s,
	};
	struct out out = out_over(memory, EVENT_FORM_MAX);

	put_head(&out, &head);
	put_record_fields(&out, form, record);
	begin_message(&out, form);
	put_sentence(&out, record);
	return end_message(&out, form);
}

/* ---- records about the gateway ---- */

size_t event_form_notice(enum event_form form, const struct event_config *config, uint64_t seq,
			 const struct event_notice *notice, char memory[EVENT_FORM_MAX])
{
	const struct head head = {
		.form = form,
		.severity = notice->kind == EVENT_NOTICE_RULES_BACK ? NOTICE : WARNING,
		.host = config->host,
		.kind = event_notice_name(notice->kind),
		.time_ns = notice->time_ns,
		.utc_offset_s = config->utc_offset_s,
	};
	struct out out = out_over(memory, EVENT_FORM_MAX);

	put_head(&out, &head);
	for (size_t i = 0; i < event_notice_field_count; i++) {
		const struct event_notice_field *field = &event_notice_fields[i];
		char value_memory[VALUE_MAX];
		struct out value = out_over(value_memory, sizeof(value_memory));

		if (strcmp(field->object, "engine") == 0 || !is_wanted(form, field->name, field->type))
			continue;
		if (event_notice_field_write(&value, field, config, seq, notice))
			put_pair(&out, form, field->name, &value);
	}
	begin_message(&out, form);
	for (const char *c = notice->message ? notice->message : ""; *c; c++)
		out_char(&out, (unsigned char)*c < ' ' || *c == 0x7f ? '?' : *c);
	return end_message(&out, form);
}

/* ---- both ---- */

static bool is_told_in(unsigned forms, const struct event_config *config, enum event_form form)
{
	return config->emit_form && forms >> form & 1;
}

void event_form_emit_record(unsigned forms, const struct event_record *record)
{
	const struct event_config *config = record->config;
	char message[EVENT_FORM_MAX];

	for (enum event_form form = EVENT_FORM_SYSLOG; form < EVENT_FORMS; form++)
		if (is_told_in(forms, config, form))
			config->emit_form(config->context, form, message,
					  event_form_record(form, record, message));
}

void event_form_emit_notice(unsigned forms, const struct event_config *config, uint64_t seq,
			    const struct event_notice *notice)
{
	char message[EVENT_FORM_MAX];

	for (enum event_form form = EVENT_FORM_SYSLOG; form < EVENT_FORMS; form++)
		if (is_told_in(forms, config, form))
			config->emit_form(config->context, form, message,
					  event_form_notice(form, config, seq, notice, message));
}
