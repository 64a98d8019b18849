/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * learned_count POLICY MILLISECONDS: does with the kernel's learned sets what the daemon does, and nothing else: exchanges the
 * generations every so often, and reads, counts and empties the one that was in force. Until SIGTERM; then it switches all off,
 * and prints how many packets were counted in elements, without room, and as stale, how many elements it read in all, and how often it switched.
 */
#include "net/learned.h"
#include "policy/policy.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct counted {
	uint64_t packets, elements;
};

static volatile sig_atomic_t ending;

static void end(int number)
{
	ending = number;
}

static void take(void *context, const struct addr *subscriber, uint64_t packets)
{
	struct counted *counted = context;

	(void)subscriber;
	counted->packets += packets;
	counted->elements++;
}

static void check(int r, const char *what)
{
	if (r == 0)
		return;
	fprintf(stderr, "learned_count: %s: %s\n", what, strerror(-r));
	exit(EXIT_FAILURE);
}

static void read_all(struct learned_kernel *kernel, const struct learn_groups *groups, unsigned generation,
		     struct counted *counted)
{
	for (unsigned group = 0; group < groups->count; group++) {
		for (unsigned shard = 0; shard < LEARN_SHARDS; shard++) {
			check(learned_read(kernel, generation, group, shard, ADDR_IP4, take, counted),
			      "IPv4");
			check(learned_read(kernel, generation, group, shard, ADDR_IP6, take, counted),
			      "IPv6");
		}
	}
	check(learned_flush(kernel, generation, 0, (unsigned)groups->count * LEARNED_SETS_PER_GROUP),
	      "flush");
}

static void pause_ms(long ms)
{
	const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&pause, NULL);
}

int main(int argc, char **argv)
{
	struct learned_kernel *kernel = NULL;
	struct learn_groups groups;
	struct policy *policy = NULL;
	struct counted counted = {0};
	uint64_t full, stale, switches = 0;
	int generation = 0;

	if (argc != 3 || policy_read_file(argv[1], 0, NULL, &policy) < 0 ||
	    learn_groups_collect(policy, &groups) < 0) {
		fputs("usage: learned_count POLICY MILLISECONDS\n", stderr);
		return 2;
	}
	signal(SIGTERM, end);
	check(learned_open(policy->gateway.family, &kernel), "open");
	check(learned_check(kernel, &groups), "check");
	check(learned_switch(kernel, &groups, generation), "switch");
	puts("ready");
	fflush(stdout);
	while (!ending) {
		pause_ms(strtol(argv[2], NULL, 10));
		check(learned_switch(kernel, &groups, !generation), "switch");
		learned_quiet();
		read_all(kernel, &groups, (unsigned)generation, &counted);
		generation = !generation;
		switches++;
	}
	check(learned_switch(kernel, &groups, LEARNED_NONE), "switch");
	learned_quiet();
	read_all(kernel, &groups, (unsigned)generation, &counted);
	check(learned_counters(kernel, &full, &stale), "counters");
	printf("%llu %llu %llu %llu %llu\n", (unsigned long long)counted.packets, (unsigned long long)full,
	       (unsigned long long)stale, (unsigned long long)counted.elements, (unsigned long long)switches);
	learned_close(kernel);
	learn_groups_free(&groups);
	policy_free(policy);
	return 0;
}
