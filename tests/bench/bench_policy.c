/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A policy with a large list file, in figures: wall time of policy_read_file (reading, sorting, checking, digest) and
 * of engine_build (compiling), and the process's greatest resident size. Each case runs in a process of its own.
 *
 * bench_policy [KIND [COUNT [ROUNDS]]]: KIND is the name of a shape below; all of them without. With ROUNDS it prints
 * JSON: the processor time of each pass in that many rounds.
 */
#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct shape {
	const char *kind;
	size_t count;
	unsigned stride; /* from one prefix to the next, in prefixes: neighbours melt into one range */
	bool ip6, shuffled, nested, same;
};

static const struct shape shapes[] = {
	{.kind = "sorted4", .count = 1000000},
	{.kind = "scattered4", .count = 1000000, .stride = 3, .shuffled = true},
	{.kind = "shuffled4", .count = 1000000, .shuffled = true},
	{.kind = "nested4", .count = 1000000, .shuffled = true, .nested = true},
	{.kind = "same4", .count = 1000000, .same = true},
	{.kind = "sorted6", .count = 500000, .ip6 = true},
	{.kind = "shuffled6", .count = 500000, .ip6 = true, .shuffled = true},
	{.kind = "scattered6", .count = 500000, .stride = 3, .ip6 = true, .shuffled = true},
};

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static size_t *make_order(const struct shape *shape)
{
	size_t *order = calloc(shape->count, sizeof(*order));
	uint64_t state = 25;

	for (size_t i = 0; order && i < shape->count; i++)
		order[i] = i;
	for (size_t i = shape->count; order && shape->shuffled && i > 1; i--) {
		size_t k = (size_t)(next_random(&state) % i), swap = order[k];

		order[k] = order[i - 1];
		order[i - 1] = swap;
	}
	return order;
}

static struct prefix prefix_number(const struct shape *shape, size_t i)
{
	struct prefix prefix;

	if (shape->stride)
		i *= shape->stride;
	if (shape->ip6) {
		prefix.addr = addr_ip6(UINT64_C(0x20010db800000000) + ((uint64_t)i << 8), 0);
		prefix.len = 56;
		return prefix;
	}
	prefix.addr = addr_ip4(shape->same ? 0x0a000000U : 0x0a000000U + (uint32_t)i * 16);
	prefix.len = shape->nested ? (uint8_t)(28 - __builtin_ctzl(i | 1 << 16)) : 28;
	return prefix_canonical(&prefix);
}

static bool write_files(const struct shape *shape, const char *policy_path, const char *list_path)
{
	size_t *order = make_order(shape);
	FILE *list = fopen(list_path, "w"), *policy = fopen(policy_path, "w");
	bool ok = order && list && policy;

	for (size_t i = 0; ok && i < shape->count; i++) {
		struct prefix prefix = prefix_number(shape, order[i]);
		char text[PREFIX_TEXT_MAX];

		prefix_format(&prefix, text);
		fprintf(list, "%s\n", text);
	}
	if (ok)
		fprintf(policy,
			"[gateway]\nmode = enforce\nfail = open\nupstream_interfaces = eth0\n[pool big]\nfile = %s\n",
			list_path);
	free(order);
	ok = (list ? fclose(list) == 0 : false) && ok;
	return (policy ? fclose(policy) == 0 : false) && ok;
}

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int read_policy(const struct shape *shape, const char *path)
{
	struct diag_list diags = {0};
	struct policy *policy = NULL;
	struct rusage usage;
	struct engine *engine = NULL;
	double cpu = now(CLOCK_PROCESS_CPUTIME_ID), begin = now(CLOCK_MONOTONIC), read, end;
	int error = policy_read_file(path, 1800000000, &diags, &policy);

	read = now(CLOCK_MONOTONIC);
	if (!error)
		error = engine_build(policy, &engine);
	end = now(CLOCK_MONOTONIC);
	cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	getrusage(RUSAGE_SELF, &usage);
	if (error) {
		diag_print(&diags, stderr);
		return 1;
	}
	printf("%-10s %8zu lines %8zu kept  read %.3f s  compile %.3f s  (cpu %.3f s)  peak %ld MB  engine %.1f MB  %zu warnings\n",
	       shape->kind, shape->count, policy->ip4_count + policy->ip6_count, read - begin, end - read,
	       cpu, usage.ru_maxrss / 1024, (double)engine_memory(engine) / 1e6, diags.warnings);
	engine_free(engine);
	policy_free(policy);
	diag_list_free(&diags);
	return 0;
}

static int time_passes(const char *path, double *ret_read_s, double *ret_compile_s)
{
	struct diag_list diags = {0};
	struct policy *policy = NULL;
	struct engine *engine = NULL;
	double begin = now(CLOCK_PROCESS_CPUTIME_ID), read;
	int error = policy_read_file(path, 1800000000, &diags, &policy);

	read = now(CLOCK_PROCESS_CPUTIME_ID);
	if (!error)
		error = engine_build(policy, &engine);
	*ret_read_s = read - begin;
	*ret_compile_s = now(CLOCK_PROCESS_CPUTIME_ID) - read;
	engine_free(engine);
	policy_free(policy);
	diag_list_free(&diags);
	return error;
}

static int print_rounds(const char *path, size_t rounds)
{
	for (size_t i = 0; i < rounds; i++) {
		double read_s, compile_s;

		if (time_passes(path, &read_s, &compile_s) < 0)
			return 1;
		printf("%s{\"read_s\": %.6f, \"compile_s\": %.6f}", i > 0 ? ", " : "[", read_s, compile_s);
	}
	puts("]");
	return 0;
}

/* rounds 0: one of each in words. */
static int run(const struct shape *shape, size_t rounds)
{
	char directory[] = "/tmp/bench_policy.XXXXXX", policy_path[64], list_path[64];
	int status = 1;
	pid_t pid;

	if (!mkdtemp(directory))
		return 1;
	snprintf(policy_path, sizeof(policy_path), "%s/policy.ini", directory);
	snprintf(list_path, sizeof(list_path), "%s/list", directory);
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(write_files(shape, policy_path, list_path) ? 0 : 1);
	waitpid(pid, &status, 0);
	pid = status == 0 ? fork() : -1;
	if (pid == 0) {
		status = rounds > 0 ? print_rounds(policy_path, rounds) : read_policy(shape, policy_path);
		fflush(stdout);
		_exit(status);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	remove(policy_path);
	remove(list_path);
	remove(directory);
	return status ? 1 : 0;
}

int main(int argc, char **argv)
{
	size_t rounds = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
	int failed = 0;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct shape shape = shapes[i];

		if (argc > 1 && strcmp(argv[1], shape.kind) != 0)
			continue;
		if (argc > 2)
			shape.count = strtoul(argv[2], NULL, 10);
		failed |= run(&shape, rounds);
	}
	return failed;
}
