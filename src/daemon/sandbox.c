/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/sandbox.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

enum { CONDITIONS_MAX = 2 };

/* (argument & mask) == value. */
struct condition {
	unsigned argument;
	uint64_t mask;
	uint64_t value;
};

/* A call that is allowed. With conditions only where all of them hold; several rows of a call are alternatives. */
struct row {
	int call; /* negative: this processor's kernel has none of this name */
	const char *reason;
	unsigned conditions;
	struct condition when[CONDITIONS_MAX];
};

#define CALL(name, why)                                                                                      \
	{                                                                                                    \
		.call = SCMP_SYS(name), .reason = (why)                                                      \
	}
#define CALL_IF(name, why, ...)                                                                              \
	{                                                                                                    \
		.call = SCMP_SYS(name), .reason = (why), .conditions = CONDITIONS(__VA_ARGS__), .when = {    \
			__VA_ARGS__                                                                          \
		}                                                                                            \
	}
#define CONDITIONS(...) (sizeof((struct condition[]){__VA_ARGS__}) / sizeof(struct condition))
/* The upper half of an int's register means nothing. */
#define INT_IS(argument_, value_)                                                                            \
	{                                                                                                    \
		.argument = (argument_), .mask = UINT32_MAX, .value = (value_)                               \
	}
#define FLAGS_ARE(argument_, mask_, value_)                                                                  \
	{                                                                                                    \
		.argument = (argument_), .mask = (mask_), .value = (value_)                                  \
	}
#define IS_NULL(argument_)                                                                                   \
	{                                                                                                    \
		.argument = (argument_), .mask = UINT64_MAX, .value = 0                                      \
	}

enum {
	NETFILTER_PROTOCOL = 12, /* NETLINK_NETFILTER */
	ROUTE_PROTOCOL = 0,      /* NETLINK_ROUTE */
	NAMESPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
		     CLONE_NEWPID | CLONE_NEWNET,
};

static const struct row allowed[] = {
	/* Memory: malloc, threads' stacks, and the loader (a name service's library at a reload, the next op25bd). */
	CALL(brk, "malloc"),
	CALL_IF(mmap, "memory that cannot be executed", FLAGS_ARE(2, PROT_WRITE | PROT_EXEC, PROT_WRITE)),
	CALL_IF(mmap, "guard pages, files to read", FLAGS_ARE(2, PROT_WRITE | PROT_EXEC, 0)),
	CALL_IF(mmap, "a library's code, which cannot be written",
		FLAGS_ARE(2, PROT_WRITE | PROT_EXEC, PROT_EXEC)),
	CALL(munmap, "malloc"),
	CALL(mremap, "realloc of large blocks"),
	CALL(madvise, "free gives memory back"),
	CALL_IF(mprotect, "malloc's arenas; never memory that could be executed", FLAGS_ARE(2, PROT_EXEC, 0)),

	/* Files: policy and lists, records, state. Which of them, their owners and the unit say. */
	CALL(openat, "policy, lists, records, state, time zone, /proc"),
	CALL(open, "the same, of other C libraries"),
	CALL(close, "all of them"),
	CALL(close_range, "what the next op25bd is not to hold"),
	CALL(read, "files, timers, events, signals"),
	CALL(readv, "stdio of other C libraries"),
	CALL(pread64, "the queues' counters; the loader"),
	CALL(write, "records, messages, events"),
	CALL(writev, "messages; what the C library says before it aborts"),
	CALL(pwrite64, "state"),
	CALL(lseek, "the queues' counters are read again"),
	CALL(fstat, "is it a regular file?"),
	CALL(newfstatat, "is it a regular file?"),
	CALL(stat, "the same, of other C libraries"),
	CALL(lstat, "the same, of other C libraries"),
	CALL(statx, "the same, of newer C libraries"),
	CALL(fstatfs, "is standard input the queues' file?"),
	CALL(statfs, "room for records"),
	CALL(access, "name services, the loader"),
	CALL(faccessat, "the same"),
	CALL(faccessat2, "the same"),
	CALL(readlink, "who holds a queue"),
	CALL(readlinkat, "who holds a queue"),
	CALL(getdents64, "who holds a queue"),
	CALL(getcwd, "where a list of the policy is"),
	CALL(fcntl, "descriptors that do not wait, or outlive an exec"),
	CALL(ftruncate, "half a record is taken back"),
	CALL(fsync, "state is on the disk before it is renamed"),
	CALL(fdatasync, "the same"),
	CALL(flock, "state has one writer"),
	CALL(rename, "state is exchanged whole"),
	CALL(renameat, "the same"),
	CALL(renameat2, "the same"),
	CALL(unlink, "the control socket goes"),
	CALL(unlinkat, "the same"),
	CALL(mkdir, "the control socket's directory"),
	CALL(mkdirat, "the same"),
	CALL(umask, "the control socket's mode"),
	CALL(chmod, "the control socket's mode"),
	CALL(fchmod, "the mode of state"),
	CALL(fchmodat, "the same"),
	CALL(chown, "the control socket's group"),
	CALL(fchown, "the same"),
	CALL(fchownat, "the same"),
	CALL(dup, "a descriptor that is handed on"),
	CALL(dup2, "the same"),
	CALL(dup3, "the same"),
	CALL(memfd_create, "what the next op25bd is told"),
	CALL_IF(ioctl, "does standard output buffer by lines?", INT_IS(1, TCGETS)),
	CALL_IF(ioctl, "an interface's name", INT_IS(1, SIOCGIFNAME)),
	CALL_IF(ioctl, "an interface's number", INT_IS(1, SIOCGIFINDEX)),
	CALL_IF(ioctl, "bytes that wait in a socket", INT_IS(1, FIONREAD)),

	/* Sockets: netlink to netfilter, the control socket, systemd, name services. None that reaches a network. */
	CALL_IF(socket, "control socket, systemd, syslog, name services, names of interfaces",
		INT_IS(0, AF_UNIX)),
	CALL_IF(socket, "queues and rules", INT_IS(0, AF_NETLINK), INT_IS(2, NETFILTER_PROTOCOL)),
	CALL_IF(socket, "interfaces that come and go", INT_IS(0, AF_NETLINK), INT_IS(2, ROUTE_PROTOCOL)),
	CALL_IF(socketpair, "two threads that talk", INT_IS(0, AF_UNIX)),
	CALL(bind, "a socket's address"),
	CALL(listen, "control socket"),
	CALL(accept, "control socket"),
	CALL(accept4, "control socket"),
	CALL(connect, "name services, syslog, journald; does another op25bd answer?"),
	CALL(shutdown, "control socket"),
	CALL(getsockname, "the netlink port"),
	CALL(getpeername, "who asks"),
	CALL(getsockopt, "who asks; how large a buffer is"),
	CALL(setsockopt, "buffers"),
	CALL(sendto, "verdicts, rules, answers, records to syslog and journald"),
	CALL(sendmsg, "systemd"),
	CALL(sendmmsg, "name services"),
	CALL(recvfrom, "requests, what the kernel answers"),
	CALL(recvmsg, "the same"),
	CALL(recvmmsg, "packets"),

	/* Time and waiting. */
	CALL(epoll_create1, "the loop"),
	CALL(epoll_ctl, "the loop"),
	CALL(epoll_wait, "the loop"),
	CALL(epoll_pwait, "the loop"),
	CALL(epoll_pwait2, "the loop"),
	CALL(poll, "a worker waits for packets"),
	CALL(ppoll, "the same"),
	CALL(select, "name services"),
	CALL(pselect6, "the same"),
	CALL(eventfd2, "one thread wakes another"),
	CALL(pipe2, "one thread wakes another"),
	CALL(timerfd_create, "the loop"),
	CALL(timerfd_settime, "the loop"),
	CALL(timerfd_gettime, "the loop"),
	CALL(signalfd4, "the loop"),
	CALL(nanosleep, "a moment's pause"),
	CALL(clock_nanosleep, "a moment's pause"),
	CALL(clock_gettime, "where the vDSO has no clock"),
	CALL(clock_getres, "the same"),
	CALL(gettimeofday, "the same"),
	CALL(time, "the same"),

	/* Threads, signals, and the process itself. */
	CALL_IF(clone, "a thread: no process, no namespace",
		FLAGS_ARE(0, (uint32_t)(CLONE_THREAD | NAMESPACES), CLONE_THREAD)),
	CALL_IF(clone,
		"the next op25bd is tried: a process that only executes it, of no namespace of its own",
		FLAGS_ARE(0, (uint32_t)(CLONE_THREAD | NAMESPACES | CLONE_VM | CLONE_VFORK),
			  CLONE_VM | CLONE_VFORK)),
	CALL(wait4, "what came of that try"),
	CALL(waitid, "the same"),
	CALL(pidfd_open, "when it ends"),
	CALL(pidfd_send_signal, "it takes too long"),
	CALL(set_robust_list, "a thread begins"),
	CALL(rseq, "a thread begins"),
	CALL(futex, "locks, a thread's end"),
	CALL(membarrier, "an exchange of policies"),
	CALL(sched_yield, "a lock is held"),
	CALL(sched_getaffinity, "how many processors"),
	CALL(sched_setaffinity, "a worker stays on its processor"),
	CALL(getcpu, "malloc's arena"),
	CALL(exit, "a thread ends"),
	CALL(exit_group, "the process ends"),
	CALL(rt_sigaction, "signals"),
	CALL(rt_sigprocmask, "signals"),
	CALL(rt_sigreturn, "signals"),
	CALL(sigaltstack, "signals"),
	CALL(restart_syscall, "a wait goes on after a stop"),
	CALL(tgkill, "abort"),
	CALL(gettid, "abort; capabilities"),
	CALL(getpid, "status"),
	CALL(getppid, "name services"),
	CALL(getuid, "name services, the loader"),
	CALL(geteuid, "the same"),
	CALL(getgid, "the same"),
	CALL(getegid, "the same"),
	CALL(getresuid, "the same"),
	CALL(getresgid, "the same"),
	CALL(getgroups, "the same"),
	CALL(getrandom, "keys of hash tables"),
	CALL(getrusage, "metrics"),
	CALL(sysinfo, "qsort asks how much memory there is"),
	CALL(uname, "the host's name"),
	CALL_IF(prlimit64, "limits are read, never set", IS_NULL(2)),
	CALL(getrlimit, "the same"),

	/*
	 * The next op25bd takes this one's place, under this table, which an exec does not end: the loader, and a start's
	 * own dropping of privileges. no_new_privs holds for it too, so what is executed can gain nothing.
	 */
	CALL(execve, "the next op25bd"),
	CALL_IF(arch_prctl, "the loader", INT_IS(0, 0x1002)), /* ARCH_SET_FS */
	CALL(set_tid_address, "the loader"),
	CALL(capget, "which capabilities are held"),
	CALL(capset, "capabilities are given up, or kept over an exec"),
	CALL_IF(prctl, "a thread's name", INT_IS(0, PR_SET_NAME)),
	CALL_IF(prctl, "capabilities are given up", INT_IS(0, PR_CAPBSET_READ)),
	CALL_IF(prctl, "the same", INT_IS(0, PR_CAPBSET_DROP)),
	CALL_IF(prctl, "the same, or kept over an exec", INT_IS(0, PR_CAP_AMBIENT)),
	CALL_IF(prctl, "capabilities", INT_IS(0, PR_GET_SECUREBITS)),
	CALL_IF(prctl, "no privilege is gained", INT_IS(0, PR_SET_NO_NEW_PRIVS)),
	CALL_IF(prctl, "no privilege is gained", INT_IS(0, PR_GET_NO_NEW_PRIVS)),
	CALL_IF(prctl, "is it confined?", INT_IS(0, PR_GET_SECCOMP)),
	CALL(seccomp, "the next op25bd's own table"),
};

/* What nothing of ours, and no library, tries by itself. */
static const int deadly[] = {
	/* other processes, and this one's code */
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(execveat),
	SCMP_SYS(fork),
	SCMP_SYS(vfork),
	SCMP_SYS(kcmp),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(personality),
	SCMP_SYS(modify_ldt),
	SCMP_SYS(memfd_secret),
	SCMP_SYS(remap_file_pages),
	SCMP_SYS(userfaultfd),
	/* the system */
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(pivot_root),
	SCMP_SYS(chroot),
	SCMP_SYS(open_tree),
	SCMP_SYS(move_mount),
	SCMP_SYS(fsopen),
	SCMP_SYS(fsmount),
	SCMP_SYS(mount_setattr),
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
	SCMP_SYS(init_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(reboot),
	SCMP_SYS(swapon),
	SCMP_SYS(swapoff),
	SCMP_SYS(sethostname),
	SCMP_SYS(setdomainname),
	SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime),
	SCMP_SYS(acct),
	SCMP_SYS(syslog),
	SCMP_SYS(quotactl),
	SCMP_SYS(iopl),
	SCMP_SYS(ioperm),
	SCMP_SYS(mknod),
	SCMP_SYS(mknodat),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(name_to_handle_at),
	/* large and lately much-broken parts of the kernel */
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register),
	SCMP_SYS(keyctl),
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(vmsplice),
};

enum { ALLOWED = sizeof(allowed) / sizeof(allowed[0]), DEADLY = sizeof(deadly) / sizeof(deadly[0]) };

static const char *const mode_names[] = {
	[SANDBOX_ENFORCE] = "enforce",
	[SANDBOX_LOG] = "log",
	[SANDBOX_OFF] = "off",
};
_Static_assert(sizeof(mode_names) / sizeof(mode_names[0]) == SANDBOX_MODES, "every mode has a name");

const char *sandbox_mode_name(enum sandbox_mode mode)
{
	return mode_names[mode];
}

int sandbox_mode_parse(const char *text, enum sandbox_mode *ret)
{
	for (unsigned mode = 0; mode < SANDBOX_MODES; mode++) {
		if (strcmp(text, mode_names[mode]) == 0) {
			*ret = (enum sandbox_mode)mode;
			return 0;
		}
	}
	return -EINVAL;
}

static int allow(scmp_filter_ctx filter, const struct row *row)
{
	struct scmp_arg_cmp when[CONDITIONS_MAX];

	for (unsigned i = 0; i < row->conditions; i++)
		when[i] = (struct scmp_arg_cmp){.arg = row->when[i].argument,
						.op = SCMP_CMP_MASKED_EQ,
						.datum_a = row->when[i].mask,
						.datum_b = row->when[i].value};
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, row->call, row->conditions, when);
}

static int fill(scmp_filter_ctx filter, enum sandbox_mode mode)
{
	int r = 0;

	for (size_t i = 0; i < ALLOWED && r == 0; i++)
		r = allowed[i].call < 0 ? 0 : allow(filter, &allowed[i]);
	/* In log mode that is the default, and libseccomp refuses to be told it again. */
	for (size_t i = 0; i < DEADLY && r == 0 && mode == SANDBOX_ENFORCE; i++)
		r = deadly[i] < 0 ? 0 : seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, deadly[i], 0);
	return r;
}

static int set_up(scmp_filter_ctx filter, enum sandbox_mode mode)
{
	uint32_t bad_arch = mode == SANDBOX_LOG ? SCMP_ACT_LOG : SCMP_ACT_KILL_PROCESS;
	int r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

	/* Calls of another architecture's numbers, as of 32 bits. */
	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, bad_arch);
	/* Only convenience: refused calls are logged, and found by halving the list of calls. */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
	(void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return r;
}

static int enter(enum sandbox_mode mode)
{
	uint32_t other_calls = mode == SANDBOX_LOG ? SCMP_ACT_LOG : SCMP_ACT_ERRNO(ENOSYS);
	scmp_filter_ctx filter = seccomp_init(other_calls);
	int r;

	if (!filter)
		return mode == SANDBOX_LOG ? -EOPNOTSUPP : -ENOMEM;
	r = set_up(filter, mode);
	if (r == 0)
		r = fill(filter, mode);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

int sandbox_enter(enum sandbox_mode mode, enum sandbox_mode *ret_in_force)
{
	int r = 0;

#ifdef OP25B_SANITIZED
	mode = SANDBOX_OFF;
#endif
	if (mode != SANDBOX_OFF)
		r = enter(mode);
	if (r == 0)
		*ret_in_force = mode;
	return r;
}
