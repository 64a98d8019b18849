/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Captures packet by packet, for commands that ask something else of them than a summary. */
#ifndef OP25B_TOOLS_REPLAY_WALK_H
#define OP25B_TOOLS_REPLAY_WALK_H

#include "capture/capture.h"
#include "engine/engine.h"

struct replay_walked {
	const char *file;
	const struct capture_record *record;
	const struct packet *packet;
};

/*
 * Calls take() for each packet until it returns something other than 0: 1 ends the walk in peace, an errno ends it with
 * EXIT_CODE_SYSTEM. Returns an exit code of base/exitcode.h, having said on standard error what was wrong; what stands
 * before a damage is walked first.
 */
int replay_walk(const char *file, int (*take)(void *context, const struct replay_walked *walked),
		void *context);

/* What an interface means to one engine, looked up anew only when the name changes. Zeroed: nothing known yet. */
struct replay_side {
	bool known;
	char name[IF_NAME_MAX];
	struct engine_interface resolved;
};

/* name NULL: unknown. */
struct engine_interface replay_side_of(struct replay_side *side, const struct engine *engine,
				       const char *name);

/* The second that a packet's time lies in. */
int64_t replay_second(int64_t time_ns);

#endif
