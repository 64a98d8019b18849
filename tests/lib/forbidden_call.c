/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preloaded into op25bd by a live test: when the file named by OP25B_CALL appears, its loop makes the system call that
 * the file names, as an intruder would, and writes into the file OP25B_CALLED what came of it: "ok" or an errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 64, PAGE = 4096 };

static long try_socket(int family, int type, int protocol)
{
	long fd = syscall(SYS_socket, family, type, protocol);

	if (fd >= 0)
		close((int)fd);
	return fd;
}

static long call_inet(void)
{
	return try_socket(AF_INET, SOCK_STREAM, 0);
}

static long call_inet6(void)
{
	return try_socket(AF_INET6, SOCK_DGRAM, 0);
}

static long call_packet(void)
{
	return try_socket(AF_PACKET, SOCK_RAW, 0);
}

/* NETLINK_AUDIT: netlink, and nothing of ours. */
static long call_audit(void)
{
	return try_socket(AF_NETLINK, SOCK_RAW, 9);
}

static long call_unix(void)
{
	return try_socket(AF_UNIX, SOCK_STREAM, 0);
}

static long call_ptrace(void)
{
	return syscall(SYS_ptrace, PTRACE_TRACEME, 0, NULL, NULL);
}

static long call_unshare(void)
{
	return syscall(SYS_unshare, CLONE_FILES);
}

/* A process of its own; the child ends at once. */
static long call_clone(void)
{
	long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	return pid;
}

static long call_code(void)
{
	void *memory =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? -1 : munmap(memory, PAGE);
}

static long call_dumpable(void)
{
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static long call_kill(void)
{
	return kill(getpid(), 0);
}

static const struct {
	const char *name;
	long (*call)(void);
} calls[] = {
	{"inet", call_inet}, {"inet6", call_inet6},   {"packet", call_packet},     {"audit", call_audit},
	{"unix", call_unix}, {"ptrace", call_ptrace}, {"unshare", call_unshare},   {"clone", call_clone},
	{"code", call_code}, {"kill", call_kill},     {"dumpable", call_dumpable},
};

static void make_call(const char *name, const char *result)
{
	char text[NAME_MAX_BYTES];
	int fd;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(calls[i].name, name) != 0)
			continue;
		snprintf(text, sizeof(text), "%s\n", calls[i].call() >= 0 ? "ok" : strerrorname_np(errno));
		fd = open(result, O_WRONLY | O_CREAT | O_TRUNC, 0644);
		if (fd >= 0) {
			(void)!write(fd, text, strlen(text));
			close(fd);
		}
	}
}

static void look(void)
{
	const char *path = getenv("OP25B_CALL"), *result = getenv("OP25B_CALLED");
	char name[NAME_MAX_BYTES] = "";
	int fd = path && result ? open(path, O_RDONLY) : -1;

	if (fd < 0)
		return;
	if (read(fd, name, sizeof(name) - 1) > 0) {
		name[strcspn(name, "\n")] = '\0';
		(void)unlink(path);
		make_call(name, result);
	}
	close(fd);
}

__attribute__((visibility("default"))) int epoll_wait(int epfd, struct epoll_event *events, int max,
						      int timeout)
{
	look();
	return (int)syscall(SYS_epoll_pwait, epfd, events, max, timeout, NULL, 0);
}
