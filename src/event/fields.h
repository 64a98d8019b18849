/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of a record's fields: one row a field, in the order written. The encoder runs over it and the manual
 * prints it, so that no field is written that is not documented.
 */
#ifndef OP25B_EVENT_FIELDS_H
#define OP25B_EVENT_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

struct event_record;
struct out;

/* Where a field stands. */
enum event_object {
	EVENT_OBJECT_TOP,
	EVENT_OBJECT_DROP, /* "drop"; in a monitored record, which is no drop, the same fields stand in "op25b"."packet" */
	EVENT_OBJECT_ALERT, /* "alert": only in a monitored record */
	EVENT_OBJECT_OP25B, /* "op25b" */
	EVENT_OBJECT_RULES, /* each object of the list "rules" in "op25b" */
	EVENT_OBJECTS,
};

struct event_field {
	enum event_object object;
	const char *name;
	const char *
		type; /* "text", "number", "boolean", "list of numbers", "list of texts", "list of objects", "object" */
	const char *meaning; /* one sentence for the manual */
	void (*write)(struct out *out, const struct event_record *record);
	bool (*present)(const struct event_record *record); /* NULL: in every record */
};

extern const struct event_field event_fields[];
extern const size_t event_field_count;

/* Writes those fields of the object that the record has, divided by commas. */
void event_fields_write(struct out *out, enum event_object object, const struct event_record *record);

/* "drop", "alert", "op25b", "rules"; "" for the record itself. */
const char *event_object_name(enum event_object object);

#endif
