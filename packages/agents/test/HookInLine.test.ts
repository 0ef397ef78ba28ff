import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as SqliteEngine from "@millwright/core/adapters/SqliteEngine"
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import * as Digest from "@millwright/core/Digest"
import * as Journal from "@millwright/core/Journal"
import * as Line from "@millwright/core/Line"
import * as Sqlite from "@millwright/core/Sqlite"
import * as Tainted from "@millwright/core/Tainted"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { existsSync } from "node:fs"
import { join } from "node:path"
import * as Harness from "../src/Harness.ts"
import * as Hook from "../src/Hook.ts"
import type * as PluginEntry from "../src/internal/PluginEntry.ts"
import * as PluginRole from "../src/internal/PluginRole.ts"
import * as PluginManifest from "../src/PluginManifest.ts"
import * as Role from "../src/Role.ts"
import * as Skill from "../src/Skill.ts"
import * as ScriptedHarness from "../src/testing/ScriptedHarness.ts"
import * as PlaceLab from "./PlaceLab.ts"
import * as PluginLab from "./PluginLab.ts"
import { workspace } from "./ToolsWorkplace.ts"

const item: WorkItem.WorkItem = {
  id: "issue-1",
  title: "It breaks",
  body: Tainted.of("an issue", "b"),
  labels: [],
  source: "issue-1.md"
}

const sorter = Role.make("Sorter", {
  input: Schema.Struct({ text: Schema.String }),
  outcome: Schema.TaggedUnion({ Bug: {}, Feature: {} }),
  skill: Skill.parse("---\nname: sorter\ndescription: Sorts.\n---\nSort it.", "inline"),
  grants: ["bash"],
  tier: "small"
})

const Sorting = Line.make("Sorting", { payload: { item: WorkItem.WorkItem }, success: Schema.String })

const withStore = <A, E>(
  use: Effect.Effect<A, E, Layer.Success<ReturnType<typeof store>> | Harness.Workplace | Scope.Scope>
) =>
  PlaceLab.temporary.pipe(
    Effect.flatMap((folder) => Effect.provide(use, store(join(folder, "factory.db")))),
    Effect.provide(NodeServices.layer),
    Effect.scoped
  )

const store = (path: string) =>
  Layer.mergeAll(SqliteJournal.layer, SqliteEngine.layer()).pipe(
    Layer.provide(Sqlite.layer({ path, poll: "5 millis" }))
  )

const facts = Effect.gen(function* () {
  const journal = yield* Journal.Journal
  return (yield* Stream.runCollect(journal.read())).map(({ fact, stage }) => ({ fact, stage }))
})

describe("in a line", () => {
  it.live("hooks around a part of it and around its layer have a say, and a veto stalls it", () =>
    withStore(
      Effect.gen(function* () {
        const seen: Array<string> = []
        let isFrozen = true
        const watching = (name: string) =>
          Hook.make(name, {
            request: () =>
              Effect.sync(() => {
                seen.push(name)
                return name === "layer" && isFrozen ? Hook.veto("It is frozen.") : Hook.pass
              })
          })
        const code = Sorting.toLayer(() =>
          Effect.map(sorter.run({ text: "x" }).pipe(Hook.around(watching("part"))), ({ _tag }) => _tag)
        ).pipe(Layer.provide(Layer.succeed(Hook.Around, [watching("layer")])))
        const { harness } = yield* ScriptedHarness.make(() => [{ outcome: { _tag: "Bug" } }])
        yield* Effect.gen(function* () {
          const run = yield* Sorting.start({ item })
          assert.strictEqual((yield* Line.settled(run))._tag, "Stalled")
          isFrozen = false
          yield* Line.resume(run)
          assert.strictEqual((yield* Line.settled(run))._tag, "Finished")
        }).pipe(Effect.provide(code), Effect.provideService(Harness.Harness, harness))
        assert.deepStrictEqual(seen, ["part", "layer", "part", "layer"])
        const all = yield* facts
        assert.deepStrictEqual(
          all.flatMap(({ fact, stage }) => (fact._tag === "HookActed" ? [`${stage} ${fact.hook} ${fact.did}`] : [])),
          ["sorter layer veto"]
        )
        const [stalled] = all.flatMap(({ fact }) => (fact._tag === "LineStalled" ? [fact.fault] : []))
        assert.deepStrictEqual([stalled?.tag, stalled?.reason], ["HookError", "Vetoed"])
      })
    )
  )

  it.live("a role of a plugin that left its surface has no result, however often it is resumed", () =>
    withStore(
      Effect.gen(function* () {
        yield* workspace({ "docs/a.md": "a\n" })
        const manifest = yield* PluginManifest.parse({ source: "acme", alone: PluginLab.manifest() })
        const origin = { name: "acme", version: "1.2.0", digest: Digest.of("x") }
        const held = PluginRole.make(sorter as unknown as PluginEntry.AnyRole, manifest, origin) // as one that was imported
        const code = Sorting.toLayer(() => Effect.as(held.run({ text: "x" }), "done"))
        let script = "echo x > outside"
        const { harness } = yield* ScriptedHarness.make(() => [
          { calls: [{ tool: "bash", arguments: { script } }] },
          { outcome: { _tag: "Bug" } }
        ])
        yield* Effect.gen(function* () {
          const run = yield* Sorting.start({ item })
          for (const _ of [1, 2]) {
            assert.strictEqual((yield* Line.settled(run))._tag, "Stalled")
            assert.isFalse(existsSync("outside"))
            yield* Line.resume(run)
          }
          assert.strictEqual((yield* Line.settled(run))._tag, "Stalled")
          script = "echo x > docs/b.md"
          yield* Line.resume(run)
          assert.strictEqual((yield* Line.settled(run))._tag, "Finished")
        }).pipe(Effect.provide(code), Effect.provideService(Harness.Harness, harness))
        const stalled = (yield* facts).flatMap(({ fact }) => (fact._tag === "LineStalled" ? [fact.fault.tag] : []))
        assert.deepStrictEqual(stalled, ["SurfaceError", "SurfaceError", "SurfaceError"])
      })
    )
  )
})
