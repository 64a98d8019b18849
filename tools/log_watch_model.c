/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapshots tell together, and what keys do with it. Reads no clock and knows no terminal. */
#include "log_watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void watch_model_free(struct watch_model *model)
{
	watch_snapshot_free(&model->now);
	free(model->all);
	free(model->rows);
	*model = (struct watch_model){0};
}

const char *watch_order_name(enum watch_order order)
{
	static const char *const names[] = {"packets", "attempts", "destinations", "time"};

	return names[order];
}

/* ---- rates ---- */

/* Thousandths a second; 0 when something began anew. */
static uint64_t rate(uint64_t before, uint64_t now, int64_t ns)
{
	return now > before && ns > 0 ? (uint64_t)((double)(now - before) * 1e12 / (double)ns) : 0;
}

static void push(uint64_t history[WATCH_HISTORY], size_t *steps, uint64_t value)
{
	if (*steps == WATCH_HISTORY) {
		memmove(history, history + 1, (WATCH_HISTORY - 1) * sizeof(history[0]));
		(*steps)--;
	}
	history[(*steps)++] = value;
}

static bool goes_on(const struct watch_snapshot *before, const struct watch_snapshot *now)
{
	return before->offenders && before->of_daemon == now->of_daemon && before->pid == now->pid &&
	       now->at_ns > before->at_ns;
}

static void take_rates(struct watch_model *model, const struct watch_snapshot *before)
{
	const struct watch_snapshot *now = &model->now;
	size_t steps = model->steps;

	model->has_rates = goes_on(before, now);
	for (unsigned i = 0; i < WATCH_COUNTERS; i++) {
		model->rates[i] = model->has_rates ? rate(before->counters[i], now->counters[i],
							  now->at_ns - before->at_ns)
						   : 0;
		if (model->has_rates) {
			steps = model->steps;
			push(model->history[i], &steps, model->rates[i]);
		}
	}
	model->steps = steps;
}

static int by_subscriber(const void *a, const void *b)
{
	return strcmp(((const struct watch_offender *)a)->subscriber,
		      ((const struct watch_offender *)b)->subscriber);
}

/* A new window counts from nothing. */
static uint64_t since_before(uint64_t before, uint64_t now)
{
	return now >= before ? before : 0;
}

static void row_rates(struct watch_row *row, const struct watch_snapshot *before, int64_t ns)
{
	const struct watch_offender *now = row->offender;
	const struct watch_offender *then = before->offender_count
						    ? bsearch(now, before->offenders, before->offender_count,
							      sizeof(*then), by_subscriber)
						    : NULL;
	uint64_t packets = 0, attempts = 0;

	if (then && strcmp(then->since, now->since) == 0) {
		packets = since_before(then->packets, now->packets);
		attempts = since_before(then->attempts, now->attempts);
	}
	row->packet_rate = rate(packets, now->packets, ns);
	row->attempt_rate = rate(attempts, now->attempts, ns);
}

/* ---- rows ---- */

static uint64_t weight(const struct watch_offender *offender, enum watch_order order)
{
	if (order == WATCH_BY_ATTEMPTS)
		return offender->attempts;
	return order == WATCH_BY_DESTINATIONS ? offender->destinations : offender->packets;
}

/* Times are compared as text: those of one gateway have one offset, but in the hour of a change of clocks. */
static int compare_rows(const void *a, const void *b, void *context)
{
	const struct watch_offender *one = ((const struct watch_row *)a)->offender;
	const struct watch_offender *other = ((const struct watch_row *)b)->offender;
	enum watch_order order = *(const enum watch_order *)context;
	int difference = order == WATCH_BY_TIME ? strcmp(other->last, one->last) : 0;

	if (difference == 0 && weight(one, order) != weight(other, order))
		difference = weight(one, order) > weight(other, order) ? -1 : 1;
	return difference ? difference : strcmp(one->subscriber, other->subscriber);
}

/* An address or prefix finds whom it contains and who contains it; other text whose words have it. */
static bool has_words(const struct watch_offender *offender, const char *filter)
{
	struct prefix wanted, subscriber;

	if (!filter[0] || strstr(offender->subscriber, filter) || strstr(offender->reason, filter) ||
	    strstr(offender->pool, filter) || strstr(offender->rule, filter))
		return true;
	if (prefix_parse(filter, strlen(filter), &wanted) != ADDR_OK ||
	    prefix_parse(offender->subscriber, strlen(offender->subscriber), &subscriber) != ADDR_OK)
		return false;
	wanted = prefix_canonical(&wanted);
	return prefix_covers(&wanted, &subscriber) || prefix_covers(&subscriber, &wanted);
}

static bool passes(const struct watch_model *model, const struct watch_offender *offender)
{
	return (!model->only || watch_filter_offender(model->only, offender)) &&
	       has_words(offender, model->filter);
}

/* The cursor stays with the subscriber, wherever he is now; with the place when he has gone. */
static void find_cursor(struct watch_model *model)
{
	for (size_t i = 0; model->selected[0] && i < model->row_count; i++)
		if (strcmp(model->rows[i].offender->subscriber, model->selected) == 0) {
			model->cursor = i;
			return;
		}
	if (!model->selected[0])
		model->cursor = 0;
	if (model->cursor >= model->row_count)
		model->cursor = model->row_count ? model->row_count - 1 : 0;
}

static void sort_rows(struct watch_model *model)
{
	enum watch_order order = model->order;

	if (model->row_count > 0)
		qsort_r(model->rows, model->row_count, sizeof(model->rows[0]), compare_rows, &order);
	find_cursor(model);
}

/* All offenders with their rates, and room for those that are shown. */
static int make_rows(const struct watch_snapshot *now, const struct watch_snapshot *before,
		     struct watch_row **ret_all, struct watch_row **ret_rows)
{
	size_t count = now->offender_count ? now->offender_count : 1;
	struct watch_row *all = calloc(count, sizeof(*all)), *rows = calloc(count, sizeof(*rows));

	if (!all || !rows) {
		free(all);
		free(rows);
		return -ENOMEM;
	}
	for (size_t i = 0; i < now->offender_count; i++) {
		all[i].offender = &now->offenders[i];
		if (goes_on(before, now))
			row_rates(&all[i], before, now->at_ns - before->at_ns);
	}
	*ret_all = all;
	*ret_rows = rows;
	return 0;
}

static void show_rows(struct watch_model *model)
{
	model->row_count = 0;
	for (size_t i = 0; i < model->now.offender_count; i++)
		if (passes(model, model->all[i].offender))
			model->rows[model->row_count++] = model->all[i];
	sort_rows(model);
}

static void follow(struct watch_model *model)
{
	for (size_t i = 0; model->followed[0] && model->has_rates && i < model->now.offender_count; i++)
		if (strcmp(model->all[i].offender->subscriber, model->followed) == 0)
			push(model->followed_history, &model->followed_steps, model->all[i].packet_rate);
}

int watch_model_take(struct watch_model *model, struct watch_snapshot *snapshot)
{
	struct watch_row *all = NULL, *rows = NULL;
	struct watch_snapshot before = model->now;
	int r = snapshot->offenders ? 0 : watch_read_offenders(NULL, snapshot);

	if (r == 0) {
		qsort(snapshot->offenders, snapshot->offender_count, sizeof(snapshot->offenders[0]),
		      by_subscriber);
		r = make_rows(snapshot, &before, &all, &rows);
	}
	if (r < 0) {
		watch_snapshot_free(snapshot);
		return r;
	}
	free(model->all);
	free(model->rows);
	model->all = all;
	model->rows = rows;
	model->now = *snapshot;
	*snapshot = (struct watch_snapshot){0};
	take_rates(model, &before);
	follow(model);
	show_rows(model);
	watch_snapshot_free(&before);
	return 0;
}

const struct watch_row *watch_model_selected(const struct watch_model *model)
{
	return model->cursor < model->row_count ? &model->rows[model->cursor] : NULL;
}

const struct watch_offender *watch_model_followed(const struct watch_model *model)
{
	for (size_t i = 0; i < model->now.offender_count; i++)
		if (strcmp(model->now.offenders[i].subscriber, model->followed) == 0)
			return &model->now.offenders[i];
	return NULL;
}

void watch_model_fit(struct watch_model *model, size_t page)
{
	model->page = page;
	if (model->cursor < model->top)
		model->top = model->cursor;
	if (page > 0 && model->cursor >= model->top + page)
		model->top = model->cursor - page + 1;
	/* No empty rows below while there are others above. */
	if (model->top + page > model->row_count)
		model->top = model->row_count > page ? model->row_count - page : 0;
}

/* ---- keys ---- */

bool watch_interval_parse(const char *text, uint64_t *ret_ms)
{
	uint64_t ms = 0, part = 1000;
	bool digits = false;

	for (; *text >= '0' && *text <= '9'; text++, digits = true)
		ms = ms > WATCH_INTERVAL_MOST_MS ? ms : ms * 10 + (uint64_t)(*text - '0') * 1000;
	if (*text == '.')
		for (text++; *text >= '0' && *text <= '9'; text++, digits = true)
			ms += (uint64_t)(*text - '0') * (part /= 10);
	if (*text || !digits || ms < WATCH_INTERVAL_LEAST_MS || ms > WATCH_INTERVAL_MOST_MS)
		return false;
	*ret_ms = ms;
	return true;
}

static void set_order(struct watch_model *model, enum watch_order order)
{
	model->order = order;
	if (model->rows)
		sort_rows(model);
}

static void set_filter(struct watch_model *model, const char *filter)
{
	snprintf(model->filter, sizeof(model->filter), "%s", filter);
	if (model->rows)
		show_rows(model);
}

static void move(struct watch_model *model, int key)
{
	size_t step = key == WATCH_KEY_UP || key == WATCH_KEY_DOWN ? 1 : model->page ? model->page : 1;
	const struct watch_row *row;

	if (key == WATCH_KEY_HOME)
		model->cursor = 0;
	else if (key == WATCH_KEY_END)
		model->cursor = model->row_count;
	else if (key == WATCH_KEY_UP || key == WATCH_KEY_PAGE_UP)
		model->cursor -= model->cursor < step ? model->cursor : step;
	else
		model->cursor += step;
	if (model->cursor >= model->row_count)
		model->cursor = model->row_count ? model->row_count - 1 : 0;
	/* The first place is a place: whoever sends most. Anywhere else the cursor is on a subscriber. */
	row = model->cursor > 0 ? watch_model_selected(model) : NULL;
	snprintf(model->selected, sizeof(model->selected), "%s", row ? row->offender->subscriber : "");
}

static enum watch_wish show_details(struct watch_model *model)
{
	const struct watch_row *row = watch_model_selected(model);

	if (!row)
		return WATCH_GO_ON;
	if (strcmp(model->followed, row->offender->subscriber) != 0) {
		snprintf(model->followed, sizeof(model->followed), "%s", row->offender->subscriber);
		model->followed_steps = 0;
		model->answer_count = 0;
	}
	snprintf(model->selected, sizeof(model->selected), "%s", row->offender->subscriber);
	model->mode = WATCH_DETAILS;
	return WATCH_EXPLAIN;
}

static void ask(struct watch_model *model, enum watch_mode mode)
{
	model->mode = mode;
	model->prompt[0] = '\0';
}

/* As in less(1) and vi(1). */
static int moving_key(int key)
{
	switch (key) {
	case 'j':
		return WATCH_KEY_DOWN;
	case 'k':
		return WATCH_KEY_UP;
	case 'g':
		return WATCH_KEY_HOME;
	case 'G':
		return WATCH_KEY_END;
	default:
		return key;
	}
}

static enum watch_wish list_key(struct watch_model *model, int key)
{
	static const char orders[] = "PADT";
	const char *order = key > 0 && key < 128 ? strchr(orders, key) : NULL;

	key = moving_key(key);
	if (key == 'q')
		return WATCH_QUIT;
	if (key == ' ')
		return WATCH_REFRESH;
	if (key == 'c')
		return WATCH_COLOUR;
	if (key == WATCH_KEY_ENTER)
		return show_details(model);
	if (order)
		set_order(model, (enum watch_order)(order - orders));
	else if (key == 'h' || key == '?')
		model->mode = WATCH_HELP;
	else if (key == 's' || key == 'd')
		ask(model, WATCH_ASK_INTERVAL);
	else if (key == '/')
		ask(model, WATCH_ASK_FILTER);
	else if (key == WATCH_KEY_ESCAPE)
		set_filter(model, "");
	else if (key >= WATCH_KEY_UP && key <= WATCH_KEY_END)
		move(model, key);
	return WATCH_GO_ON;
}

static enum watch_wish accept(struct watch_model *model)
{
	enum watch_mode asked = model->mode;

	model->mode = WATCH_LIST;
	if (asked == WATCH_ASK_FILTER) {
		set_filter(model, model->prompt);
		return WATCH_GO_ON;
	}
	if (!model->prompt[0])
		return WATCH_GO_ON;
	if (watch_interval_parse(model->prompt, &model->interval_ms))
		return WATCH_NEW_INTERVAL;
	snprintf(model->said, sizeof(model->said), "the interval: 0.1 to 3600 seconds");
	return WATCH_GO_ON;
}

static enum watch_wish prompt_key(struct watch_model *model, int key)
{
	size_t len = strlen(model->prompt);

	if (key == WATCH_KEY_ENTER)
		return accept(model);
	if (key == WATCH_KEY_ESCAPE)
		model->mode = WATCH_LIST;
	else if (key == WATCH_KEY_BACKSPACE && len > 0)
		model->prompt[len - 1] = '\0';
	else if (key >= ' ' && key <= '~' && len + 1 < sizeof(model->prompt)) {
		model->prompt[len] = (char)key;
		model->prompt[len + 1] = '\0';
	}
	return WATCH_GO_ON;
}

enum watch_wish watch_model_key(struct watch_model *model, int key)
{
	if (key == WATCH_KEY_NONE || key == WATCH_KEY_RESIZE)
		return WATCH_GO_ON;
	model->said[0] = '\0';
	switch (model->mode) {
	case WATCH_LIST:
		return list_key(model, key);
	case WATCH_ASK_INTERVAL:
	case WATCH_ASK_FILTER:
		return prompt_key(model, key);
	default:
		if (key == 'c')
			return WATCH_COLOUR;
		/* Help and details go at any key but those that someone may press to look on. */
		if (key != ' ' && !(key >= WATCH_KEY_UP && key <= WATCH_KEY_END))
			model->mode = WATCH_LIST;
		return key == ' ' ? WATCH_REFRESH : WATCH_GO_ON;
	}
}
