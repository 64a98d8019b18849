/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules that somebody else deletes or changes leave port 25 open, or mail shut in, and nobody notices: so the daemon looks
 * after the table, says what it finds once, and loads its policy's rules again. What op25b-rules does is its operator's
 * will, and is left alone: an apply, a delete, and a change that waits for its confirmation.
 *
 * Once a second only the number of the rulesets' generation is asked for; the table is read when somebody has changed something, and
 * seldom where somebody does so all the time. The kernel's own notifications are not used, though they alone tell whose
 * process it was (NFTA_GEN_PROC_NAME of NFT_MSG_NEWGEN; asked for the generation, the kernel names who asks): where anybody
 * listens it makes one of a page for each element of a transaction and keeps them until its end. Measured: 100,000 elements
 * take 17 MB without a listener, and 788 MB with one.
 */
#ifndef OP25B_DAEMON_GUARDIAN_H
#define OP25B_DAEMON_GUARDIAN_H

#include "net/nft.h"
#include "net/nft_fingerprint.h"

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct gateway;
struct world;

enum {
	GUARDIAN_REPAIR_S = 5,     /* at most one repair in this time, */
	GUARDIAN_REPAIRS_MAX = 3,  /* and so many */
	GUARDIAN_MINUTE_S = 60,    /* in this */
	GUARDIAN_LOOK_FACTOR = 20, /* looking may take a twentieth of the time */
	GUARDIAN_TEXT_MAX = 320,
};

/* When repairs may be made. All zeroes at first. Pure. */
struct guardian_pace {
	int64_t last_ns, minute_ns;
	unsigned in_minute;
	bool ever;
};

enum guardian_leave { GUARDIAN_MAY, GUARDIAN_WAIT, GUARDIAN_TOO_OFTEN };

enum guardian_leave guardian_pace_ask(struct guardian_pace *pace, int64_t now_ns);
void guardian_pace_note(struct guardian_pace *pace, int64_t now_ns);

struct guardian {
	bool has_reference; /* a table was seen in order: */
	struct nft_fingerprint reference;
	uint32_t generation; /* when this was last looked at */
	uint32_t old_note;   /* the generation of a note that stood there at the start */
	bool broken;         /* the table is not as it was; told */
	bool gone;           /* it was deleted, with all that its sets had counted */
	bool given_up;       /* told, until the next minute */
	int64_t look_ns;     /* no look before, on the steady clock */
	int look_error;      /* told once */
	struct guardian_pace pace;
	/* The thread that repairs. */
	bool running;
	pthread_t thread;
	atomic_bool done;
	const struct world *world; /* whose rules it loads; must stay */
	int result;
	bool refused; /* the thread has found that it was not to */
	struct nft_report report;
	struct nft_fingerprint made;
	/* Counted for status. */
	uint64_t changes, repairs, failures;
};

/* Before the workers take packets. */
void guardian_start(struct gateway *gateway);
/* Once a second. */
void guardian_tick(struct gateway *gateway);
/* At the end: waits for a repair under way. */
void guardian_end(struct gateway *gateway);
/* A repair under way loads this world's rules. */
bool guardian_uses(const struct gateway *gateway, const struct world *world);

/* "rules" of the status; the caller's. NULL without memory. */
json_t *guardian_json(const struct gateway *gateway);

#endif
