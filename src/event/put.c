/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/put.h"

#include "event/destinations.h"

#include "base/moment.h"

#include <string.h>

static void put_quoted(struct out *out, const char *text, size_t len)
{
	out_char(out, '"');
	out_bytes(out, text, len);
	out_char(out, '"');
}

void put_text(struct out *out, const char *text, size_t max)
{
	out_json_string(out, text, strnlen(text, max));
}

void put_bool(struct out *out, bool value)
{
	out_text(out, value ? "true" : "false");
}

void put_time(struct out *out, int64_t ns, int32_t utc_offset_s)
{
	char text[MOMENT_TEXT_MAX];

	put_quoted(out, text, moment_format_eve(ns, utc_offset_s, text));
}

void put_addr(struct out *out, const struct addr *addr)
{
	char text[ADDR_TEXT_MAX];

	put_quoted(out, text, addr_format(addr, text));
}

void put_prefix(struct out *out, const struct prefix *prefix)
{
	char text[PREFIX_TEXT_MAX];

	put_quoted(out, text, subscriber_format(prefix, text));
}

void put_destinations(struct out *out, const struct destinations *set, uint8_t family)
{
	struct addr list[DESTINATIONS_EXACT_MAX];
	size_t count = destinations_list(set, family, list);

	out_char(out, '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			out_char(out, ',');
		put_addr(out, &list[i]);
	}
	out_char(out, ']');
}

void put_sketch(struct out *out, const struct destinations *set)
{
	char text[DESTINATIONS_REGISTERS];

	destinations_sketch_write(destinations_registers(set), text);
	put_quoted(out, text, sizeof(text));
}
