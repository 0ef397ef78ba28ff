/** What one more command in an open sandbox takes, beside plain processes and the peers. */
import type { SandboxSpec } from "@millwright/sandbox/SandboxSpec"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import * as Bench from "../Bench.ts"
import * as Child from "../Child.ts"
import * as Peer from "../Peer.ts"
import * as Measure from "./Measure.ts"
import * as Own from "./Own.ts"
import * as Podman from "./Podman.ts"
import * as Raw from "./Raw.ts"
import * as Repository from "./Repository.ts"

const names = {
  plain: "plain process",
  effect: "plain process, by Effect's spawner",
  raw: "raw bwrap, same profile",
  own: "bubblewrap",
  runtime: "wrap and spawn",
  exec: "exec",
  run: "run --rm"
} as const

const plain = async (): Promise<void> => {
  await once(spawn("true", [], { stdio: ["ignore", "pipe", "pipe"] }), "close")
}

/** A contender that may not be there, and why. */
type Entrant = Measure.Contender | { readonly name: string; readonly missing: string }

const attempt = async (name: string, prepare: () => Promise<Measure.Contender["work"]>): Promise<Entrant> => {
  try {
    return { name, work: await prepare() }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { name, missing: why.split("\n").slice(0, 2).join(" ").slice(0, 300) }
  }
}

/** `@anthropic-ai/sandbox-runtime`, in a process of its own whose folder has nothing in it: what it takes depends on that. */
const runtime = (folder: string, workspace: string, progress: Bench.Progress, children: Array<Child.Child>) =>
  attempt(names.runtime, async () => {
    const program = join(Peer.install("sandbox-runtime", progress), "program.mjs")
    const child = Child.start(program, { workspace }, { cwd: folder, patience: undefined })
    children.push(child)
    await child.next()
    return async () => {
      child.tell({ command: "true" })
      const line = await child.next()
      if (line["code"] !== 0) throw new Error(`sandbox-runtime ended with ${String(line["code"])}`)
      return Child.numberIn(line, "ms")
    }
  })

/** Measures. All take turns; each round has one command of each. */
export const measure: Measure.Measure = async ({ folder, note, progress, runs }) => {
  const workspace = join(folder, "workspace")
  Repository.make(workspace, 20)
  const children: Array<Child.Child> = []
  const measured = (podman: Podman.Podman | undefined, noPodman: string) =>
    Own.using("bubblewrap", (sandbox, host) =>
      Effect.scoped(
        Effect.gen(function* () {
          const spec: SandboxSpec = { id: "bench-exec", workspace: { _tag: "Folder", path: workspace } }
          const spawner = Own.spawnerOf(yield* sandbox.open(spec))
          const entrants: ReadonlyArray<Entrant> = [
            { name: names.plain, work: plain },
            { name: names.effect, work: () => Effect.runPromise(Own.command(host)) },
            yield* Effect.promise(() =>
              attempt(names.raw, async () => {
                const raw = Raw.prepare(folder, workspace)
                await raw()
                return raw
              })
            ),
            { name: names.own, work: () => Effect.runPromise(Own.command(spawner)) },
            yield* Effect.promise(() => runtime(folder, workspace, progress, children)),
            podman ? { name: names.exec, work: podman.exec } : { name: names.exec, missing: noPodman },
            podman ? { name: names.run, work: podman.runAndRemove } : { name: names.run, missing: noPodman }
          ]
          const there = entrants.filter((entrant) => "work" in entrant)
          const slow = there.filter(({ name }) => name === names.run)
          const fast = there.filter(({ name }) => name !== names.run)
          const times = {
            ...(yield* Effect.promise(() => Measure.rounds(fast, Math.max(runs, 21)))),
            ...(yield* Effect.promise(() => Measure.rounds(slow, runs)))
          }
          return { entrants, times }
        })
      )
    )
  const outcome = await Podman.using(folder, (podman) => measured(podman, "")).catch((error: unknown) =>
    measured(
      undefined,
      error instanceof Error ? error.message.split("\n").slice(0, 3).join(" ").slice(0, 300) : String(error)
    )
  )
  for (const child of children) await child.kill("SIGKILL")
  note(
    "one command: `true`, to its end, in a sandbox that is open; wrap and spawn, exec and run --rm of the peers are what stands in their manuals."
  )
  return figures(outcome)
}

const peers: Readonly<Record<string, string>> = {
  [names.plain]: "no sandbox",
  [names.effect]: "no sandbox",
  [names.raw]: "bwrap",
  [names.runtime]: "sandbox-runtime",
  [names.exec]: "podman",
  [names.run]: "podman"
}

const figures = ({
  entrants,
  times
}: {
  readonly entrants: ReadonlyArray<Entrant>
  readonly times: Readonly<Record<string, ReadonlyArray<number>>>
}): ReadonlyArray<Bench.Measured> => {
  const whyOf = (name: string) =>
    entrants.flatMap((entrant) => (entrant.name === name && "missing" in entrant ? [entrant.missing] : []))[0]
  const own = times[names.own] ?? []
  const ratio = (name: string, other: string, value: number): Bench.Measured => {
    const missing = whyOf(other)
    const goal = { op: "<=", value } as const
    const ours = Bench.median(own) / Bench.median(times[other] ?? [])
    return {
      name,
      unit: "×",
      goal,
      ...(missing === undefined ? { value: Bench.round(ours) } : { value: Number.NaN, missing })
    }
  }
  return [
    ...entrants.map(({ name }): Bench.Measured => {
      const peer = peers[name]
      const missing = whyOf(name)
      return {
        name: `one command: ${name}`,
        unit: "ms",
        ...(peer === undefined ? {} : { peer }),
        ...(missing === undefined ? Bench.middle(times[name] ?? []) : { value: Number.NaN, missing })
      }
    }),
    ratio("one command, to raw bwrap", names.raw, 1.3),
    ratio("one command, to sandbox-runtime", names.runtime, 0.4)
  ]
}
