/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sweep.h"

#include "base/exitcode.h"
#include "base/moment.h"
#include "clocks.h"
#include "receivers.h"
#include "stage.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	EACH = 16, /* up to this every N, if not all are wanted */
	STEP = 53,
	N_MAX = 100000,
	PACKETS = 64,
	BEGIN_S = 1767225600, /* 2026-01-01T00:00:00Z */
	PATIENCE_S = 20,      /* real seconds for what must come */
	BOUND_S = 12,         /* scripted ones for what a failure may prevent */
	BOUND_REAL_NS = 30000000,
	TICK_NS = 10000000,
};

static const char head[] =
	"[gateway]\nname = gw1\nmode = enforce\nfail = closed\nunlisted = accept\n"
	"subscriber_interfaces = sub0\nupstream_interfaces = up*\ncontrol = @DIR@/control\nstate = @DIR@/state\n"
	"[log]\nfile = @DIR@/log/records.json\nwindow = 5\nsubscribers_max = 1000\n"
	"syslog = @DIR@/syslog\njournald = yes\n"
	"[relay mx]\naddress = 192.0.2.25\ninterface = srv0\n"
	"[exempt guest]\nprefix = 198.51.100.9\nto = world\nreason = a trial\n"
	"[destination world]\nprefix = 203.0.113.0/24\nenforce_from = 2025-01-01T00:00:00Z\n";
static const char first_policy[] = "[pool homes]\nprefix = 198.51.100.0/24\nprefix = 2001:db8::/32\n"
				   "[pool resets]\nprefix = 198.51.101.0/24\naction = reset\n";
static const char next_policy[] = "[pool homes]\nprefix = 198.51.101.0/24\n"
				  "[pool others]\nprefix = 198.51.102.0/24\naction = icmp\n";

static const char *const phase_names[SWEEP_PHASES] = {"start",   "verdict", "record",
						      "control", "reload",  "stop"};

const char *sweep_phase_name(enum sweep_phase phase)
{
	return phase_names[phase];
}

/* What is sent under each policy, and what becomes of it. */
static const struct row {
	uint32_t src, ifindex;
	enum fate fates[2];
} rows[] = {
	{0xc6336407, KERNEL_SUB, {FATE_DROPPED, FATE_ACCEPTED}},  /* 198.51.100.7 */
	{0xc6336407, KERNEL_SUB, {FATE_DROPPED, FATE_ACCEPTED}},  /* a retransmission */
	{0xc6336409, KERNEL_SUB, {FATE_ACCEPTED, FATE_ACCEPTED}}, /* exempt */
	{0xc6336507, KERNEL_SUB, {FATE_RESET, FATE_DROPPED}},     /* 198.51.101.7 */
	{0xc6336607, KERNEL_SUB, {FATE_ACCEPTED, FATE_ICMP}},     /* 198.51.102.7 */
	{0xc0000219, KERNEL_SRV, {FATE_ACCEPTED, FATE_ACCEPTED}}, /* the relay */
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static struct day {
	enum sweep_phase phase;
	enum fault_call call;
	int error;
	bool lasting;
	unsigned nth;

	size_t at; /* step */
	bool entered;
	bool struck;
	int policy; /* in force: 0 or 1 */
	size_t sent[PACKETS];
	enum fate wanted[PACKETS];
	size_t sent_count;
	int client; /* of the control socket, -1: none */
	int64_t until_ns, bound_ns, bound_real_ns;
	const char *failure;
} day;

static void fail(const char *what)
{
	if (!day.failure)
		day.failure = what;
}

static void begin(enum sweep_phase phase)
{
	if (day.phase == phase)
		fault_arm(day.call, day.nth, day.error, day.lasting);
}

static void end(enum sweep_phase phase)
{
	if (day.phase == phase)
		day.struck = fault_disarm();
}

/* Waiting: until it has come, or until nobody need wait any longer. */

static void set_patience(void)
{
	day.bound_ns = clocks_steady_ns() + BOUND_S * NSEC_PER_SEC;
	day.bound_real_ns = clocks_real_ns() + BOUND_REAL_NS;
	day.until_ns = clocks_real_ns() + PATIENCE_S * NSEC_PER_SEC;
}

/* Time goes on while it is waited for, or no timeout would ever end. */
static bool bound_is_over(void)
{
	(void)clocks_pass(clocks_steady_ns() + TICK_NS);
	clocks_rest();
	return clocks_steady_ns() > day.bound_ns && clocks_real_ns() > day.bound_real_ns;
}

static bool patience_is_over(const char *what)
{
	(void)clocks_pass(clocks_steady_ns() + TICK_NS);
	clocks_rest();
	if (clocks_real_ns() <= day.until_ns)
		return false;
	fail(what);
	return true;
}

/* Packets */

static void send_packets(void)
{
	for (size_t i = 0; i < ROWS && day.sent_count < PACKETS; i++) {
		const struct kernel_packet packet = {.src = rows[i].src,
						     .dst = 0xcb007119,
						     .ifindex = rows[i].ifindex,
						     .tcp_flags = 2,
						     .port = 25};

		day.wanted[day.sent_count] = rows[i].fates[day.policy];
		day.sent[day.sent_count++] = kernel_packet(&packet);
	}
}

static bool step_packets(void)
{
	if (!day.entered) {
		begin(SWEEP_VERDICT);
		send_packets();
		set_patience();
	}
	if (!stage_all_answered() && !bound_is_over())
		return false;
	end(SWEEP_VERDICT);
	return true;
}

static bool step_packets_again(void)
{
	if (!day.entered) {
		send_packets();
		set_patience();
	}
	return stage_all_answered() || patience_is_over("packets stay unanswered");
}

static bool pass(int64_t seconds)
{
	if (!day.entered)
		day.bound_ns = clocks_steady_ns() + seconds * NSEC_PER_SEC;
	clocks_rest();
	return clocks_pass(day.bound_ns);
}

static bool step_windows_end(void)
{
	if (!day.entered)
		begin(SWEEP_RECORD);
	if (!pass(12))
		return false;
	end(SWEEP_RECORD);
	return true;
}

static bool step_time(void)
{
	return pass(12);
}

/* Control */

static void close_client(void)
{
	if (day.client >= 0)
		close(day.client);
	day.client = -1;
}

static void ask(const char *command)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char line[128];
	int len = snprintf(line, sizeof(line), "{\"op25b\":1,\"command\":\"%s\"}\n", command);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/control", stage_directory());
	day.client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (day.client < 0 || connect(day.client, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    send(day.client, line, (size_t)len, MSG_NOSIGNAL) != len)
		fail("the control socket takes no request");
}

/* True when a reply has come, or the end. */
static bool is_answered(bool *ret_whole)
{
	char bytes[4096];
	ssize_t n = recv(day.client, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return false;
	*ret_whole = n > 0 && memchr(bytes, '\n', (size_t)n);
	if (n > 0 && !*ret_whole)
		return false;
	close_client();
	return true;
}

static bool step_status(void)
{
	bool whole = false;

	if (!day.entered) {
		begin(SWEEP_CONTROL);
		ask("status");
		set_patience();
	}
	if (!is_answered(&whole) && !bound_is_over())
		return false;
	close_client();
	end(SWEEP_CONTROL);
	return true;
}

static bool step_status_again(void)
{
	bool whole = false;

	if (!day.entered) {
		ask("stats");
		set_patience();
	}
	if (is_answered(&whole)) {
		if (!whole)
			fail("a request after the failure is not answered");
		return true;
	}
	return patience_is_over("a request after the failure stays unanswered");
}

static bool is_reloading(void)
{
	const struct reload *reload = &stage_gateway()->reload;

	return reload->running || reload->again || reload->call_count > 0;
}

static bool step_reload(void)
{
	static char text[sizeof(head) + sizeof(next_policy)];
	bool whole = false;

	if (!day.entered) {
		snprintf(text, sizeof(text), "%s%s", head, next_policy);
		stage_write_policy(text);
		begin(SWEEP_RELOAD);
		ask("reload");
		set_patience();
	}
	if (!(day.client < 0 || is_answered(&whole)) && !bound_is_over())
		return false;
	close_client();
	if (is_reloading() && !patience_is_over("a reload does not end"))
		return false;
	end(SWEEP_RELOAD);
	return true;
}

/* A reload that failed can be had again, and one that did not is not disturbed. */
static bool step_reload_again(void)
{
	const struct reload *reload = &stage_gateway()->reload;

	if (!day.entered) {
		raise(SIGHUP);
		set_patience();
		day.policy = 1;
		return false;
	}
	if (is_reloading() || reload->last_s < clocks_wall_ns() / NSEC_PER_SEC - PATIENCE_S ||
	    reload->last_result < 0)
		return patience_is_over("no reload succeeds after the failure");
	return stage_gateway()->world->generation > 1 || patience_is_over("the reload changed nothing");
}

/* Packets come while it stops. */
static bool step_stop(void)
{
	begin(SWEEP_STOP);
	if (day.phase == SWEEP_STOP)
		clocks_hurry(4);
	send_packets();
	return true;
}

static bool (*const steps[])(void) = {
	step_packets,       step_packets_again, step_windows_end,   step_time,   step_packets_again,
	step_status,        step_status_again,  step_packets_again, step_reload, step_reload_again,
	step_packets_again, step_time,          step_packets_again, step_stop,
};

static bool step(void *context)
{
	bool done;

	(void)context;
	(void)receivers_read(EVENT_FORM_SYSLOG);
	(void)receivers_read(EVENT_FORM_JOURNAL);
	if (day.at == 0 && !day.entered)
		end(SWEEP_START);
	if (day.failure || day.at == sizeof(steps) / sizeof(steps[0]))
		return false;
	done = steps[day.at]();
	day.entered = !done;
	day.at += done;
	return true;
}

/* The evening: what must hold */

static size_t lines_in_file(bool *ret_whole)
{
	char path[STAGE_PATH_MAX + 32];
	size_t lines = 0;
	FILE *file;
	int byte, last = '\n';

	snprintf(path, sizeof(path), "%s/log/records.json", stage_directory());
	file = fopen(path, "re");
	while (file && (byte = fgetc(file)) != EOF) {
		lines += byte == '\n';
		last = byte;
	}
	if (file)
		fclose(file);
	*ret_whole = last == '\n';
	return lines;
}

static const char *look_at_packets(void)
{
	bool may_stay = day.phase == SWEEP_STOP && day.lasting &&
			(day.call == FAULT_SENDTO || day.call == FAULT_RECVMMSG);

	for (size_t i = 0; i < day.sent_count; i++) {
		enum fate fate = kernel_fate(day.sent[i]);

		if ((fate == FATE_WAITING || fate == FATE_READ) && may_stay)
			continue;
		/* Those that come with the stop find the queue closed, perhaps. */
		if (fate == FATE_NO_ROOM && i + ROWS >= day.sent_count)
			continue;
		if (fate == FATE_WAITING || fate == FATE_READ)
			return "a packet is left unanswered";
		if (fate != day.wanted[i])
			return "a packet is misjudged";
	}
	return NULL;
}

static const char *look_at_records(const struct stage_account *account)
{
	bool whole;

	if (lines_in_file(&whole) != account->log.written)
		return "the file has not as many records as were counted";
	if (!whole)
		return "the file ends in half a record";
	if (account->log.written < account->lines && account->errors == 0)
		return "records are lost, and nobody is told";
	if (account->log.written < account->lines && day.phase != SWEEP_STOP)
		return "records are lost though the disk was well at the end";
	return NULL;
}

static const char *look_at_code(const struct stage_account *account)
{
	bool may_end = day.phase == SWEEP_START ||
		       (day.lasting && (day.call == FAULT_EPOLL_WAIT || day.call == FAULT_SIGNALS));

	if (account->code == 0)
		return account->ran ? NULL : "a start that failed has no exit code";
	if (account->code != EXIT_CODE_SYSTEM && account->code != EXIT_CODE_POLICY)
		return "the exit code is none of op25bd's";
	if (account->errors == 0)
		return "it failed without a word";
	return may_end ? NULL : "it did not go on";
}

static const char *look_back(const struct stage_account *account)
{
	static char text[STAGE_TEXT_MAX];
	const char *what = day.failure ? day.failure : stage_fault_in(account, text);

	if (!what)
		what = look_at_code(account);
	if (!what && account->code == 0)
		what = look_at_packets();
	return what ? what : look_at_records(account);
}

/* What waits at the end came with a failure that lasts, or in the last second, and somebody is told. */
static const char *look_at_outputs(const struct stage_account *account)
{
	bool may_wait = day.phase == SWEEP_STOP || account->code != 0;

	for (unsigned form = EVENT_FORM_SYSLOG; form < EVENT_FORMS; form++) {
		const struct outlet_stats *outlet = &account->outlets[form];

		if (account->code == 0 && outlet->messages != account->lines)
			return "an output is gone";
		if (outlet->waiting_messages > 0 && !may_wait)
			return "records of an output still wait though its reader was well at the end";
		if (outlet->waiting_messages > 0 && !stage_has_said("were not taken by"))
			return "records of an output went, and nobody is told";
		if (outlet->lost > 0 && day.call != FAULT_MEMORY && day.phase != SWEEP_START)
			return "an output lost records that could have waited";
	}
	return NULL;
}

static int live(struct sweep_count *count)
{
	char text[sizeof(head) + sizeof(first_policy)];
	struct stage_account account;
	const char *what;

	snprintf(text, sizeof(text), "%s%s", head, first_policy);
	stage_reset(BEGIN_S * NSEC_PER_SEC);
	stage_write_policy(text);
	receivers_open(EVENT_FORM_SYSLOG);
	receivers_open(EVENT_FORM_JOURNAL);
	begin(SWEEP_START);
	account = stage_run(step, NULL);
	if (fault_disarm())
		day.struck = true;
	/* The client is the test's own. */
	account.descriptors -= day.client >= 0;
	account.unheard = day.phase == SWEEP_STOP && day.lasting && day.call == FAULT_SENDTO;
	close_client();
	count->runs++;
	count->struck += day.struck;
	what = look_back(&account);
	if (!what && account.ran)
		what = look_at_outputs(&account);
	if (!what)
		return 0;
	fprintf(stderr, "%s, %s number %u fails%s (%s): %s\n", sweep_phase_name(day.phase),
		fault_call_name(day.call), day.nth, day.lasting ? " for good" : "", strerror(day.error),
		what);
	return 1;
}

int sweep_call(enum sweep_phase phase, enum fault_call call, bool lasting, bool all,
	       struct sweep_count *count)
{
	int error = lasting ? fault_error_lasting(call) : fault_error_once(call);

	for (unsigned nth = 1; error != 0 && nth < N_MAX; nth += all || nth < EACH ? 1 : STEP) {
		day = (struct day){.phase = phase,
				   .call = call,
				   .error = error,
				   .lasting = lasting,
				   .nth = nth,
				   .client = -1};
		if (live(count) != 0)
			return 1;
		if (!day.struck)
			break;
	}
	return 0;
}
