/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks that could not be kept: the policy, or the kernel that follows it, lets the source pass before anybody asks. */
#ifndef OP25B_DAEMON_OVERRIDE_CHECK_H
#define OP25B_DAEMON_OVERRIDE_CHECK_H

#include "control/protocol.h"
#include "policy/policy.h"

/* False when a block of this prefix would not hold; text says why, and what to do instead. */
bool override_can_block(const struct policy *policy, const struct prefix *prefix,
			char text[CONTROL_ERROR_TEXT_MAX]);

#endif
