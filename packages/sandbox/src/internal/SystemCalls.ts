/** The calls of the Linux kernel that no command of a sandbox may make, by name, for every filter that is made of them. */

/** What the processors call it: x64 and arm64. From 424 on all number alike. */
type Numbers = readonly [x64: number | undefined, arm64: number | undefined]

const alike = (number: number): Numbers => [number, number]

/** They fail with EPERM. */
export const denied: Readonly<Record<string, Numbers>> = {
  // Roots and mounts.
  pivot_root: [155, 41],
  chroot: [161, 51],
  mount: [165, 40],
  umount2: [166, 39],
  open_tree: alike(428),
  move_mount: alike(429),
  fsopen: alike(430),
  fsconfig: alike(431),
  fsmount: alike(432),
  fspick: alike(433),
  mount_setattr: alike(442),
  quotactl_fd: alike(443),
  open_tree_attr: alike(467),
  // The machine.
  syslog: [103, 116],
  uselib: [134, undefined],
  vhangup: [153, 58],
  _sysctl: [156, undefined],
  acct: [163, 89],
  swapon: [167, 224],
  swapoff: [168, 225],
  reboot: [169, 142],
  sethostname: [170, 161],
  setdomainname: [171, 162],
  quotactl: [179, 60],
  nfsservctl: [180, 42],
  lookup_dcookie: [212, 18],
  // Its ports and the kernel's modules.
  iopl: [172, undefined],
  ioperm: [173, undefined],
  create_module: [174, undefined],
  init_module: [175, 105],
  delete_module: [176, 106],
  get_kernel_syms: [177, undefined],
  query_module: [178, undefined],
  kexec_load: [246, 104],
  finit_module: [313, 273],
  kexec_file_load: [320, 294],
  // Clocks.
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  clock_adjtime: [305, 266],
  // Keys.
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  // Tracing.
  perf_event_open: [298, 241],
  fanotify_init: [300, 262],
  bpf: [321, 280],
  userfaultfd: [323, 282],
  // Files by handle.
  name_to_handle_at: [303, 264],
  open_by_handle_at: [304, 265],
  // The namespaces of others.
  setns: [308, 268],
  // Their pages.
  migrate_pages: [256, 238],
  move_pages: [279, 239]
}

/** They are not there: programs take the older call then, whose arguments can be seen. */
export const absent: Readonly<Record<string, Numbers>> = {
  io_uring_setup: alike(425),
  io_uring_enter: alike(426),
  io_uring_register: alike(427),
  clone3: alike(435),
  openat2: alike(437)
}

/** They depend on their arguments. */
export const looked = {
  clone: [56, 220],
  unshare: [272, 97],
  ioctl: [16, 29],
  socket: [41, 198],
  socketpair: [53, 199]
} as const satisfies Readonly<Record<string, Numbers>>

/** Calls that make a file or change its mode: which argument is the mode, and which the flags of an opening. */
export interface Mode {
  readonly numbers: Numbers
  readonly mode: number
  readonly flags?: number
}

/** Calls that make a file or change its mode. */
export const modes: Readonly<Record<string, Mode>> = {
  open: { numbers: [2, undefined], mode: 2, flags: 1 },
  creat: { numbers: [85, undefined], mode: 1 },
  chmod: { numbers: [90, undefined], mode: 1 },
  fchmod: { numbers: [91, 52], mode: 1 },
  mknod: { numbers: [133, undefined], mode: 1 },
  openat: { numbers: [257, 56], mode: 3, flags: 2 },
  mknodat: { numbers: [259, 33], mode: 2 },
  fchmodat: { numbers: [268, 53], mode: 2 },
  fchmodat2: { numbers: alike(452), mode: 2 }
}

/** O_CREAT and O_TMPFILE: without them there is no mode. */
export const creating = [0o100, 0o20000000] as const

/** CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}. */
export const namespaces = [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000] as const
/** CLONE_NEWTIME, which only `unshare` takes: in `clone` the bit is a signal's. */
export const timeNamespace = 0x80
/** TIOCSTI and TIOCLINUX: they type into the terminal of whoever started us. */
export const typing = [0x5412, 0x541c] as const
/** AF_UNIX, AF_INET, AF_INET6. */
export const families: ReadonlyArray<number> = [1, 2, 10]
/** AF_NETLINK, for NETLINK_ROUTE alone: what `getifaddrs` asks. */
export const netlink = 16

/** What the calls fail with. */
export const errors = { notPermitted: 1, notThere: 38, noSuchFamily: 97 } as const
