/**
 * The filter of system calls as container engines read it. It names what is let through: what engines themselves let through
 * to a container without capabilities, less what `SystemCalls` denies. What is not named is not there, so also what
 * neither we nor the engine's library know yet.
 */
import * as SystemCalls from "./SystemCalls.ts"

const allowed = `
  accept accept4 access adjtimex alarm arch_prctl bind brk capget capset chdir chown clock_adjtime64 clock_getres
  clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 close close_range connect
  copy_file_range dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait
  epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 fallocate fanotify_mark
  fchdir fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstatfs fsync
  ftruncate futex futex_time64 futimesat get_mempolicy get_robust_list get_thread_area getcpu getcwd getdents getdents64
  getegid geteuid getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid
  getresuid getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid getxattr inotify_add_watch
  inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_setup io_submit ioprio_get ioprio_set
  kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lgetxattr link linkat listen listxattr
  llistxattr lremovexattr lseek lsetxattr lstat madvise mbind membarrier memfd_create memfd_secret mincore mkdir mkdirat
  mlock mlock2 mlockall mmap modify_ldt mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64
  mq_timedsend mq_timedsend_time64 mq_unlink mremap msgctl msgget msgrcv msgsnd msync munlock munlockall munmap
  nanosleep newfstatat pause pidfd_getfd pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll
  ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease process_vm_readv process_vm_writev pselect6
  pselect6_time64 ptrace pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recvfrom recvmmsg
  recvmmsg_time64 recvmsg remap_file_pages removexattr rename renameat renameat2 restart_syscall rmdir rseq rt_sigaction
  rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64
  rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam
  sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam
  sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop semtimedop_time64 sendfile sendmmsg
  sendmsg sendto set_mempolicy set_robust_list set_thread_area set_tid_address setfsgid setfsuid setgid setgroups
  setitimer setpgid setpriority setregid setresgid setresuid setreuid setrlimit setsid setsockopt setuid setxattr shmat
  shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 splice stat statfs statx symlink symlinkat sync
  sync_file_range sync_file_range2 syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun
  timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64
  timerfd_settime timerfd_settime64 times tkill truncate umask uname unlink unlinkat utime utimensat utimensat_time64
  utimes vfork wait4 waitid write writev
`

/** A condition on an argument. With all of several it is that of a rule. */
interface Condition {
  readonly index: number
  readonly op: "SCMP_CMP_EQ" | "SCMP_CMP_NE" | "SCMP_CMP_MASKED_EQ"
  readonly value: number
  readonly valueTwo?: number
}

interface Rule {
  readonly names: ReadonlyArray<string>
  readonly action: "SCMP_ACT_ALLOW" | "SCMP_ACT_ERRNO"
  readonly errnoRet?: number
  readonly args?: ReadonlyArray<Condition>
}

const { noSuchFamily, notPermitted, notThere } = SystemCalls.errors

const allow = (names: ReadonlyArray<string>, ...args: ReadonlyArray<Condition>): Rule => ({
  names,
  action: "SCMP_ACT_ALLOW",
  args
})
const fail = (errnoRet: number, names: ReadonlyArray<string>, ...args: ReadonlyArray<Condition>): Rule => ({
  names,
  action: "SCMP_ACT_ERRNO",
  errnoRet,
  args
})

const is = (index: number, value: number): Condition => ({ index, op: "SCMP_CMP_EQ", value })
const isNot = (index: number, value: number): Condition => ({ index, op: "SCMP_CMP_NE", value })
/** Whether the argument has the value in the bits of the mask, which the kernel looks at alone. */
const masked = (index: number, value: number, valueTwo: number): Condition => ({
  index,
  op: "SCMP_CMP_MASKED_EQ",
  value,
  valueTwo
})
const has = (index: number, bit: number): Condition => masked(index, bit, bit)
const lacks = (index: number, bits: ReadonlyArray<number>): Condition =>
  masked(
    index,
    bits.reduce((all, bit) => all | bit, 0),
    0
  )

const withoutBits = (name: string, bits: ReadonlyArray<number>): ReadonlyArray<Rule> => [
  allow([name], lacks(0, bits)),
  ...bits.map((bit) => fail(notPermitted, [name], has(0, bit)))
]

/** S_ISUID and S_ISGID: on the host such a file in the workspace would give the rights of its owner to who runs it. */
const rights = [0o4000, 0o2000]

const modes = Object.entries(SystemCalls.modes).flatMap(([name, { flags, mode }]): ReadonlyArray<Rule> => [
  allow([name], lacks(mode, rights)),
  ...(flags === undefined
    ? rights.map((bit) => fail(notPermitted, [name], has(mode, bit)))
    : [
        allow([name], lacks(flags, SystemCalls.creating)),
        ...SystemCalls.creating.flatMap((way) =>
          rights.map((bit) => fail(notPermitted, [name], has(flags, way), has(mode, bit)))
        )
      ])
])

const sockets: ReadonlyArray<Rule> = [
  ...SystemCalls.families.map((family) => allow(["socket", "socketpair"], is(0, family))),
  allow(["socket", "socketpair"], is(0, SystemCalls.netlink), is(2, 0)),
  fail(noSuchFamily, ["socket", "socketpair"], is(0, SystemCalls.netlink), isNot(2, 0)),
  // Programs ask which families there are. There are 46.
  ...Array.from({ length: 64 }, (_, family) => family)
    .filter((family) => family !== SystemCalls.netlink && !SystemCalls.families.includes(family))
    .map((family) => fail(noSuchFamily, ["socket", "socketpair"], is(0, family)))
]

/**
 * The requests that are no typing, as blocks of a power of two: the kernel takes the lower half of the argument, and a filter
 * can compare either all of it or some bits.
 */
const requests = (): ReadonlyArray<Rule> => {
  const rules: Array<Rule> = []
  let from = 0
  for (const end of [...SystemCalls.typing, 2 ** 32]) {
    while (from < end) {
      let size = 1
      while (from % (size * 2) === 0 && from + size * 2 <= end) size *= 2
      rules.push(allow(["ioctl"], masked(1, 2 ** 32 - size, from)))
      from += size
    }
    from = end + 1
  }
  return [
    ...rules,
    ...SystemCalls.typing.map((request) => fail(notPermitted, ["ioctl"], masked(1, 2 ** 32 - 1, request)))
  ]
}

// What it changes is how the process itself runs; engines let five values through.
const personalities = [0, 0x8, 0x20000, 0x20008, 0xffffffff].map((value) => allow(["personality"], is(0, value)))

/** The profile, for `--security-opt seccomp=FILE`. It is for the processor of the machine, and for no other that it can play. */
export const profile = (): string =>
  JSON.stringify({
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: notThere,
    syscalls: [
      allow(allowed.trim().split(/\s+/)),
      fail(notPermitted, Object.keys(SystemCalls.denied)),
      ...withoutBits("clone", SystemCalls.namespaces),
      ...withoutBits("unshare", [...SystemCalls.namespaces, SystemCalls.timeNamespace]),
      ...modes,
      ...requests(),
      ...sockets,
      ...personalities
    ]
  } satisfies { readonly syscalls: ReadonlyArray<Rule>; readonly [key: string]: unknown })
