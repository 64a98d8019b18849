/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the records say of somebody whom people dealt with, or may have to: queue and show say the same by it. */
#ifndef OP25B_TOOLS_LOG_JUDGE_H
#define OP25B_TOOLS_LOG_JUDGE_H

#include "log.h"

#include "store/observed.h"
#include "store/work.h"

/* What is to be said of a gateway below all rows. */
struct log_judge_remark {
	bool late; /* its latest word is too old to tell of now */
	int64_t unjudged_us;
};

struct log_judge {
	const struct log_context *context;
	struct observed observed;
	struct log_judge_remark
		*remarks; /* one for each of its gateways; NULL: none of them was looked at yet */
};

struct log_judgement {
	struct work_activity activity;
	struct work_verdict verdict;
	uint64_t attempts; /* over all times */
	bool has_class;    /* there are records */
	enum triage_class class;
	int64_t observed_until_us; /* INT64_MIN: no record, or nothing rests on it */
	int64_t unjudged_us;       /* of the time since the deadline; -1: nothing rests on it */
};

/* log_judge_end() in any case. */
void log_judge_begin(struct log_judge *judge, const struct log_context *context);
/* Nothing is known. */
void log_judgement_begin(struct log_judgement *judgement);
/* What store_talkers_named() tells of him: class, attempts, and the last packet. */
void log_judge_talker(const struct log_context *context, const struct store_talker *talker,
		      struct log_judgement *ret);
/* *ret: begun, and told of by log_judge_talker() if there are records. 0, or a negative errno of the store. */
int log_judge(struct log_judge *judge, const struct work_case *work, int64_t grace_us,
	      struct log_judgement *ret);
/*
 * Where the answers end, for people: the late gateways with their latest words, and for how long nobody judged packets. NULL:
 * nothing is to be said, or no memory; the caller's to free.
 */
char *log_judge_late(const struct log_judge *judge);
char *log_judge_unjudged(const struct log_judge *judge);
/* Both, below a table. */
void log_judge_explain(const struct log_judge *judge);
void log_judge_end(struct log_judge *judge);
/* Internal: the gateway that this runs on is asked, if it is one. 0, or a negative errno of the store. */
int log_judge_ask(struct log_judge *judge);
/* Of verdict.silence_us, for people: "12d" or "30h"; borrowed from out. */
const char *log_judge_silence(int64_t us, char out[24]);
/* Whole ones, a begun one among them. */
uint64_t log_judge_seconds(int64_t us);

#endif
