/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What decided a subscriber's class, short enough for a column: his figures beside the thresholds that they were held to. */
#ifndef OP25B_TOOLS_LOG_WHY_H
#define OP25B_TOOLS_LOG_WHY_H

#include "store/triage.h"

enum { LOG_WHY_MAX = 64 };

/*
 * What was found, and what it was held to: "2328 dst: 100 or more", "24 h: 20 or more", "4 dst: 3 to 19". Destinations (dst),
 * attempts (att), hours of the day, or of the period ("2 of 2 h"). "~" before an estimate.
 */
void log_why(const struct triage *triage, const struct triage_limits *limits, char out[LOG_WHY_MAX]);

#endif
