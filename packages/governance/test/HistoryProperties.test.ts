import { assert, describe, it } from "@effect/vitest"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Intervention from "@millwright/core/Intervention"
import * as Journal from "@millwright/core/Journal"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
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
const Step = Schema.Struct({
  what: Schema.Literals([
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
  ]),
  who: Schema.Literals(["ada", "bo", "agent", "eve", "gone", "forger"]),
  text: Schema.Literals(["", "nit: a dot", "Why?", "LGTM"])
})
type Step = typeof Step.Type
const some = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))
const Steps = Schema.NonEmptyArray(Step)
const Numbers = Schema.Array(some(1_000))

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
      const commit = Histories.commit(id, {
        parents: [pull.head],
        author: committers[step.who],
        at,
        message: step.text
      })
      add({ _tag: "Pushed", ...told, before: pull.head, after: id, forced: false })
      pull = { ...pull, head: id, commits: [...pull.commits, commit] }
    } else if (step.what === "review" || step.what === "approve") {
      const verdict = step.what === "approve" ? "approved" : "commented"
      add({ _tag: "Reviewed", ...told, verdict, body: step.text, commit: pull.head })
    } else if (step.what === "comment") add({ _tag: "Commented", ...told, body: step.text })
    else if (step.what === "label") add({ _tag: "Labeled", ...told, label: "ready" })
    else if (step.what === "unlabel") add({ _tag: "Unlabeled", ...told, label: "ready" })
    else if (step.what === "assign")
      add({ _tag: "Assigned", ...told, to: accounts[index % 2 === 0 ? "ada" : step.who] })
    else if (step.what === "unassign")
      add({ _tag: "Unassigned", ...told, to: accounts[index % 2 === 0 ? "ada" : step.who] })
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

describe("A history", () => {
  it.effect.prop(
    "that is observed as it happens, in pieces and twice, folds to what is made again from all of it",
    [Steps, Numbers, Numbers],
    ([steps, looks, order]) =>
      Effect.gen(function* () {
        const all = histories(steps)
        const last = all.at(-1) ?? ForgeHistory.empty
        const moments = looks.slice(0, 4).map((at) => at % all.length)
        for (const at of [...moments.toSorted((a, b) => a - b), all.length - 1, all.length - 1]) {
          yield* History.observe(read(all[at] ?? ForgeHistory.empty))
        }
        const observed = canonical(yield* Journal.fold(Intervention.empty, Intervention.step))
        assert.strictEqual(observed, yield* rebuilt(last), "live and later observation differ")
        const [pull] = last.subjects
        assert(pull?._tag === "PullRequest")
        const events = shuffled([...pull.events, ...pull.events], order)
        const mixed = { subjects: [{ ...pull, events, commits: shuffled(pull.commits, order) }] }
        assert.deepStrictEqual(read(mixed).findings, read(last).findings, "the order of evidence matters")
      }).pipe(Effect.provide(MemoryJournal.layer, { local: true }))
  )

  it.effect.prop(
    "in which an agent does more, as itself or under another name, has no higher level",
    [Steps],
    ([steps]) =>
      Effect.gen(function* () {
        const level = Effect.fnUntraced(function* (some: ReadonlyArray<Step>) {
          const told = read(histories(some).at(-1) ?? ForgeHistory.empty)
          const ledger = yield* History.ledger(told)
          const [change] = told.changes
          const isAll = change?.gaps.length === 0 && told.doubts.length === 0
          return Autonomy.of([...ledger.values()], isAll, change?.authors)
        })
        const began: ReadonlyArray<Step> = [{ what: "push", who: "agent", text: "" }, ...steps]
        const before = yield* level(began)
        for (const who of ["agent", "forger"] as const) {
          for (const what of ["push", "comment", "approve", "close", "reopen", "label", "unassign"] as const) {
            const after = yield* level([...began, { what, who, text: "LGTM" }])
            const rank = (level: Autonomy.Level) => Autonomy.Level.literals.indexOf(level)
            assert.isAtLeast(rank(after), rank(before), `${who} did "${what}" and came from ${before} to ${after}`)
          }
        }
      })
  )
})
