/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records as lines of EVE JSON. What stands in them is the table of fields. */
#include "event/fields.h"
#include "event/record.h"

#include "base/out.h"

static void open_object(struct out *out, const char *name)
{
	out_text(out, ",\"");
	out_text(out, name);
	out_text(out, "\":{");
}

static size_t encode(const struct event_record *record, char *memory, size_t size)
{
	struct out out = out_over(memory, size);

	out_char(&out, '{');
	event_fields_write(&out, EVENT_OBJECT_TOP, record);
	open_object(&out, event_object_name(record->fact.monitored ? EVENT_OBJECT_ALERT : EVENT_OBJECT_DROP));
	event_fields_write(&out, record->fact.monitored ? EVENT_OBJECT_ALERT : EVENT_OBJECT_DROP, record);
	out_char(&out, '}');
	open_object(&out, event_object_name(EVENT_OBJECT_OP25B));
	event_fields_write(&out, EVENT_OBJECT_OP25B, record);
	if (record->fact.monitored && record->kind != EVENT_KIND_OVERFLOW) {
		open_object(&out, "packet");
		event_fields_write(&out, EVENT_OBJECT_DROP, record);
		out_char(&out, '}');
	}
	out_text(&out, "}}\n");
	return out.overflow ? 0 : out_len(&out);
}

/* What a record can do without, least needed first; false: there is nothing more. */
static bool leave_out(struct event_record *record, struct event_config *config, unsigned step)
{
	switch (step) {
	case 0:
		config->pcap_filename = NULL;
		return true;
	case 1:
		record->reached = NULL;
		return true;
	case 2:
		record->reasons = NULL;
		record->part_count = 0;
		return true;
	default:
		return false;
	}
}

static size_t encode_shorter(const struct event_record *record, char out[EVENT_RECORD_MAX])
{
	struct event_record shorter = *record;
	struct event_config config = *record->config;
	size_t len = 0;

	shorter.config = &config;
	for (unsigned step = 0; len == 0 && leave_out(&shorter, &config, step); step++)
		len = encode(&shorter, out, EVENT_RECORD_MAX);
	return len;
}

size_t event_record_encode(const struct event_record *record, char out[EVENT_RECORD_MAX])
{
	size_t len = encode(record, out, EVENT_RECORD_MAX);

	return len > 0 ? len : encode_shorter(record, out);
}
