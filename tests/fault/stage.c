/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stage.h"

#include "base/diag.h"
#include "clocks.h"
#include "daemon/say.h"
#include "faults.h"
#include "receivers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENCE_S = 60 };

static char directory[STAGE_PATH_MAX];
static char policy_path[STAGE_PATH_MAX + 16];
static struct gateway gateway;
static struct stage_account account;
static char last_record[EVENT_RECORD_MAX + 1];
static char last_said[STAGE_TEXT_MAX];
static char all_said[1 << 16];
static size_t blocks_before, descriptors_before;
static struct {
	stage_step *step;
	void *context;
	bool running, ended;
	int64_t ended_ns;
} play;

/* jansson is a library of its own: its allocations fail by these. */
static void *json_take(size_t size)
{
	return malloc(size);
}

static void json_give_back(void *memory)
{
	free(memory);
}

void stage_open(void)
{
	const char *place = getenv("TMPDIR");

	json_set_alloc_funcs(json_take, json_give_back);
	snprintf(directory, sizeof(directory), "%.100s/op25b-fault.XXXXXX", place ? place : "/tmp");
	if (!mkdtemp(directory))
		abort();
	snprintf(policy_path, sizeof(policy_path), "%s/policy.ini", directory);
}

static void remove_all(const char *path)
{
	DIR *open = opendir(path);
	struct dirent *entry;
	char name[STAGE_PATH_MAX * 3];

	while (open && (entry = readdir(open))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (unlink(name) < 0)
			remove_all(name);
	}
	if (open)
		closedir(open);
	(void)rmdir(path);
}

void stage_close(void)
{
	remove_all(directory);
}

const char *stage_directory(void)
{
	return directory;
}

void stage_write_policy(const char *text)
{
	static const char place[] = "@DIR@";
	FILE *file;

	fault_pause();
	file = fopen(policy_path, "we");
	if (!file)
		abort();
	for (const char *at; (at = strstr(text, place)) != NULL; text = at + strlen(place))
		fprintf(file, "%.*s%s", (int)(at - text), text, directory);
	fputs(text, file);
	fclose(file);
	fault_resume();
}

struct gateway *stage_gateway(void)
{
	return &gateway;
}

bool stage_is_running(void)
{
	return play.running;
}

const char *stage_last_record(void)
{
	return last_record;
}

const char *stage_last_said(void)
{
	return last_said;
}

bool stage_has_said(const char *text)
{
	return strstr(all_said, text) != NULL;
}

static void keep_said(void)
{
	size_t len = strlen(all_said);

	snprintf(all_said + len, sizeof(all_said) - len, "%s\n", last_said);
}

bool stage_all_answered(void)
{
	struct kernel_account kernel = kernel_account();

	return kernel.answered == kernel.queued;
}

/* The daemon's calls that the stage looks at */

void __wrap_say(enum say_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void __wrap_say(enum say_level level, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(last_said, sizeof(last_said), format, arguments);
	va_end(arguments);
	keep_said();
	if (getenv("OP25B_FAULT_SAY"))
		fprintf(stderr, "# op25bd: %s\n", last_said);
	if (level > SAY_ERROR)
		return;
	account.errors++;
	memcpy(account.error, last_said, sizeof(account.error));
}

void __real_diag_print(const struct diag_list *list, FILE *out);
void __wrap_diag_print(const struct diag_list *list, FILE *out);
void __wrap_diag_print(const struct diag_list *list, FILE *out)
{
	if (out != stderr || getenv("OP25B_FAULT_SAY"))
		__real_diag_print(list, out);
	if (out == stderr)
		account.errors += list->errors;
}

static size_t number_in(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	return at ? strtoul(at + strlen(key), NULL, 10) : 0;
}

void __real_logwriter_add(struct logwriter *writer, const char *line, size_t len);
void __wrap_logwriter_add(struct logwriter *writer, const char *line, size_t len);
void __wrap_logwriter_add(struct logwriter *writer, const char *line, size_t len)
{
	const char *ours;

	memcpy(last_record, line, len);
	last_record[len] = '\0';
	ours = strstr(last_record, "\"op25b\":");
	account.lines++;
	if (ours) {
		account.packets += number_in(ours, "\"packets\":");
		account.packets_blocked += number_in(ours, "\"packets_blocked\":");
	}
	__real_logwriter_add(writer, line, len);
}

/* The loop's own wait has no end; others have, and are left alone. */
int __real_epoll_wait(int epoll_fd, struct epoll_event *events, int max, int timeout_ms);
int __wrap_epoll_wait(int epoll_fd, struct epoll_event *events, int max, int timeout_ms);

static void do_step(void)
{
	bool more = false;

	if (!play.ended) {
		fault_pause();
		more = play.step(play.context);
		fault_resume();
	}
	if (!more && !play.ended) {
		play.ended = true;
		play.ended_ns = clocks_real_ns();
		raise(SIGTERM);
	}
	if (play.ended && clocks_real_ns() - play.ended_ns > PATIENCE_S * NSEC_PER_SEC) {
		fputs("the daemon does not end\n", stderr);
		abort();
	}
}

int __wrap_epoll_wait(int epoll_fd, struct epoll_event *events, int max, int timeout_ms)
{
	int error = fault_strikes(FAULT_EPOLL_WAIT), n;

	errno = error;
	if (error != 0)
		return -1;
	while ((n = __real_epoll_wait(epoll_fd, events, max, timeout_ms < 0 ? 0 : timeout_ms)) == 0 &&
	       timeout_ms < 0)
		do_step();
	return n;
}

/* Runs */

static void collect(struct stage_account *into)
{
	struct event_stats stats;

	into->ledger = (struct ledger_counts){0};
	for (size_t i = 0; i < POLICY_WORKERS_MAX; i++)
		if (gateway.workers[i])
			ledger_collect(worker_ledger(gateway.workers[i]), &into->ledger);
	if (gateway.log)
		logwriter_stats_get(gateway.log, &into->log);
	for (unsigned form = 0; form < EVENT_FORMS; form++)
		if (gateway.outputs.outlets[form])
			outlet_stats_get(gateway.outputs.outlets[form], &into->outlets[form]);
	if (gateway.collector) {
		event_stats_get(gateway.collector, &stats);
		into->observed = stats.observed + gateway.observed_before;
	}
	into->kernel = kernel_account();
}

struct stage_account stage_so_far(void)
{
	struct stage_account copy = account;

	if (play.running)
		collect(&copy);
	return copy;
}

void stage_reset(int64_t wall_ns)
{
	char path[STAGE_PATH_MAX + 16];

	clocks_reset(wall_ns);
	kernel_reset();
	receivers_reset();
	account = (struct stage_account){0};
	last_record[0] = last_said[0] = all_said[0] = '\0';
	snprintf(path, sizeof(path), "%s/log", directory);
	remove_all(path);
	(void)mkdir(path, 0755);
}

struct stage_account stage_run(stage_step *step, void *context)
{
	/* Not confined: it is the test's own process. */
	const struct gateway_options options = {.policy_path = policy_path, .sandbox = SANDBOX_OFF};
	play.step = step;
	play.context = context;
	play.ended = false;
	play.running = true;
	blocks_before = fault_blocks();
	descriptors_before = fault_descriptors() - receivers_descriptors();
	fault_watch_memory(true);
	account.code = gateway_start(&gateway, &options);
	account.ran = account.code == 0;
	if (account.ran)
		account.code = gateway_run(&gateway);
	collect(&account);
	play.running = false;
	gateway_free(&gateway);
	fault_watch_memory(false);
	account.blocks = fault_blocks() - blocks_before;
	account.descriptors = fault_descriptors() - receivers_descriptors() - descriptors_before;
	return account;
}

static const char *wrong(char text[STAGE_TEXT_MAX], const char *what, uint64_t got, uint64_t wanted)
{
	snprintf(text, STAGE_TEXT_MAX, "%s: %" PRIu64 ", and not %" PRIu64, what, got, wanted);
	return text;
}

/* Each record was given to each output, and is told to be sent, lost, or waiting. */
static const char *fault_in_outlets(const struct stage_account *a, char text[STAGE_TEXT_MAX])
{
	for (unsigned form = 0; form < EVENT_FORMS; form++) {
		const struct outlet_stats *o = &a->outlets[form];

		if (o->messages == 0)
			continue;
		if (o->messages != a->lines)
			return wrong(text, "records given to an output", o->messages, a->lines);
		if (o->messages != o->sent + o->lost + o->waiting_messages)
			return wrong(text, "records of an output", o->sent + o->lost + o->waiting_messages,
				     o->messages);
		if (receivers_read((enum event_form)form) + receivers_left((enum event_form)form) != o->sent)
			return wrong(text, "records received from an output",
				     receivers_read((enum event_form)form), o->sent);
	}
	return NULL;
}

const char *stage_fault_in(const struct stage_account *a, char text[STAGE_TEXT_MAX])
{
	const uint64_t *v = a->ledger.values;
	uint64_t answered = v[LEDGER_ACCEPTED] + v[LEDGER_DROPPED] + v[LEDGER_FAILED_OPEN];
	uint64_t told = v[LEDGER_DROPPED] - v[LEDGER_LEARNED] + a->kernel.learned;

	for (unsigned reason = 0; reason < REASONS; reason++)
		told += v[(unsigned)LEDGER_MONITORED + reason];
	if (a->blocks != 0)
		return wrong(text, "blocks of memory not given back", a->blocks, 0);
	if (a->descriptors != 0)
		return wrong(text, "descriptors not closed", a->descriptors, 0);
	if (a->kernel.wrong != 0)
		return wrong(text, "verdicts for no packet, or twice", a->kernel.wrong, 0);
	if (v[LEDGER_RECEIVED] != answered + v[LEDGER_IN_FLIGHT])
		return wrong(text, "the ledger: received", v[LEDGER_RECEIVED],
			     answered + v[LEDGER_IN_FLIGHT]);
	if (v[LEDGER_RECEIVED] != a->kernel.read)
		return wrong(text, "packets read", v[LEDGER_RECEIVED], a->kernel.read);
	if (answered != a->kernel.answered)
		return wrong(text, "packets answered", answered, a->kernel.answered);
	if (a->packets < told || a->packets > told + (a->unheard ? v[LEDGER_IN_FLIGHT] : 0))
		return wrong(text, "packets in records", a->packets, told);
	if (a->log.lines != a->lines)
		return wrong(text, "records taken", a->log.lines, a->lines);
	return fault_in_outlets(a, text);
}
