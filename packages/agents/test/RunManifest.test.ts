import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as MemoryEngine from "@millwright/core/adapters/MemoryEngine"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Digest from "@millwright/core/Digest"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Line from "@millwright/core/Line"
import * as Usage from "@millwright/core/Usage"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Harness from "../src/Harness.ts"
import * as Role from "../src/Role.ts"
import * as RunManifest from "../src/RunManifest.ts"
import * as Skill from "../src/Skill.ts"
import * as ScriptedHarness from "../src/testing/ScriptedHarness.ts"

const skill = (name: string, body = "Do it.") =>
  Skill.parse(`---\nname: ${name}\ndescription: Does.\n---\n${body}`, `${name}.md`)

const usage = Usage.zero

const event = (
  fact: FactoryEvent.Fact,
  { role, run = "i.1", stage = null }: { role?: string; run?: string; stage?: string | null }
): FactoryEvent.FactoryEvent => ({
  version: 1,
  seq: 1,
  at: 0,
  line: "L",
  run,
  item: "i",
  stage,
  actor: role === undefined ? { _tag: "Host" } : { _tag: "Agent", role },
  fact
})

const started = (role: string, stage: string | null, digest = "a"): FactoryEvent.FactoryEvent =>
  event(
    {
      _tag: "RoleStarted",
      role,
      skill: role.toLowerCase(),
      skillDigest: Digest.of(digest),
      harness: "loop",
      tier: "small",
      skillSource: "s"
    },
    { role, stage }
  )

const called = (model: string, role: string, stage: string | null, run?: string) =>
  event(
    { _tag: "ModelCalled", provider: "p", model, usage, cost: Usage.known(0), latency: 1, rehearsed: true },
    { role, stage, ...(run !== undefined && { run }) }
  )

const used = (role: string, stage: string | null, file?: string) =>
  event(
    {
      _tag: "SkillUsed",
      skill: "style",
      digest: Digest.of("x"),
      source: "s",
      trust: "house",
      ...(file !== undefined && { file })
    },
    { role, stage }
  )

const fold = (events: ReadonlyArray<FactoryEvent.FactoryEvent>) =>
  events.reduce(RunManifest.step, RunManifest.empty("i.1"))

describe("RunManifest", () => {
  it("says which plugin a role came from, and tells two of its versions apart", () => {
    const from = (digest: string) => {
      const { fact, ...rest } = started("Review", "review")
      const plugin = { name: "acme", version: "1.0.0", digest: Digest.of(digest) }
      return { ...rest, fact: fact._tag === "RoleStarted" ? { ...fact, plugin } : fact }
    }
    const { roles } = fold([from("one"), from("one"), from("two"), started("Review", "review")])
    assert.deepStrictEqual(
      roles.map(({ plugin }) => plugin?.digest ?? null),
      [Digest.of("one"), Digest.of("two"), null]
    )
  })

  it("says each role once, with every model, and each skill that was read", () => {
    const manifest = fold([
      started("Review", "review"),
      called("m2", "Review", "review"),
      called("m1", "Helper", "review"),
      called("m1", "Review", "review"),
      used("Helper", "review"),
      used("Helper", "review"),
      used("Helper", "review", "x.md"),
      started("Review", "review"),
      started("Review", "review-2", "b"),
      called("m3", "Review", "review-2"),
      called("other", "Review", "review", "i.2"),
      called("nobody", "Review", "unknown")
    ])
    assert.deepStrictEqual(
      manifest.roles.map(({ models, skillDigest, stage }) => [stage, models, skillDigest]),
      [
        ["review", ["p/m1", "p/m2"], Digest.of("a")],
        ["review-2", ["p/m3"], Digest.of("b")]
      ]
    )
    assert.deepStrictEqual(
      manifest.skills.map(({ file, role, skill, stage }) => [role, stage, skill, file]),
      [
        ["Helper", "review", "style", null],
        ["Helper", "review", "style", "x.md"]
      ]
    )
    assert.deepStrictEqual(
      Schema.decodeUnknownSync(RunManifest.RunManifest)(JSON.parse(JSON.stringify(manifest))),
      manifest
    )
  })

  it("forgets what the run went back behind", () => {
    const rewound = event({ _tag: "LineRewound", before: "b", dropped: ["b"], gates: [] }, {})
    const manifest = fold([started("A", "a"), started("B", "b"), used("B", "b"), rewound, started("B", "b", "new")])
    assert.deepStrictEqual(
      manifest.roles.map(({ role, skillDigest }) => [role, skillDigest]),
      [
        ["A", Digest.of("a")],
        ["B", Digest.of("new")]
      ]
    )
    assert.deepStrictEqual(manifest.skills, [])
  })

  it.effect("holds plugins to their bytes, and roles to the plugin that they came from", () =>
    Effect.gen(function* () {
      const plugin = (name: string, digest: string, role = "Review") => ({
        name,
        version: "1.0.0",
        digest: Digest.of(digest),
        roles: [{ name: role }]
      })
      const { fact, ...rest } = started("Review", "review")
      if (fact._tag !== "RoleStarted") return assert.fail("it is another fact")
      const { roles: _, ...from } = plugin("acme", "one")
      const manifest = fold([{ ...rest, fact: { ...fact, plugin: from } }, started("House", "house")])
      const hold = RunManifest.holdPlugins(manifest)
      assert.lengthOf(yield* hold([plugin("acme", "one"), plugin("new", "x", "Other")]), 2)
      for (const other of [plugin("acme", "two"), plugin("evil", "two"), plugin("evil", "two", "House")]) {
        const error = yield* Effect.flip(hold([other]))
        assert.strictEqual(error.reason, "Changed")
        assert.include(error.message, other.roles[0]?.name ?? "")
      }
    })
  )

  it("outside of a line, a call belongs to the role that made it", () => {
    const manifest = fold([started("A", null), started("B", null), called("m", "A", null)])
    assert.deepStrictEqual(
      manifest.roles.map(({ models }) => models),
      [["p/m"], []]
    )
  })

  it.live("of a real run, and a later run is held to it", () =>
    Effect.gen(function* () {
      const role = (source: Effect.Effect<Skill.Skill, Skill.SkillError>) =>
        Role.make("Sorter", {
          input: Schema.Struct({ text: Schema.String }),
          outcome: Schema.TaggedUnion({ Bug: {}, Feature: {} }),
          skill: source,
          grants: [],
          tier: "small"
        })
      const Sorting = Line.make("Sorting", { payload: { item: WorkItem.WorkItem }, success: Schema.String })
      const run = (source: Effect.Effect<Skill.Skill, Skill.SkillError>, id: string) =>
        Effect.gen(function* () {
          const item: WorkItem.WorkItem = { id, title: "t", body: WorkItem.bodyOf("b"), labels: [], source: "s" }
          const name = yield* Sorting.start({ item })
          return { name, status: yield* Line.settled(name) }
        }).pipe(
          Effect.provide(Sorting.toLayer(() => Effect.map(role(source).run({ text: "x" }), ({ _tag }) => _tag))),
          Effect.scoped
        )
      const { harness, requests } = yield* ScriptedHarness.make(() => [{ outcome: { _tag: "Bug" } }])
      yield* Effect.gen(function* () {
        const first = yield* run(skill("sorter"), "one")
        assert.strictEqual(first.status._tag, "Finished")
        const manifest = yield* RunManifest.of(first.name)
        const { digest } = yield* skill("sorter")
        assert.deepStrictEqual(manifest, {
          run: first.name,
          roles: [
            {
              role: "Sorter",
              stage: "sorter",
              skill: "sorter",
              skillDigest: digest,
              skillSource: "sorter.md",
              plugin: null,
              harness: "scripted",
              tier: "small",
              models: []
            }
          ],
          skills: []
        })
        const same = yield* run(skill("sorter").pipe(RunManifest.hold(manifest)), "two")
        assert.strictEqual(same.status._tag, "Finished", "the same bytes run")
        const other = yield* run(skill("sorter", "Do it!").pipe(RunManifest.hold(manifest)), "three")
        assert.strictEqual(other.status._tag, "Stalled")
        assert.lengthOf(yield* requests, 2, "no agent was asked with other bytes")
        const unknown = yield* Effect.flip(skill("none").pipe(RunManifest.hold(manifest)))
        assert.strictEqual(unknown.reason, "NotPinned")
        assert.match(unknown.message, /had no skill none/)
      }).pipe(Effect.provideService(Harness.Harness, harness))
    }).pipe(Effect.provide(MemoryEngine.layer), Effect.provide([MemoryJournal.layer, NodeServices.layer]))
  )
})
