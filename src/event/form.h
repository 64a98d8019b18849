/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records in the forms of the system's own logs: RFC 5424 for syslog, and the native protocol of journald. They carry what
 * the record's line carries, but for lists and objects, each under the same name; the sentence in front is for people.
 */
#ifndef OP25B_EVENT_FORM_H
#define OP25B_EVENT_FORM_H

#include "event/event.h"
#include "event/notice.h"
#include "event/record.h"

/* The name of the structured data (RFC 5424 section 6.3.2). 32473 is the enterprise number for examples (RFC 5612): op25b has none. */
#define EVENT_FORM_SD_ID "op25b@32473"

/* One message without an end mark; returns its length, 0 where it has no room, which only hostile texts take. */
size_t event_form_record(enum event_form form, const struct event_record *record,
			 char memory[EVENT_FORM_MAX]);
size_t event_form_notice(enum event_form form, const struct event_config *config, uint64_t seq,
			 const struct event_notice *notice, char memory[EVENT_FORM_MAX]);

/* Hand it to config->emit_form in each of the forms. */
void event_form_emit_record(unsigned forms, const struct event_record *record);
void event_form_emit_notice(unsigned forms, const struct event_config *config, uint64_t seq,
			    const struct event_notice *notice);

#endif
