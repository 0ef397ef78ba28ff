/** Has the roles judge one issue after the other, each in a workspace of its own. */
import * as Dedupe from "@millwright/agents/roles/Dedupe"
import * as Triage from "@millwright/agents/roles/Triage"
import * as RepositoryContext from "@millwright/context/RepositoryContext"
import * as Fault from "@millwright/core/Fault"
import * as Tainted from "@millwright/core/Tainted"
import * as WorkItem from "@millwright/core/WorkItem"
import * as BubblewrapSandbox from "@millwright/sandbox/adapters/BubblewrapSandbox"
import * as WorktreeSandbox from "@millwright/sandbox/adapters/WorktreeSandbox"
import * as Sandbox from "@millwright/sandbox/Sandbox"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import { fileURLToPath } from "node:url"
import * as Demo from "../../examples/01-issue-to-change/demo.ts"
import * as Bench from "../Bench.ts"
import * as RoleFloor from "../RoleFloor.ts"
import { type Case, kinds } from "./Cases.ts"
import type * as Score from "./Score.ts"

/** How issues are judged. */
export interface Options {
  readonly floor: Awaited<ReturnType<typeof RoleFloor.make>>
  /** Default: that of the quickstart, made on the spot. */
  readonly repository: string | undefined
  readonly sandbox: "worktree" | "bubblewrap"
  /** How many of each kind a rehearsed model gets wrong. */
  readonly slips: number
  readonly progress: Bench.Progress
}

/** What was answered, and what it took. */
export interface Judged {
  readonly answers: ReadonlyArray<Score.Answer>
  readonly figures: ReadonlyArray<Bench.Measured>
}

const itemOf = ({ body, id, title }: Case): WorkItem.WorkItem => ({
  id,
  title,
  body: WorkItem.bodyOf(body),
  labels: [],
  source: `${id}.md`
})

const seen = {
  symptoms: ["what the issue says"],
  hypotheses: [],
  reproduction: { _tag: "NotAttempted", reason: "This is a rehearsal." }
}

const gates = (judgement: string) =>
  Triage.gates.map(({ name }) => ({ gate: name, judgement, because: "This is a rehearsal." }))

/** What a rehearsed model says to come to a kind. */
const saying = (kind: Case["expected"], { candidate, item }: Pair): Record<string, Schema.Json> => {
  const Distinct = { _tag: "Distinct", why: "This is a rehearsal." }
  switch (kind) {
    case "Automatable":
      return { Dedupe: Distinct, Triage: { _tag: kind, summary: "s", ...seen, gates: gates("holds"), clauses: [] } }
    case "NeedsSpec":
      return { Dedupe: Distinct, Triage: { _tag: kind, why: "w", ...seen, gates: gates("unsure") } }
    case "NeedsInfo": {
      const questions = [{ question: "Which input?", reason: "It can not be tried without.", lookedFor: ["the issue"] }]
      return { Dedupe: Distinct, Triage: { _tag: kind, questions, ...seen, gates: gates("unsure") } }
    }
    case "Park":
      return { Dedupe: Distinct, Triage: { _tag: kind, reason: "r" } }
    case "Duplicate": {
      const signals = [
        { kind: "output", quote: item.title, where: "the title" },
        { kind: "steps", quote: Tainted.reveal(item.body, "measured").slice(0, 20), where: "the body" }
      ]
      return {
        Dedupe: { _tag: kind, of: candidate, signals },
        Triage: { _tag: "Park", reason: "It was not a duplicate." }
      }
    }
  }
}

interface Pair {
  readonly item: WorkItem.WorkItem
  /** What a duplicate is said to be one of. */
  readonly candidate: string
}

const judge = Effect.fnUntraced(function* (item: WorkItem.WorkItem, candidates: ReadonlyArray<Dedupe.Candidate>) {
  if (candidates.length > 0) {
    const known = yield* Dedupe.Dedupe.run({ item, candidates })
    if (known._tag === "Duplicate") return { outcome: known._tag, of: known.of }
  }
  const { text } = yield* RepositoryContext.gather({ budget: 6_000 })
  const repository = Tainted.of("the repository", text)
  const outcome = yield* Triage.Triage.run({ item, repository, answers: [] })
  return outcome._tag === "NeedsInfo"
    ? { outcome: outcome._tag, questions: outcome.questions.length }
    : { outcome: outcome._tag }
})

/** Judges all cases. What fails is an answer too. */
export const all = (cases: ReadonlyArray<Case>, options: Options): Promise<Judged> => {
  const { floor, progress, slips } = options
  const items = cases.map(itemOf)
  const slipped = new Set(
    kinds.flatMap((kind) =>
      cases
        .filter(({ expected }) => expected === kind)
        .slice(0, slips)
        .map(({ id }) => id)
    )
  )
  return Effect.gen(function* () {
    const repository = options.repository ?? (yield* demo)
    let usd: number | undefined = 0
    const times: Array<number> = []
    const among: Array<boolean> = []
    const answers: Array<Score.Answer> = []
    for (const [at, item] of items.entries()) {
      const { duplicateOf, expected } = cases[at] ?? { expected: "Park" as const }
      const candidates = Dedupe.preselect(item, items)
      const candidate = duplicateOf ?? candidates[0]?.id ?? ""
      const isAmong = candidates.some(({ id }) => id === candidate)
      if (duplicateOf !== undefined) among.push(isAmong)
      // Nobody can name what was not shown.
      const isMissed = slipped.has(item.id) || (expected === "Duplicate" && !isAmong)
      const kind = isMissed ? (expected === "Park" ? "NeedsSpec" : "Park") : expected
      const outcomes = Object.entries(saying(kind, { item, candidate })).map(([role, said]) => [role, [said]] as const)
      const began = performance.now()
      const [result, account] = yield* Effect.gen(function* () {
        const result = yield* Effect.result(judge(item, candidates))
        return [result, yield* RoleFloor.spent] as const
      }).pipe(
        Sandbox.within({
          id: `triage-${item.id}`,
          workspace: { _tag: "Checkout", repository, base: "HEAD", branch: `triage/${item.id}` }
        }),
        Effect.provide(floor.of(Object.fromEntries(outcomes)), { local: true })
      )
      times.push((performance.now() - began) / 1_000)
      usd = account.list.unpriced > 0 || usd === undefined ? undefined : usd + account.list.usd
      answers.push({
        id: item.id,
        ...(Result.isSuccess(result) ? result.success : { fault: Fault.record(result.failure).message })
      })
      progress(`${at + 1}/${items.length} ${item.id}: ${answers.at(-1)?.outcome ?? "failed"} (${expected})`)
    }
    const cost: Bench.Measured =
      usd === undefined
        ? { name: "cost of an issue", value: Number.NaN, unit: "USD", missing: "a call has no price" }
        : { name: "cost of an issue", value: usd / items.length, unit: "USD" }
    const preselected: Bench.Measured = {
      name: "duplicates whose original is among the candidates",
      value: among.filter(Boolean).length,
      unit: `of ${among.length}`
    }
    const time = { name: "time of an issue", ...Bench.middle(times), unit: "s" }
    return { answers, figures: [preselected, ...(floor.isRehearsed ? [] : [cost]), time] }
  }).pipe(
    Effect.scoped,
    Effect.provide(
      Layer.provideMerge(
        options.sandbox === "worktree" ? WorktreeSandbox.layer : BubblewrapSandbox.layer,
        NodeServices.layer
      )
    ),
    Effect.runPromise
  )
}

const demo = Effect.gen(function* () {
  const folder = yield* (yield* FileSystem.FileSystem).makeTempDirectoryScoped({ prefix: "millwright-triage-" })
  const source = fileURLToPath(new URL("../../examples/01-issue-to-change/demo", import.meta.url))
  return yield* Demo.repository(source, `${folder}/repository`)
})
