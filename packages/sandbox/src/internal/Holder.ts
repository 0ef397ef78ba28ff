/**
 * The **holder** of a cell: a process in namespaces of its own that does nothing but wait for the end of a pipe that this
 * process holds. When that ends, however it does, so do the holder and with it every process, mount and network of the cell.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as ChildProcess from "effect/process/ChildProcess"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { closeSync, constants, openSync } from "node:fs"
import type { Overlay } from "../Workspaces.ts"
import { SandboxError } from "../Sandbox.ts"
import * as Entrance from "./Entrance.ts"
import * as HostProcesses from "./HostProcesses.ts"
import type * as Machine from "./Machine.ts"
import * as Room from "./Room.ts"

/** What a holder is started for. */
export interface Options {
  readonly programs: Machine.Programs
  readonly room: Room.Room
  readonly overlays: ReadonlyArray<Overlay>
  readonly network: "host" | "own"
  /** How much commands can write outside of their workspace, in bytes. */
  readonly scratch: number
  /** Descriptors of this process that must not get inside. */
  readonly leaks: ReadonlyArray<number>
}

/** How the script ends when it is not through. */
const codes = { scratch: 3, overlay: 4, link: 5 }

// Every value is an argument. A link in the place of something that is mounted would let the mount land somewhere else, so
// nothing is followed; that is for `[ -L ]` to see, on each folder of the way.
const script = `
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 022
mount -t tmpfs -o "size=$1,nr_inodes=$(($1 / 2048 + 100)),mode=0755,nosuid,nodev" scratch ${Room.scratch} || exit ${codes.scratch}
shift
# What is on the way to the last has the usual mode.
mkdir -p -m 1777 ${Room.scratch}/home/../etc/../tmp ${Room.scratch}/shm || exit ${codes.scratch}
cd ${Room.scratch}/etc || exit ${codes.scratch}
printf '%s\\n' root:x:0:0::/root:/bin/sh agent:x:1000:1000::${Room.home}:/bin/sh nobody:x:65534:65534::/:/bin/false > passwd
printf '%s\\n' root:x:0: agent:x:1000: nogroup:x:65534: > group
printf '%s\\n' '127.0.0.1 localhost sandbox' '::1 localhost' > hosts
cd /
n=0
while [ "$1" != -- ]; do
  case $1$2$3 in
    *[!A-Za-z0-9/._@+~=-]*)
      # Names that mount would take apart.
      n=$((n + 1)); d=${Room.scratch}/overlay$n
      mkdir $d && ln -s -- "$1" $d/lower && ln -s -- "$2" $d/upper && ln -s -- "$3" $d/work || exit ${codes.overlay}
      o=lowerdir=$d/lower,upperdir=$d/upper,workdir=$d/work ;;
    *) o=lowerdir=$1,upperdir=$2,workdir=$3 ;;
  esac
  mount -t overlay -o "$o,userxattr" overlay "$4" || exit ${codes.overlay}
  shift 4
done
shift
direct() {
  p=$1
  while [ -n "$p" ]; do
    [ -L "$p" ] && return 1
    p=\${p%/*}
  done
}
while [ "$1" != -- ]; do
  direct "$1" || exit ${codes.link}
  shift
done
shift
while [ "$1" != -- ]; do
  if direct "$1"; then
    if [ -d "$1" ]; then set -- "$@" --bind "$1" "$1"; elif [ -e "$1" ]; then set -- "$@" --ro-bind "$1" "$1"; fi
  fi
  shift
done
shift
while [ "$1" != -- ]; do
  if direct "$1" && [ -e "$1" ]; then set -- "$@" --ro-bind "$1" "$1"; fi
  shift
done
shift
exec "$@" --remount-ro / --chdir / -- /bin/sh -c 'echo ready; exec cat > /dev/null'
`

const explanations: Readonly<Record<number, readonly [reason: "SetupFailed" | "BadSpec", text: string]>> = {
  [codes.scratch]: ["SetupFailed", "its file system in memory could not be mounted"],
  [codes.overlay]: [
    "SetupFailed",
    "the workspace could not be put together: this file system can not be the upper one of an overlay. Keep workspaces on another one, or make the layer with `overlay: false`"
  ],
  [codes.link]: ["BadSpec", "there is a symbolic link on the way to the target of a mount. Remove it"]
}

/** A holder that runs. */
export interface Holder {
  /** Options of `nsenter` that lead into its namespaces. */
  readonly entrance: ReadonlyArray<string>
  /** The same, for a process of the host that only goes into its network. */
  readonly networkEntrance: ReadonlyArray<string>
  readonly hasEnded: () => boolean
}

/** How long a holder may take to be ready, in milliseconds. */
const patience = 10_000

/** Starts a holder, until the scope closes. */
export const start = Effect.fnUntraced(function* (
  host: ChildProcessSpawner["Service"],
  { leaks, network, overlays, programs, room, scratch }: Options
): Effect.fn.Return<Holder, SandboxError, Scope.Scope> {
  const spawned = yield* host
    .spawn(
      ChildProcess.make(
        programs.unshare,
        [
          "--user --map-root-user --mount --propagation private --pid --fork --kill-child --mount-proc --".split(" "),
          ["/bin/sh", "-c", script, "holder", String(scratch)],
          [...overlays.flatMap(({ lower, target, upper, work }) => [lower, upper, work, target]), "--"],
          [...room.direct, "--", ...room.fixed, "--", ...room.protect, "--"],
          [programs.bwrap, "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "sandbox"],
          network === "own" ? ["--unshare-net"] : [],
          ["--die-with-parent", ...room.arguments],
          leaks.flatMap((fd) => ["--args", String(fd)])
        ].flat(),
        // Nothing of the host's environment is in a process that commands could come to see.
        { cwd: "/", env: {}, extendEnv: false, killSignal: "SIGKILL", additionalFds: Entrance.covers(leaks) }
      )
    )
    .pipe(Effect.mapError((cause) => failed("SetupFailed", `it could not be started: ${cause.message}`)))
  const complaint = yield* Effect.forkScoped(Stream.mkString(Stream.decodeText(spawned.stderr)))
  const ready = yield* spawned.stdout.pipe(
    Stream.decodeText,
    Stream.splitLines,
    Stream.runHead,
    Effect.option,
    Effect.timeoutOrElse({
      duration: patience,
      orElse: () =>
        Effect.fail(failed("SetupFailed", `it was not ready within ${patience} ms. Something that it mounts may hang`))
    })
  )
  if (ready._tag === "None" || ready.value._tag === "None") {
    const code = yield* Effect.orElseSucceed(spawned.exitCode, () => -1)
    const said = (yield* Effect.orElseSucceed(Fiber.join(complaint), () => "")).trim().slice(0, 1_000)
    const [reason, text] = explanations[code] ?? ["SetupFailed", `it ended with ${code}`]
    return yield* failed(reason, `${text}. It said: ${said || "nothing"}`)
  }
  let hasEnded = false
  yield* Effect.forkScoped(
    Effect.ensuring(
      Effect.ignore(spawned.exitCode),
      Effect.sync(() => (hasEnded = true))
    )
  )
  const waiting = waiterOf(spawned.pid)
  // Ended from inside, each is waited for by its parent, and no zombie is left on a machine whose first process reaps none.
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      if (waiting !== undefined && !hasEnded) HostProcesses.send([waiting], "SIGKILL")
      return Effect.timeoutOption(Effect.ignore(spawned.exitCode), 2_000)
    })
  )
  if (waiting === undefined) return yield* failed("SetupFailed", "its processes can not be found below /proc")
  const names = ["user", "mount", "pid", "ipc", "uts", ...(network === "own" ? ["net"] : [])]
  const folder = yield* Effect.acquireRelease(
    Effect.try({
      // Held open, it is of this process, whoever gets its number later. Effect's files have no descriptor.
      try: () => openSync(`/proc/${waiting}/ns`, constants.O_RDONLY | constants.O_DIRECTORY),
      catch: (cause) => failed("SetupFailed", `its namespaces can not be entered: ${String(cause)}`)
    }),
    (folder) => Effect.sync(() => closeSync(folder))
  )
  const options = names.map((name) => `--${name}=/proc/${process.pid}/fd/${folder}/${files[name] ?? name}`)
  return {
    entrance: [...options, "--preserve-credentials"],
    networkEntrance: [...options.filter((option) => /^--(user|net)=/.test(option)), "--preserve-credentials"],
    hasEnded: () => hasEnded
  }
})

const files: Readonly<Record<string, string>> = { mount: "mnt" }

/** `unshare`, the first process of its namespace, and the one in the room. */
const waiterOf = (unshare: number): number | undefined => HostProcesses.descendants(unshare)[1]

const failed = (reason: "SetupFailed" | "BadSpec", why: string) =>
  new SandboxError({ reason, message: `The sandbox could not be opened: ${why}.` })
