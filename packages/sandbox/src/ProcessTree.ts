/**
 * The processes that a sandbox started, with their children, found by a **mark** in their environment.
 *
 * A child inherits the mark, and keeps it through `setsid`, a double fork and `nohup`; so they are found in `/proc` when
 * their process group and their parents are long gone. Descendants of a marked process are found too when they run with
 * another environment. What gets away is a process that has wiped its environment *and* left its session *and* lost all
 * its marked parents before anybody looked: holding that one takes a pid namespace or a control group, so isolation.
 */
import * as Effect from "effect/Effect"
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readSync } from "node:fs"
import * as HostProcesses from "./internal/HostProcesses.ts"

/** The variable that carries the mark. */
export const variable = "MILLWRIGHT_SANDBOX"

/** Whether processes can be found by their mark: on Linux, where `/proc` is mounted. */
export const isSupported: boolean = process.platform === "linux" && existsSync("/proc/self/environ")

/** How long a tree may take to end by itself before it is killed, in milliseconds, unless the caller says. */
export const defaultGrace = 500

/** The longest time that the end of a scope waits before it kills, in milliseconds. */
export const maximumGrace = 1_000

/** What a tree is known by. */
export interface Tree {
  /** A part of the environment that no other process has. */
  readonly mark: string
  /** The process group, and session, that its first process leads. */
  readonly group?: number | undefined
  /** All children of this process that were started under the mark, where that is known. */
  readonly entries?: ReadonlyArray<number> | undefined
}

/**
 * Living processes of the tree, and all their descendants. Empty where it is not supported. `seen` remembers who belongs
 * to it, so that a child whose parent ended between two looks is still known by the session or group that it is in.
 */
export const members = (tree: Tree, seen: Set<number> = new Set()): ReadonlyArray<number> => look(tree, seen).living

const nobody = { living: [], isSure: true }

const look = (
  { group, mark }: Tree,
  seen: Set<number>
): { readonly living: ReadonlyArray<number>; readonly isSure: boolean } => {
  // Every environment holds the empty mark.
  if (!isSupported || mark === "") return nobody
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
  const needle = Buffer.from(mark)
  const blank: Array<number> = []
  for (const pid of all) {
    const found = environment(pid)
    if (found?.length === 0) blank.push(pid)
    else if (pid !== process.pid && found?.includes(needle) === true) seen.add(pid)
  }
  if (group !== undefined && isGroup(group)) seen.add(group)
  // The usual end: nothing is left, and the second look at all processes is spared.
  if (seen.size === 0) return { living: [], isSure: !blank.some(HostProcesses.isBetween) }
  const states = all.flatMap(status)
  for (let before = -1; before !== seen.size;) {
    before = seen.size
    for (const { group, parent, pid, session } of states) {
      if (seen.has(parent) || seen.has(group) || seen.has(session)) seen.add(pid)
    }
  }
  // A zombie has ended; whether its parent ever looks at it is not ours to wait for.
  return {
    living: states.filter(({ isZombie, pid }) => seen.has(pid) && !isZombie).map(({ pid }) => pid),
    isSure: true
  }
}

const isGroup = (group: number): boolean => {
  try {
    return process.kill(-group, 0)
  } catch {
    return false
  }
}

/** Ends every member with a signal, and kills what is left after `grace` milliseconds. Bounded: `grace` and a second. */
export const end = (
  tree: Tree,
  options: { readonly signal: NodeJS.Signals; readonly grace: number }
): Effect.Effect<void> =>
  Effect.uninterruptible(
    Effect.gen(function* () {
      const seen = new Set<number>()
      const settled = performance.now() + HostProcesses.settling
      let { isSure, living: left } = look(tree, seen)
      while (left.length === 0) {
        if (isSure || performance.now() > settled) return
        yield* pause(1)
        ;({ isSure, living: left } = look(tree, seen))
      }
      HostProcesses.send(left, options.signal)
      const patience = performance.now() + options.grace
      const deadline = patience + 1_000
      while (left.length > 0 && performance.now() < deadline) {
        yield* pause(5)
        left = members(tree, seen)
        if (performance.now() >= patience) HostProcesses.send(left, "SIGKILL")
      }
    })
  )

/** Waits in milliseconds of the system's own timer: processes do not live in the clock that a test puts in its place. */
export const pause = (milliseconds: number): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    const timer = setTimeout(() => resume(Effect.void), milliseconds)
    return Effect.sync(() => clearTimeout(timer))
  })

// One buffer for all: an environment is at most 128 KiB for each variable, and a truncated one hides the mark only of a
// process that filled it on purpose.
const buffer = Buffer.allocUnsafeSlow(1024 * 1024)

const environment = (pid: number): Buffer | undefined => {
  try {
    const file = openSync(`/proc/${pid}/environ`, "r")
    try {
      return buffer.subarray(0, readSync(file, buffer, 0, buffer.length, 0))
    } finally {
      closeSync(file)
    }
  } catch {
    // It has ended, or it is another user's.
    return undefined
  }
}

interface Status {
  readonly pid: number
  readonly parent: number
  readonly group: number
  readonly session: number
  readonly isZombie: boolean
}

const status = (pid: number): ReadonlyArray<Status> => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1")
    // The second field is the program's name in parentheses, and may hold spaces and parentheses itself.
    const [state, parent, group, session] = text.slice(text.lastIndexOf(")") + 2).split(" ")
    const isZombie = state === "Z" || state === "X"
    return [{ pid, parent: Number(parent), group: Number(group), session: Number(session), isZombie }]
  } catch {
    return []
  }
}
