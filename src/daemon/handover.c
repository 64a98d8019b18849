/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/handover.h"

#include "base/cleanup.h"
#include "daemon/clock.h"
#include "daemon/gateway.h"
#include "daemon/loop.h"
#include "daemon/say.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

enum { PAGE = 4096 };

static const char state_name[] = "state";

static void queue_name(uint16_t number, char name[HANDOVER_NAME_MAX])
{
	snprintf(name, HANDOVER_NAME_MAX, "queue-%u", number);
}

/* Descriptors */

static void add(struct handover *handover, const char *name, size_t len, int fd)
{
	struct handover_fd *entry = &handover->fds[handover->fd_count];

	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return;
	if (handover->fd_count == HANDOVER_FDS_MAX || len >= sizeof(entry->name)) {
		close(fd);
		return;
	}
	memcpy(entry->name, name, len);
	entry->name[len] = '\0';
	entry->fd = fd;
	handover->fd_count++;
}

/* What handover_keep() has written. */
static void receive_from_exec(struct handover *handover)
{
	const char *list = getenv(HANDOVER_VARIABLE);
	char *at;

	if (list && strtoul(list, &at, 10) == (unsigned long)getpid()) {
		while (*at == ' ') {
			const char *name = at + 1;
			size_t len = strcspn(name, "= ");

			if (name[len] != '=')
				break;
			add(handover, name, len, (int)strtoul(name + len + 1, &at, 10));
		}
	}
	unsetenv(HANDOVER_VARIABLE);
}

static void receive_from_manager(struct handover *handover)
{
	char **names = NULL;
	int count = sd_listen_fds_with_names(1, &names);

	for (int i = 0; i < count; i++) {
		add(handover, names[i], strlen(names[i]), SD_LISTEN_FDS_START + i);
		free(names[i]);
	}
	free(names);
}

int handover_take(struct gateway *gateway, const char *name)
{
	struct handover *handover = &gateway->handover;

	for (size_t i = 0; i < handover->fd_count; i++) {
		int fd = handover->fds[i].fd;

		if (fd >= 0 && strcmp(handover->fds[i].name, name) == 0) {
			handover->fds[i].fd = -1;
			return fd;
		}
	}
	return -1;
}

static void remove_from_store(const struct handover *handover, const char *name)
{
	if (handover->store)
		sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
}

/* FDPOLL=0: an overrun puts an error on a queue's socket, which is no reason to close it. */
static void put_into_store(const struct handover *handover, const char *name, int fd)
{
	char text[HANDOVER_NAME_MAX + 64];

	snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
	if (handover->store && fd >= 0)
		(void)sd_pid_notify_with_fds(0, 0, text, &fd, 1);
}

/* State */

static size_t state_size(void)
{
	return (handover_state_bytes() + PAGE - 1) / PAGE * PAGE;
}

static void *map(int fd)
{
	void *memory = mmap(NULL, state_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* What can shrink may not be mapped: touching what is gone would end the process. */
static struct handover_state *take_state(int fd)
{
	struct handover_state *state;
	struct stat status;
	void *memory;

	if (fstat(fd, &status) < 0 || status.st_size != (off_t)state_size() ||
	    (fcntl(fd, F_GET_SEALS) & F_SEAL_SHRINK) == 0)
		return NULL;
	memory = map(fd);
	state = memory ? handover_state_take(memory, handover_state_bytes()) : NULL;
	if (memory && !state)
		munmap(memory, state_size());
	return state;
}

static void receive_state(struct gateway *gateway)
{
	struct handover *handover = &gateway->handover;
	int fd = handover_take(gateway, state_name);

	if (fd < 0)
		return;
	handover->state = take_state(fd);
	if (handover->state) {
		handover->state_fd = fd;
		return;
	}
	say(SAY_WARNING, "what the process before has counted is of another version: counting begins anew");
	remove_from_store(handover, state_name);
	close(fd);
}

static int make_state(struct handover *handover)
{
	int fd = memfd_create("op25bd", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *memory = NULL;

	if (fd >= 0 && ftruncate(fd, (off_t)state_size()) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		memory = map(fd);
	if (!memory) {
		if (fd >= 0)
			close(fd);
		return -ENOMEM;
	}
	handover->state = handover_state_begin(memory);
	handover->state_fd = fd;
	return 0;
}

int handover_receive(struct gateway *gateway)
{
	struct handover *handover = &gateway->handover;

	handover->state_fd = -1;
	receive_from_exec(handover);
	receive_from_manager(handover);
	receive_state(gateway);
	return handover->state ? 0 : make_state(handover);
}

void handover_settle(struct gateway *gateway)
{
	struct handover *handover = &gateway->handover;

	for (size_t i = 0; i < POLICY_WORKERS_MAX; i++) {
		const struct batch *batch = handover_state_batch(handover->state, i);

		handover->batches[i] = (struct handover_batch){
			.queue = batch->queue,
			.last_id = batch_last_id(batch),
			.judged =
				atomic_load(&batch->phase) == BATCH_JUDGED && batch->count <= QUEUE_BATCH_MAX,
		};
	}
	handover_state_settle(handover->state, gateway->world->policy->gateway.workers);
	handover->offloaded_before = handover_state_offloaded_sum(handover->state);
}

/* Queues */

static struct queue_heritage heritage_of(const struct handover *handover, uint16_t number)
{
	for (size_t i = 0; handover_state_lives(handover->state) > 1 && i < POLICY_WORKERS_MAX; i++) {
		const struct handover_batch *left = &handover->batches[i];
		const struct batch *batch = handover_state_batch(handover->state, i);

		if (left->queue == number)
			return (struct queue_heritage){.known = true,
						       .last_id = left->last_id,
						       .verdicts = batch->verdicts,
						       .count = left->judged ? batch->count : 0};
	}
	return (struct queue_heritage){.known = false};
}

static int adopt(struct gateway *gateway, const struct queue_config *config, struct queue **ret)
{
	struct queue_heritage heritage = heritage_of(&gateway->handover, config->number);
	char name[HANDOVER_NAME_MAX];
	int fd, r;

	queue_name(config->number, name);
	fd = handover_take(gateway, name);
	if (fd < 0)
		return -ENOENT;
	r = queue_adopt(fd, config, gateway->kernel_fd, &heritage, ret);
	if (r == 0)
		return 0;
	say(SAY_WARNING, "queue %u was handed on, but cannot be gone on with: %s", config->number,
	    strerror(-r));
	remove_from_store(&gateway->handover, name);
	close(fd);
	return -ENOENT;
}

int handover_adopt(struct gateway *gateway, size_t i, const struct queue_config *config)
{
	int r = adopt(gateway, config, &gateway->queues[i]);

	gateway->handover.queues_taken += r == 0;
	gateway->handover.adopted[i] = r == 0;
	return r;
}

/* Its packets would be dropped with it: a worker judges them, as it would before a stop. */
static void judge_to_the_end(struct gateway *gateway, struct queue *queue)
{
	struct ledger *ledger = handover_state_ledger(gateway->handover.state, 0);
	struct batch *batch = handover_state_batch(gateway->handover.state, 0);
	struct queue_heritage heritage = heritage_of(&gateway->handover, queue_number(queue));
	uint64_t before = ledger_counted(ledger, LEDGER_RECEIVED);

	/* For who comes next, were this process killed meanwhile. */
	batch->queue = queue_number(queue);
	batch->done_id = heritage.last_id;
	loop_judge_to_the_end(gateway, queue);
	say(SAY_NOTICE, "queue %u is not the policy's any more: %" PRIu64 " packets that waited were judged",
	    queue_number(queue), ledger_counted(ledger, LEDGER_RECEIVED) - before);
}

/* One worker judges for all of them, so the verdicts that the process before left are given first. */
static size_t adopt_other_queues(struct gateway *gateway, struct queue *queues[HANDOVER_FDS_MAX])
{
	struct handover *handover = &gateway->handover;
	struct queue_config config = {.fail_open = gateway->world->policy->gateway.fail == POLICY_FAIL_OPEN,
				      .maxlen = QUEUE_MAXLEN,
				      .receive_buffer = QUEUE_RECEIVE_BUFFER};
	size_t count = 0;

	for (size_t i = 0; i < handover->fd_count; i++) {
		unsigned number;

		if (handover->fds[i].fd < 0)
			continue;
		if (sscanf(handover->fds[i].name, "queue-%5u", &number) == 1) {
			config.number = (uint16_t)number;
			count += adopt(gateway, &config, &queues[count]) == 0;
		} else {
			close(handover->fds[i].fd);
			handover->fds[i].fd = -1;
		}
	}
	return count;
}

static void end_other_queues(struct gateway *gateway)
{
	struct queue *queues[HANDOVER_FDS_MAX] = {NULL};
	size_t count = adopt_other_queues(gateway, queues);
	char name[HANDOVER_NAME_MAX];

	for (size_t i = 0; i < count; i++) {
		judge_to_the_end(gateway, queues[i]);
		queue_name(queue_number(queues[i]), name);
		remove_from_store(&gateway->handover, name);
		queue_close(queues[i]);
	}
}

void handover_bound(struct gateway *gateway)
{
	struct handover *handover = &gateway->handover;
	uint32_t last_ids[POLICY_WORKERS_MAX] = {0};
	char name[HANDOVER_NAME_MAX];

	end_other_queues(gateway);
	for (size_t i = 0; i < gateway->worker_count; i++) {
		uint16_t number = queue_number(gateway->queues[i]);
		struct queue_heritage heritage = heritage_of(handover, number);

		last_ids[i] = handover->adopted[i] ? heritage.last_id : 0;
		queue_name(number, name);
		put_into_store(handover, name, queue_fd(gateway->queues[i]));
	}
	for (size_t i = 0; i < gateway->worker_count; i++) {
		struct batch *batch = handover_state_batch(handover->state, i);

		batch->queue = queue_number(gateway->queues[i]);
		batch->done_id = last_ids[i];
	}
	put_into_store(handover, state_name, handover->state_fd);
}

void handover_free(struct gateway *gateway)
{
	struct handover *handover = &gateway->handover;

	for (size_t i = 0; i < handover->fd_count; i++)
		if (handover->fds[i].fd >= 0)
			close(handover->fds[i].fd);
	if (!handover->state)
		return;
	munmap(handover->state, state_size());
	close(handover->state_fd);
}

static size_t keep_one(int fd, bool keep, const char *name, char *list, size_t len)
{
	if (fd < 0)
		return len;
	(void)fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
	return len + (size_t)snprintf(list + len, HANDOVER_LIST_MAX - len, " %s=%d", name, fd);
}

void handover_keep(const struct gateway *gateway, bool keep, char list[HANDOVER_LIST_MAX])
{
	char name[HANDOVER_NAME_MAX];
	size_t len = (size_t)snprintf(list, HANDOVER_LIST_MAX, "%ld", (long)getpid());

	for (size_t i = 0; i < gateway->worker_count; i++) {
		queue_name(queue_number(gateway->queues[i]), name);
		len = keep_one(queue_fd(gateway->queues[i]), keep, name, list, len);
	}
	len = keep_one(gateway->handover.state_fd, keep, state_name, list, len);
	len = keep_one(gateway->kernel_fd, keep, "kernel", list, len);
	(void)keep_one(control_server_listener(gateway->control), keep, "control", list, len);
}

/* Records */

/*
 * Nothing of the lines is in the file, or all of it; else the kill came in the middle of the write, and what is there of them
 * is taken back, for what they told is told once more.
 */
static bool lines_are_in(const struct handover_intent *intent, const char *path)
{
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat status;
	uint64_t size;

	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || status.st_dev != intent->device ||
	    status.st_ino != intent->inode)
		return false;
	size = (uint64_t)status.st_size;
	if (size >= intent->size + intent->bytes)
		return true;
	if (size > intent->size)
		(void)!ftruncate(fd, (off_t)intent->size);
	return false;
}

void handover_look_at_file(struct gateway *gateway, const char *path)
{
	struct handover_state *state = gateway->handover.state;
	const struct handover_intent *intent = state ? handover_state_intent(state) : NULL;

	if (!intent)
		return;
	if (intent->bytes > 0 && lines_are_in(intent, path))
		handover_state_was_told(state);
	else
		handover_state_not_told(state);
}

static void take_fact(void *context, const struct event_fact *fact)
{
	struct gateway *gateway = context;

	event_observe(gateway->collector, fact, 1);
}

void handover_tell_rest(struct gateway *gateway)
{
	struct handover_state *state = gateway->handover.state;
	int64_t now_ns = clock_wall_ns();
	uint64_t packets;

	if (!state || handover_state_lives(state) == 1)
		return;
	packets = handover_state_tell_rest(state, now_ns, gateway->world->policy->digest, take_fact, gateway);
	if (packets == 0)
		return;
	event_flush(gateway->collector, now_ns);
	say(SAY_WARNING,
	    "the process before was ended before it had told of %" PRIu64
	    " packets: they stand in overflow records",
	    packets);
}
