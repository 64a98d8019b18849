/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of system calls, asked as a confined process asks it: by calling. */
#include "daemon/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum outcome { GOES_THROUGH, IS_REFUSED, ENDS_IT, COULD_NOT_ENTER };

/* Whatever the kernel says to it then: most would fail there, and harm nothing. */
struct probe {
	const char *name;
	long call;
	uint64_t arguments[5];
};

#define HIGH_BIT (UINT64_C(1) << 40)
enum {
	NETFILTER = 12,
	ROUTE = 0,
	AUDIT = 9,
	OWN_MAPPING = MAP_PRIVATE | MAP_ANONYMOUS,
	PAGE = 4096,
	NOBODY = 65534
};

static struct rlimit limit;
static char name[] = "probe";
static int pair[2];

static const struct probe wanted[] = {
	{"a unix socket", SYS_socket, {AF_UNIX, SOCK_STREAM}},
	{"the upper half of an int means nothing", SYS_socket, {AF_UNIX | HIGH_BIT, SOCK_STREAM}},
	{"netlink to netfilter", SYS_socket, {AF_NETLINK, SOCK_RAW, NETFILTER}},
	{"netlink to routes", SYS_socket, {AF_NETLINK, SOCK_RAW, ROUTE}},
	{"a pair of unix sockets", SYS_socketpair, {AF_UNIX, SOCK_STREAM, 0, (uintptr_t)pair}},
	{"memory", SYS_mmap, {0, PAGE, PROT_READ | PROT_WRITE, OWN_MAPPING, UINT64_MAX}},
	{"a library's code", SYS_mmap, {0, PAGE, PROT_READ | PROT_EXEC, OWN_MAPPING, UINT64_MAX}},
	{"a guard page", SYS_mmap, {0, PAGE, PROT_NONE, OWN_MAPPING, UINT64_MAX}},
	{"memory made writable", SYS_mprotect, {PAGE, PAGE, PROT_READ | PROT_WRITE}},
	{"a thread", SYS_clone, {CLONE_THREAD}},
	{"a process that only executes", SYS_clone, {CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_DETACHED}},
	{"a thread's name", SYS_prctl, {PR_SET_NAME, (uintptr_t)name}},
	{"is it confined?", SYS_prctl, {PR_GET_SECCOMP}},
	{"a limit is read", SYS_prlimit64, {0, RLIMIT_NOFILE, 0, (uintptr_t)&limit}},
	{"bytes that wait", SYS_ioctl, {UINT64_MAX, FIONREAD}},
	{"a verdict", SYS_sendto, {UINT64_MAX}},
	{"packets", SYS_recvmmsg, {UINT64_MAX}},
	{"a record", SYS_write, {UINT64_MAX}},
	{"the next op25bd", SYS_execve, {0}},
	{"its capabilities", SYS_capset, {0}},
	{"its own table", SYS_seccomp, {UINT64_MAX}},
};

static const struct probe refused[] = {
	{"IPv4", SYS_socket, {AF_INET, SOCK_STREAM}},
	{"IPv6", SYS_socket, {AF_INET6, SOCK_DGRAM}},
	{"IPv4, with a bit that means nothing", SYS_socket, {AF_INET | HIGH_BIT, SOCK_STREAM}},
	{"packets of the wire", SYS_socket, {AF_PACKET, SOCK_RAW}},
	{"the host of a virtual machine", SYS_socket, {AF_VSOCK, SOCK_STREAM}},
	{"netlink to audit", SYS_socket, {AF_NETLINK, SOCK_RAW, AUDIT}},
	{"a pair of others", SYS_socketpair, {AF_INET, SOCK_STREAM, 0, (uintptr_t)pair}},
	{"code that can be written",
	 SYS_mmap,
	 {0, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, OWN_MAPPING, UINT64_MAX}},
	{"data made code", SYS_mprotect, {PAGE, PAGE, PROT_READ | PROT_EXEC}},
	{"a process", SYS_clone, {SIGCHLD}},
	{"a thread of another network", SYS_clone, {CLONE_THREAD | CLONE_NEWNET}},
	{"a process of other users", SYS_clone, {CLONE_VM | CLONE_VFORK | CLONE_NEWUSER}},
	{"a call that is newer", SYS_clone3, {0}},
	{"a core that others may read", SYS_prctl, {PR_SET_DUMPABLE, 1}},
	{"its own memory map", SYS_prctl, {PR_SET_MM}},
	{"a limit is set", SYS_prlimit64, {0, RLIMIT_NOFILE, (uintptr_t)&limit}},
	{"typing into a terminal", SYS_ioctl, {UINT64_MAX, TIOCSTI}},
	{"a signal to another", SYS_kill, {1, 0}},
	{"another user", SYS_setuid, {NOBODY}},
	{"other users at once", SYS_setresuid, {NOBODY, NOBODY, NOBODY}},
	{"a link", SYS_symlink, {0}},
	{"the time", SYS_adjtimex, {0}},
	{"a name in the system", SYS_mq_open, {0}},
	{"a number that nobody knows", 100000, {0}},
};

static const struct probe deadly[] = {
	{"another process's memory", SYS_ptrace, {UINT64_MAX}},
	{"the same by another way", SYS_process_vm_readv, {0}},
	{"another's descriptors", SYS_pidfd_getfd, {UINT64_MAX}},
	{"execution by descriptor", SYS_execveat, {UINT64_MAX}},
	{"fork", SYS_fork, {0}},
	{"a mount", SYS_mount, {0}},
	{"another root", SYS_chroot, {0}},
	{"another namespace", SYS_unshare, {0}},
	{"somebody's namespace", SYS_setns, {UINT64_MAX}},
	{"a module", SYS_init_module, {0}},
	{"another kernel", SYS_kexec_load, {0, 1}},
	{"BPF", SYS_bpf, {UINT64_MAX}},
	{"io_uring", SYS_io_uring_setup, {0}},
	{"performance events", SYS_perf_event_open, {0}},
	{"keys", SYS_keyctl, {UINT64_MAX}},
	{"page faults", SYS_userfaultfd, {UINT64_MAX}},
	{"a file by its number", SYS_open_by_handle_at, {UINT64_MAX}},
#ifdef __x86_64__
	{"the numbers of x32", SYS_getpid | 0x40000000, {0}},
#endif
};

enum {
	WANTED = sizeof(wanted) / sizeof(wanted[0]),
	REFUSED = sizeof(refused) / sizeof(refused[0]),
	DEADLY = sizeof(deadly) / sizeof(deadly[0]),
};

static enum outcome ask(const struct probe *probe)
{
	const uint64_t *a = probe->arguments;
	long r = syscall(probe->call, a[0], a[1], a[2], a[3], a[4], 0);

	return r == -1 && errno == ENOSYS ? IS_REFUSED : GOES_THROUGH;
}

static void enter_and_ask(enum sandbox_mode mode, const struct probe *probe)
{
	enum sandbox_mode in_force = SANDBOX_OFF;
	struct rlimit no_core = {0};

	(void)setrlimit(RLIMIT_CORE, &no_core);
	if (sandbox_enter(mode, &in_force) < 0 || in_force != mode)
		_exit(COULD_NOT_ENTER);
	_exit((int)ask(probe));
}

static enum outcome outcome_of(enum sandbox_mode mode, const struct probe *probe)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		enter_and_ask(mode, probe);
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return ENDS_IT;
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == COULD_NOT_ENTER)
		skip(); /* built with sanitizers */
	return (enum outcome)WEXITSTATUS(status);
}

static void expect_all(enum sandbox_mode mode, const struct probe *probes, size_t count, enum outcome outcome)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < count; i++) {
		enum outcome got = outcome_of(mode, &probes[i]);

		if (got == outcome)
			continue;
		print_error("%s: %d instead of %d\n", probes[i].name, (int)got, (int)outcome);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

static void test_what_the_daemon_does_goes_through(void **state)
{
	expect_all(SANDBOX_ENFORCE, wanted, WANTED, GOES_THROUGH);
}

static void test_all_else_fails_as_in_an_older_kernel(void **state)
{
	expect_all(SANDBOX_ENFORCE, refused, REFUSED, IS_REFUSED);
}

static void test_what_only_an_intruder_does_ends_it(void **state)
{
	expect_all(SANDBOX_ENFORCE, deadly, DEADLY, ENDS_IT);
}

static void test_log_lets_everything_through(void **state)
{
	/* Without the last one: no kernel knows that call. */
	expect_all(SANDBOX_LOG, refused, 11, GOES_THROUGH);
	expect_all(SANDBOX_LOG, &deadly[0], 3, GOES_THROUGH);
}

static int ready[2], go[2];

static void *ask_when_told(void *unused)
{
	char byte = 0;

	(void)!write(ready[1], &byte, 1);
	(void)!read(go[0], &byte, 1);
	_exit((int)ask(&refused[0]));
}

/* A worker may be there before. */
static void enter_beside_a_thread(void)
{
	enum sandbox_mode in_force = SANDBOX_OFF;
	pthread_t thread;
	char byte = 0;

	if (pipe(ready) < 0 || pipe(go) < 0 || pthread_create(&thread, NULL, ask_when_told, NULL) != 0)
		_exit(COULD_NOT_ENTER);
	(void)!read(ready[0], &byte, 1);
	if (sandbox_enter(SANDBOX_ENFORCE, &in_force) < 0 || in_force != SANDBOX_ENFORCE)
		_exit(COULD_NOT_ENTER);
	(void)!write(go[1], &byte, 1);
	pthread_join(thread, NULL);
	_exit(COULD_NOT_ENTER);
}

static void test_threads_that_are_there_are_confined_too(void **state)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		enter_beside_a_thread();
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == COULD_NOT_ENTER)
		skip();
	assert_int_equal(WEXITSTATUS(status), IS_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_the_daemon_does_goes_through),
		cmocka_unit_test(test_all_else_fails_as_in_an_older_kernel),
		cmocka_unit_test(test_what_only_an_intruder_does_ends_it),
		cmocka_unit_test(test_log_lets_everything_through),
		cmocka_unit_test(test_threads_that_are_there_are_confined_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
