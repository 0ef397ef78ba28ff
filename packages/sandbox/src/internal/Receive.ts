/**
 * Takes the objects of a workspace that a repository lacks: into a folder beside, where the host's git checks them, and from
 * there into the repository. The workspace is hostile, and what it sends may be too large, may never end, and may never come.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as ChildProcess from "effect/process/ChildProcess"
import * as Stream from "effect/Stream"
import type { SandboxError } from "../Sandbox.ts"
import type { HostFiles } from "./HostFiles.ts"
import * as InsideCall from "./InsideCall.ts"
import * as LimitedGit from "./LimitedGit.ts"
import type { Repository } from "./Repository.ts"

/** What is taken. */
export interface Options {
  readonly inside: InsideCall.Inside
  readonly directory: string
  readonly repository: Repository
  /** Where objects are checked. Nobody else uses it. */
  readonly incoming: string
  /** A commit that both have. */
  readonly known: string
  /** The commit that is wanted. */
  readonly tip: string
  /** Makes an error of why the commits stay in the workspace. */
  readonly stays: (reason: SandboxError["reason"], why: string) => SandboxError
  /** Looks, in an environment that has the objects, whether they are wanted. */
  readonly check: (env: Readonly<Record<string, string>>) => Effect.Effect<unknown, SandboxError>
}

/** How many bytes of objects are taken. */
const largest = 2 * 1024 ** 3
const patience = 600_000
/** How long nothing may come, in milliseconds, in steps. */
const quiet = 20_000
const step = 5_000

// Each value is an argument. Fails where an object that is no blob is too large, or where there is none at all.
const sizes = `
cd -- "$1" || exit 4
for index in pack/*.idx; do git "$2" show-index < "$index"; done | cut -d ' ' -f 2 |
  git "$2" cat-file --batch-check='%(objecttype) %(objectsize)' |
  awk -v most="$3" '$1 != "blob" && $2 > most { large = 1 } END { exit large ? 3 : NR == 0 ? 4 : 0 }'
`

/** Takes them. Nothing is left of what is refused. */
export const receive = Effect.fnUntraced(function* (host: HostFiles, options: Options) {
  const { check, directory, incoming, inside, known, repository, stays, tip } = options
  const { list, makeFolder, path, remove, rename, spawner, write } = host
  const doing = `Bringing the commits of ${directory} to ${repository.root}`
  const env = { GIT_OBJECT_DIRECTORY: incoming, GIT_NO_REPLACE_OBJECTS: "1" }
  const [own] = repository.objects
  const limit = yield* LimitedGit.limitOf(host, repository)
  const tooLarge = () =>
    stays(
      "SetupFailed",
      `a commit, a tree or a tag is larger than ${LimitedGit.largestObject / 1024 ** 2} MiB, or git of the host would need more ` +
        `than the ${Math.ceil(limit / 1024 ** 2)} MiB of memory that it may take. Make what is committed smaller.`
    )
  /** Runs a program of the host to its end. */
  const finished = (command: ChildProcess.Command) =>
    Effect.gen(function* () {
      const handle = yield* spawner.spawn(command)
      const said = yield* Effect.forkScoped(InsideCall.beginning(handle.stderr))
      yield* Stream.runDrain(handle.stdout)
      return { code: yield* handle.exitCode, said: yield* Fiber.join(said) }
    })

  const stream = Effect.gen(function* () {
    const wanted = Stream.make(new TextEncoder().encode(`${tip}\n^${known}\n`))
    const large = `core.bigFileThreshold=${LimitedGit.largestObject}`
    const args = ["-C", directory, "-c", large, "pack-objects", "--revs", "--thin", "--stdout", "--delta-base-offset"]
    const how = ["--no-reuse-delta", "--progress"]
    const from = yield* InsideCall.spawn(inside, {
      doing,
      directory,
      command: "git",
      args: [...args, ...how],
      stdin: wanted
    })
    let moves = 0
    let isSent = false
    const moving = (stream: typeof from.stdout) => Stream.tap(stream, () => Effect.sync(() => void moves++))
    const said = yield* Effect.forkScoped(InsideCall.beginning(moving(from.stderr)))
    const sent = Stream.ensuring(
      moving(from.stdout),
      Effect.sync(() => void (isSent = true))
    )
    const taken = finished(
      LimitedGit.git(
        limit,
        [repository, "index-pack", "--stdin", "--fix-thin", "--strict", "--threads=1", `--max-input-size=${largest}`],
        { env, stdin: sent }
      )
    )
    /** Ends when nothing has come for a while: git inside may read from a pipe that somebody put in the place of an object. */
    const stalled = Effect.gen(function* () {
      for (let seen = moves, still = 0; still < quiet; still = seen === moves && !isSent ? still + step : 0) {
        seen = moves
        yield* Effect.sleep(step)
      }
      return yield* stays("SetupFailed", `nothing came from git inside for ${quiet} ms.`)
    })
    const { code, said: complaint } = yield* Effect.raceFirst(taken, stalled)
    if (code === 0) return
    if (LimitedGit.isTooMuch(complaint)) return yield* tooLarge()
    const told = yield* Effect.timeoutOrElse(Fiber.join(said), { duration: 1_000, orElse: () => Effect.succeed("") })
    const why = `${complaint} ${told
      .split(/[\r\n]+/)
      .filter((line) => !/^\w+ing objects|^Total /.test(line))
      .join(" ")}`
    return yield* stays("SetupFailed", `git does not take the objects: ${why.trim().slice(0, 2_000)}.`)
  })

  const checked = Effect.gen(function* () {
    const where = [incoming, `--git-dir=${repository.common}`, String(LimitedGit.largestObject)]
    const sized = yield* finished(
      LimitedGit.program(limit, ["/bin/sh", "-c", sizes, "sizes", ...where], { env, stdin: "ignore" })
    )
    if (sized.code === 3) return yield* tooLarge()
    const args = ["rev-list", "--objects", "--quiet", tip, "--not", "--all"]
    const whole = yield* finished(LimitedGit.git(limit, [repository, ...args], { env, stdin: "ignore" }))
    if (LimitedGit.isTooMuch(`${sized.said} ${whole.said}`)) return yield* tooLarge()
    if (whole.code !== 0) return yield* stays("SetupFailed", `they are not whole: ${whole.said.slice(0, 2_000)}.`)
  })

  yield* Effect.gen(function* () {
    yield* remove(incoming)
    yield* makeFolder(path.join(incoming, "info"))
    yield* makeFolder(path.join(incoming, "pack"))
    yield* write(path.join(incoming, "info", "alternates"), `${own}\n`)
    yield* InsideCall.bounded({ doing, timeout: patience }, stream)
    yield* InsideCall.bounded({ doing, timeout: patience }, checked)
    yield* check(env)
    const packs = yield* list(path.join(incoming, "pack"))
    // A pack is there for git when its index is.
    const last = (name: string) => Number(name.endsWith(".idx"))
    for (const name of packs.filter((name) => name.startsWith("pack-")).sort((a, b) => last(a) - last(b))) {
      yield* rename(path.join(incoming, "pack", name), path.join(own, "pack", name))
    }
  }).pipe(Effect.ensuring(Effect.ignore(remove(incoming))))
})
