/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls that fail when a test wants them to: the daemon is linked with -Wl,--wrap for its allocations and system calls, so one
 * of them can be refused without touching the daemon's code. Blocks and descriptors are counted too, so that what was not given
 * back is seen in a plain build.
 */
#ifndef OP25B_TESTS_FAULTS_H
#define OP25B_TESTS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

/* Each is failed by itself: the Nth of its kind. */
enum fault_call {
	FAULT_NONE,
	FAULT_MEMORY, /* malloc, calloc, realloc, reallocarray, aligned_alloc, strdup, strndup, open_memstream; and jansson's */
	FAULT_SOCKET,
	FAULT_SOCKET_OPEN, /* mnl_socket_open2() */
	FAULT_SOCKET_BIND,
	FAULT_SENDTO, /* mnl_socket_sendto(): configuration and verdicts */
	FAULT_RECVMMSG,
	FAULT_OPEN,
	FAULT_FOPEN,
	FAULT_WRITE,   /* to regular files: an eventfd's or a timer's cannot fail */
	FAULT_READ,    /* of anything but signals */
	FAULT_SIGNALS, /* their read */
	FAULT_EPOLL_CREATE,
	FAULT_EPOLL_CTL,
	FAULT_EPOLL_WAIT,
	FAULT_POLL,
	FAULT_TIMERFD_CREATE,
	FAULT_TIMERFD_SETTIME,
	FAULT_EVENTFD,
	FAULT_SIGNALFD,
	FAULT_ACCEPT,
	FAULT_SEND,
	FAULT_CONNECT, /* receivers.c */
	FAULT_RECV,
	FAULT_BIND,
	FAULT_LISTEN,
	FAULT_MKDIR,
	FAULT_STAT,
	FAULT_IOCTL,
	FAULT_GETRANDOM,
	FAULT_HOSTNAME,
	FAULT_THREAD, /* pthread_create() */
	FAULT_CALLS
};

const char *fault_call_name(enum fault_call call);
/* What the call plausibly says: once, and for good. 0: it does not fail that way. */
int fault_error_once(enum fault_call call);
int fault_error_lasting(enum fault_call call);

/* From now on the nth such call (1: the next) fails with error, and if lasting all that come after it. */
void fault_arm(enum fault_call call, unsigned nth, int error, bool lasting);
/* Ends that. True when a call has failed. */
bool fault_disarm(void);
/* Whether the armed call fails now: for what is replaced elsewhere. 0 or the error. */
int fault_strikes(enum fault_call call);
/* True while a lasting fault is armed and has struck. */
bool fault_lasts(void);

/* The calling thread does something for the test itself: nothing fails or is counted until fault_resume(). May be nested. */
void fault_pause(void);
void fault_resume(void);

/* Blocks that were taken and not given back since the first call with true. false: what is taken now is not watched. */
void fault_watch_memory(bool watch);
size_t fault_blocks(void);
/* Descriptors that the process has open. */
size_t fault_descriptors(void);

#endif
