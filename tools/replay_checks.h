/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Expectations of a replay: what the command line says of them, and how they came out. */
#ifndef OP25B_TOOLS_REPLAY_CHECKS_H
#define OP25B_TOOLS_REPLAY_CHECKS_H

#include "expect/expect.h"
#include "replay_synth.h"

enum { REPLAY_EXPECT_MAX = 100 }; /* --expect on one command line */

enum replay_form { REPLAY_FORM_TEXT, REPLAY_FORM_JSON, REPLAY_FORM_TAP, REPLAY_FORM_JUNIT };

/* Zeroed: nothing is expected. */
struct replay_check_options {
	const char *files[REPLAY_EXPECT_MAX];
	size_t file_count;
	const char *record; /* path, "-" for standard output, NULL for none */
	enum replay_form output;
	bool has_output;
};

/* The words behind --output. False: no such form. */
bool replay_checks_set_output(const char *word, struct replay_check_options *options);

struct replay_checks;
struct replay_packet;
struct replay_options;

/* Reads the expectations and makes the synthetic packets. An exit code, having said what is wrong. *ret is to be given
 * to replay_checks_close(), also on failure. */
int replay_checks_open(const struct replay_options *options, const struct policy *policy,
		       struct replay_checks *ret);
void replay_checks_close(struct replay_checks *checks);

/* True: what is printed is how the expectations came out. */
bool replay_checks_wanted(const struct replay_checks *checks);

/* True: each packet is to be given to replay_checks_add(). */
bool replay_checks_look(const struct replay_checks *checks);

/* 0 or -ENOMEM. */
int replay_checks_add(struct replay_checks *checks, const struct replay_packet *judged);

/* Prints how they came out, and writes the record. The worse of `code` and its own exit code. */
int replay_checks_end(const struct replay_options *options, struct replay_checks *checks, int code);

/* ---- how they came out, in each form ---- */

void replay_checks_print(const struct expect *expect, enum replay_form output, FILE *out);

#endif
