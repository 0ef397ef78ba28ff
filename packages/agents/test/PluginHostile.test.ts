/** Plugins by somebody who wants more than was accepted. */
import { assert, describe, it } from "@effect/vitest"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Journal from "@millwright/core/Journal"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import type * as Scope from "effect/Scope"
import { execFile } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import * as FolderPlace from "../src/FolderPlace.ts"
import * as Harness from "../src/Harness.ts"
import * as Plugin from "../src/Plugin.ts"
import * as PluginLock from "../src/PluginLock.ts"
import * as SkillSet from "../src/SkillSet.ts"
import * as ScriptedHarness from "../src/testing/ScriptedHarness.ts"
import * as Lab from "./PluginLab.ts"
import * as PlaceLab from "./PlaceLab.ts"
import { workspace } from "./ToolsWorkplace.ts"

const test = (
  title: string,
  body: Effect.Effect<void, unknown, Scope.Scope | FileSystem.FileSystem | Path.Path | Harness.Workplace>
) => it.live(title, () => body.pipe(Effect.scoped, Effect.provide(Lab.Services)))

const accepted = Effect.fnUntraced(function* (changes: PlaceLab.Files = {}) {
  const project = yield* Lab.project
  const place = yield* Lab.plugin(changes)
  const inspection = yield* Plugin.inspect(place)
  yield* Plugin.accept(inspection, project)
  return { project, place, inspection }
})

/** The request that reaches the harness of a plugin's role. */
const asked = Effect.fnUntraced(function* (tools: ReadonlyArray<string>, entry: string) {
  const { place, project } = yield* accepted({
    "millwright.json": Lab.manifest({ tools, grants: ["read"] }),
    "plugin.mjs": Lab.entry(entry).replace('grants: ["read", "write", "bash"]', 'grants: ["read"]')
  })
  const [plugin] = yield* Plugin.load([place], project)
  const role = plugin?.roles[0] ?? assert.fail("it has no role")
  yield* workspace({ "a.md": "a\n" })
  const { journal } = yield* MemoryJournal.make
  const made = yield* Effect.provideService(
    ScriptedHarness.make(() => [{ outcome: { _tag: "Done", note: "ok" } }]),
    Journal.Journal,
    journal
  )
  const result = yield* role
    .run({ what: "the door" })
    .pipe(
      Effect.provideService(Harness.Harness, made.harness),
      Effect.provideService(Journal.Journal, journal),
      Effect.result
    )
  return { result, requests: yield* made.requests }
})

describe("a role of a plugin", () => {
  test(
    "does not get the tools that its manifest takes away by leaving that out",
    Effect.gen(function* () {
      const { requests } = yield* asked(["docs/*", "!docs/delete_*"], 'tools: ["docs/*"],')
      assert.deepStrictEqual(requests[0]?.tools, ["docs/*", "!docs/delete_*"])
    })
  )

  test(
    "may use less than its manifest says",
    Effect.gen(function* () {
      const { requests } = yield* asked(["docs/*"], 'tools: ["docs/list_*"],')
      assert.deepStrictEqual(requests[0]?.tools, ["docs/list_*"])
      const more = yield* asked(["docs/list_*"], 'tools: ["docs/*"],')
      assert.lengthOf(more.requests, 0)
      assert.strictEqual(more.result._tag, "Failure")
    })
  )

  test(
    "gives no sub-agent what it has not",
    Effect.gen(function* () {
      const helper =
        '{ name: "helper", description: "x", instructions: "x", grants: ["bash"], tools: [], tier: undefined, maxTurns: 3, limits: {} }'
      const { requests, result } = yield* asked([], `agents: { list: [${helper}] },`)
      assert.deepStrictEqual([requests.length, result._tag], [0, "Failure"])
    })
  )
})

describe("what is accepted", () => {
  test(
    "is more when less is taken away from its tools, and the error says so",
    Effect.gen(function* () {
      const { place, project } = yield* accepted({
        "millwright.json": Lab.manifest({ tools: ["docs/*", "!docs/delete_*"] })
      })
      PlaceLab.write(place.name, { "millwright.json": Lab.manifest({ tools: ["docs/*"] }) })
      const error = yield* Effect.flip(Plugin.load([place], project))
      assert.deepStrictEqual([error._tag, error.reason], ["PluginError", "Wider"])
      assert.include(error.message, "docs/delete_*")
    })
  )

  test(
    "is all of it when many accept at once",
    Effect.gen(function* () {
      const project = yield* Lab.project
      const names = Array.from({ length: 12 }, (_, at) => `acme-${at}`)
      const inspections = yield* Effect.forEach(names, (name) =>
        Effect.flatMap(Lab.plugin({ "millwright.json": Lab.manifest({ name }) }), Plugin.inspect)
      )
      yield* Effect.forEach(inspections, (each) => Plugin.accept(each, project), { concurrency: "unbounded" })
      const { plugins } = yield* PluginLock.read(project.lock)
      assert.sameMembers(Object.keys(plugins), names)
    })
  )

  test(
    "is one of two that are accepted under one name at once",
    Effect.gen(function* () {
      const project = yield* Lab.project
      const inspections = yield* Effect.forEach(["a", "b", "c", "d"], (text) =>
        Effect.flatMap(Lab.plugin({ "more.txt": text }), Plugin.inspect)
      )
      const results = yield* Effect.forEach(inspections, (each) => Effect.result(Plugin.accept(each, project)), {
        concurrency: "unbounded"
      })
      const refused = results.flatMap((each) => (each._tag === "Failure" ? [each.failure.reason] : []))
      assert.deepStrictEqual(refused, ["SameName", "SameName", "SameName"])
    })
  )

  test(
    "is all of it when processes accept at once, and one of those with one name",
    Effect.gen(function* () {
      const project = yield* Lab.project
      const program = fileURLToPath(new URL("./accept-process.ts", import.meta.url))
      const run = promisify(execFile)
      const manifests = ["acme-0", "acme-1", "acme-2", "twin", "twin"].map((name, at) => ({
        "millwright.json": Lab.manifest({ name }),
        "more.txt": `${at}`
      }))
      const ended = yield* Effect.forEach(
        manifests,
        (changes) =>
          Effect.gen(function* () {
            const folder = yield* PlaceLab.folder(Lab.files(changes))
            const { stdout } = yield* Effect.promise(() => run(process.execPath, [program, project.lock, folder]))
            return stdout
          }),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(ended.sort(), ["SameName", "accepted", "accepted", "accepted", "accepted"])
      const { plugins } = yield* PluginLock.read(project.lock)
      assert.sameMembers(Object.keys(plugins), ["acme-0", "acme-1", "acme-2", "twin"])
      assert.isFalse(existsSync(`${project.lock}.busy`))
    })
  )

  test(
    "is not written while somebody else accepts, who is named when that one does not end",
    Effect.gen(function* () {
      const { project } = yield* accepted()
      mkdirSync(`${project.lock}.busy`)
      const other = yield* Effect.flatMap(
        Lab.plugin({ "millwright.json": Lab.manifest({ name: "other" }) }),
        Plugin.inspect
      )
      const error = yield* Effect.flip(Plugin.accept(other, project))
      assert.strictEqual(error.reason, "Unwritable")
      assert.include(error.message, `${project.lock}.busy`)
      assert.isTrue(existsSync(`${project.lock}.busy`), "it took what somebody else holds")
    })
  )

  const lock = (title: string, change: (text: string) => string, said: string) =>
    test(
      `is not read from a lock ${title}`,
      Effect.gen(function* () {
        const { place, project } = yield* accepted()
        const text = change(readFileSync(project.lock, "utf8"))
        writeFileSync(project.lock, text)
        const error = yield* Effect.flip(Plugin.load([place], project))
        assert.strictEqual(error.reason, "Unwritable")
        assert.include(error.message, said)
        assert.strictEqual(readFileSync(project.lock, "utf8"), text)
      })
    )
  lock("of a newer version", (text) => text.replace('"lock": 1', '"lock": 2'), "newer")
  lock("that says what this version does not know", (text) => text.replace('"writes"', '"nets": [], "writes"'), "nets")
  lock("with a conflict of version control in it", (text) => `<<<<<<< ours\n${text}`, "version control")
})

describe("the copy of a plugin", () => {
  test(
    "has no packages that nobody looked at",
    Effect.gen(function* () {
      const { place, project } = yield* accepted()
      const [plugin] = yield* Plugin.load([place], project)
      PlaceLab.write(plugin?.folder ?? "", { "node_modules/effect/package.json": "{}" })
      const error = yield* Effect.flip(Plugin.load([place], project))
      assert.deepStrictEqual([error._tag, error.reason], ["PluginError", "Changed"])
    })
  )

  test(
    "is the same on every disk: two names that are one on some are shown as wrong",
    Effect.gen(function* () {
      const inspection = yield* Effect.flatMap(Lab.plugin({ "lib/A.mjs": "1", "LIB/a.mjs": "2" }), Plugin.inspect)
      assert.lengthOf(inspection.problems, 1)
      assert.include(inspection.problems[0], "lib/A.mjs")
    })
  )
})

describe("the skills of a plugin", () => {
  test(
    "are a set, read from its copy, with the trust of its place",
    Effect.gen(function* () {
      const { place, project } = yield* accepted({
        "millwright.json": Lab.manifest({ skills: ["deep/er/document"] }),
        "deep/er/document/SKILL.md": Lab.skill("document")
      })
      const [plugin] = yield* Plugin.load([place], project)
      const set = plugin?.set ?? assert.fail("it has no set")
      assert.deepStrictEqual(
        set.skills.map(({ name, place: { trust } }) => [name, trust]),
        [["document", "outside"]]
      )
      const [entry = assert.fail("it has no skill")] = set.skills
      const { digest, source } = yield* SkillSet.said(entry)
      assert.strictEqual(digest, plugin?.skills[0]?.digest)
      assert.include(source, place.name)
      assert.strictEqual((yield* Effect.flip(SkillSet.get(set, "document"))).reason, "NotTrusted")
    })
  )
})

test(
  "package.json that names its prototype is read as data",
  Effect.gen(function* () {
    const manifest = Lab.manifest().slice(1)
    const folder = yield* PlaceLab.folder(
      Lab.files({ "millwright.json": `{"__proto__": {"grants": ["edit"]}, ${manifest}` })
    )
    const error = yield* Effect.flip(Effect.flatMap(FolderPlace.open({ folder, trust: "outside" }), Plugin.inspect))
    assert.strictEqual(error.reason, "Malformed")
    assert.strictEqual(Reflect.get({}, "grants"), undefined)
    assert.isTrue(existsSync(join(folder, "millwright.json")))
  })
)
