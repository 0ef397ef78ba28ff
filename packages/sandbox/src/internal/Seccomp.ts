/**
 * The filter of system calls that every command runs under, as a program for the kernel. It keeps commands from what no tool of
 * a developer needs and where the kernel's own mistakes are found: mounts, namespaces, keys, tracing of the kernel, other
 * families of sockets, typing into a terminal. What the kernel gets new after it was written answers as if it were not there.
 */

/** The processors that there is a table for, as Node names them. */
export type Processor = "x64" | "arm64"

/** Whether there is a table. */
export const isProcessor = (name: string): name is Processor => name === "x64" || name === "arm64"

interface Table {
  /** AUDIT_ARCH_*: the filter sees this before it trusts a number. */
  readonly architecture: number
  readonly calls: Readonly<Record<"clone" | "unshare" | "ioctl" | "socket" | "socketpair", number>>
  /** Calls that make a file or change its mode: which argument is the mode, and which the flags of an opening. */
  readonly modes: ReadonlyArray<readonly [call: number, mode: number, flags?: number]>
  readonly denied: Readonly<Record<string, ReadonlyArray<number>>>
}

// From 424 on all processors number alike: open_tree, move_mount, fsopen, fsconfig, fsmount, fspick, mount_setattr,
// quotactl_fd, open_tree_attr.
const deniedAlike = [428, 429, 430, 431, 432, 433, 442, 443, 467]
// io_uring_setup, io_uring_enter, io_uring_register, clone3, openat2: programs that are told "not there" take the older call,
// whose arguments can be seen.
const absent = [425, 426, 427, 435, 437]
/** The last call that was looked at: file_setattr. */
const last = 469

const tables: Readonly<Record<Processor, Table>> = {
  x64: {
    architecture: 0xc000003e,
    calls: { clone: 56, unshare: 272, ioctl: 16, socket: 41, socketpair: 53 },
    // open, creat, chmod, fchmod, mknod, openat, mknodat, fchmodat, fchmodat2.
    modes: [
      [2, 2, 1],
      [85, 1],
      [90, 1],
      [91, 1],
      [133, 1],
      [257, 3, 2],
      [259, 2],
      [268, 2],
      [452, 2]
    ],
    denied: {
      rootsAndMounts: [155, 161, 165, 166],
      machine: [103, 134, 153, 156, 163, 167, 168, 169, 170, 171, 179, 180, 212],
      portsAndModules: [172, 173, 174, 175, 176, 177, 178, 246, 313, 320],
      clocks: [164, 227, 305],
      keys: [248, 249, 250],
      tracing: [298, 300, 321, 323],
      filesByHandle: [303, 304],
      namespaces: [308],
      pagesOfOthers: [256, 279]
    }
  },
  arm64: {
    architecture: 0xc00000b7,
    calls: { clone: 220, unshare: 97, ioctl: 29, socket: 198, socketpair: 199 },
    // mknodat, fchmod, fchmodat, openat, fchmodat2.
    modes: [
      [33, 2],
      [52, 1],
      [53, 2],
      [56, 3, 2],
      [452, 2]
    ],
    denied: {
      rootsAndMounts: [39, 40, 41, 51],
      machine: [18, 42, 58, 60, 89, 116, 142, 161, 162, 224, 225],
      portsAndModules: [104, 105, 106, 273, 294],
      clocks: [112, 170, 266],
      keys: [217, 218, 219],
      tracing: [241, 262, 280, 282],
      filesByHandle: [264, 265],
      namespaces: [268],
      pagesOfOthers: [238, 239]
    }
  }
}

const eperm = 1
const enosys = 38
const eafnosupport = 97

/** CLONE_NEW{USER,NS,CGROUP,UTS,IPC,PID,NET}; `unshare` takes CLONE_NEWTIME as well, whose bit is a signal's in `clone`. */
const namespaces = 0x7e020000
const timeNamespace = 0x80
/** TIOCSTI and TIOCLINUX: they type into the terminal of whoever started us. */
const typing = [0x5412, 0x541c]
/** AF_UNIX, AF_INET, AF_INET6. */
const families = [1, 2, 10]
/** AF_NETLINK, for NETLINK_ROUTE alone: what `getifaddrs` asks. */
const netlink = 16

// Instructions of the kernel's classic BPF: code, how many to skip when true and when false, operand.
type Instruction = readonly [code: number, whenTrue: number, whenFalse: number, operand: number]
const load = (offset: number): Instruction => [0x20, 0, 0, offset]
const equals = (operand: number, whenTrue: number, whenFalse: number): Instruction => [
  0x15,
  whenTrue,
  whenFalse,
  operand
]
const above = (operand: number, whenTrue: number, whenFalse: number): Instruction => [
  0x25,
  whenTrue,
  whenFalse,
  operand
]
const anyBit = (operand: number, whenTrue: number, whenFalse: number): Instruction => [
  0x45,
  whenTrue,
  whenFalse,
  operand
]
const fail = (error: number): Instruction => [0x06, 0, 0, 0x00050000 | error]
const allow: Instruction = [0x06, 0, 0, 0x7fff0000]

const number = 0
const architecture = 4
/** The lower half of an argument, which is all of it for what is looked at. */
const argument = (index: number): number => 16 + 8 * index

/** What is done for one call, which ends it; the other calls pass by. */
const when = (call: number, then: ReadonlyArray<Instruction>): ReadonlyArray<Instruction> => [
  equals(call, 0, then.length),
  ...then
]

const withoutBits = (bits: number, index = 0): ReadonlyArray<Instruction> => [
  load(argument(index)),
  anyBit(bits, 0, 1),
  fail(eperm),
  allow
]

/** S_ISUID: on the host such a file in the workspace would give the rights of its owner to who runs it. */
const setuid = 0o4000
/** O_CREAT and O_TMPFILE: without them there is no mode. */
const creating = 0o100 | 0o20000000

const withoutSetuid = (mode: number, flags: number | undefined): ReadonlyArray<Instruction> => [
  ...(flags === undefined ? [] : [load(argument(flags)), anyBit(creating, 1, 0), allow]),
  ...withoutBits(setuid, mode)
]

const family: ReadonlyArray<Instruction> = [
  load(argument(0)),
  ...families.flatMap((family) => [equals(family, 0, 1), allow]),
  equals(netlink, 0, 3),
  load(argument(2)),
  equals(0, 0, 1),
  allow,
  fail(eafnosupport)
]

const instructions = (processor: Processor): ReadonlyArray<Instruction> => {
  const { architecture: expected, calls, denied, modes } = tables[processor]
  return [
    load(architecture),
    // Calls of another processor, as those of 32 bits, have other numbers.
    equals(expected, 1, 0),
    fail(enosys),
    load(number),
    // The x32 calls of x86 are above it too.
    above(last, 0, 1),
    fail(enosys),
    ...[...Object.values(denied).flat(), ...deniedAlike].flatMap((call) => when(call, [fail(eperm)])),
    ...absent.flatMap((call) => when(call, [fail(enosys)])),
    ...when(calls.clone, withoutBits(namespaces)),
    ...when(calls.unshare, withoutBits(namespaces | timeNamespace)),
    ...modes.flatMap(([call, mode, flags]) => when(call, withoutSetuid(mode, flags))),
    ...when(calls.ioctl, [
      load(argument(1)),
      ...typing.flatMap((request) => [equals(request, 0, 1), fail(eperm)]),
      allow
    ]),
    ...when(calls.socket, family),
    ...when(calls.socketpair, family),
    allow
  ]
}

/** The program, as `bwrap --seccomp` reads it. */
export const program = (processor: Processor): Uint8Array => {
  const all = instructions(processor)
  const bytes = new DataView(new ArrayBuffer(all.length * 8))
  all.forEach(([code, whenTrue, whenFalse, operand], index) => {
    const at = index * 8
    bytes.setUint16(at, code, true)
    bytes.setUint8(at + 2, whenTrue)
    bytes.setUint8(at + 3, whenFalse)
    bytes.setUint32(at + 4, operand, true)
  })
  return new Uint8Array(bytes.buffer)
}
