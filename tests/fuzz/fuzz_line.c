/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a record line: refused with a place within it, or a value whose texts stand within it. */
#include "event/line.h"

#include "entry.h"

#include <stdlib.h>
#include <string.h>

struct bytes {
	const char *at;
	size_t len;
};

static void check_text(const struct bytes *line, const struct json_text *text)
{
	char *decoded;
	size_t len;

	if (text->len == 0)
		return;
	if (text->at < line->at || text->at + text->len > line->at + line->len)
		abort();
	decoded = malloc(text->len);
	if (!decoded)
		abort();
	len = json_text_decode(text, decoded);
	if (len > text->len || memchr(decoded, '\0', len) ||
	    (!text->escaped && memcmp(decoded, text->at, len) != 0))
		abort();
	free(decoded);
}

static void check_record(const struct bytes *bytes, const struct event_line *line)
{
	uint64_t packets = 0;

	check_text(bytes, &line->pool);
	check_text(bytes, &line->rule);
	check_text(bytes, &line->reason);
	check_text(bytes, &line->sketch);
	for (size_t i = 0; i < line->part_count; i++) {
		check_text(bytes, &line->parts[i].rule);
		packets += line->parts[i].packets;
	}
	if (line->part_count > 0 && packets != line->packets)
		abort();
	for (size_t i = 0; i < line->reason_count; i++)
		check_text(bytes, &line->reasons[i].name);
	if (line->seq >= INT64_MAX || line->packets > EVENT_LINE_PACKETS_MAX || line->blocked > line->packets)
		abort();
	if ((line->kind == EVENT_LINE_OVERFLOW) != (line->subscriber.addr.family == ADDR_NONE))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct event_line line;
	const struct bytes bytes = {(const char *)data, size};
	char why[EVENT_LINE_WHY_MAX];
	enum event_line_type type = event_line_read(bytes.at, size, &line);

	if ((type == EVENT_LINE_REFUSED) != (line.why != NULL) && type != EVENT_LINE_FOREIGN)
		abort();
	if (line.offset > size)
		abort();
	event_line_why(&line, why);
	if (type == EVENT_LINE_RECORD || type == EVENT_LINE_NOTICE) {
		check_text(&bytes, &line.host);
		check_text(&bytes, &line.boot_id);
		check_text(&bytes, &line.message);
	}
	if (type == EVENT_LINE_RECORD)
		check_record(&bytes, &line);
	return 0;
}
