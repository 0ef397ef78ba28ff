/** What it takes to open a sandbox on a repository and run a first command in it; and many at once; and what stays. */
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { join } from "node:path"
import * as Bench from "../Bench.ts"
import * as Measure from "./Measure.ts"
import * as Own from "./Own.ts"
import * as Repository from "./Repository.ts"

const names = {
  repository: "bubblewrap, first of a repository",
  commit: "bubblewrap, first of a commit",
  own: "bubblewrap, later ones",
  worktree: "worktree adapter",
  git: "git worktree add, and a plain process"
} as const

/** Measures opening. */
export const measure: Measure.Measure = ({ files, folder, note, runs }) =>
  Own.using("bubblewrap", (bubblewrap, host) =>
    Effect.promise(() =>
      Own.using("worktree", (worktree) =>
        Effect.promise(async () => {
          const repository = join(folder, "big")
          Repository.make(repository, files)
          const opened =
            (sandbox: typeof worktree, at: () => string = () => repository) =>
            () =>
              Effect.runPromise(
                Effect.gen(function* () {
                  const spec = Own.checkout(at(), `bench-${randomUUID()}`)
                  const took = yield* Effect.scoped(
                    Effect.gen(function* () {
                      const start = performance.now()
                      yield* Own.command(Own.spawnerOf(yield* sandbox.open(spec)))
                      return performance.now() - start
                    })
                  )
                  yield* sandbox.discard(spec)
                  return took
                })
              )
          const byGit = async () => {
            const target = join(folder, randomUUID())
            const start = performance.now()
            Repository.git(repository, "worktree", "add", "-q", "--detach", target)
            await Effect.runPromise(Own.command(host))
            const took = performance.now() - start
            Repository.git(repository, "worktree", "remove", "--force", target)
            return took
          }
          const cloned = () => {
            const clone = join(folder, randomUUID())
            Repository.git(folder, "clone", "-q", "--no-checkout", repository, clone)
            return clone
          }
          const changed = () => {
            Repository.change(repository, randomUUID())
            return repository
          }
          const times = await Measure.rounds(
            [
              { name: names.repository, work: opened(bubblewrap, cloned) },
              { name: names.commit, work: opened(bubblewrap, changed) },
              { name: names.own, work: opened(bubblewrap) },
              { name: names.worktree, work: opened(worktree) },
              { name: names.git, work: byGit }
            ],
            runs
          )
          note(
            `open: a checkout of ${files} files on a branch of its own, and \`true\` in it; closing is not in it. The first of a repository checks it out once, for all.`
          )
          return Object.entries(times).map(([name, own]): Bench.Measured => ({
            name: `open and first command: ${name}`,
            unit: "ms",
            ...(name === names.git ? { peer: "git" } : {}),
            ...(name === names.own ? { goal: { op: "<=", value: 60 } } : {}),
            ...Bench.middle(own)
          }))
        })
      )
    )
  )

/** Measures many at once, and counts what they leave. */
export const many: Measure.Measure = async ({ files, folder, runs, sandboxes }) => {
  const repository = join(folder, "many")
  Repository.make(repository, files)
  return await Own.using("bubblewrap", (sandbox) =>
    Effect.gen(function* () {
      const once = (name: string) =>
        Effect.gen(function* () {
          const specs = Array.from({ length: sandboxes }, (_, at) => Own.checkout(repository, `${name}-${at}`))
          const start = performance.now()
          yield* Effect.forEach(
            specs,
            (spec) => Effect.scoped(Effect.flatMap(sandbox.open(spec), (opened) => Own.command(Own.spawnerOf(opened)))),
            { concurrency: "unbounded", discard: true }
          )
          const took = performance.now() - start
          yield* Effect.forEach(specs, (spec) => sandbox.discard(spec), { concurrency: 4, discard: true })
          return took
        })
      yield* once("warm")
      const before = Repository.traces(repository)
      const times: Array<number> = []
      for (let run = 0; run < runs; run++) times.push(yield* once(`run-${run}`))
      const after = Repository.traces(repository)
      const left = (what: keyof Repository.Traces): Bench.Measured => ({
        name: `left behind by ${runs * sandboxes} of them: ${what}`,
        value: after[what] - before[what],
        unit: what,
        goal: { op: "<=", value: 0 }
      })
      return [
        {
          name: `${sandboxes} at once: opened, used, closed`,
          unit: "ms",
          goal: { op: "<=", value: 1_500 },
          ...Bench.middle(times)
        },
        left("mounts"),
        left("processes"),
        left("folders"),
        left("branches")
      ] satisfies ReadonlyArray<Bench.Measured>
    })
  )
}
