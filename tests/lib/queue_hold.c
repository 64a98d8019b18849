/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * queue_hold QUEUE: takes packets from a queue and gives no verdict, until a line comes on standard input; then it
 * accepts all of them, and ends. "holding" when it listens, and at last how many it let go, stand on standard output.
 */
#include "net/queue.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELD_MAX = 4096 };

static size_t take(struct queue *queue, struct queue_verdict *held, size_t count)
{
	static struct queue_packet packets[QUEUE_BATCH_MAX];
	int got;

	while ((got = queue_receive(queue, packets, QUEUE_BATCH_MAX)) > 0) {
		for (int i = 0; i < got && count < HELD_MAX; i++)
			held[count++] = (struct queue_verdict){.id = packets[i].id, .answer = QUEUE_ACCEPT};
	}
	return count;
}

int main(int argc, char **argv)
{
	static struct queue_verdict held[HELD_MAX];
	const struct queue_config config = {.number = argc > 1 ? (uint16_t)strtoul(argv[1], NULL, 10) : 100,
					    .maxlen = QUEUE_MAXLEN,
					    .receive_buffer = QUEUE_RECEIVE_BUFFER};
	char error[QUEUE_ERROR_TEXT_MAX] = "";
	struct queue *queue = NULL;
	struct pollfd wait[2] = {{.fd = 0, .events = POLLIN}};
	size_t count = 0, sent = 0;

	if (queue_open(&config, &queue, error) < 0) {
		fprintf(stderr, "queue_hold: %s\n", error);
		return 1;
	}
	puts("holding");
	fflush(stdout);
	wait[1] = (struct pollfd){.fd = queue_fd(queue), .events = POLLIN};
	while (poll(wait, 2, -1) >= 0 && wait[0].revents == 0)
		count = take(queue, held, count);
	count = take(queue, held, count);
	if (queue_answer(queue, held, count, &sent) < 0)
		fputs("queue_hold: the kernel takes no verdicts\n", stderr);
	printf("let go %zu\n", sent);
	queue_close(queue);
	return sent != count;
}
