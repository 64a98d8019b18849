/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/upgrade.h"

#include "daemon/clock.h"
#include "daemon/gateway.h"
#include "daemon/learning.h"
#include "daemon/loop.h"
#include "daemon/privileges.h"
#include "daemon/records.h"
#include "daemon/say.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum { SAID_MAX = 160, REPLY_TURNS = 50, REPLY_PAUSE_NS = 2000000 };

static char **arguments;
static char program[PATH_MAX];

void upgrade_remember(char **argv)
{
	const char *path = NULL;
	unsigned long address = getauxval(AT_EXECFN);

	arguments = argv;
	/* The kernel keeps the path that was executed, links and all; a relative one is of the directory of that moment. */
	memcpy(&path, &address, sizeof(path));
	if (!path || !path[0])
		return;
	if (path[0] == '/') {
		snprintf(program, sizeof(program), "%s", path);
	} else if (getcwd(program, sizeof(program))) {
		size_t len = strlen(program);

		snprintf(program + len, sizeof(program) - len, "/%s", path);
	}
}

/* The check */

static int spawn_checker(struct upgrade *upgrade, const char *policy)
{
	char name[] = "op25bd", option[] = "--check-handover", policy_option[] = "-p";
	char *path = strdup(policy);
	char *argv[] = {name, policy_option, path, option, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int r;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawn_file_actions_adddup2(&actions, upgrade->said_fd, STDERR_FILENO);
	posix_spawn_file_actions_adddup2(&actions, upgrade->said_fd, STDOUT_FILENO);
	r = path ? posix_spawn(&upgrade->checker, program, &actions, &attributes, argv, environ) : ENOMEM;
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	free(path);
	if (r != 0)
		upgrade->checker = 0;
	return -r;
}

static void close_check(struct upgrade *upgrade)
{
	if (upgrade->checker_fd >= 0)
		close(upgrade->checker_fd);
	if (upgrade->said_fd >= 0)
		close(upgrade->said_fd);
	upgrade->checker_fd = upgrade->said_fd = -1;
}

static int begin_check(struct gateway *gateway)
{
	struct upgrade *upgrade = &gateway->upgrade;
	int r;

	if (!program[0])
		return -ENOENT;
	upgrade->said_fd = memfd_create("op25bd-check", MFD_CLOEXEC);
	if (upgrade->said_fd < 0)
		return -errno;
	r = spawn_checker(upgrade, gateway->policy_path);
	if (r < 0)
		return r;
	upgrade->until_ns = clock_steady_ns() + UPGRADE_CHECK_S * NSEC_PER_SEC;
	upgrade->checker_fd = pidfd_open(upgrade->checker, 0);
	/* Without a descriptor the tick looks. */
	return upgrade->checker_fd >= 0 ? loop_watch_upgrade(gateway, upgrade->checker_fd) : 0;
}

void upgrade_begin(struct gateway *gateway, struct control_call *call)
{
	struct upgrade *upgrade = &gateway->upgrade;
	int r;

	if (upgrade->checker != 0 || upgrade->ready || gateway->reload.running) {
		control_call_refuse(call, CONTROL_BUSY, NULL, "a reload or an upgrade is under way");
		return;
	}
	upgrade->checker_fd = upgrade->said_fd = -1;
	r = begin_check(gateway);
	if (r < 0 && upgrade->checker == 0) {
		say(SAY_ERROR, "upgrade: %s cannot be run: %s", program, strerror(-r));
		control_call_refuse(call, CONTROL_FAILED, NULL, "%.100s cannot be run: %s", program,
				    strerror(-r));
		close_check(upgrade);
		return;
	}
	upgrade->call = call;
}

/* The first line of what the checker says. */
static void read_said(const struct upgrade *upgrade, char said[SAID_MAX])
{
	ssize_t n = pread(upgrade->said_fd, said, SAID_MAX - 1, 0);

	said[n > 0 ? n : 0] = '\0';
	said[strcspn(said, "\n")] = '\0';
}

static void refuse(struct gateway *gateway, const char *why)
{
	struct upgrade *upgrade = &gateway->upgrade;

	say(SAY_ERROR, "upgrade: %s is not taken: %s; this process goes on", program, why);
	control_call_refuse(upgrade->call, CONTROL_REFUSED, NULL,
			    "the new program is not taken: %s; the one before goes on", why);
	upgrade->call = NULL;
}

/* The reply goes out before the process that owes it ends. */
static void send_reply(struct gateway *gateway)
{
	const struct timespec pause = {.tv_nsec = REPLY_PAUSE_NS};

	for (int i = 0; i < REPLY_TURNS && control_server_owes(gateway->control); i++) {
		control_server_run(gateway->control, clock_steady_ns());
		if (control_server_owes(gateway->control))
			nanosleep(&pause, NULL);
	}
}

static void accept_program(struct gateway *gateway, const char *said)
{
	struct upgrade *upgrade = &gateway->upgrade;

	control_call_answer(upgrade->call,
			    json_pack("{s:s, s:I, s:I, s:o, s:o}", "version", OP25B_VERSION, "pid",
				      (json_int_t)getpid(), "lives",
				      (json_int_t)handover_state_lives(gateway->handover.state), "program",
				      control_text(program), "new_version", control_text(said)));
	upgrade->call = NULL;
	send_reply(gateway);
	upgrade->ready = gateway->stopping = true;
}

/* By its descriptor: with that no other process can be meant, so that a confined daemon may do it. */
static void kill_checker(const struct upgrade *upgrade)
{
	if (upgrade->checker_fd < 0 || pidfd_send_signal(upgrade->checker_fd, SIGKILL, NULL, 0) < 0)
		kill(upgrade->checker, SIGKILL);
}

void upgrade_checked(struct gateway *gateway)
{
	struct upgrade *upgrade = &gateway->upgrade;
	char said[SAID_MAX];
	int status = 0;

	if (upgrade->checker == 0 || waitpid(upgrade->checker, &status, WNOHANG) == 0)
		return;
	upgrade->checker = 0;
	read_said(upgrade, said);
	close_check(upgrade);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		accept_program(gateway, said);
	else
		refuse(gateway, said[0] ? said : "it ended without a word");
}

void upgrade_tick(struct gateway *gateway)
{
	struct upgrade *upgrade = &gateway->upgrade;

	if (upgrade->checker == 0)
		return;
	if (clock_steady_ns() > upgrade->until_ns)
		kill_checker(upgrade);
	upgrade_checked(gateway);
}

void upgrade_free(struct gateway *gateway)
{
	struct upgrade *upgrade = &gateway->upgrade;

	if (upgrade->checker == 0)
		return;
	kill_checker(upgrade);
	(void)waitpid(upgrade->checker, NULL, 0);
	close_check(upgrade);
	if (upgrade->call)
		control_call_refuse(upgrade->call, CONTROL_FAILED, NULL, "the daemon stops");
}

/* The exec */

static int execute(struct gateway *gateway)
{
	char list[HANDOVER_LIST_MAX];
	int error;

	handover_keep(gateway, true, list);
	error = privileges_pass_on(true);
	if (error == 0 && setenv(HANDOVER_VARIABLE, list, 1) == 0)
		execv(program, arguments);
	error = error ? error : -errno;
	unsetenv(HANDOVER_VARIABLE);
	(void)privileges_pass_on(false);
	handover_keep(gateway, false, list);
	return error;
}

static void go_on(struct gateway *gateway)
{
	hub_resume(&gateway->hub);
	gateway->end = HUB_CLOSE;
	for (size_t i = 0; i < gateway->worker_count; i++)
		if (worker_start(gateway->workers[i], gateway->queues[i]) < 0)
			say(SAY_ERROR, "upgrade: queue %u: no thread", queue_number(gateway->queues[i]));
	learning_resume(gateway);
	gateway->upgrade.ready = gateway->stopping = false;
}

void upgrade_exec(struct gateway *gateway)
{
	int r;

	sd_notify(0, "STATUS=The next process takes over");
	say(SAY_NOTICE, "upgrade: %s takes over", program);
	learning_stop(gateway);
	gateway->end = HUB_LEAVE;
	loop_end_workers(gateway, gateway->worker_count);
	r = execute(gateway);
	go_on(gateway);
	say(SAY_ERROR, "upgrade: %s cannot be executed: %s; this process goes on", program, strerror(-r));
}
