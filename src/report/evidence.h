/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The evidence of triage in Japanese: the same figures and thresholds as in the English sentence that triage writes, so
 * that readers of either page can hold it against the policy.
 */
#ifndef OP25B_REPORT_EVIDENCE_H
#define OP25B_REPORT_EVIDENCE_H

#include "store/triage.h"

enum { EVIDENCE_TEXT_MAX = 960 };

/* limits: those it was judged by. Returns out. */
const char *evidence_japanese(const struct triage *triage, const struct triage_limits *limits,
			      char out[EVIDENCE_TEXT_MAX]);

#endif
