import { NodeServices } from "@effect/platform-node"
import { assert, describe } from "@effect/vitest"
import * as LocalForge from "@millwright/core/adapters/LocalForge"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Forge from "@millwright/core/Forge"
import * as Journal from "@millwright/core/Journal"
import * as WorkItem from "@millwright/core/WorkItem"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as LocalHistory from "../../src/adapters/LocalHistory.ts"
import type * as ForgeHistory from "../../src/ForgeHistory.ts"
import * as ForgeHistoryTest from "../../src/testing/ForgeHistoryTest.ts"
import * as NoteRepository from "../NoteRepository.ts"

const { git, write } = NoteRepository

/** A repository with a branch that the local forge delivered, what comes of it after that, and how its history is read. */
const delivered = Effect.fnUntraced(function* (after: (dir: string, head: string) => void) {
  const { base, dir } = yield* NoteRepository.repository()
  git(dir, "checkout", "-q", "-b", "factory/1")
  write(dir, "engine.txt", "oil\n")
  const head = NoteRepository.commit(dir, "Oil")
  git(dir, "checkout", "-q", "main")
  const layer = Layer.provideMerge(LocalForge.layer({ repository: dir }), MemoryJournal.layer)
  const services = yield* Layer.build(Layer.provideMerge(layer, NodeServices.layer))
  const item = { id: "issue-1", title: "It stops", body: WorkItem.bodyOf(""), labels: [], source: "issue-1.md" }
  const change = { branch: "factory/1", base, head, files: [] }
  yield* Context.get(services, Forge.Forge).deliver({ item, change, title: "Oil", body: "", into: "main", key: "one" })
  after(dir, head)
  const read = LocalHistory.read({ repository: dir, base, head: "main" }).pipe(
    Effect.provideService(Journal.Journal, Context.get(services, Journal.Journal)),
    Effect.provideService(ChildProcessSpawner, Context.get(services, ChildProcessSpawner))
  )
  return { dir, head, read }
})

const merge = (dir: string): void => void git(dir, "merge", "-q", "--no-ff", "-m", "Merge", "factory/1")

ForgeHistoryTest.suite(
  "LocalHistory holds to what every history of a forge does",
  Effect.map(delivered(merge), ({ read }) => read).pipe(Effect.provide(NodeServices.layer))
)

const mergedOf = ({ subjects }: ForgeHistory.ForgeHistory) =>
  subjects.flatMap(({ events }) => events).find((event) => event._tag === "Merged")

describe("LocalHistory", () => {
  NoteRepository.test("tells what was merged, by a merge commit or without one, and what was not", () =>
    Effect.gen(function* () {
      const open = yield* delivered(() => undefined)
      assert.strictEqual(mergedOf(yield* open.read), undefined, "it is not merged yet")
      const forward = yield* delivered((dir) => void git(dir, "merge", "-q", "--ff-only", "factory/1"))
      assert.strictEqual(mergedOf(yield* forward.read)?.commit, forward.head, "it came onto the branch as it is")
      const late = yield* delivered((dir) => {
        merge(dir)
        write(dir, "other.txt", "x")
        NoteRepository.commit(dir, "Something else")
      })
      assert.strictEqual(
        mergedOf(yield* late.read)?.commit,
        git(late.dir, "rev-parse", "main~1"),
        "not the last commit"
      )
    })
  )
})
