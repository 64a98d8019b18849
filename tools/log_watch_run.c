/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From look to look: asks the daemon, or reads the record file where there is none, and shows it. */
#include "log_watch.h"

#include "control/client.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ANSWER_MS = 1500, MORE_MS = 10 };

/* Addresses for documentation (RFC 5737, RFC 3849): in no policy's destination groups, so what holds for anybody outside. */
static const char outside4[] = "192.0.2.1", outside6[] = "2001:db8::1";

struct watch {
	const struct watch_config *config;
	struct watch_model model;
	struct watch_grid grid;
	struct watch_screen *screen;
	struct watch_records *records;
	struct watch_tail *tail;
	bool daemon_answers;
	int64_t next_ns; /* the next look */
};

static int64_t steady_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

static int64_t wall_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void put_clock(struct watch_snapshot *snapshot)
{
	time_t now = time(NULL);
	struct tm local;

	snapshot->clock[0] = snapshot->today[0] = '\0';
	if (!localtime_r(&now, &local))
		return;
	if (strftime(snapshot->clock, sizeof(snapshot->clock), "%H:%M:%S", &local) == 0)
		snapshot->clock[0] = '\0';
	if (strftime(snapshot->today, sizeof(snapshot->today), "%Y-%m-%d", &local) == 0)
		snapshot->today[0] = '\0';
}

/* ---- the daemon ---- */

/* The result, the caller's; NULL with why in text. */
static json_t *ask(const struct watch *watch, json_t *request, char text[CONTROL_ERROR_TEXT_MAX])
{
	enum control_error error = CONTROL_OK;
	json_t *result = NULL;
	int r;

	snprintf(text, CONTROL_ERROR_TEXT_MAX, "out of memory");
	if (!request)
		return NULL;
	r = control_client_call(watch->config->socket, request, ANSWER_MS, &error, &result, text);
	json_decref(request);
	if (r < 0 && r != -EPROTO)
		snprintf(text, CONTROL_ERROR_TEXT_MAX, "%s", strerror(-r));
	if (r == 0 && error == CONTROL_OK && json_is_object(result))
		return result;
	json_decref(result);
	return NULL;
}

/* 0; -errno with why in text. */
static int ask_daemon(const struct watch *watch, struct watch_snapshot *snapshot,
		      char text[CONTROL_ERROR_TEXT_MAX])
{
	json_t *status = ask(watch, control_request_new("status"), text);
	json_t *request = control_request_new("offenders"), *offenders;
	int r;

	if (!status) {
		json_decref(request);
		return -EPROTO;
	}
	json_object_set_new(request, "top", json_integer(WATCH_OFFENDERS_MAX));
	offenders = ask(watch, request, text);
	watch_read_status(status, snapshot);
	r = watch_read_offenders(offenders, snapshot);
	/* Who may not ask for one of them still sees the other. */
	if (!offenders)
		watch_warn(snapshot, "no list of offenders: %s", text);
	json_decref(status);
	json_decref(offenders);
	return r;
}

static void explain(struct watch *watch)
{
	struct watch_model *model = &watch->model;
	char address[PREFIX_TEXT_MAX], text[CONTROL_ERROR_TEXT_MAX];
	json_t *request, *answer;

	if (!watch->daemon_answers)
		return;
	snprintf(address, sizeof(address), "%s", model->followed);
	address[strcspn(address, "/")] = '\0';
	request = control_request_new("explain");
	json_object_set_new(request, "src", json_string(address));
	json_object_set_new(request, "dst", json_string(strchr(address, ':') ? outside6 : outside4));
	answer = ask(watch, request, text);
	if (answer)
		model->answer_count = watch_read_explain(answer, model->answers);
	json_decref(answer);
}

/* ---- the record file ---- */

static int read_file(struct watch *watch, struct watch_snapshot *snapshot, bool *ret_more)
{
	int64_t now_us = wall_us();
	int r;

	if (!watch->tail)
		watch->tail = watch_tail_new(watch->config->log);
	if (!watch->records)
		watch->records = watch_records_new();
	if (!watch->tail || !watch->records)
		return -ENOMEM;
	watch_records_only(watch->records, &watch->config->only);
	r = watch_tail_read(watch->tail, watch->records, now_us, ret_more);
	if (r < 0)
		watch_warn(snapshot, "%s: %s", watch->config->log, strerror(-r));
	watch_text(snapshot->origin, sizeof(snapshot->origin), watch->config->log);
	return watch_records_snapshot(watch->records, now_us, snapshot);
}

/* ---- a look ---- */

static int look(struct watch *watch)
{
	struct watch_snapshot snapshot = {.at_ns = steady_ns()};
	char text[CONTROL_ERROR_TEXT_MAX];
	bool more = false;
	int r = watch->config->socket ? ask_daemon(watch, &snapshot, text) : -ENOENT;

	watch->daemon_answers = r == 0;
	if (r < 0) {
		if (watch->config->socket)
			watch_warn(&snapshot, "op25bd does not answer at %s: %s", watch->config->socket,
				   text);
		r = watch->config->log ? read_file(watch, &snapshot, &more)
				       : watch_read_offenders(NULL, &snapshot);
	}
	if (r < 0) {
		watch_snapshot_free(&snapshot);
		return r;
	}
	put_clock(&snapshot);
	watch->next_ns = steady_ns() + (int64_t)watch->model.interval_ms * 1000000;
	/* The rates are those of the whole, once all that was there before has been read. */
	if (more)
		watch->next_ns = steady_ns() + (int64_t)MORE_MS * 1000000;
	return watch_model_take(&watch->model, &snapshot);
}

static int draw(struct watch *watch)
{
	int rows, columns, r;

	watch_screen_size(watch->screen, &rows, &columns);
	r = watch_grid_clear(&watch->grid, rows, columns);
	if (r < 0)
		return r;
	watch_view(&watch->model, &watch->grid);
	watch_screen_draw(watch->screen, &watch->grid);
	return 0;
}

/* True when it ends the program. */
static bool obey(struct watch *watch, enum watch_wish wish)
{
	switch (wish) {
	case WATCH_QUIT:
		return true;
	case WATCH_REFRESH:
	case WATCH_NEW_INTERVAL:
		watch->next_ns = 0;
		return false;
	case WATCH_EXPLAIN:
		explain(watch);
		return false;
	case WATCH_COLOUR:
		watch_screen_colour(watch->screen);
		return false;
	default:
		return false;
	}
}

/* How long until the next look, at most as long as a wait may be. */
static int wait_ms(const struct watch *watch)
{
	int64_t ms = (watch->next_ns - steady_ns()) / 1000000 + 1;

	return ms < 0 ? 0 : (int)(ms < 60000 ? ms : 60000);
}

static int go_on(struct watch *watch, int *ret_signal)
{
	bool done = false;
	int r = 0;

	while (r == 0 && !done && !*ret_signal) {
		int key;

		if (steady_ns() >= watch->next_ns)
			r = look(watch);
		if (r == 0)
			r = draw(watch);
		if (r < 0)
			break;
		key = watch_screen_key(watch->screen, wait_ms(watch), ret_signal);
		for (; key != WATCH_KEY_NONE && !done; key = watch_screen_key(watch->screen, 0, ret_signal))
			done = obey(watch, watch_model_key(&watch->model, key));
	}
	return r;
}

static const char *open_error(int r)
{
	if (r == -ENOTTY)
		return "watch is for a terminal: op25b-log tail -f, or op25bctl offenders, write text";
	return r == -EINVAL ? "this terminal (TERM) is not known, or cannot place text" : strerror(-r);
}

/* Who ended us by a signal is told so, as of a program without a handler. */
static void end_by(int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	signal(number, SIG_DFL);
	raise(number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int watch_run(const struct watch_config *config)
{
	struct watch watch = {.config = config,
			      .model = {.interval_ms = config->interval_ms, .only = &config->only}};
	int number = 0;
	int r = watch_screen_open(config->colour, &watch.screen);

	if (r < 0) {
		fprintf(stderr, "%s: %s\n", config->program, open_error(r));
		return r;
	}
	watch.model.utf8 = watch_screen_utf8(watch.screen);
	r = go_on(&watch, &number);
	watch_screen_close(watch.screen);
	watch_model_free(&watch.model);
	watch_grid_free(&watch.grid);
	watch_records_free(watch.records);
	watch_tail_free(watch.tail);
	if (r < 0)
		fprintf(stderr, "%s: %s\n", config->program, strerror(-r));
	if (number)
		end_by(number);
	return r;
}
