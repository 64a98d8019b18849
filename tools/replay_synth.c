/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay_synth.h"

#include "base/exitcode.h"
#include "replay.h"
#include "synth/synth.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

char replay_synth_name[] = "synth";

static char memory_path[64];

struct writing {
	struct synth *synth;
	const struct replay_synth_outcome *outcome;
};

bool replay_synth_add(struct replay_synth *synth, const char *text, bool is_file)
{
	if (synth->count == REPLAY_SYNTH_MAX)
		return false;
	synth->items[synth->count].text = text;
	synth->items[synth->count++].is_file = is_file;
	return true;
}

const char *replay_synth_path(const char *name)
{
	return name == replay_synth_name ? memory_path : name;
}

static int take_line(void *context, struct line *line)
{
	const struct writing *writing = context;
	uint64_t before = synth_count(writing->synth);
	int r = synth_line(writing->synth, line);

	if (r < 0 || !line_is(line, "=>"))
		return r;
	if (!writing->outcome)
		return line_wrong(line, "leave it out here", "a packet's outcome is not asked for");
	return writing->outcome->take(writing->outcome->context, line, before + 1,
				      synth_count(writing->synth));
}

static int read_file(struct writing *writing, const char *name, struct diag_list *diags)
{
	bool is_input = strcmp(name, "-") == 0;
	FILE *file = is_input ? stdin : fopen(name, "re");
	int r;

	if (!file) {
		fprintf(stderr, "op25b-replay: %s: %s\n", name, strerror(errno));
		return -EINVAL;
	}
	r = line_read_all(file, is_input ? "standard input" : name, diags, take_line, writing);
	if (!is_input)
		fclose(file);
	return r;
}

static int read_item(struct writing *writing, const struct replay_synth *synth, size_t at,
		     struct diag_list *diags)
{
	const char *text = synth->items[at].text;
	struct line line = line_over("--synth", (uint32_t)at + 1, text, strlen(text), diags);

	if (synth->items[at].is_file)
		return read_file(writing, text, diags);
	if (line.len > LINE_TEXT_MAX)
		return line_wrong(&line, "a line has at most 4096 bytes", "the line is too long");
	return take_line(writing, &line);
}

static int exit_code(int r)
{
	if (r == 0)
		return EXIT_CODE_OK;
	if (r == -EINVAL)
		return EXIT_CODE_USAGE;
	fprintf(stderr, "op25b-replay: synthetic packets: %s\n",
		r == -E2BIG ? "more than 65536 interfaces" : strerror(-r));
	return r == -E2BIG ? EXIT_CODE_USAGE : EXIT_CODE_SYSTEM;
}

int replay_synth_write(const struct replay_synth *synth, const struct replay_synth_outcome *outcome,
		       FILE *out)
{
	struct writing writing = {.outcome = outcome};
	struct diag_list diags = {0};
	int r = synth_new(out, (int64_t)time(NULL), &writing.synth), worst = 0;

	for (size_t i = 0; i < synth->count && (r == 0 || r == -EINVAL); i++) {
		r = read_item(&writing, synth, i, &diags);
		worst = r < 0 ? r : worst;
	}
	diag_print(&diags, stderr);
	diag_list_free(&diags);
	synth_free(writing.synth);
	return exit_code(r < 0 ? r : worst);
}

int replay_synth_open(const struct replay_synth *synth, const struct replay_synth_outcome *outcome)
{
	int fd = memfd_create("op25b-replay", MFD_CLOEXEC);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
	int code;

	if (!out) {
		fprintf(stderr, "op25b-replay: memory for synthetic packets: %s\n", strerror(errno));
		return EXIT_CODE_SYSTEM;
	}
	snprintf(memory_path, sizeof(memory_path), "/proc/self/fd/%d", fd);
	code = replay_synth_write(synth, outcome, out); /* the stream stays open: it holds the memory */
	return replay_stream_finish(out, "synthetic packets", code);
}

/* ---- the command ---- */

static const char usage_text[] =
	"usage: op25b-replay synth -w CAPTURE [-f FILE]... [LINE]...\n"
	"\n"
	"Writes packets, one or more a line, into a pcapng capture.\n"
	"\n"
	"  -w, --write CAPTURE    where to (\"-\": standard output)\n"
	"  -f, --file FILE        a file of such lines (\"-\": standard input); \"#\" begins a comment\n"
	"      --help             print this\n"
	"\n"
	"A line: [at TIME] [on INTERFACE] [vlan N]... [pppoe SESSION] tcp|udp|icmp|protocol N SOURCE[:PORT] >\n"
	"DESTINATION[:PORT] [WORD]... The words are told in op25b-replay(1).\n"
	"\n"
	"examples:\n"
	"  op25b-replay synth -w case.pcapng \"at 2026-10-01T00:00:00Z tcp 10.1.0.1 > 192.0.2.1:25 syn\"\n"
	"  op25b-replay synth -w - \"tcp [2001:db8::1]:4000 > [2001:db8::2]:25 syn fragment 0+\" | tshark -r -\n";

static const struct option long_options[] = {
	{"write", required_argument, NULL, 'w'},
	{"file", required_argument, NULL, 'f'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static int wrong(const char *text)
{
	fprintf(stderr, "op25b-replay synth: %s (see op25b-replay synth --help)\n", text);
	return EXIT_CODE_USAGE;
}

static int write_to(const struct replay_synth *synth, const char *path)
{
	FILE *out = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
	int code;

	if (!out) {
		fprintf(stderr, "op25b-replay: %s: %s\n", path, strerror(errno));
		return EXIT_CODE_SYSTEM;
	}
	code = replay_stream_finish(out, path, replay_synth_write(synth, NULL, out));
	if (out != stdout)
		fclose(out);
	return code;
}

int replay_synth_command(int argc, char **argv)
{
	static struct replay_synth synth;
	const char *output = NULL;
	int code;

	while ((code = getopt_long(argc, argv, "w:f:", long_options, NULL)) != -1) {
		if (code == 'w')
			output = optarg;
		else if (code == 'f' && !replay_synth_add(&synth, optarg, true))
			return wrong("more than 1000 files");
		else if (code == 'h')
			return fputs(usage_text, stdout), replay_stream_finish(stdout, "standard output", 0);
		else if (code != 'f')
			return wrong("wrong usage");
	}
	for (int i = optind; i < argc; i++)
		if (!replay_synth_add(&synth, argv[i], false))
			return wrong("more than 1000 lines: put them into a file");
	if (!output || synth.count == 0)
		return wrong(output ? "no packet given" : "no --write given");
	return write_to(&synth, output);
}
