import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import * as SqliteEngine from "@millwright/core/adapters/SqliteEngine"
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import * as LocalForge from "@millwright/core/adapters/LocalForge"
import * as Actor from "@millwright/core/Actor"
import * as Forge from "@millwright/core/Forge"
import * as Gate from "@millwright/core/Gate"
import * as Git from "@millwright/core/Git"
import * as GitCommit from "@millwright/core/GitCommit"
import * as Intervention from "@millwright/core/Intervention"
import * as Journal from "@millwright/core/Journal"
import * as Line from "@millwright/core/Line"
import * as Recorder from "@millwright/core/Recorder"
import * as Sqlite from "@millwright/core/Sqlite"
import * as Stage from "@millwright/core/Stage"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Steering from "@millwright/agents/Steering"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as ForgeHistory from "../src/ForgeHistory.ts"
import * as History from "../src/History.ts"
import * as LocalHistory from "../src/adapters/LocalHistory.ts"
import * as InterventionNotes from "../src/InterventionNotes.ts"
import * as Histories from "./Histories.ts"
import * as NoteRepository from "./NoteRepository.ts"

const { ada: adaAtForge, bo: boAtForge, bot } = Histories
const ada = Actor.human("ada")
const item: WorkItem.WorkItem = {
  id: "issue-1",
  title: "It breaks",
  body: WorkItem.bodyOf("It breaks."),
  labels: [],
  source: "issue-1.md"
}

/** A ledger as canonical JSON. */
const canonical = (ledger: Intervention.Ledger): string =>
  InterventionNotes.format({
    records: [...ledger].map(([key, intervention]) => ({ _tag: "Stood", key, intervention })),
    unread: []
  })

const recorded = Effect.map(Journal.fold(Intervention.empty, Intervention.step), canonical)
const works = Journal.fold<History.Works>(new Map(), History.works)

const Mend = Line.make("Mend", { payload: { item: WorkItem.WorkItem }, success: Schema.String })

/** A line whose agent commits to a branch, is steered, waits for a yes and is delivered. */
const mend = (
  dir: string,
  { atWork, steered }: { atWork: Deferred.Deferred<void>; steered: Deferred.Deferred<void> }
) =>
  Mend.toLayer(
    Effect.fnUntraced(function* () {
      const head = yield* Stage.run(
        { name: "implement", success: Schema.String },
        Effect.gen(function* () {
          yield* Journal.record({ _tag: "AgentStarted", role: "Implement", session: "s1", resumed: false })
          yield* Deferred.succeed(atWork, undefined)
          yield* Deferred.await(steered)
          NoteRepository.git(dir, "checkout", "-q", "--detach", "main")
          NoteRepository.write(dir, "engine.txt", "oil\n")
          const made = yield* GitCommit.commitAll(dir, {
            branch: "factory/1",
            base: "main",
            message: "Oil the engine",
            author: Histories.authors.agent
          })
          yield* Journal.record({ _tag: "AgentEnded", session: "s1", fault: null })
          return yield* Effect.fromOption(made)
        }).pipe(Effect.orDie)
      )
      yield* Effect.orDie(Gate.approve("merge", { question: "Merge it?", cause: Intervention.causes.policy }))
      return yield* Stage.run(
        { name: "deliver", success: Schema.String },
        Effect.gen(function* () {
          const forge = yield* Forge.Forge
          const base = yield* Git.resolve(dir, "main")
          const change = { branch: "factory/1", base, head, files: [] }
          yield* forge.deliver({ item, change, title: "Oil", body: "", into: "main", key: "one" })
          return head
        }).pipe(Effect.orDie)
      )
    })
  )

/** Everything that a program of a factory has, on a store of its own. */
const factory = (dir: string, path: string) =>
  LocalForge.layer({ repository: dir }).pipe(
    Layer.provideMerge(Layer.merge(SqliteJournal.layer, SqliteEngine.layer())),
    Layer.provideMerge(Sqlite.layer({ path, poll: "5 millis", synchronous: "NORMAL" })),
    Layer.provideMerge(NodeServices.layer)
  )

/** What the run of a line leaves: a run that was steered and cancelled, a fork of it that was approved, and the delivered commit. */
const run = Effect.fnUntraced(function* (atWork: Deferred.Deferred<void>, steered: Deferred.Deferred<void>) {
  const first = yield* Mend.start({ item })
  yield* Deferred.await(atWork)
  const say = Steering.say({ to: { session: "s1" }, lane: "steer", text: "Use the thin oil." })
  yield* Journal.as(ada)(say)
  yield* Deferred.succeed(steered, undefined)
  yield* Line.settled(first)
  yield* Line.cancel(first, { reason: "Not today.", by: ada })
  const second = yield* Line.fork(first, { before: "implement", by: ada })
  yield* Line.settled(second)
  yield* Gate.settle(`${second}:merge`, { _tag: "Approve", note: "" }, { actor: Actor.human("bo"), activeMinutes: 3 })
  assert.include(yield* Line.settled(second), { _tag: "Finished" }, "the line delivers what was approved")
  return second
})

describe("History.rebuild", () => {
  it.live(
    "makes the ledger of a line's journal again from git, its notes and a forge, in a clone that has no journal",
    () =>
      Effect.gen(function* () {
        const { base, dir } = yield* NoteRepository.repository()
        const store = `${yield* NoteRepository.temporary}/factory.db`
        const { git } = NoteRepository
        const atWork = yield* Deferred.make<void>()
        const steered = yield* Deferred.make<void>()
        const layer = Layer.provideMerge(mend(dir, { atWork, steered }), factory(dir, store))

        yield* Effect.gen(function* () {
          const name = yield* run(atWork, steered)
          const delivered = git(dir, "rev-parse", "factory/1")
          const at = Number(git(dir, "log", "-1", "--format=%ct", delivered)) * 1_000

          // A human's commit behind the agent's, pushed by the account of the human.
          git(dir, "checkout", "-q", "factory/1")
          NoteRepository.write(dir, "engine.txt", "thin oil\n")
          git(dir, "commit", "-qam", "fix: thin oil", "--author", "Ada <ada@example.org>")
          const edited = git(dir, "rev-parse", "HEAD")
          git(dir, "checkout", "-q", "main")
          git(dir, "merge", "-q", "--no-ff", "-m", "Merge", "factory/1")
          const merged = git(dir, "rev-parse", "HEAD")

          const events: ReadonlyArray<ForgeHistory.Event> = [
            { _tag: "Pushed", id: "push/1", at: at + 1, by: bot, before: null, after: delivered, forced: false },
            { _tag: "Opened", id: "open/1", at: at + 2, by: bot },
            {
              _tag: "Pushed",
              id: "push/2",
              at: at + 60_000,
              by: adaAtForge,
              before: delivered,
              after: edited,
              forced: false
            },
            {
              _tag: "ReviewCommented",
              id: "comment/1",
              at: at + 61_000,
              by: boAtForge,
              body: "nit: a dot.",
              commit: edited,
              path: "engine.txt"
            },
            {
              _tag: "Commented",
              id: "comment/2",
              at: at + 61_500,
              by: boAtForge,
              body: `Try it with ghp_${"a1B2".repeat(9)}`
            },
            {
              _tag: "Reviewed",
              id: "review/1",
              at: at + 62_000,
              by: boAtForge,
              verdict: "approved",
              body: "",
              commit: edited
            },
            { _tag: "Merged", id: "event/1", at: at + 63_000, by: boAtForge, commit: merged },
            { _tag: "Closed", id: "event/2", at: at + 63_000, by: boAtForge }
          ]
          const pull = Histories.pullRequest({ id: "acme/engine#1", base, head: edited, events, commits: [] })
          const forge: ForgeHistory.ForgeHistory = { subjects: [pull] }

          // The host observes the forge while the pull request is open, writes the note, and observes again at the end.
          const seen = (count: number) => ({ subjects: [{ ...pull, events: events.slice(0, count) }] })
          const look = (forge: ForgeHistory.ForgeHistory) =>
            Effect.gen(function* () {
              const sources = { base, head: "main", forge, roster: Histories.roster }
              return yield* History.observe((yield* History.rebuild(dir, sources)).told, yield* works)
            })
          // A page of the factory knew of the comment first, and how long it took.
          const comment = { id: "forge:comment/1", kind: "review", name: "page", cause: "reviewed: nit" } as const
          const by = Actor.human("bo")
          yield* Recorder.record({ ...comment, why: "A dot.", by, since: at + 61_000, activeMinutes: 2 })
          yield* look(seen(5))
          const found = yield* Recorder.ledger
          assert.strictEqual(found.get("forge:comment/1")?.answered?.activeMinutes, 2, "what was recorded live stands")
          assert(found.has("forge:comment/2"), "a comment was observed while the pull request was open")
          yield* Recorder.fixed({ cause: "reviewed: nit", fix: "a skill that asks for dots" })
          const observed = { line: "Mend", run: name, item: item.id }
          yield* InterventionNotes.write(dir, { commit: delivered, observed, ledger: yield* Recorder.ledger })
          yield* look(forge)
          yield* look(forge)

          // The local forge knows what shipped, and not who pushed.
          const local = { base, head: "main", roster: Histories.roster }
          const own = yield* History.rebuild(dir, {
            ...local,
            forge: yield* LocalHistory.read({ repository: dir, ...local })
          })
          const shipped = own.told.findings.flatMap(({ fact }) => (fact._tag === "ChangeShipped" ? [fact] : []))
          assert.deepStrictEqual(
            shipped.map(({ change, commit, head, into }) => ({ change, commit, head, into })),
            [{ change: "1", commit: merged, head: edited, into: "main" }],
            "what the local forge delivered, a human edited and merged, shipped"
          )
          assert.strictEqual(own.changes[0]?.level, "unknown", "nobody knows who pushed to the local forge")

          const clone = yield* NoteRepository.temporary
          git(dir, "clone", "-q", "--no-local", dir, clone)
          git(clone, "fetch", "-q", "origin", `${InterventionNotes.ref}:${InterventionNotes.ref}`)
          const sources = { base, head: "main", roster: Histories.roster }
          const again = yield* History.rebuild(clone, { ...sources, forge })
          const journal = yield* recorded
          assert.deepStrictEqual(
            canonical(again.ledger).split("\n"),
            journal.split("\n"),
            "the ledger that was made again is not the one of the journal"
          )
          const kinds = [...again.ledger.values()].map(({ kind }) => kind).sort()
          assert.deepStrictEqual(kinds, [
            "approve",
            "approve",
            "approve",
            "edit",
            "interrupt",
            "pickup",
            "review",
            "review",
            "steer"
          ])
          assert.notInclude(journal, "ghp_", "a token in a comment came into the ledger")

          const shuffled = { subjects: [{ ...pull, events: [...events, ...events].toReversed() }] }
          const other = yield* History.rebuild(clone, { ...sources, forge: shuffled })
          assert.strictEqual(canonical(other.ledger), canonical(again.ledger), "another order made another ledger")
          const [change] = again.changes
          assert.deepStrictEqual(change?.why, [], "all of it was observed")
          assert.strictEqual(change.level, "edited", "a human's commit is in it")
        }).pipe(Effect.provide(layer))
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)),
    60_000
  )
})
