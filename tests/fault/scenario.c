/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scenario.h"

#include "base/moment.h"
#include "clocks.h"
#include "faults.h"
#include "receivers.h"
#include "stage.h"
#include "value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LINES = 400,
	LINE_MAX_BYTES = 256,
	POLICIES = 8,
	POLICY_MAX = 4096,
	SENT = 70000,
	WORDS = 8,
	PATIENCE_S = 110
};

static const int64_t YEAR_S = 365 * 86400;

struct sent {
	size_t packet;
	int wanted; /* enum fate */
	int line;
};

struct scenario {
	const char *path;
	char lines[LINES][LINE_MAX_BYTES];
	int line_count, at;
	struct {
		char name[32], text[POLICY_MAX];
	} policies[POLICIES];
	int policy_count;
	struct sent sent[SENT];
	size_t sent_count;
	bool alone;       /* the main thread is not served while packets are judged */
	bool holding;     /* a batch is being made */
	int64_t until_ns; /* TIME_PASSES under way; 0: none */
	uint64_t reloads; /* before the one under way */
	bool reloading;
	int loop_at, loop_left;
	int64_t patience_ns;
	char failure[STAGE_TEXT_MAX];
};

static struct scenario scenario;

__attribute__((format(printf, 1, 2))) static void fail(const char *format, ...)
{
	va_list arguments;

	if (scenario.failure[0])
		return;
	va_start(arguments, format);
	vsnprintf(scenario.failure, sizeof(scenario.failure), format, arguments);
	va_end(arguments);
}

/* Words of a line; the last one takes the rest. */
struct words {
	char *word[WORDS];
	size_t count;
	char text[LINE_MAX_BYTES];
};

static void split(const char *line, struct words *words)
{
	char *state = NULL;

	memcpy(words->text, line, LINE_MAX_BYTES);
	words->count = 0;
	for (char *word = strtok_r(words->text, " \t", &state); word && words->count < WORDS;
	     word = strtok_r(NULL, " \t", &state))
		words->word[words->count++] = word;
	for (size_t i = words->count; i < WORDS; i++)
		words->word[i] = words->text + strlen(words->text);
}

/* "90s", "3h", "2d", "1y", with a sign before it or none; seconds. */
static int64_t duration_s(const char *word)
{
	char *end;
	int64_t n = strtoll(word, &end, 10);

	switch (*end) {
	case 's':
		return n;
	case 'm':
		return n * 60;
	case 'h':
		return n * 3600;
	case 'd':
		return n * 86400;
	case 'y':
		return n * YEAR_S;
	default:
		fail("no duration: %s", word);
		return 0;
	}
}

static int64_t moment_ns(const char *word)
{
	struct moment moment = {0};

	if (moment_parse(word, strlen(word), &moment, NULL) != MOMENT_OK)
		fail("no moment: %s", word);
	return moment.s * NSEC_PER_SEC;
}

static uint32_t address(const char *word)
{
	struct in_addr in = {0};

	if (inet_pton(AF_INET, word, &in) != 1)
		fail("no address: %s", word);
	return ntohl(in.s_addr);
}

/* Steps: each true when it is done with, false to be called again. */

static int fate_called(const char *name)
{
	for (int fate = 0; fate < FATES; fate++)
		if (strcmp(kernel_fate_name((enum fate)fate), name) == 0)
			return fate;
	fail("no fate: %s", name);
	return 0;
}

static struct kernel_packet packet_of(const struct words *words, size_t *count)
{
	struct kernel_packet packet = {.src = address(words->word[1]),
				       .dst = address("203.0.113.25"),
				       .ifindex = KERNEL_SUB,
				       .tcp_flags = 2,
				       .port = 25};

	for (size_t i = 2; i + 1 < words->count; i++) {
		const char *word = words->word[i];

		if (word[0] == 'x')
			*count = strtoul(word + 1, NULL, 10);
		else if (strcmp(word, "up0") == 0)
			packet.ifindex = KERNEL_UP;
		else if (strcmp(word, "srv0") == 0)
			packet.ifindex = KERNEL_SRV;
		else if (strcmp(word, "counting-up") == 0)
			continue;
		else
			packet.dst = address(word);
	}
	return packet;
}

static void wait_alone(void)
{
	int64_t until_ns = clocks_real_ns() + PATIENCE_S * NSEC_PER_SEC;

	while (!stage_all_answered() && clocks_real_ns() < until_ns)
		clocks_rest();
}

static bool step_syn(const struct words *words)
{
	size_t count = 1;
	struct kernel_packet packet = packet_of(words, &count);
	bool up = strstr(scenario.lines[scenario.at], "counting-up") != NULL;
	int wanted = fate_called(words->word[words->count - 1]);

	for (size_t i = 0; i < count && scenario.sent_count < SENT; i++, packet.src += up) {
		scenario.sent[scenario.sent_count++] =
			(struct sent){kernel_packet(&packet), wanted, scenario.at + 1};
		/* A queue holds no more than QUEUE_MAXLEN. */
		if (scenario.alone && i % 1000 == 999)
			wait_alone();
	}
	if (scenario.alone)
		wait_alone();
	return true;
}

static void check_packets(void)
{
	for (size_t i = 0; i < scenario.sent_count; i++) {
		const struct sent *sent = &scenario.sent[i];
		int fate = (int)kernel_fate(sent->packet);

		if (fate != sent->wanted) {
			scenario.at = sent->line - 1;
			fail("packet %zu: %s", i + 1, kernel_fate_name((enum fate)fate));
			return;
		}
	}
	scenario.sent_count = 0;
}

static bool step_batch(const struct words *words)
{
	(void)words;
	scenario.holding = true;
	kernel_hold();
	return true;
}

static bool step_send(const struct words *words)
{
	(void)words;
	scenario.holding = false;
	kernel_release();
	return true;
}

/* Else seconds would pass in which a worker has slept for milliseconds, and the watchdog would rightly bark. */
static void let_workers_look(void)
{
	const struct gateway *gateway = stage_gateway();

	for (size_t i = 0; i < gateway->worker_count; i++) {
		uint64_t beats = worker_beats(gateway->workers[i]);

		worker_wake(gateway->workers[i]);
		while (worker_beats(gateway->workers[i]) == beats && clocks_real_ns() < scenario.patience_ns)
			clocks_rest();
	}
}

static bool step_time_passes(const struct words *words)
{
	if (scenario.until_ns == 0)
		scenario.until_ns = clocks_steady_ns() + duration_s(words->word[1]) * NSEC_PER_SEC;
	let_workers_look();
	if (!clocks_pass(scenario.until_ns))
		return false;
	scenario.until_ns = 0;
	return true;
}

static bool step_wall(const struct words *words)
{
	clocks_set_wall(moment_ns(words->word[1]));
	return true;
}

static bool step_wall_steps(const struct words *words)
{
	clocks_set_wall(clocks_wall_ns() + duration_s(words->word[1]) * NSEC_PER_SEC);
	return true;
}

static bool step_use(const struct words *words)
{
	for (int i = 0; i < scenario.policy_count; i++) {
		if (strcmp(scenario.policies[i].name, words->word[1]) == 0) {
			stage_write_policy(scenario.policies[i].text);
			return true;
		}
	}
	fail("no such policy");
	return true;
}

static bool step_reload(const struct words *words)
{
	const struct reload *reload = &stage_gateway()->reload;

	if (!scenario.reloading) {
		scenario.reloads = reload->loaded + reload->refused;
		scenario.reloading = true;
		raise(SIGHUP);
		return false;
	}
	if (reload->loaded + reload->refused == scenario.reloads) {
		clocks_rest();
		return false;
	}
	scenario.reloading = false;
	if ((strcmp(words->word[1], "taken") == 0) != (reload->last_result == 0))
		fail("the reload: %s", strerror(-reload->last_result));
	return true;
}

static bool step_signal(const struct words *words)
{
	raise(strcmp(words->word[0], "REOPEN") == 0 ? SIGUSR1 : SIGHUP);
	return true;
}

static bool step_disk(const struct words *words)
{
	if (strcmp(words->word[1], "full") == 0)
		fault_arm(FAULT_WRITE, 1, ENOSPC, true);
	else
		(void)fault_disarm();
	return true;
}

static bool step_directory(const struct words *words)
{
	char path[STAGE_PATH_MAX + 32], file[STAGE_PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/log", stage_directory());
	snprintf(file, sizeof(file), "%s/records.json", path);
	if (strcmp(words->word[1], "removed") == 0) {
		(void)unlink(file);
		if (rmdir(path) < 0)
			fail("rmdir: %s", strerror(errno));
	} else if (mkdir(path, 0755) < 0) {
		fail("mkdir: %s", strerror(errno));
	}
	return true;
}

/* Read are only those that are checked: the others fill their sockets. */
static bool step_receiver(const struct words *words)
{
	enum event_form form =
		strcmp(words->word[1], "journald") == 0 ? EVENT_FORM_JOURNAL : EVENT_FORM_SYSLOG;

	if (strcmp(words->word[2], "there") == 0)
		receivers_open(form);
	else
		receivers_close(form);
	return true;
}

static bool step_alone(const struct words *words)
{
	scenario.alone = strcmp(words->word[1], "sleeps") == 0;
	return true;
}

/* As op25b-rules apply would after a reload: the sets of the policy in force. */
static bool step_rules(const struct words *words)
{
	const struct world *world = stage_gateway()->world;

	(void)words;
	kernel_offload((unsigned)world->groups.count, world->groups.layout);
	return true;
}

static bool step_times(const struct words *words)
{
	scenario.loop_left = (int)strtol(words->word[1], NULL, 10);
	scenario.loop_at = scenario.at;
	return true;
}

static bool step_again(const struct words *words)
{
	(void)words;
	if (--scenario.loop_left > 0)
		scenario.at = scenario.loop_at;
	return true;
}

/* CHECK NAME =|<|> VALUE */
static bool step_check(const struct words *words)
{
	char got[LINE_MAX_BYTES];

	if (!value_holds(words->word[1], words->word[2], words->word[3], got))
		fail("it is %s", got);
	return true;
}

/* RECORD TEXT, SAID TEXT: the last one holds the text. */
static bool step_text(const struct words *words)
{
	const char *line = scenario.lines[scenario.at];
	const char *text = strchr(line, ' ');
	const char *in = strcmp(words->word[0], "RECORD") == 0 ? stage_last_record() : stage_last_said();

	if (!text || !strstr(in, text + 1))
		fail("it is: %.600s", in);
	return true;
}

/* HEARD TEXT: said at some time. */
static bool step_heard(const struct words *words)
{
	const char *text = strchr(scenario.lines[scenario.at], ' ');

	(void)words;
	if (!text || !stage_has_said(text + 1))
		fail("nobody said so");
	return true;
}

static const struct step {
	const char *name;
	bool (*done)(const struct words *words);
} steps[] = {
	{"SYN", step_syn},           {"BATCH", step_batch},   {"SEND", step_send},
	{"WALL", step_wall},         {"USE", step_use},       {"WALL_STEPS", step_wall_steps},
	{"RELOAD", step_reload},     {"DISK", step_disk},     {"TIME_PASSES", step_time_passes},
	{"MAIN", step_alone},        {"RULES", step_rules},   {"DIRECTORY", step_directory},
	{"TIMES", step_times},       {"AGAIN", step_again},   {"CHECK", step_check},
	{"RECEIVER", step_receiver}, {"HEARD", step_heard},   {"RECORD", step_text},
	{"SAID", step_text},         {"REOPEN", step_signal},
};

/* Facts on their way to the collector are waited for too, so that a CHECK sees them. */
static bool is_quiet(void)
{
	struct stage_account account;

	if (scenario.holding)
		return true;
	if (!stage_all_answered())
		return false;
	account = stage_so_far();
	return account.ledger.values[LEDGER_IN_FLIGHT] == 0 &&
	       account.ledger.values[LEDGER_RECEIVED] == account.kernel.read;
}

static bool take_step(void)
{
	const char *line = scenario.lines[scenario.at];
	struct words words;

	split(line, &words);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (strcmp(steps[i].name, words.word[0]) == 0)
			return steps[i].done(&words);
	fail("unknown step");
	return true;
}

static bool is_word(const char *line)
{
	return line[0] != '\0' && line[0] != '#';
}

static bool step(void *context)
{
	(void)context;
	if (scenario.failure[0])
		return false;
	if (!is_quiet() && clocks_real_ns() < scenario.patience_ns) {
		clocks_rest();
		return true;
	}
	if (!is_quiet())
		fail("packets stay unanswered");
	if (!scenario.holding)
		check_packets();
	while (scenario.at < scenario.line_count && !is_word(scenario.lines[scenario.at]))
		scenario.at++;
	if (scenario.at >= scenario.line_count || strcmp(scenario.lines[scenario.at], "STOP") == 0)
		return false;
	if (!scenario.reloading && scenario.until_ns == 0)
		scenario.patience_ns = clocks_real_ns() + PATIENCE_S * NSEC_PER_SEC;
	if (take_step() && !scenario.failure[0])
		scenario.at++;
	else if (clocks_real_ns() > scenario.patience_ns)
		fail("it does not end");
	return true;
}

/* Reading */

static void take_policy_line(char *line)
{
	char *text = scenario.policies[scenario.policy_count - 1].text;
	size_t before = strlen(text), len = strlen(line);

	line[len] = '\n';
	if (before + len + 2 < POLICY_MAX)
		memcpy(text + before, line, len + 1);
	line[len] = '\0';
}

static bool begin_policy(const char *line)
{
	if (strncmp(line, "POLICY ", 7) != 0 || scenario.policy_count == POLICIES)
		return false;
	memcpy(scenario.policies[scenario.policy_count++].name, line + 7, strnlen(line + 7, 31));
	return true;
}

static bool read_lines(FILE *file)
{
	bool in_policy = false;

	while (scenario.line_count < LINES &&
	       fgets(scenario.lines[scenario.line_count], LINE_MAX_BYTES, file)) {
		char *line = scenario.lines[scenario.line_count++];

		line[strcspn(line, "\n")] = '\0';
		if (in_policy) {
			in_policy = strcmp(line, "END") != 0;
			if (in_policy)
				take_policy_line(line);
			line[0] = '\0';
		} else if (begin_policy(line)) {
			in_policy = true;
			line[0] = '\0';
		}
	}
	return scenario.policy_count > 0 && !in_policy && feof(file);
}

static bool read_scenario(const char *path)
{
	FILE *file = fopen(path, "re");
	bool read;

	memset(&scenario, 0, sizeof(scenario));
	scenario.path = path;
	read = file && read_lines(file);
	if (file)
		fclose(file);
	return read;
}

/* The clock of the first line, "WALL MOMENT", is that of the start. */
static int64_t begin_ns(void)
{
	struct words words;

	while (scenario.at < scenario.line_count && !is_word(scenario.lines[scenario.at]))
		scenario.at++;
	split(scenario.lines[scenario.at++], &words);
	if (strcmp(words.word[0], "WALL") != 0)
		fail("a scenario begins with WALL");
	return moment_ns(words.word[1]);
}

static int report(const char *what)
{
	fprintf(stderr, "%s:%d: %s: %s\n", scenario.path, scenario.at + 1,
		scenario.at < scenario.line_count ? scenario.lines[scenario.at] : "the end", what);
	return 1;
}

/* What follows STOP is looked at when the daemon has ended; its status is gone then. */
static void look_back(void)
{
	while (++scenario.at < scenario.line_count && !scenario.failure[0])
		if (is_word(scenario.lines[scenario.at]))
			(void)take_step();
}

int scenario_play(const char *path)
{
	char text[STAGE_TEXT_MAX];
	struct stage_account account;
	const char *what;

	if (!read_scenario(path)) {
		fprintf(stderr, "%s: cannot be read as a scenario\n", path);
		return 1;
	}
	stage_reset(begin_ns());
	stage_write_policy(scenario.policies[0].text);
	account = stage_run(step, NULL);
	(void)fault_disarm();
	if (scenario.failure[0])
		return report(scenario.failure);
	check_packets();
	look_back();
	what = scenario.failure[0] ? scenario.failure : stage_fault_in(&account, text);
	if (!what && (!account.ran || account.code != 0))
		what = account.error[0] ? account.error : "the daemon does not end well";
	return what ? report(what) : 0;
}
