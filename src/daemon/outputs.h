/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records beside the record file: to syslog and to journald, as the policy says. */
#ifndef OP25B_DAEMON_OUTPUTS_H
#define OP25B_DAEMON_OUTPUTS_H

#include "control/metrics.h"
#include "daemon/outlet.h"
#include "event/event.h"
#include "policy/policy.h"

#include <jansson.h>

struct outputs {
	struct outlet *outlets[EVENT_FORMS]; /* NULL: the policy wants none */
};

/* Opens and closes what the policy in force asks for; what stays the same goes on. 0, or -ENOMEM: the one that had no memory is
 * not there. */
int outputs_apply(struct outputs *outputs, const struct policy *policy);
/* The last that is sent: says what nobody took. */
void outputs_finish(struct outputs *outputs);
/* Ends without sending; outputs_finish() first. */
void outputs_free(struct outputs *outputs);

/* As event_collector_set_forms() takes them. */
unsigned outputs_forms(const struct outputs *outputs);
void outputs_take(struct outputs *outputs, enum event_form form, const char *message, size_t len);
/* Sends what can be sent now; says when one begins to fail, or works again. */
void outputs_flush(struct outputs *outputs);
/* A reader has no room now: it is worth a try in a moment. */
bool outputs_are_slow(const struct outputs *outputs);

/* A list of objects, one an output; the caller's. NULL without memory. */
json_t *outputs_json(const struct outputs *outputs);
void outputs_put_metrics(const struct outputs *outputs, struct out *out);

#endif
