/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/metrics.h"

enum { NS_DIGITS = 9, NS_PER_S = 1000000000 };

static const char *const type_names[] = {
	[METRIC_TYPE_COUNTER] = "counter",
	[METRIC_TYPE_GAUGE] = "gauge",
	[METRIC_TYPE_HISTOGRAM] = "histogram",
};

const char *metric_type_name(enum metric_type type)
{
	return type_names[type];
}

/* Escapes what the format does: a backslash and a line feed everywhere, a quote within quotes. */
static void put_escaped(struct out *out, const char *text, bool quoted)
{
	for (; *text; text++) {
		if (*text == '\n')
			out_text(out, "\\n");
		else if (*text == '\\')
			out_text(out, "\\\\");
		else if (*text == '"' && quoted)
			out_text(out, "\\\"");
		else
			out_char(out, (unsigned char)*text > 0x7f ? '?' : *text);
	}
}

void metrics_begin(struct out *out, enum metric metric)
{
	const struct metric_row *row = &metric_rows[metric];

	out_text(out, "# HELP ");
	out_text(out, row->name);
	out_char(out, ' ');
	put_escaped(out, row->help, false);
	out_text(out, "\n# TYPE ");
	out_text(out, row->name);
	out_char(out, ' ');
	out_text(out, type_names[row->type]);
	out_char(out, '\n');
}

/* Up to the value. */
static void put_series(struct out *out, enum metric metric, const char *suffix,
		       const struct metric_label *labels, size_t count)
{
	out_text(out, metric_rows[metric].name);
	out_text(out, suffix);
	for (size_t i = 0; i < count; i++) {
		out_char(out, i == 0 ? '{' : ',');
		out_text(out, labels[i].name);
		out_text(out, "=\"");
		put_escaped(out, labels[i].value, true);
		out_char(out, '"');
	}
	out_text(out, count > 0 ? "} " : " ");
}

void metrics_put(struct out *out, enum metric metric, const char *suffix, const struct metric_label *labels,
		 size_t count, uint64_t value)
{
	put_series(out, metric, suffix, labels, count);
	out_u64(out, value);
	out_char(out, '\n');
}

void metrics_put_ns(struct out *out, enum metric metric, const char *suffix,
		    const struct metric_label *labels, size_t count, uint64_t ns)
{
	put_series(out, metric, suffix, labels, count);
	metrics_seconds(out, ns);
	out_char(out, '\n');
}

void metrics_one(struct out *out, enum metric metric, uint64_t value)
{
	metrics_begin(out, metric);
	metrics_put(out, metric, "", NULL, 0, value);
}

void metrics_seconds(struct out *out, uint64_t ns)
{
	char digits[NS_DIGITS];
	uint64_t rest = ns % NS_PER_S;
	size_t len = NS_DIGITS;

	out_u64(out, ns / NS_PER_S);
	if (rest == 0)
		return;
	for (size_t i = NS_DIGITS; i > 0; i--, rest /= 10)
		digits[i - 1] = (char)('0' + rest % 10);
	while (digits[len - 1] == '0')
		len--;
	out_char(out, '.');
	out_bytes(out, digits, len);
}
