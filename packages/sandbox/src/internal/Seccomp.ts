/**
 * The filter of system calls that every command runs under, as a program for the kernel. It keeps commands from what no tool of
 * a developer needs and where the kernel's own mistakes are found: mounts, namespaces, keys, tracing of the kernel, other
 * families of sockets, typing into a terminal. What the kernel gets new after it was written answers as if it were not there.
 */

import * as SystemCalls from "./SystemCalls.ts"

/** The processors that there is a table for, as Node names them. */
export type Processor = "x64" | "arm64"

/** Whether there is a table. */
export const isProcessor = (name: string): name is Processor => name === "x64" || name === "arm64"

const columns = { x64: 0, arm64: 1 } as const
/** AUDIT_ARCH_*: the filter sees this before it trusts a number. */
const architectures = { x64: 0xc000003e, arm64: 0xc00000b7 } as const
/** The last call that was looked at: file_setattr. */
const last = 469

const { noSuchFamily, notPermitted, notThere } = SystemCalls.errors
const anyOf = (bits: ReadonlyArray<number>): number => bits.reduce((all, bit) => all | bit, 0)
const namespaces = anyOf(SystemCalls.namespaces)

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
  fail(notPermitted),
  allow
]

/**
 * S_ISUID and S_ISGID: on the host such a file in the workspace would give the rights of its owner to who runs it. A folder
 * may have S_ISGID from the one that it is in, but a call does not tell the filter whether it is about a folder.
 */
const rights = 0o6000
const creating = anyOf(SystemCalls.creating)

const withoutRights = (mode: number, flags: number | undefined): ReadonlyArray<Instruction> => [
  ...(flags === undefined ? [] : [load(argument(flags)), anyBit(creating, 1, 0), allow]),
  ...withoutBits(rights, mode)
]

const family: ReadonlyArray<Instruction> = [
  load(argument(0)),
  ...SystemCalls.families.flatMap((family) => [equals(family, 0, 1), allow]),
  equals(SystemCalls.netlink, 0, 3),
  load(argument(2)),
  equals(0, 0, 1),
  allow,
  fail(noSuchFamily)
]

const instructions = (processor: Processor): ReadonlyArray<Instruction> => {
  const column = columns[processor]
  const numbers = (calls: Readonly<Record<string, readonly [number | undefined, number | undefined]>>) =>
    Object.values(calls).flatMap((of) => of[column] ?? [])
  const { clone, ioctl, socket, socketpair, unshare } = SystemCalls.looked
  return [
    load(architecture),
    // Calls of another processor, as those of 32 bits, have other numbers.
    equals(architectures[processor], 1, 0),
    fail(notThere),
    load(number),
    // The x32 calls of x86 are above it too.
    above(last, 0, 1),
    fail(notThere),
    ...numbers(SystemCalls.denied).flatMap((call) => when(call, [fail(notPermitted)])),
    ...numbers(SystemCalls.absent).flatMap((call) => when(call, [fail(notThere)])),
    ...when(clone[column], withoutBits(namespaces)),
    ...when(unshare[column], withoutBits(namespaces | SystemCalls.timeNamespace)),
    ...Object.values(SystemCalls.modes).flatMap(({ flags, mode, numbers }) => {
      const call = numbers[column]
      return call === undefined ? [] : when(call, withoutRights(mode, flags))
    }),
    ...when(ioctl[column], [
      load(argument(1)),
      ...SystemCalls.typing.flatMap((request) => [equals(request, 0, 1), fail(notPermitted)]),
      allow
    ]),
    ...when(socket[column], family),
    ...when(socketpair[column], family),
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
