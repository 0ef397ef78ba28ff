import { assert, describe, it } from "@effect/vitest"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Intervention from "@millwright/core/Intervention"
import * as Journal from "@millwright/core/Journal"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/testing/FastCheck"
import * as Autonomy from "../src/Autonomy.ts"
import * as ForgeHistory from "../src/ForgeHistory.ts"
import * as History from "../src/History.ts"
import * as InterventionNotes from "../src/InterventionNotes.ts"
import * as Histories from "./Histories.ts"

const { ada, authors, bo, bot, roster } = Histories

const canonical = (ledger: Intervention.Ledger): string =>
  InterventionNotes.format({
    records: [...ledger].map(([key, intervention]) => ({ _tag: "Stood", key, intervention })),
    unread: []
  })

/** What happens at one moment: an event of the forge, or a commit that is pushed. */
const step = FastCheck.record({
  what: FastCheck.constantFrom(
    "push",
    "review",
    "approve",
    "comment",
    "label",
    "unlabel",
    "assign",
    "unassign",
    "close",
    "reopen"
  ),
  who: FastCheck.constantFrom("ada", "bo", "agent", "eve", "gone", "forger"),
  text: FastCheck.constantFrom("", "nit: a dot", "Why?", "LGTM")
})
type Step = typeof step extends FastCheck.Arbitrary<infer A> ? A : never

const accounts = {
  ada,
  bo,
  agent: bot,
  eve: { login: "eve", isBot: false },
  gone: { login: null, isBot: false },
  forger: bot
} as const
const committers = { ...authors, gone: authors.eve, forger: authors.ada }

/** The history after each of its moments. */
const histories = (steps: ReadonlyArray<Step>): ReadonlyArray<ForgeHistory.ForgeHistory> => {
  const base = Histories.commit("base", { parents: [], author: authors.bo, at: 0 })
  let pull = Histories.pullRequest({
    head: "base",
    commits: [base],
    events: [{ _tag: "Opened", id: "open/1", at: 1, by: bot }]
  })
  return steps.map((step, index) => {
    const at = (index + 1) * 1_000
    const by = accounts[step.who]
    const told = { id: `event/${index}`, at, by }
    const add = (event: ForgeHistory.Event) => (pull = { ...pull, events: [...pull.events, event] })
    if (step.what === "push") {
      const id = `commit-${index}`
      const commit = Histories.commit(id, { parents: [pull.head], author: committers[step.who], at, message: step.text })
      add({ _tag: "Pushed", ...told, before: pull.head, after: id, forced: false })
      pull = { ...pull, head: id, commits: [...pull.commits, commit] }
    } else if (step.what === "review" || step.what === "approve") {
      const verdict = step.what === "approve" ? "approved" : "commented"
      add({ _tag: "Reviewed", ...told, verdict, body: step.text, commit: pull.head })
    } else if (step.what === "comment") add({ _tag: "Commented", ...told, body: step.text })
    else if (step.what === "label") add({ _tag: "Labeled", ...told, label: "ready" })
    else if (step.what === "unlabel") add({ _tag: "Unlabeled", ...told, label: "ready" })
    else if (step.what === "assign") add({ _tag: "Assigned", ...told, to: accounts[index % 2 === 0 ? "ada" : step.who] })
    else if (step.what === "unassign") add({ _tag: "Unassigned", ...told, to: accounts[index % 2 === 0 ? "ada" : step.who] })
    else if (step.what === "close") add({ _tag: "Closed", ...told })
    else add({ _tag: "Reopened", ...told })
    return { subjects: [pull] }
  })
}

const read = (forge: ForgeHistory.ForgeHistory) => History.read({ commits: [], forge, roster })
const rebuilt = (forge: ForgeHistory.ForgeHistory) => Effect.map(History.ledger(read(forge)), canonical)

/** Some order of a list, made by numbers. */
const shuffled = <A>(list: ReadonlyArray<A>, numbers: ReadonlyArray<number>): ReadonlyArray<A> =>
  list
    .map((each, index) => ({ each, number: numbers[index % Math.max(1, numbers.length)] ?? 0 }))
    .sort((a, b) => a.number - b.number)
    .map(({ each }) => each)

const cases = FastCheck.record({
  steps: FastCheck.array(step, { minLength: 1, maxLength: 25 }),
  looks: FastCheck.array(FastCheck.nat(24), { maxLength: 4 }),
  order: FastCheck.array(FastCheck.nat(1_000), { minLength: 30, maxLength: 30 })
})

describe("A history", () => {
  it.effect("that is observed as it happens, in pieces and twice, folds to what is made again from all of it", () =>
    Effect.promise(() =>
      FastCheck.assert(
        FastCheck.asyncProperty(cases, async ({ looks, order, steps }) => {
          const all = histories(steps)
          const last = all.at(-1) ?? ForgeHistory.empty
          const moments = [...looks.filter((at) => at < all.length).toSorted((a, b) => a - b), all.length - 1]
          const observed = await Effect.runPromise(
            Effect.gen(function* () {
              for (const at of [...moments, all.length - 1]) yield* History.observe(read(all[at] ?? ForgeHistory.empty))
              return canonical(yield* Journal.fold(Intervention.empty, Intervention.step))
            }).pipe(Effect.provide(MemoryJournal.layer))
          )
          assert.strictEqual(observed, await Effect.runPromise(rebuilt(last)), "live and later observation differ")
          const [pull] = last.subjects
          assert(pull?._tag === "PullRequest")
          const mixed: ForgeHistory.ForgeHistory = {
            subjects: [
              { ...pull, events: shuffled([...pull.events, ...pull.events], order), commits: shuffled(pull.commits, order) }
            ]
          }
          assert.deepStrictEqual(read(mixed).findings, read(last).findings, "the order of evidence matters")
        }),
        { numRuns: 150, seed: 7 }
      )
    )
  )

  it.effect("in which only the agent does more, never has a higher level", () =>
    Effect.promise(() =>
      FastCheck.assert(
        FastCheck.asyncProperty(cases, async ({ steps }) => {
          const level = async (some: ReadonlyArray<Step>) => {
            const forge = histories(some).at(-1) ?? ForgeHistory.empty
            const told = read(forge)
            const ledger = await Effect.runPromise(History.ledger(told))
            const [change] = told.changes
            const isAll = (change?.gaps.length ?? 1) === 0 && told.doubts.length === 0
            return Autonomy.of([...ledger.values()], isAll, change?.authors ?? "unknown")
          }
          const begin: Step = { what: "push", who: "agent", text: "" }
          const before = await level([begin, ...steps])
          // As itself, with a forged name, with an account that is gone.
          for (const who of ["agent", "forger"] as const) {
            for (const what of ["push", "comment", "approve", "close", "reopen", "label"] as const) {
              const after = await level([begin, ...steps, { what, who, text: "LGTM" }])
              const rank = (level: Autonomy.Level) => Autonomy.Level.literals.indexOf(level)
              assert.isAtLeast(rank(after), rank(before), `${who} did "${what}" and came from ${before} to ${after}`)
            }
          }
        }),
        { numRuns: 60, seed: 11 }
      )
    )
  )
})
