/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/reload.h"

#include "base/cleanup.h"
#include "daemon/clock.h"
#include "daemon/gateway.h"
#include "daemon/keeper.h"
#include "daemon/learning.h"
#include "daemon/records.h"
#include "daemon/roles.h"
#include "daemon/say.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum {
	ADOPT_WAIT_MS = 2000, /* a worker that is awake takes microseconds */
	ADOPT_LOOK_NS = 200000,
};

int reload_init(struct gateway *gateway)
{
	gateway->reload.done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return gateway->reload.done_fd < 0 ? -errno : 0;
}

static void *build(void *argument)
{
	struct reload *reload = argument;
	const uint64_t one = 1;

	reload->result = world_build(reload->path, reload->generation, &reload->diags, &reload->built);
	(void)!write(reload->done_fd, &one, sizeof(one));
	return NULL;
}

static int start_build(struct gateway *gateway)
{
	struct reload *reload = &gateway->reload;
	sigset_t all, old;
	int r;

	reload->path = gateway->policy_path;
	reload->generation = gateway->world->generation + 1;
	reload->built = NULL;
	reload->diags = (struct diag_list){0};
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&reload->thread, NULL, build, reload);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	reload->running = r == 0;
	return -r;
}

void reload_begin(struct gateway *gateway, struct control_call *call)
{
	struct reload *reload = &gateway->reload;
	size_t *count = reload->running ? &reload->next_call_count : &reload->call_count;
	struct control_call **calls = reload->running ? reload->next_calls : reload->calls;
	int r;

	if (call && *count == CONTROL_CLIENTS_MAX) {
		control_call_refuse(call, CONTROL_BUSY, NULL, "too many reloads are asked for");
		return;
	}
	if (call)
		calls[(*count)++] = call;
	if (reload->running) {
		reload->again = true;
		return;
	}
	reload->began_ns = clock_steady_ns();
	sd_notify(0, "STATUS=Reading the policy");
	r = start_build(gateway);
	if (r < 0) {
		say(SAY_ERROR, "reload: no thread: %s", strerror(-r));
		reload->result = r;
		(void)!write(reload->done_fd, &(const uint64_t){1}, sizeof(uint64_t));
	}
}

static bool all_adopted(const struct gateway *gateway)
{
	for (size_t i = 0; i < gateway->worker_count; i++)
		if (worker_generation(gateway->workers[i]) != gateway->world->generation)
			return false;
	return true;
}

static bool wait_for_workers(struct gateway *gateway)
{
	const struct timespec pause = {.tv_nsec = ADOPT_LOOK_NS};
	int64_t until_ns = clock_steady_ns() + ADOPT_WAIT_MS * INT64_C(1000000);

	for (size_t i = 0; i < gateway->worker_count; i++)
		worker_wake(gateway->workers[i]);
	while (!all_adopted(gateway)) {
		if (clock_steady_ns() > until_ns)
			return false;
		/* A worker must hand on what had no room in its ring before it takes another policy. */
		records_gather(gateway);
		nanosleep(&pause, NULL);
	}
	return true;
}

/* All, or those of which nothing waits in the kernel's sets to be told. */
static void free_retired(struct gateway *gateway, bool all)
{
	struct world **link = &gateway->reload.retired;

	while (*link) {
		struct world *world = *link;

		if (!all &&
		    (offload_uses(gateway->learning.offload, world) || guardian_uses(gateway, world))) {
			link = &world->older;
			continue;
		}
		*link = world->older;
		world_free(world);
	}
}

void reload_tick(struct gateway *gateway)
{
	struct reload *reload = &gateway->reload;

	if (!reload->retired || !all_adopted(gateway))
		return;
	/* Facts that name the old world lie in the rings now, and none comes after them. */
	records_gather(gateway);
	free_retired(gateway, false);
}

/* Settings that are bound to sockets and threads: they stay, and the operator is told. Returns an array of texts. */
static json_t *settings_that_stay(const struct gateway *gateway)
{
	const struct policy_gateway *wanted = &gateway->world->policy->gateway;
	json_t *stay = json_array();

	if (wanted->queue != gateway->bound_queue)
		json_array_append_new(stay, json_sprintf("queue stays %u, the policy says %u",
							 gateway->bound_queue, wanted->queue));
	if (wanted->workers != gateway->worker_count)
		json_array_append_new(stay, json_sprintf("workers stays %u, the policy says %u",
							 (unsigned)gateway->worker_count, wanted->workers));
	if (strcmp(wanted->control, gateway->bound_control) != 0)
		json_array_append_new(stay, json_sprintf("control stays %s, the policy says %s",
							 gateway->bound_control, wanted->control));
	if (wanted->family != gateway->learning.family)
		json_array_append_new(stay, json_sprintf("family stays %s for offload, the policy says %s",
							 policy_family_name(gateway->learning.family),
							 policy_family_name(wanted->family)));
	return stay;
}

static void apply_fail_mode(const struct gateway *gateway)
{
	bool open = gateway->world->policy->gateway.fail == POLICY_FAIL_OPEN;

	for (size_t i = 0; i < gateway->worker_count; i++)
		if (queue_set_fail_open(gateway->queues[i], open) < 0)
			say(SAY_ERROR, "queue %u: the fail mode cannot be changed",
			    queue_number(gateway->queues[i]));
}

/* Hands the workers another world; the old one, which is given back, goes to retire() when its facts are taken. */
static struct world *give_world(struct gateway *gateway, struct world *fresh)
{
	struct world *old = gateway->world;

	learning_hold(gateway);
	gateway->world = fresh;
	atomic_store_explicit(&gateway->hub.world, gateway->world, memory_order_release);
	if (!wait_for_workers(gateway))
		say(SAY_WARNING, "reload: a worker is slow to take the new policy");
	return old;
}

static void retire(struct gateway *gateway, struct world *old)
{
	old->older = gateway->reload.retired;
	gateway->reload.retired = old;
	reload_tick(gateway);
}

bool reload_exchange(struct gateway *gateway, struct world *fresh)
{
	struct world *old = give_world(gateway, fresh);
	bool flushed = learning_flush(gateway);

	retire(gateway, old);
	return flushed;
}

/* Puts the built world in force; the result is what the requesters are told. */
static json_t *exchange_worlds(struct gateway *gateway)
{
	struct reload *reload = &gateway->reload;
	struct world *old;
	json_t *stay;

	old = give_world(gateway, TAKE_PTR(reload->built));
	learning_reload(gateway);
	apply_fail_mode(gateway);
	/* The old world's facts come before the change of records. */
	records_gather(gateway);
	if (records_apply_policy(gateway, old->policy) < 0)
		say(SAY_ERROR,
		    "reload: no memory for new records settings; the old ones stay: lower subscribers_max in [log]");
	retire(gateway, old);
	keeper_note_reload(gateway);
	roles_tell_trouble(gateway->world);
	stay = settings_that_stay(gateway);
	for (size_t i = 0; i < json_array_size(stay); i++)
		say(SAY_WARNING, "reload: %s until a restart", json_string_value(json_array_get(stay, i)));
	return json_pack("{s:s, s:I, s:I, s:o}", "digest", gateway->world->policy->digest, "generation",
			 (json_int_t)gateway->world->generation, "build_ms",
			 (json_int_t)gateway->world->build_ms, "needs_restart", stay);
}

static json_t *finding_json(const struct diag *diag)
{
	return json_pack("{s:s, s:o, s:I, s:I, s:o, s:o*, s:o*}", "severity",
			 diag->severity == DIAG_ERROR ? "error" : "warning", "file", control_text(diag->file),
			 "line", (json_int_t)diag->line, "column", (json_int_t)diag->column, "message",
			 control_text(diag->message), "text", control_text(diag->text), "hint",
			 control_text(diag->hint));
}

/* As diag_print() shows them; the caller's, NULL without memory. */
static char *findings_text(const struct diag_list *diags)
{
	char *text = NULL;
	size_t len = 0;
	FILE *stream = open_memstream(&text, &len);

	if (!stream)
		return NULL;
	diag_print(diags, stream);
	fclose(stream);
	return text;
}

static void say_lines(enum say_level level, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		say(level, "%.*s", (int)len, text);
		text += len + (text[len] == '\n');
	}
}

/* Adds the findings to what the requesters are told, and tells the operator. */
static void report_findings(const struct reload *reload, json_t *result)
{
	CLEANUP_FREE char *text = findings_text(&reload->diags);
	json_t *findings = json_array();

	for (size_t i = 0; i < reload->diags.count; i++)
		json_array_append_new(findings, finding_json(&reload->diags.items[i]));
	json_object_set_new(result, "findings", findings);
	json_object_set_new(result, "errors", json_integer((json_int_t)reload->diags.errors));
	json_object_set_new(result, "warnings", json_integer((json_int_t)reload->diags.warnings));
	if (!text)
		return;
	json_object_set_new(result, "report", control_text(text));
	say_lines(reload->result < 0 ? SAY_ERROR : SAY_WARNING, text);
}

static void answer_calls(struct reload *reload, json_t *result)
{
	for (size_t i = 0; i < reload->call_count; i++) {
		if (reload->result == 0)
			control_call_answer(reload->calls[i], json_incref(result));
		else
			control_call_refuse(reload->calls[i],
					    reload->result == -EBADMSG ? CONTROL_REFUSED : CONTROL_FAILED,
					    json_incref(result),
					    "the policy was not loaded: %s; the one before stays in force",
					    reload->result == -EBADMSG ? "it has errors"
								       : strerror(-reload->result));
	}
	reload->call_count = 0;
}

static void begin_again(struct gateway *gateway)
{
	struct reload *reload = &gateway->reload;

	if (!reload->again)
		return;
	memcpy(reload->calls, reload->next_calls, sizeof(reload->calls));
	reload->call_count = reload->next_call_count;
	reload->next_call_count = 0;
	reload->again = false;
	reload_begin(gateway, NULL);
}

static void conclude(struct gateway *gateway)
{
	struct reload *reload = &gateway->reload;
	json_t *result = reload->result == 0 ? exchange_worlds(gateway) : json_object();

	report_findings(reload, result);
	if (reload->result == 0) {
		reload->loaded++;
		say(SAY_NOTICE, "reload: policy %s is in force, digest %s", reload->path,
		    gateway->world->policy->digest);
	} else {
		reload->refused++;
		say(SAY_ERROR, "reload: %s was refused (%s); policy %s stays in force", reload->path,
		    reload->result == -EBADMSG ? "it has errors" : strerror(-reload->result),
		    gateway->world->policy->digest);
	}
	answer_calls(reload, result);
	json_decref(result);
}

/* Overrides may have come meanwhile, each with a world. */
static void complete_built(struct gateway *gateway)
{
	struct reload *reload = &gateway->reload;

	if (reload->result < 0)
		return;
	reload->built->generation = gateway->world->generation + 1;
	reload->result = world_count_uses(reload->built, &gateway->uses);
	if (reload->result == 0)
		reload->result = keeper_fill(gateway, &reload->built);
	if (reload->result < 0)
		world_free(TAKE_PTR(reload->built));
}

void reload_finish(struct gateway *gateway)
{
	struct reload *reload = &gateway->reload;
	uint64_t count;

	/* Once for each build: what is not taken here is heard again. */
	if (read(reload->done_fd, &count, sizeof(count)) != (ssize_t)sizeof(count))
		return;
	if (reload->running)
		pthread_join(reload->thread, NULL);
	reload->running = false;
	complete_built(gateway);
	reload->last_s = clock_wall_ns() / NSEC_PER_SEC;
	reload->last_result = reload->result;
	conclude(gateway);
	reload->last_duration_ns = clock_steady_ns() - reload->began_ns;
	diag_list_free(&reload->diags);
	reload->diags = (struct diag_list){0};
	sd_notifyf(0, "STATUS=Policy %s%s", gateway->world->policy->digest,
		   reload->result < 0 ? "; the last reload was refused" : "");
	begin_again(gateway);
}

void reload_end(struct gateway *gateway)
{
	struct reload *reload = &gateway->reload;

	if (reload->running)
		pthread_join(reload->thread, NULL);
	for (size_t i = 0; i < reload->call_count; i++)
		control_call_refuse(reload->calls[i], CONTROL_FAILED, NULL, "the daemon stops");
	for (size_t i = 0; i < reload->next_call_count; i++)
		control_call_refuse(reload->next_calls[i], CONTROL_FAILED, NULL, "the daemon stops");
	world_free(reload->built);
	free_retired(gateway, true);
	diag_list_free(&reload->diags);
	if (reload->done_fd >= 0)
		close(reload->done_fd);
}
