/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the policy says of the store, and that it is filled before it is asked: nothing is to be set up. */
#include "log_place.h"

#include "log_text.h"
#include "log_wait.h"

#include "policy/policy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BAR_WIDTH = 30, LONG_MS = 2000, REFUSED_TOLD = 20 };

static const char default_file[] = "/var/log/op25b/events.json";

/* ---- the policy ---- */

static int read_policy(struct log_context *context)
{
	struct diag_list findings = {0};
	int r = policy_read_file(context->policy_path, context->now_us / 1000000, &findings,
				 &context->policy);

	if (r < 0 && context->policy_named)
		diag_print(&findings, stderr);
	else if (r < 0 && r != -ENOENT && r != -EACCES)
		log_error("%s cannot be read, and is left out: 'op25b-rules check' says why",
			  context->policy_path);
	diag_list_free(&findings);
	return r < 0 && context->policy_named ? LOG_ERROR : LOG_FOUND;
}

static struct triage_limits limits_of(const struct policy_triage *triage)
{
	return (struct triage_limits){
		.bot_destinations = triage->bot_destinations,
		.client_destinations = triage->client_destinations,
		.client_attempts_per_hour = triage->client_attempts_per_hour,
		.client_silent_hours = triage->client_silent_hours,
		.server_destinations = triage->server_destinations,
		.server_clock_hours = triage->server_clock_hours,
		.least_attempts = triage->least_attempts,
	};
}

int log_store_find(struct log_context *context)
{
	const char *file = default_file;

	if (read_policy(context) != LOG_FOUND)
		return LOG_ERROR;
	context->limits = context->policy ? limits_of(&context->policy->triage) : triage_limits_default;
	if (context->policy)
		file = context->policy->log.file;
	if (!context->files_named && strcmp(file, "-") != 0)
		context->files[context->file_count++] = file;
	return log_place_find(context);
}

/* ---- filling ---- */

struct progress {
	bool wait_told;
	int64_t begun_ms;
	bool shown;
	uint64_t refused;
};

static int show_progress(void *context, const struct store_ingested *so_far, uint64_t bytes_expected)
{
	struct progress *progress = context;
	char bar[BAR_WIDTH + 1];
	int64_t ms = log_wait_now_ms() - progress->begun_ms;
	uint64_t full = bytes_expected == 0 ? 0 : BAR_WIDTH;

	if (so_far->bytes < bytes_expected)
		full = (uint64_t)((double)so_far->bytes / (double)bytes_expected * BAR_WIDTH);
	progress->shown = true;
	if (!log_wait_is_seen()) {
		if (so_far->waiting && !progress->wait_told && ms >= LONG_MS) {
			fputs("op25b-log: waiting for another run that fills the store\n", stderr);
			progress->wait_told = true;
		}
		return 0;
	}
	log_wait_clear_line();
	if (so_far->waiting) {
		fputs("op25b-log: waiting for another run that fills the store", stderr);
		return 0;
	}
	memset(bar, '.', BAR_WIDTH);
	memset(bar, '#', full);
	bar[BAR_WIDTH] = '\0';
	fprintf(stderr, "op25b-log: [%s] %" PRIu64 " records, %" PRIu64 " a second", bar, so_far->records,
		ms > 0 ? so_far->records * 1000 / (uint64_t)ms : 0);
	return 0;
}

static void end_progress(const struct progress *progress, const struct store_ingested *done)
{
	int64_t ms = log_wait_now_ms() - progress->begun_ms;

	if (progress->shown && log_wait_is_seen())
		log_wait_clear_line();
	else if (ms >= LONG_MS)
		fprintf(stderr, "op25b-log: %" PRIu64 " records stored in %" PRId64 " s\n", done->records,
			ms / 1000);
}

static void tell_refused(void *context, const char *path, uint64_t line, uint64_t offset, const char *why)
{
	struct progress *progress = context;

	if (progress->refused++ >= REFUSED_TOLD)
		return;
	if (progress->shown && log_wait_is_seen())
		log_wait_clear_line();
	log_text_print(stderr, path, true, 0);
	fprintf(stderr, ":%" PRIu64 ": byte %" PRIu64 ": ", line, offset);
	log_text_print(stderr, why, true, 0);
	fputs(progress->refused == REFUSED_TOLD ? " (further ones are only counted)\n" : "\n", stderr);
}

static void print_unread(const char *path, const char *why)
{
	fputs("op25b-log: ", stderr);
	log_text_print(stderr, path, true, 0);
	fputs(": ", stderr);
	log_text_print(stderr, why, true, 0);
	fputc('\n', stderr);
}

static void tell_unread(void *context, const char *path, const char *why)
{
	const struct progress *progress = context;

	if (progress->shown && log_wait_is_seen())
		log_wait_clear_line();
	print_unread(path, why);
}

/* Files that are gone have nothing more to give. */
static int tell_stored_unread(void *context, const char *path, const char *why)
{
	(void)context;
	if (access(path, F_OK) == 0) {
		char text[256];

		snprintf(text, sizeof(text), "not read whole: %s", why);
		print_unread(path, text);
	}
	return 0;
}

/* Who asks for the first time gets told what is to be done; the store's path would only confuse him. */
static int fill_error(const struct log_context *context, int r)
{
	const char *file = context->file_count > 0 ? context->files[0] : NULL;

	if (context->files_named || !context->rotated || !file || access(file, R_OK) == 0)
		return log_store_error(context);
	if (r == -ENOENT)
		return log_error("%s: %s: op25bd has written no records yet; records elsewhere are named by "
				 "--log, or by -p and the policy's [log] file",
				 file, strerror(-r));
	if (r == -EACCES)
		return log_error(
			"%s: %s: root and the members of the group op25b may read it; 'usermod -aG op25b "
			"NAME', by root, makes one of you, from your next login on",
			file, strerror(-r));
	return log_store_error(context);
}

int log_store_fill(struct log_context *context, struct store_ingested *ret)
{
	struct progress progress = {.begun_ms = log_wait_now_ms()};
	struct store_ingested done = {0};
	const struct store_ingest_config config = {.paths = context->files,
						   .path_count = context->file_count,
						   .rotated = context->rotated,
						   .progress = show_progress,
						   .unread = context->told_unread ? NULL : tell_unread,
						   .refused = context->tells_refused ? tell_refused : NULL,
						   .context = &progress};
	int r = store_ingest(context->store, &config, &done);

	context->told_unread = true;
	end_progress(&progress, &done);
	if (ret)
		*ret = done;
	return r < 0 ? fill_error(context, r) : LOG_FOUND;
}

/* ---- opening ---- */

/* Who may only read the store gets what is in it. */
static bool can_write(const struct log_context *context)
{
	return access(context->store_path, W_OK) == 0 || access(context->store_path, F_OK) < 0;
}

static int fill_first(struct log_context *context)
{
	struct store_ingested done;

	if (context->fill && context->file_count > 0 && !context->writable)
		fprintf(stderr, "op25b-log: %s cannot be written to: shown as it was filled last\n",
			context->store_path);
	if (!context->fill || context->file_count == 0 || !context->writable)
		return store_unread(context->store, tell_stored_unread, NULL) < 0 ? log_store_error(context)
										  : LOG_FOUND;
	if (log_store_fill(context, &done) != LOG_FOUND)
		return LOG_ERROR;
	if (done.refused > 0)
		fprintf(stderr, "op25b-log: %" PRIu64 " %s, and %s left out\n", done.refused,
			done.refused == 1 ? "line is no record" : "lines are no records",
			done.refused == 1 ? "was" : "were");
	return LOG_FOUND;
}

/* Without filling, a store that is not there is an error, not an empty one. */
static int check_there(const struct log_context *context)
{
	if (context->command->prepare == LOG_OPENED || context->fill ||
	    access(context->store_path, F_OK) == 0)
		return LOG_FOUND;
	return log_error("%s: %s", context->store_path, strerror(errno));
}

int log_store_open(struct log_context *context)
{
	char *why = NULL;
	int r;

	if (check_there(context) != LOG_FOUND)
		return LOG_ERROR;
	context->writable = can_write(context);
	r = store_open(context->store_path, context->writable, &context->store, &why);
	if (r < 0) {
		log_error("%s", why ? why : strerror(-r));
		free(why);
		return LOG_ERROR;
	}
	return context->command->prepare == LOG_FILLED ? fill_first(context) : LOG_FOUND;
}

void log_store_end(struct log_context *context)
{
	store_close(context->store);
	policy_free(context->policy);
	free(context->store_path);
	context->store = NULL;
	context->policy = NULL;
	context->store_path = NULL;
}
