/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * op25b-rules apply --confirm-within, and confirm. A process of its own session (the keeper) keeps the present rules,
 * loads the new ones, and puts the old ones back unless it hears a confirmation. The caller may die at any time.
 */
#include "rules.h"
#include "net/rules_pending.h"
#include "rules_state.h"

#include "base/cleanup.h"
#include "base/exitcode.h"
#include "base/moment.h"
#include "net/nft_save.h"
#include "net/rules_note.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum { ROLL_BACK_TRIES = 60, ROLL_BACK_PAUSE_S = 1, REPORT_FD = 3 };

enum stage { STAGE_LOCK, STAGE_PENDING, STAGE_SAVE, STAGE_STATE, STAGE_APPLY, STAGE_DONE };

/* What the keeper says to its caller, once: how far it came. */
struct word {
	enum stage stage;
	int error; /* -errno; 0 with STAGE_DONE */
	struct pending pending;
	struct nft_report report;
};

struct keep {
	const struct ruleset *ruleset;
	const struct nft_known *known;
	struct word word;
	struct pending_keeper keeper;
	struct nft_saved *saved;
	int lock;
};

static int64_t boot_ms(void)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Away from the terminal and all that is open: nothing that ends the caller must end this process. */
static void leave_session(int report_fd)
{
	static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU};
	int null = open("/dev/null", O_RDWR);

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)signal(ignored[i], SIG_IGN);
	(void)setsid();
	(void)!chdir("/");
	for (int fd = 0; fd < REPORT_FD && null >= 0; fd++)
		(void)dup2(null, fd);
	if (report_fd != REPORT_FD)
		(void)dup2(report_fd, REPORT_FD);
	(void)close_range(REPORT_FD + 1, ~0U, 0);
}

static int reach(struct keep *keep, enum stage stage, int r)
{
	keep->word.stage = stage;
	keep->word.error = r;
	return r;
}

static int load(struct keep *keep, uint32_t within_s)
{
	struct word *word = &keep->word;
	struct nft_known now;
	struct pending before = {0};

	keep->lock = rules_lock();
	if (reach(keep, STAGE_LOCK, keep->lock < 0 ? keep->lock : 0) < 0)
		return keep->lock;
	if (reach(keep, STAGE_PENDING, pending_read(&before)) == 0 && before.state == PENDING_WAITING)
		word->error = -EBUSY;
	word->pending = before;
	if (word->error < 0 ||
	    reach(keep, STAGE_SAVE, nft_save(keep->known, &keep->saved, &word->report)) < 0)
		return word->error;
	word->pending = (struct pending){PENDING_WAITING, time(NULL) + within_s, getpid()};
	if (reach(keep, STAGE_STATE, pending_begin(&keep->keeper, &word->pending)) < 0)
		return word->error;
	if (reach(keep, STAGE_APPLY, nft_apply(keep->ruleset, keep->known, &word->report)) < 0)
		return word->error;
	now = state_after(keep->ruleset, &word->report);
	state_write(&now);
	(void)rules_note_write(RULES_APPLIED);
	word->pending.until_s = time(NULL) + within_s;
	(void)pending_write(&keep->keeper, &word->pending);
	return reach(keep, STAGE_DONE, 0);
}

static bool confirmed_in(const struct keep *keep, uint32_t within_s)
{
	int64_t end_ms = boot_ms() + (int64_t)within_s * 1000;

	for (;;) {
		int64_t left_ms = end_ms - boot_ms();

		if (left_ms <= 0)
			return false;
		if (pending_wait(&keep->keeper, left_ms > 1000 ? 1000 : (int)left_ms))
			return true;
	}
}

/* What the sets hold is known again, if it was when they were saved. */
static void note_return(const struct keep *keep, const struct nft_report *report)
{
	struct nft_known now = *keep->known;

	if (report->generation == 0) {
		state_forget();
		return;
	}
	now.generation = report->generation;
	now.mark = report->mark;
	state_write(&now);
}

static enum pending_state roll_back(const struct keep *keep)
{
	const struct nft_known now = state_after(keep->ruleset, &keep->word.report);
	struct nft_report report;
	int r = -EAGAIN;

	/* Also without the lock: a transaction is whole in any case, and this one must come. */
	(void)rules_lock();
	for (int i = 0; i < ROLL_BACK_TRIES; i++) {
		r = nft_restore(keep->saved, &now, &report);
		if (r == 0) {
			note_return(keep, &report);
			(void)rules_note_write(RULES_APPLIED);
			syslog(LOG_WARNING, "not confirmed: the rules of before are back");
			if (report.learned_anew > 0)
				syslog(LOG_WARNING,
				       "%zu sets that op25bd fills had another layout, and are empty now",
				       report.learned_anew);
			return PENDING_ROLLED_BACK;
		}
		sleep(ROLL_BACK_PAUSE_S);
	}
	syslog(LOG_ERR, "not confirmed, and the rules of before cannot be loaded: %s: %s", report.error,
	       strerror(-r));
	return PENDING_FAILED;
}

static _Noreturn void keep_rules(const struct ruleset *ruleset, const struct nft_known *known,
				 uint32_t within_s, int report_fd)
{
	struct keep keep = {.ruleset = ruleset, .known = known, .keeper = {-1, -1}, .lock = -1};
	int r;

	leave_session(report_fd);
	openlog("op25b-rules", LOG_PID, LOG_DAEMON);
	r = load(&keep, within_s);
	if (r < 0 && keep.keeper.file >= 0) {
		keep.word.pending.state = PENDING_NONE;
		(void)pending_write(&keep.keeper, &keep.word.pending);
	}
	if (keep.lock >= 0)
		close(keep.lock);
	/* The caller may be gone; that changes nothing. */
	(void)!write(REPORT_FD, &keep.word, sizeof(keep.word));
	close(REPORT_FD);
	/* Rules that may have been loaded, and are not to stay unless confirmed. */
	if (r == -ENOBUFS && keep.word.stage == STAGE_APPLY)
		(void)roll_back(&keep);
	if (r < 0)
		_exit(EXIT_CODE_SYSTEM);
	keep.word.pending.state = confirmed_in(&keep, within_s) ? PENDING_CONFIRMED : roll_back(&keep);
	(void)pending_write(&keep.keeper, &keep.word.pending);
	_exit(EXIT_CODE_OK);
}

static int hear(int fd, struct word *word)
{
	size_t got = 0;

	while (got < sizeof(*word)) {
		ssize_t len = read(fd, (uint8_t *)word + got, sizeof(*word) - got);

		if (len < 0 && errno == EINTR)
			continue;
		if (len <= 0)
			return -EPIPE;
		got += (size_t)len;
	}
	return 0;
}

static int start_keeper(const struct ruleset *ruleset, const struct nft_known *known, uint32_t within_s,
			struct word *word)
{
	int ends[2], r;
	pid_t keeper;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	fflush(NULL);
	keeper = fork();
	if (keeper < 0) {
		r = -errno;
		close(ends[0]);
		close(ends[1]);
		return r;
	}
	if (keeper == 0)
		keep_rules(ruleset, known, within_s, ends[1]);
	close(ends[1]);
	r = hear(ends[0], word);
	close(ends[0]);
	return r;
}

void rules_pending_text(const struct pending *pending, char *out, size_t size)
{
	char date[MOMENT_TEXT_MAX];

	moment_format(pending->until_s, 0, date);
	snprintf(out, size, "waiting for op25b-rules confirm until %s, else the rules of before come back",
		 date);
}

json_t *rules_json_pending(const struct pending *pending)
{
	char date[MOMENT_TEXT_MAX];

	if (pending->state == PENDING_NONE)
		return json_null();
	moment_format(pending->until_s, 0, date);
	return json_pack("{ss ss}", "state", pending_name(pending->state), "until", date);
}

static int tell_failure(const struct word *word)
{
	switch (word->stage) {
	case STAGE_LOCK:
		if (word->error == -EWOULDBLOCK)
			return rules_refuse_busy();
		fprintf(stderr, "op25b-rules: no lock in " OP25B_RUN_DIRECTORY ": %s; nothing was changed\n",
			strerror(-word->error));
		break;
	case STAGE_PENDING:
		if (word->error == -EBUSY)
			return rules_refuse_pending(&word->pending);
		__attribute__((fallthrough));
	case STAGE_STATE:
		fprintf(stderr,
			"op25b-rules: keeping the state in " OP25B_RUN_DIRECTORY
			": %s; nothing was changed\n",
			strerror(-word->error));
		break;
	case STAGE_SAVE:
		if (word->error != -EPERM) {
			fprintf(stderr, "op25b-rules: %s: %s; nothing was changed\n", word->report.error,
				strerror(-word->error));
			break;
		}
		__attribute__((fallthrough));
	case STAGE_APPLY:
	case STAGE_DONE:
		return rules_refused(&word->report, word->error);
	}
	return EXIT_CODE_SYSTEM;
}

int rules_apply_kept(const struct ruleset *ruleset, const struct nft_known *known, uint32_t within_s,
		     struct nft_report *report, struct pending *pending)
{
	struct word word = {0};
	int r = start_keeper(ruleset, known, within_s, &word);

	if (r < 0) {
		fprintf(stderr,
			"op25b-rules: the process that was to load the rules has ended: %s; see "
			"op25b-rules status\n",
			strerror(-r));
		return EXIT_CODE_SYSTEM;
	}
	if (word.stage != STAGE_DONE)
		return tell_failure(&word);
	*report = word.report;
	*pending = word.pending;
	return -1;
}

static int tell_confirmed(const struct rules_options *options, const struct pending *pending, int r)
{
	bool confirmed = r == 0 && pending->state == PENDING_CONFIRMED;
	int code = confirmed ? EXIT_CODE_OK : EXIT_CODE_DIFFERS;

	if (options->json)
		return rules_flushed(rules_print_json(json_pack("{sb ss}", "confirmed", (int)confirmed,
								"state", pending_name(pending->state)),
						      code));
	if (confirmed)
		puts("confirmed: the rules stay");
	else if (pending->state == PENDING_ROLLED_BACK)
		puts("too late: the rules of before are back");
	else if (pending->state == PENDING_LOST)
		puts("the process that waited has died: the rules stay as they are");
	else if (pending->state == PENDING_FAILED)
		puts("too late, and the rules of before could not be loaded, or the kernel's answer was lost: see op25b-rules status");
	else
		puts("nothing waits for a confirmation");
	return rules_flushed(code);
}

int rules_confirm(const struct rules_options *options)
{
	struct pending pending = {.state = PENDING_NONE};
	int r = pending_confirm(&pending);

	if (r == 0 || r == -ENOENT)
		return tell_confirmed(options, &pending, r);
	fprintf(stderr, "op25b-rules: confirming: %s\n", strerror(-r));
	return EXIT_CODE_SYSTEM;
}
