/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From nothing to packets being judged; and back. */
#include "daemon/gateway.h"

#include "base/exitcode.h"
#include "daemon/clock.h"
#include "daemon/keeper.h"
#include "daemon/learning.h"
#include "daemon/loop.h"
#include "daemon/privileges.h"
#include "daemon/records.h"
#include "daemon/requests.h"
#include "daemon/roles.h"
#include "daemon/sandbox.h"
#include "daemon/say.h"
#include "daemon/uses_state.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	BYTES_PER_SUBSCRIBER = 129
}; /* address space, measured; most of it is touched only when it is needed */

static int fail(int code, const char *what, int error)
{
	say(SAY_ERROR, "%s: %s", what, strerror(-error));
	return code;
}

/* The same for what a limit on memory may stop; the room for subscribers is nearly all of what is asked for. */
static int fail_for_room(const struct gateway *gateway, const char *what, int error)
{
	if (error != -ENOMEM && error != -EAGAIN)
		return fail(EXIT_CODE_SYSTEM, what, error);
	say(SAY_ERROR,
	    "%s: %s: subscribers_max = %" PRIu32 " in [log] takes about %" PRIu64
	    " MB of address space: lower it, or raise the limit (ulimit -v, LimitAS= of the unit)",
	    what, strerror(-error), gateway->world->policy->log.subscribers_max,
	    (uint64_t)gateway->world->policy->log.subscribers_max * BYTES_PER_SUBSCRIBER / 1000000 + 1);
	return EXIT_CODE_SYSTEM;
}

static int load_world(struct gateway *gateway)
{
	struct diag_list diags = {0};
	int r = world_build(gateway->policy_path, 1, &diags, &gateway->world);
	bool told = diags.errors > 0;

	diag_print(&diags, stderr);
	diag_list_free(&diags);
	if (r == 0)
		return 0;
	return told ? EXIT_CODE_POLICY
		    : fail(r == -ENOMEM ? EXIT_CODE_SYSTEM : EXIT_CODE_POLICY, gateway->policy_path, r);
}

static int bind_queues(struct gateway *gateway)
{
	const struct policy_gateway *policy = &gateway->world->policy->gateway;
	struct queue_config config = {
		.fail_open = policy->fail == POLICY_FAIL_OPEN,
		.maxlen = QUEUE_MAXLEN,
		.receive_buffer = QUEUE_RECEIVE_BUFFER,
	};
	char error[QUEUE_ERROR_TEXT_MAX];

	gateway->bound_queue = policy->queue;
	for (size_t i = 0; i < policy->workers; i++) {
		config.number = (uint16_t)(policy->queue + i);
		if (handover_adopt(gateway, i, &config) < 0 &&
		    queue_open(&config, &gateway->queues[i], error) < 0) {
			say(SAY_ERROR, "%s", error);
			return EXIT_CODE_SYSTEM;
		}
		gateway->worker_count = i + 1;
	}
	handover_bound(gateway);
	return 0;
}

static int make_workers(struct gateway *gateway)
{
	atomic_store(&gateway->hub.world, gateway->world);
	gateway->hub.facts_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (gateway->hub.facts_fd < 0)
		return fail(EXIT_CODE_SYSTEM, "eventfd", -errno);
	for (size_t i = 0; i < gateway->world->policy->gateway.workers; i++) {
		int r = worker_new_at(&gateway->hub, handover_state_ledger(gateway->handover.state, i),
				      handover_state_batch(gateway->handover.state, i), &gateway->workers[i]);

		if (r < 0)
			return fail_for_room(gateway, "worker", r);
	}
	return 0;
}

static int start_workers(struct gateway *gateway)
{
	for (size_t i = 0; i < gateway->worker_count; i++) {
		int r = worker_start(gateway->workers[i], gateway->queues[i]);

		if (r < 0) {
			loop_end_workers(gateway, i);
			return fail_for_room(gateway, "thread", r);
		}
	}
	return 0;
}

/* /run is empty after a boot; where no unit makes the directory, the daemon does. */
static void make_control_directory(const char *path)
{
	char copy[CONTROL_PATH_MAX];

	if (strlen(path) >= sizeof(copy))
		return;
	memcpy(copy, path, strlen(path) + 1);
	(void)mkdir(dirname(copy), 0755);
}

static const char *control_trouble(int error)
{
	switch (error) {
	case -EADDRINUSE:
		return "another op25bd answers there";
	case -EEXIST:
		return "what stands there is no socket: remove it, or change `control`";
	case -ENOENT:
		return "its directory is missing, and only the last part of it would be made";
	default:
		return strerror(-error);
	}
}

/* In the gap between two processes who asks waits for the next one. */
static int listen_control(struct gateway *gateway, const char *path)
{
	int fd = handover_take(gateway, "control");
	int r;

	if (fd < 0)
		return control_server_new(path, requests_handle, gateway, &gateway->control);
	r = control_server_adopt(fd, path, requests_handle, gateway, &gateway->control);
	if (r == 0)
		return 0;
	close(fd);
	return control_server_new(path, requests_handle, gateway, &gateway->control);
}

static int open_control(struct gateway *gateway)
{
	const char *path = gateway->world->policy->gateway.control;
	int r;

	gateway->bound_control = strdup(path);
	if (!gateway->bound_control)
		return fail(EXIT_CODE_SYSTEM, "control", -ENOMEM);
	make_control_directory(path);
	roles_tell_trouble(gateway->world);
	r = listen_control(gateway, path);
	if (r < 0)
		say(SAY_ERROR, "control socket %s: %s", path, control_trouble(r));
	return r < 0 ? EXIT_CODE_SYSTEM : 0;
}

static int drop_privileges(struct gateway *gateway, const char *user)
{
	const char *what = "";
	int r;

	/* Opened before: the file is root's, and the daemon soon is not. */
	gateway->kernel_fd = handover_take(gateway, "kernel");
	if (gateway->kernel_fd < 0)
		gateway->kernel_fd = queue_kernel_open();
	if (gateway->kernel_fd < 0)
		say(SAY_WARNING, "the kernel's queue counters cannot be read (%s): status goes without them",
		    strerror(-gateway->kernel_fd));
	r = privileges_drop(user, &what);
	if (r == -ENOENT) {
		say(SAY_ERROR,
		    "--user %s: there is no such user: name one that `getent passwd` knows, or make it "
		    "(systemd-sysusers makes op25b)",
		    user);
		return EXIT_CODE_SYSTEM;
	}
	return r < 0 ? fail(EXIT_CODE_SYSTEM, what, r) : 0;
}

static int open_records(struct gateway *gateway)
{
	int r = records_start(gateway);

	return r < 0 ? fail_for_room(gateway, "records", r) : 0;
}

static int open_overrides(struct gateway *gateway)
{
	int r = uses_state_start(gateway);

	r = r < 0 ? r : keeper_start(gateway);

	return r < 0 ? fail(EXIT_CODE_SYSTEM, "overrides", r) : 0;
}

static int open_learning(struct gateway *gateway)
{
	int r = learning_start(gateway);

	return r < 0 ? fail_for_room(gateway, "offload", r) : 0;
}

static int open_loop(struct gateway *gateway)
{
	int r = reload_init(gateway);

	if (r == 0)
		r = loop_open(gateway);
	return r < 0 ? fail_for_room(gateway, "loop", r) : 0;
}

static int take_over(struct gateway *gateway)
{
	int r = handover_receive(gateway);

	if (r < 0)
		return fail(EXIT_CODE_SYSTEM, "the state's memory", r);
	handover_settle(gateway);
	return 0;
}

int gateway_check(const char *policy_path)
{
	struct gateway gateway = {.policy_path = policy_path};
	int code = load_world(&gateway);

	world_free(gateway.world);
	return code;
}

static int confine(enum sandbox_mode wanted)
{
	enum sandbox_mode in_force;
	int r = sandbox_enter(wanted, &in_force);

	if (r < 0)
		return fail(EXIT_CODE_SYSTEM,
			    "the system calls cannot be confined (--seccomp=off goes without)", r);
	if (in_force == SANDBOX_LOG)
		say(SAY_WARNING,
		    "--seccomp=log: every system call goes through; the kernel logs those that would not (type=1326)");
	else if (in_force == SANDBOX_OFF && wanted == SANDBOX_OFF)
		say(SAY_WARNING, "--seccomp=off: every system call goes through");
	else if (in_force == SANDBOX_OFF)
		say(SAY_NOTICE, "built with sanitizers: every system call goes through");
	return 0;
}

int gateway_start(struct gateway *gateway, const struct gateway_options *options)
{
	int code;

	*gateway = (struct gateway){
		.policy_path = options->policy_path,
		.started_s = clock_wall_ns() / NSEC_PER_SEC,
		.started_steady_ns = clock_steady_ns(),
		.hub.facts_fd = -1,
		.reload.done_fd = -1,
		.learning.timer_fd = -1,
		.kernel_fd = -1,
		.epoll_fd = -1,
		.signal_fd = -1,
		.tick_fd = -1,
		.gather_fd = -1,
		.handover.store = options->store,
		.handover.state_fd = -1,
	};
	signal(SIGPIPE, SIG_IGN);
	loop_block_signals();
	/* Packets come from the moment a queue is bound: everything else is ready by then, and confined. */
	if ((code = load_world(gateway)) != 0 || (code = take_over(gateway)) != 0 ||
	    (code = drop_privileges(gateway, options->user)) != 0 || (code = open_control(gateway)) != 0 ||
	    (code = open_overrides(gateway)) != 0 || (code = make_workers(gateway)) != 0 ||
	    (code = open_records(gateway)) != 0 || (code = open_learning(gateway)) != 0 ||
	    (code = open_loop(gateway)) != 0 || (code = confine(options->sandbox)) != 0 ||
	    (code = bind_queues(gateway)) != 0)
		return code;
	failwatch_start(gateway);
	guardian_start(gateway);
	return start_workers(gateway);
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void gateway_free(struct gateway *gateway)
{
	for (size_t i = 0; i < POLICY_WORKERS_MAX; i++) {
		worker_free(gateway->workers[i]);
		queue_close(gateway->queues[i]);
	}
	guardian_end(gateway);
	failwatch_free(gateway);
	upgrade_free(gateway);
	handover_free(gateway);
	reload_end(gateway);
	learning_free(gateway);
	keeper_free(gateway);
	control_server_free(gateway->control);
	event_collector_free(gateway->collector);
	logwriter_free(gateway->log);
	outputs_free(&gateway->outputs);
	world_free(gateway->world);
	uses_free(&gateway->uses);
	free(gateway->bound_control);
	close_fd(gateway->hub.facts_fd);
	close_fd(gateway->kernel_fd);
	close_fd(gateway->epoll_fd);
	close_fd(gateway->signal_fd);
	close_fd(gateway->tick_fd);
	close_fd(gateway->gather_fd);
}
