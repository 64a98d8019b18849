/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What op25b-rules has done to the rules last, for a daemon that watches them: so it tells its operator's will from what somebody
 * else did. A file beside that of the lock, written under it.
 */
#ifndef OP25B_NET_RULES_NOTE_H
#define OP25B_NET_RULES_NOTE_H

#include <stdint.h>

enum rules_deed {
	RULES_NOTHING, /* that is known */
	RULES_APPLIED, /* loaded, or put back */
	RULES_DELETED,
};

struct rules_note {
	enum rules_deed deed;
	uint32_t generation; /* of all rulesets of the namespace, right after it */
};

/* Reads the generation itself. 0 or -errno: then no note stands there. */
int rules_note_write(enum rules_deed deed);
/* RULES_NOTHING also where there is no file, or one of another user than root and this process's. */
void rules_note_read(struct rules_note *ret);

#endif
