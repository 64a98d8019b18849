/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct call {
	const char *name;
	int once, lasting;
} calls[FAULT_CALLS] = {
	[FAULT_MEMORY] = {"allocation", ENOMEM, ENOMEM},
	[FAULT_SOCKET] = {"socket", EMFILE, EMFILE},
	[FAULT_SOCKET_OPEN] = {"netlink socket", EMFILE, EMFILE},
	[FAULT_SOCKET_BIND] = {"netlink bind", ENOBUFS, EACCES},
	[FAULT_SENDTO] = {"netlink send", ENOBUFS, EPERM},
	[FAULT_RECVMMSG] = {"recvmmsg", ENOBUFS, EBADF},
	[FAULT_OPEN] = {"open", EMFILE, ENOENT},
	[FAULT_FOPEN] = {"fopen", EMFILE, EACCES},
	[FAULT_WRITE] = {"write", EIO, ENOSPC},
	[FAULT_READ] = {"read", EINTR, 0},
	[FAULT_SIGNALS] = {"read of signals", EINTR, EIO},
	[FAULT_EPOLL_CREATE] = {"epoll_create1", EMFILE, EMFILE},
	[FAULT_EPOLL_CTL] = {"epoll_ctl", ENOMEM, ENOSPC},
	[FAULT_EPOLL_WAIT] = {"epoll_wait", EINTR, EBADF},
	[FAULT_POLL] = {"poll", EINTR, ENOMEM},
	[FAULT_TIMERFD_CREATE] = {"timerfd_create", EMFILE, EMFILE},
	[FAULT_TIMERFD_SETTIME] = {"timerfd_settime", ENOMEM, 0},
	[FAULT_EVENTFD] = {"eventfd", EMFILE, ENFILE},
	[FAULT_SIGNALFD] = {"signalfd", EMFILE, ENOMEM},
	[FAULT_ACCEPT] = {"accept4", ECONNABORTED, EMFILE},
	[FAULT_SEND] = {"send", EAGAIN, EPIPE},
	[FAULT_CONNECT] = {"connect", EAGAIN, ECONNREFUSED},
	[FAULT_RECV] = {"recv", EINTR, ECONNRESET},
	[FAULT_BIND] = {"bind", EADDRINUSE, EACCES},
	[FAULT_LISTEN] = {"listen", EADDRINUSE, EADDRINUSE},
	[FAULT_MKDIR] = {"mkdir", ENOSPC, EACCES},
	[FAULT_STAT] = {"stat", EIO, EACCES},
	[FAULT_IOCTL] = {"ioctl", ENODEV, ENODEV},
	[FAULT_GETRANDOM] = {"getrandom", EINTR, ENOSYS},
	[FAULT_HOSTNAME] = {"gethostname", EPERM, EPERM},
	[FAULT_THREAD] = {"pthread_create", EAGAIN, EAGAIN},
};

static struct {
	enum fault_call call;
	int error;
	bool lasting;
} armed;
static atomic_uint left; /* until it strikes */
static atomic_bool on, struck;
static _Thread_local unsigned paused;

const char *fault_call_name(enum fault_call call)
{
	return calls[call].name;
}

int fault_error_once(enum fault_call call)
{
	return calls[call].once;
}

int fault_error_lasting(enum fault_call call)
{
	return calls[call].lasting;
}

void fault_arm(enum fault_call call, unsigned nth, int error, bool lasting)
{
	armed.call = call;
	armed.error = error;
	armed.lasting = lasting;
	atomic_store(&left, nth);
	atomic_store(&struck, false);
	atomic_store(&on, true);
}

bool fault_disarm(void)
{
	atomic_store(&on, false);
	return atomic_load(&struck);
}

bool fault_lasts(void)
{
	return atomic_load(&on) && armed.lasting && atomic_load(&struck);
}

int fault_strikes(enum fault_call call)
{
	unsigned before;

	if (paused > 0 || !atomic_load(&on) || armed.call != call)
		return 0;
	before = atomic_load(&left);
	while (before > 0 && !atomic_compare_exchange_weak(&left, &before, before - 1))
		;
	if (before > 1 || (before == 0 && !armed.lasting))
		return 0;
	atomic_store(&struck, true);
	return armed.error;
}

void fault_pause(void)
{
	paused++;
}

void fault_resume(void)
{
	paused--;
}

/* Memory: the blocks that are out, by their addresses, in a table with open places. */

enum { BLOCKS = 1 << 18 };

static pthread_mutex_t blocks_lock = PTHREAD_MUTEX_INITIALIZER;
static uintptr_t blocks[BLOCKS];
static size_t block_count;
static atomic_bool watching;

static size_t place_of(uintptr_t address)
{
	size_t place = (size_t)(address / 16 * UINT64_C(0x9e3779b97f4a7c15) >> 46);

	while (blocks[place] != 0 && blocks[place] != address)
		place = (place + 1) % BLOCKS;
	return place;
}

static void note_block(void *memory)
{
	uintptr_t address = (uintptr_t)memory;

	if (address == 0 || paused > 0 || !atomic_load(&watching))
		return;
	pthread_mutex_lock(&blocks_lock);
	if (block_count < BLOCKS / 2) {
		blocks[place_of(address)] = address;
		block_count++;
	}
	pthread_mutex_unlock(&blocks_lock);
}

/* What stood behind a freed place must still be found: it is put in anew. */
static void close_gap(size_t place)
{
	for (size_t next = (place + 1) % BLOCKS; blocks[next] != 0; next = (next + 1) % BLOCKS) {
		uintptr_t address = blocks[next];

		blocks[next] = 0;
		blocks[place_of(address)] = address;
	}
}

static void forget_block(uintptr_t address)
{
	size_t place;

	if (address == 0)
		return;
	pthread_mutex_lock(&blocks_lock);
	place = place_of(address);
	if (blocks[place] == address) {
		blocks[place] = 0;
		block_count--;
		close_gap(place);
	}
	pthread_mutex_unlock(&blocks_lock);
}

void fault_watch_memory(bool watch)
{
	atomic_store(&watching, watch);
}

size_t fault_blocks(void)
{
	size_t count;

	pthread_mutex_lock(&blocks_lock);
	count = block_count;
	pthread_mutex_unlock(&blocks_lock);
	return count;
}

size_t fault_descriptors(void)
{
	DIR *directory;
	size_t count = 0;

	fault_pause();
	directory = opendir("/proc/self/fd");
	while (directory && readdir(directory))
		count++;
	if (directory)
		closedir(directory);
	fault_resume();
	return count;
}

/* A replaced call: its prototypes, and itself. */
#define REPLACES(type, name, ...)                                                                            \
	type __real_##name(__VA_ARGS__);                                                                     \
	type __wrap_##name(__VA_ARGS__);                                                                     \
	type __wrap_##name(__VA_ARGS__)

#define FAIL_WITH(call, failed)                                                                              \
	do {                                                                                                 \
		int error_ = fault_strikes(call);                                                            \
		if (error_ != 0) {                                                                           \
			errno = error_;                                                                      \
			return failed;                                                                       \
		}                                                                                            \
	} while (0)

static void *noted(void *memory)
{
	note_block(memory);
	return memory;
}

REPLACES(void *, malloc, size_t size)
{
	FAIL_WITH(FAULT_MEMORY, NULL);
	return noted(__real_malloc(size));
}

REPLACES(void *, calloc, size_t count, size_t size)
{
	FAIL_WITH(FAULT_MEMORY, NULL);
	return noted(__real_calloc(count, size));
}

static void *moved(uintptr_t before, void *memory)
{
	if (memory)
		forget_block(before);
	return noted(memory);
}

REPLACES(void *, realloc, void *memory, size_t size)
{
	FAIL_WITH(FAULT_MEMORY, NULL);
	return moved((uintptr_t)memory, __real_realloc(memory, size));
}

REPLACES(void *, reallocarray, void *memory, size_t count, size_t size)
{
	FAIL_WITH(FAULT_MEMORY, NULL);
	return moved((uintptr_t)memory, __real_reallocarray(memory, count, size));
}

REPLACES(void *, aligned_alloc, size_t alignment, size_t size)
{
	FAIL_WITH(FAULT_MEMORY, NULL);
	return noted(__real_aligned_alloc(alignment, size));
}

REPLACES(char *, strdup, const char *text)
{
	FAIL_WITH(FAULT_MEMORY, NULL);
	return noted(__real_strdup(text));
}

REPLACES(char *, strndup, const char *text, size_t len)
{
	FAIL_WITH(FAULT_MEMORY, NULL);
	return noted(__real_strndup(text, len));
}

REPLACES(void, free, void *memory)
{
	forget_block((uintptr_t)memory);
	__real_free(memory);
}

/* What the stream grows to is the C library's own business, and freed by the daemon. */
REPLACES(FILE *, open_memstream, char **text, size_t *len)
{
	FAIL_WITH(FAULT_MEMORY, NULL);
	return __real_open_memstream(text, len);
}

REPLACES(int, socket, int domain, int type, int protocol)
{
	FAIL_WITH(FAULT_SOCKET, -1);
	return __real_socket(domain, type, protocol);
}

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	FAIL_WITH(FAULT_OPEN, -1);
	return __real_open64(path, flags, mode);
}

REPLACES(FILE *, fopen64, const char *path, const char *mode)
{
	FAIL_WITH(FAULT_FOPEN, NULL);
	return __real_fopen64(path, mode);
}

static bool is_file(int fd)
{
	struct stat status;
	bool file;

	fault_pause();
	file = fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
	fault_resume();
	return file;
}

REPLACES(ssize_t, write, int fd, const void *bytes, size_t len)
{
	if (is_file(fd))
		FAIL_WITH(FAULT_WRITE, -1);
	return __real_write(fd, bytes, len);
}

REPLACES(ssize_t, read, int fd, void *bytes, size_t len)
{
	FAIL_WITH(len == sizeof(struct signalfd_siginfo) ? FAULT_SIGNALS : FAULT_READ, -1);
	return __real_read(fd, bytes, len);
}

REPLACES(int, epoll_create1, int flags)
{
	FAIL_WITH(FAULT_EPOLL_CREATE, -1);
	return __real_epoll_create1(flags);
}

REPLACES(int, epoll_ctl, int epoll_fd, int operation, int fd, struct epoll_event *event)
{
	FAIL_WITH(FAULT_EPOLL_CTL, -1);
	return __real_epoll_ctl(epoll_fd, operation, fd, event);
}

REPLACES(int, poll, struct pollfd *fds, nfds_t count, int timeout_ms)
{
	FAIL_WITH(FAULT_POLL, -1);
	/* A lasting failure elsewhere must not make a sleeper of seconds out of the test. */
	return __real_poll(fds, count, timeout_ms < 0 || timeout_ms > 5 ? 5 : timeout_ms);
}

REPLACES(int, eventfd, unsigned value, int flags)
{
	FAIL_WITH(FAULT_EVENTFD, -1);
	return __real_eventfd(value, flags);
}

REPLACES(int, signalfd, int fd, const sigset_t *set, int flags)
{
	FAIL_WITH(FAULT_SIGNALFD, -1);
	return __real_signalfd(fd, set, flags);
}

REPLACES(int, accept4, int fd, struct sockaddr *address, socklen_t *len, int flags)
{
	FAIL_WITH(FAULT_ACCEPT, -1);
	return __real_accept4(fd, address, len, flags);
}

REPLACES(ssize_t, send, int fd, const void *bytes, size_t len, int flags)
{
	FAIL_WITH(FAULT_SEND, -1);
	return __real_send(fd, bytes, len, flags);
}

REPLACES(int, bind, int fd, const struct sockaddr *address, socklen_t len)
{
	FAIL_WITH(FAULT_BIND, -1);
	return __real_bind(fd, address, len);
}

REPLACES(int, listen, int fd, int backlog)
{
	FAIL_WITH(FAULT_LISTEN, -1);
	return __real_listen(fd, backlog);
}

REPLACES(int, mkdir, const char *path, mode_t mode)
{
	FAIL_WITH(FAULT_MKDIR, -1);
	return __real_mkdir(path, mode);
}

REPLACES(int, fstat64, int fd, struct stat64 *status)
{
	FAIL_WITH(FAULT_STAT, -1);
	return __real_fstat64(fd, status);
}

REPLACES(int, lstat64, const char *path, struct stat64 *status)
{
	FAIL_WITH(FAULT_STAT, -1);
	return __real_lstat64(path, status);
}

REPLACES(ssize_t, getrandom, void *bytes, size_t len, unsigned flags)
{
	FAIL_WITH(FAULT_GETRANDOM, -1);
	return __real_getrandom(bytes, len, flags);
}

REPLACES(int, gethostname, char *name, size_t len)
{
	FAIL_WITH(FAULT_HOSTNAME, -1);
	return __real_gethostname(name, len);
}

REPLACES(int, pthread_create, pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
	 void *argument)
{
	int error = fault_strikes(FAULT_THREAD);

	return error != 0 ? error : __real_pthread_create(thread, attributes, run, argument);
}
