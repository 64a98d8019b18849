/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A plain file's counts by several threads. They take parts of it in turn, each part's begin being a guess; only when
 * every part ended where the next one began were all of them right, and then nothing in the sum tells how many threads
 * there were. Else, and where a file is damaged, the work is thrown away and one thread reads the file in order.
 */
#include "replay_run.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

enum {
	PART_MIN = 2 * 1024 * 1024,
	PARTS_PER_JOB = 16, /* so that a thread which gets less of its core does less */
};

struct part {
	uint64_t begin, end;
};

struct work {
	const struct engine *engine;
	const struct replay_options *options;
	const struct capture *capture;
	struct replay_sink *sink;
	struct replay_progress *progress;
	uint64_t size;
	struct part *parts;
	unsigned part_count;
	atomic_uint next_part;
	atomic_bool failed;
};

struct job {
	struct work *work;
	pthread_t thread;
	bool started, tells; /* tells: this one shows the progress */
	struct replay_run *run;
	struct replay_report report;
};

unsigned replay_jobs_default(void)
{
	cpu_set_t cores;
	int count;

	if (sched_getaffinity(0, sizeof(cores), &cores) < 0)
		return 1;
	count = CPU_COUNT(&cores);
	return count > REPLAY_JOBS_MAX ? REPLAY_JOBS_MAX : (unsigned)count;
}

static int read_part(struct job *job, struct capture *part)
{
	struct replay_progress *progress = job->work->progress;
	int n = 1, r = 0;

	while (r == 0 && n > 0 && !job->work->failed) {
		r = replay_run_step(job->run, "", part, progress, &n);
		if (job->tells && progress->bytes > 0)
			replay_progress_tell(progress);
	}
	return r < 0 ? r : n < 0 ? n : 0;
}

static int do_part(struct job *job, unsigned number)
{
	struct work *work = job->work;
	struct capture *part = NULL;
	uint64_t begin = work->size / work->part_count * number;
	uint64_t end =
		number + 1 == work->part_count ? work->size : work->size / work->part_count * (number + 1);
	int r = capture_open_part(work->capture, begin, end, &part);

	if (r < 0)
		return r;
	work->parts[number].begin = capture_begin(part);
	r = read_part(job, part);
	work->parts[number].end = capture_position(part);
	capture_close(part);
	return r;
}

static void *do_parts(void *context)
{
	struct job *job = context;
	struct work *work = job->work;
	int r = replay_run_begin(job->run, work->engine, work->options, work->sink, &job->report);

	while (r == 0 && !work->failed) {
		unsigned number = atomic_fetch_add(&work->next_part, 1);

		if (number >= work->part_count)
			break;
		r = do_part(job, number);
	}
	if (r == 0)
		r = replay_run_finish(job->run);
	if (r < 0)
		work->failed = true;
	return NULL;
}

/* This thread is the last job; a thread that cannot be had leaves its share to the others. */
static void do_jobs(struct job *jobs, unsigned count)
{
	for (unsigned i = 0; i + 1 < count; i++)
		jobs[i].started = pthread_create(&jobs[i].thread, NULL, do_parts, &jobs[i]) == 0;
	jobs[count - 1].tells = true;
	do_parts(&jobs[count - 1]);
	for (unsigned i = 0; i + 1 < count; i++)
		if (jobs[i].started)
			pthread_join(jobs[i].thread, NULL);
}

static bool parts_fit(const struct work *work)
{
	for (unsigned i = 0; i < work->part_count; i++) {
		uint64_t next = i + 1 < work->part_count ? work->parts[i + 1].begin : work->size;

		if (work->parts[i].end != next)
			return false;
	}
	return true;
}

static bool prepare(struct work *work, struct job *jobs, unsigned count)
{
	work->parts = calloc(work->part_count, sizeof(*work->parts));
	for (unsigned i = 0; i < count; i++) {
		jobs[i].work = work;
		jobs[i].report = replay_report_empty();
		jobs[i].run = calloc(1, sizeof(*jobs[i].run));
		if (!jobs[i].run)
			return false;
	}
	return work->parts != NULL;
}

/* A report that has counted nothing yet becomes one of theirs: the tables are large. */
static int add_report(struct replay_report *totals, struct replay_report *part)
{
	struct replay_report empty = *totals;

	if (totals->packets > 0)
		return replay_report_merge(totals, part);
	*totals = *part;
	*part = empty;
	return 0;
}

static int add_up(struct job *jobs, unsigned count, struct replay_run *totals)
{
	int r = 0;

	for (unsigned i = 0; i < count && r == 0; i++) {
		r = add_report(totals->report, &jobs[i].report);
		totals->packets_read += jobs[i].run->packets_read;
		totals->strange_links += jobs[i].run->strange_links;
		if (jobs[i].run->strange_links > 0)
			totals->strange_link = jobs[i].run->strange_link;
	}
	return r;
}

static void free_jobs(struct work *work, struct job *jobs, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (jobs[i].run)
			replay_run_free(jobs[i].run);
		free(jobs[i].run);
		replay_report_free(&jobs[i].report);
	}
	free(jobs);
	free(work->parts);
}

int replay_jobs_run(const struct engine *engine, const struct replay_options *options,
		    const struct capture *capture, struct replay_sink *sink, struct replay_progress *progress,
		    struct replay_run *totals)
{
	struct work work = {.engine = engine,
			    .options = options,
			    .capture = capture,
			    .sink = sink,
			    .progress = progress,
			    .size = capture_size(capture)};
	uint64_t most = work.size / PART_MIN;
	unsigned count = options->jobs < most ? options->jobs : (unsigned)most;
	struct job *jobs;
	int r = 0;

	if (count < 2)
		return 0;
	work.part_count = most < count * PARTS_PER_JOB ? (unsigned)most : count * PARTS_PER_JOB;
	jobs = calloc(count, sizeof(*jobs));
	if (!jobs)
		return 0;
	if (prepare(&work, jobs, count)) {
		do_jobs(jobs, count);
		if (!work.failed && parts_fit(&work))
			r = add_up(jobs, count, totals) < 0 ? -ENOMEM : 1;
	}
	free_jobs(&work, jobs, count);
	progress->done_bytes = progress->done_packets = 0;
	return r;
}
