/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Overrides in the running daemon: what joins their list, its file, the requests and the worlds that workers judge by. A
 * change is a change of worlds, as a reload makes it, without building anything of the policy.
 */
#ifndef OP25B_DAEMON_KEEPER_H
#define OP25B_DAEMON_KEEPER_H

#include "control/server.h"
#include "daemon/overrides.h"
#include "daemon/world.h"

struct gateway;

struct keeper {
	struct overrides list;
	int error; /* of the last try to save, 0: what is in force is saved */
	bool unsaved;
	bool kernel_late; /* at the last change: see reload_exchange() */
};

/* After the policy was read, before the workers are made: what was in force before is so again. 0 or -errno. */
int keeper_start(struct gateway *gateway);
void keeper_free(struct gateway *gateway);
/* Once a second: those that have ended go, and what could not be saved is tried again. */
void keeper_tick(struct gateway *gateway);

/* Gives a world that was built of a policy file the overrides. 0, or -errno with *world as it was. */
int keeper_fill(const struct gateway *gateway, struct world **world);
/* After a reload: a block that the new policy makes void is told. */
void keeper_note_reload(struct gateway *gateway);

/* Puts who made it, why and until when in the place of the prefix that an explanation calls an override. */
void keeper_explain(const struct gateway *gateway, json_t *explanation);

/* What status says of them; NULL without memory. */
json_t *keeper_json(const struct gateway *gateway);

/* "allow", "block", "remove", "overrides" */
void keeper_answer_set(struct gateway *gateway, struct control_call *call, const json_t *request);
void keeper_answer_remove(struct gateway *gateway, struct control_call *call, const json_t *request);
void keeper_answer_list(struct gateway *gateway, struct control_call *call, const json_t *request);

#endif
