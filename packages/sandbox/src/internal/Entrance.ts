/** The command of the host that runs a command in a cell: it enters the holder's namespaces and makes those of the command. */
import * as Effect from "effect/Effect"
import * as PlatformError from "effect/PlatformError"
import * as ChildProcess from "effect/process/ChildProcess"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as ProcessTree from "../ProcessTree.ts"
import * as CellTree from "./CellTree.ts"
import * as Room from "./Room.ts"

/** What leads into a cell. */
export interface Entrance {
  /** Marks the processes of the cell. */
  readonly cell: string
  /** The program of the host and its arguments, up to and with `bwrap`. */
  readonly prefix: readonly [program: string, ...argv: ReadonlyArray<string>]
  /** Paths of `/proc` that are hidden. */
  readonly hidden: ReadonlyArray<string>
  readonly seccomp: Uint8Array
  /** Descriptors of this process that must not get inside. */
  readonly leaks: ReadonlyArray<number>
}

/** What of `/proc` acts on the machine, or tells of it, and is not kept by the permissions of a file from a sandbox of root. */
export const dangerous: Readonly<Record<string, "file" | "folder">> = {
  "/proc/acpi": "folder",
  "/proc/bus": "folder",
  "/proc/irq": "folder",
  "/proc/scsi": "folder",
  "/proc/fs": "folder",
  "/proc/kcore": "file",
  "/proc/keys": "file",
  "/proc/kmsg": "file",
  "/proc/latency_stats": "file",
  "/proc/mtrr": "file",
  "/proc/sched_debug": "file",
  "/proc/sysrq-trigger": "file",
  "/proc/timer_list": "file",
  "/proc/timer_stats": "file"
}

const common = [
  "--unshare-user --unshare-pid --unshare-ipc --unshare-cgroup-try --disable-userns --cap-drop ALL --uid 1000 --gid 1000",
  "--die-with-parent --new-session --as-pid-1 --dev-bind / / --proc /proc --ro-bind /proc/sys /proc/sys",
  // Without SHLVL, bash takes a socket for the line of a remote login and runs ~/.bashrc.
  "--clearenv --setenv SHLVL 1"
].flatMap((line) => line.split(" "))

/** How a command of the caller is run inside. */
export const wrap = (entrance: Entrance, command: ChildProcess.StandardCommand) =>
  Effect.gen(function* () {
    const { additionalFds = {}, cwd, env = {}, shell: _, ...rest } = command.options
    const asked = Object.keys(additionalFds).flatMap((name) => ChildProcess.parseFdName(name) ?? [])
    if (command.command.startsWith("-")) {
      // Shells disagree on how to run it.
      return yield* wrong(`A program can not be named ${JSON.stringify(command.command)}. Give its path.`)
    }
    const settings = (yield* Effect.forEach(Object.entries(env), ([name, value]) => setting(name, value))).flat()
    const { filter, options, spare } = descriptors(asked, entrance.leaks)
    const words = [...oddly(command.command, settings), ...wordsOf(command)]
    const [program, ...prefix] = entrance.prefix
    const mark = env[ProcessTree.variable]
    const profile = [
      common,
      entrance.hidden.flatMap((path) => ["--ro-bind", dangerous[path] === "file" ? "/dev/null" : Room.empty, path]),
      settings.flatMap(({ name, value }) => ["--setenv", name, value]),
      ["--chdir", cwd ?? "/", "--seccomp", String(filter)]
    ].flat()
    return ChildProcess.make(
      program,
      [
        ...prefix,
        ...[options, ...spare].flatMap((fd) => ["--args", String(fd)]),
        "--",
        "/bin/sh",
        "-c",
        initOf(asked),
        "init",
        ...words
      ],
      {
        ...rest,
        cwd: "/",
        // What a launcher is started with can be read inside, where its process becomes the first one.
        env: { [CellTree.variable]: entrance.cell, ...(mark === undefined ? {} : { [ProcessTree.variable]: mark }) },
        extendEnv: false,
        additionalFds: {
          ...additionalFds,
          // What is in the environment is nobody's who lists processes.
          [`fd${options}`]: feed(new TextEncoder().encode(profile.map((word) => `${word}\0`).join(""))),
          [`fd${filter}`]: feed(entrance.seccomp),
          ...covers(spare)
        }
      }
    )
  })

const feed = (bytes: Uint8Array) => ({ type: "input", stream: Stream.make(bytes) }) as const

/**
 * What was left open in this process would be a way out of a cell. A pipe with nothing in it takes its place, and `bwrap
 * --args` closes that when it has read it.
 */
export const covers = (leaks: ReadonlyArray<number>): Record<`fd${number}`, ReturnType<typeof feed>> =>
  Object.fromEntries(leaks.map((fd) => [`fd${fd}`, feed(new Uint8Array(0))]))

/** Numbers for the descriptors of `bwrap`: those that have to be closed first. */
const descriptors = (asked: ReadonlyArray<number>, leaks: ReadonlyArray<number>) => {
  const open = leaks.filter((fd) => !asked.includes(fd))
  let next = 3
  const free = (): number => {
    while (asked.includes(next) || open.includes(next)) next++
    return next++
  }
  const [options = free(), filter = free(), ...spare] = open
  return { options, filter, spare }
}

const wordsOf = ({ args, command, options: { shell } }: ChildProcess.StandardCommand) =>
  shell === undefined || shell === false ? [command, ...args] : [shell === true ? "/bin/sh" : shell, "-c", command]

/**
 * Some shells hand over no variable whose name they could not have themselves; such ones are set again after ours. They are
 * seen by who lists processes. A program with "=" in its name would be taken for one more of them.
 */
const oddly = (
  program: string,
  settings: ReadonlyArray<Setting>
): ReadonlyArray<string | Redacted.Redacted<string>> => {
  const odd = settings.filter(({ name }) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
  return odd.length === 0 || program.includes("=")
    ? []
    : ["/usr/bin/env", "--", ...odd.map(({ name, value }) => Redacted.make(`${name}=${value}`))]
}

interface Setting {
  readonly name: string
  readonly value: string
}

const wrong = (description: string) =>
  Effect.fail(PlatformError.badArgument({ module: "ChildProcess", method: "spawn", description }))

const setting = (
  name: string,
  value: string | Redacted.Redacted<string> | undefined
): Effect.Effect<ReadonlyArray<Setting>, PlatformError.PlatformError> => {
  if (value === undefined) return Effect.succeed([])
  const text = Redacted.isRedacted(value) ? Redacted.value(value) : value
  // They are handed over one after the other with NUL in between: one inside would be an option of `bwrap`.
  const isWrong = name === "" || /[=\0]/.test(name) || text.includes("\0")
  return isWrong
    ? wrong(
        `The environment variable ${JSON.stringify(name)} can not be: its name is empty or has "=" in it, or there is a NUL character.`
      )
    : Effect.succeed([{ name, value: text }])
}

/**
 * The first process of the namespace of a command: it runs the command, takes in whom it left behind, and ends as the command
 * did, which ends all. It is no program of the shell that is run, whatever its name; and what the shell itself has to say
 * about how the command ended goes nowhere.
 */
const initOf = (asked: ReadonlyArray<number>): string => {
  const free = [3, 4, 5, 6, 7, 8, 9].find((fd) => !asked.includes(fd))
  return free === undefined
    ? `(exec "$@"); exit $?`
    : `exec ${free}>&2 2>/dev/null; (exec "$@") 2>&${free} ${free}>&-; exit $?`
}
