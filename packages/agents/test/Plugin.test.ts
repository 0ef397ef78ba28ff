import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as GitPlace from "../src/adapters/GitPlace.ts"
import * as FolderPlace from "../src/FolderPlace.ts"
import type * as Harness from "../src/Harness.ts"
import * as PackagePlace from "../src/PackagePlace.ts"
import * as Plugin from "../src/Plugin.ts"
import * as PlaceLab from "./PlaceLab.ts"
import * as Lab from "./PluginLab.ts"

const test = (title: string, body: Effect.Effect<void, unknown, Scope.Scope | Harness.Workplace>) =>
  it.live(title, () => body.pipe(Effect.scoped, Effect.provide(Lab.Services)))

const accepted = Effect.fnUntraced(function* (changes: PlaceLab.Files = {}) {
  const project = yield* Lab.project
  const place = yield* Lab.plugin(changes)
  const inspection = yield* Plugin.inspect(place)
  yield* Plugin.accept(inspection, project)
  return { project, place, inspection }
})

describe("what is seen of a plugin before it is accepted", () => {
  test(
    "is all of it, and nothing of it runs",
    Effect.gen(function* () {
      const before = Lab.ran()
      const inspection = yield* Plugin.inspect(yield* Lab.plugin())
      const text = Plugin.text(inspection)
      for (const said of [
        "acme 1.2.0, from ",
        "3 files, ",
        `digest ${inspection.digest}`,
        "May write in a workspace: docs/**",
        "Its roles may: read, write, bash, docs/*",
        "- document (",
        "How to document.",
        "- docs: node ./server.mjs --deep, with your DOCS_TOKEN",
        "Code that runs in your process, with all that it may do: plugin.mjs"
      ]) {
        assert.include(text, said)
      }
      assert.notInclude(text, "Wrong")
      assert.strictEqual(Lab.ran(), before, "code of the plugin ran")
    })
  )

  test(
    "is what is wrong with it too, and it can not be accepted then",
    Effect.gen(function* () {
      const place = yield* Lab.plugin({
        "millwright.json": Lab.manifest({
          entry: "missing.mjs",
          skills: ["skills/document", "skills/bad", "skills/none"]
        }),
        "skills/bad/SKILL.md": "no front matter",
        "link.md": { link: "/etc/passwd" }
      })
      const inspection = yield* Plugin.inspect(place)
      const text = Plugin.text(inspection)
      for (const wrong of ["missing.mjs is not there", "skills/bad/SKILL.md", "skills/none", "link.md: "])
        assert.include(text, wrong)
      const project = yield* Lab.project
      const error = yield* Effect.flip(Plugin.accept(inspection, project))
      assert.strictEqual(error.reason, "Malformed")
      assert.isFalse(existsSync(project.lock))
    })
  )

  const malformed = (title: string, text: string, said: string, reason = "Malformed") =>
    test(
      `refuses ${title}`,
      Effect.gen(function* () {
        const error = yield* Effect.flip(Plugin.inspect(yield* Lab.plugin({ "millwright.json": text })))
        assert.deepStrictEqual([error._tag, error.reason], ["PluginError", reason])
        assert.include(error.message, said)
        assert.notMatch(error.message, /\u202e|\u200b/, "it shows what it refuses")
      })
    )
  malformed("what is no JSON", "{", "not JSON")
  malformed("what is too large", `"${"x".repeat(300_000)}"`, "bytes", "TooLarge")
  malformed("a list", "[]", "")
  malformed("no version of the format", JSON.stringify({ name: "acme", version: "1.0.0" }), '"manifest": 1')
  malformed("a version of the format that it does not know", Lab.manifest({ manifest: 2 }), "manifest")
  malformed("a key that it does not know", Lab.manifest({ wrties: ["**"] }), "wrties")
  for (const path of ["../up", "/etc", "a/../../b", "a\\b", ".git/hooks", "C:/x", ""]) {
    malformed(`a skill at ${JSON.stringify(path)}`, Lab.manifest({ skills: [path] }), "skills")
    malformed(`an entry at ${JSON.stringify(path)}`, Lab.manifest({ entry: path }), "entry")
    malformed(`a surface of ${JSON.stringify(path)}`, Lab.manifest({ writes: [path] }), "writes")
  }
  malformed("a grant that there is not", Lab.manifest({ grants: ["root"] }), "grants")
  malformed("a name with a character that can not be seen", Lab.manifest({ name: "ac\u200bme" }), "name")
  malformed("a name that is written backwards", Lab.manifest({ name: "\u202eemca" }), "name")
  malformed("a name with a letter of another script", Lab.manifest({ name: "\u0430cme" }), "name")
  malformed(
    "a value where the name of a variable belongs",
    Lab.manifest({ servers: { s: { command: "x", env: ["TOKEN=1"] } } }),
    "env"
  )
  malformed(
    "a secret in an argument",
    Lab.manifest({
      servers: { s: { command: "x", args: ["--key=sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789"] } }
    }),
    "secret"
  )
  malformed("a command of several lines", Lab.manifest({ servers: { s: { command: "x\ny" } } }), "command")

  test(
    "says where no plugin is, and where two manifests are",
    Effect.gen(function* () {
      const none = yield* FolderPlace.open({ folder: yield* PlaceLab.folder({ "a.txt": "a" }), trust: "outside" })
      assert.strictEqual((yield* Effect.flip(Plugin.inspect(none))).reason, "NotFound")
      const two = yield* Lab.plugin({
        "package.json": JSON.stringify({ name: "acme", version: "1.2.0", millwright: {} })
      })
      assert.include((yield* Effect.flip(Plugin.inspect(two))).message, "two manifests")
    })
  )
})

describe("a plugin that is accepted", () => {
  test(
    "stands in the lock, with nothing of this machine, and loads from a copy",
    Effect.gen(function* () {
      const { inspection, place, project } = yield* accepted()
      const lock = readFileSync(project.lock, "utf8")
      assert.notInclude(lock, place.name)
      assert.include(lock, inspection.digest)
      assert.include(lock, "DOCS_TOKEN")
      const before = Lab.ran()
      const [plugin, ...others] = yield* Plugin.load([place, place], project)
      assert.deepStrictEqual(others, [], "the same plugin twice is one")
      assert.strictEqual(Lab.ran(), before + 1)
      assert.strictEqual(plugin?.folder, join(project.copies, inspection.digest))
      assert.deepStrictEqual(readdirSync(project.copies), [inspection.digest])
      assert.deepStrictEqual(
        plugin?.skills.map(({ name }) => name),
        ["document"]
      )
      assert.deepStrictEqual(
        plugin?.roles.map(({ name }) => name),
        ["Documenter"]
      )
      assert.deepStrictEqual(
        plugin?.hooks.map(({ name }) => name),
        ["acme/polite"]
      )
      // Once more changes nothing.
      yield* Plugin.accept(inspection, project)
      assert.strictEqual(readFileSync(project.lock, "utf8"), lock)
    })
  )

  test(
    "is nothing that nobody accepted, and none of its code runs",
    Effect.gen(function* () {
      const before = Lab.ran()
      const error = yield* Effect.flip(Plugin.load([yield* Lab.plugin()], yield* Lab.project))
      assert.deepStrictEqual([error._tag, error.reason], ["PluginError", "NotAccepted"])
      assert.strictEqual(Lab.ran(), before)
    })
  )

  const changed = (title: string, changes: PlaceLab.Files, reason: string, ...said: ReadonlyArray<string>) =>
    test(
      `is refused when ${title}`,
      Effect.gen(function* () {
        const { place, project } = yield* accepted()
        const before = Lab.ran()
        PlaceLab.write(place.name, changes)
        const error = yield* Effect.flip(Plugin.load([place], project))
        assert.deepStrictEqual([error._tag, error.reason], ["PluginError", reason])
        for (const each of said) assert.include(error.message, each)
        assert.strictEqual(Lab.ran(), before, "its code ran all the same")
      })
    )
  changed("a file of it was changed", { "plugin.mjs": Lab.entry("maxTurns: 3,") }, "Changed", "may do no more")
  changed("a file came to it", { "more.txt": "x" }, "Changed")
  changed(
    "it has another version",
    { "millwright.json": Lab.manifest({ version: "1.3.0" }) },
    "Changed",
    "1.2.0",
    "1.3.0"
  )
  changed(
    "it may write more",
    { "millwright.json": Lab.manifest({ writes: ["docs/**", "src/**"] }) },
    "Wider",
    'may write "src/**"'
  )
  changed(
    "its roles may do more",
    { "millwright.json": Lab.manifest({ grants: ["read", "write", "bash", "edit"] }) },
    "Wider",
    "may edit"
  )
  changed(
    "its server wants another secret",
    { "millwright.json": Lab.manifest({ servers: { docs: { command: "node", env: ["AWS_SECRET_ACCESS_KEY"] } } }) },
    "Wider",
    "docs is node and wants AWS_SECRET_ACCESS_KEY"
  )

  test(
    "gives way to another one of its name only when it is named",
    Effect.gen(function* () {
      const { inspection, project } = yield* accepted()
      const other = yield* Plugin.inspect(
        yield* Lab.plugin({ "millwright.json": Lab.manifest({ writes: ["**"], version: "2.0.0" }) })
      )
      const error = yield* Effect.flip(Plugin.accept(other, project))
      assert.strictEqual(error.reason, "SameName")
      assert.include(error.message, 'it may write "**"')
      const wrong = yield* Effect.flip(Plugin.accept(other, { ...project, replaces: other.digest }))
      assert.strictEqual(wrong.reason, "SameName")
      yield* Plugin.accept(other, { ...project, replaces: inspection.digest })
      assert.include(readFileSync(project.lock, "utf8"), "2.0.0")
    })
  )

  test(
    "is refused beside another one of its name, unless they are the same",
    Effect.gen(function* () {
      const { place, project } = yield* accepted()
      const same = yield* Lab.plugin()
      assert.lengthOf(yield* Plugin.load([place, same], project), 1)
      const other = yield* Lab.plugin({ "more.txt": "x" })
      const error = yield* Effect.flip(Plugin.load([place, other], project))
      assert.strictEqual(error.reason, "SameName")
    })
  )

  test(
    "is refused where its copy was changed",
    Effect.gen(function* () {
      const { place, project } = yield* accepted()
      const [plugin] = yield* Plugin.load([place], project)
      writeFileSync(join(plugin?.folder ?? "", "plugin.mjs"), "export const roles = []")
      const error = yield* Effect.flip(Plugin.load([place], project))
      assert.deepStrictEqual([error._tag, error.reason], ["PluginError", "Changed"])
    })
  )

  test(
    "and a lock that is damaged is none that is empty",
    Effect.gen(function* () {
      const { inspection, place, project } = yield* accepted()
      writeFileSync(project.lock, "{")
      assert.strictEqual((yield* Effect.flip(Plugin.load([place], project))).reason, "Unwritable")
      assert.strictEqual((yield* Effect.flip(Plugin.accept(inspection, project))).reason, "Unwritable")
    })
  )
})

describe("the entry module of a plugin", () => {
  const bad = (title: string, entry: string, reason: string, said = "") =>
    test(
      title,
      Effect.gen(function* () {
        const { place, project } = yield* accepted({ "plugin.mjs": entry })
        const error = yield* Effect.flip(Plugin.load([place], { ...project, time: "500 millis" }))
        assert.deepStrictEqual([error._tag, error.reason], ["PluginError", reason])
        assert.include(error.message, "acme")
        assert.include(error.message, said)
      })
    )
  bad("may not throw", 'throw new Error("no luck")', "BadEntry", "no luck")
  bad("may not hang", "await new Promise((done) => setTimeout(done, 5_000))", "BadEntry", "was not there after")
  bad("may not be broken", "export const roles = [", "BadEntry")
  bad("may not import what is not there", 'import "not-there-at-all"', "BadEntry")
  bad("exports roles", 'export const roles = [{ name: "x" }]', "BadEntry", "list of roles")
  bad("exports hooks", 'export const hooks = [{ name: "x", beforeTool: 7 }]', "BadEntry", "one of hooks")
  bad(
    "has no role that may do more than its manifest says",
    Lab.entry('grants: ["read", "edit"],'),
    "TooMuch",
    "The role Documenter of the plugin acme may edit"
  )

  test(
    "has no role of a name that is taken, whatever its case",
    Effect.gen(function* () {
      const { place, project } = yield* accepted()
      const roles = yield* Effect.flip(Plugin.load([place], { ...project, taken: { roles: ["documenter"] } }))
      assert.strictEqual(roles.reason, "Collision")
      const before = Lab.ran()
      const skills = yield* Effect.flip(Plugin.load([place], { ...project, taken: { skills: ["document"] } }))
      assert.strictEqual(skills.reason, "Collision")
      assert.strictEqual(Lab.ran(), before)
    })
  )
})

describe("a server of a plugin", () => {
  test(
    "is started with the values of what it was accepted with, and with no other",
    Effect.gen(function* () {
      const { place, project } = yield* accepted()
      const [plugin] = yield* Plugin.load([place], project)
      if (plugin === undefined) return assert.fail("it was not loaded")
      const value = Redacted.make("s3cret")
      const options = yield* Plugin.server(plugin, "docs", { DOCS_TOKEN: value })
      assert.deepStrictEqual(options, {
        name: "docs",
        command: "node",
        args: ["./server.mjs", "--deep"],
        env: { DOCS_TOKEN: value },
        cwd: plugin.folder
      })
      assert.include((yield* Effect.flip(Plugin.server(plugin, "docs"))).message, "wants DOCS_TOKEN")
      const more = yield* Effect.flip(Plugin.server(plugin, "docs", { DOCS_TOKEN: value, HOME: value }))
      assert.include(more.message, "HOME")
      assert.include((yield* Effect.flip(Plugin.server(plugin, "toString"))).message, "there is none")
    })
  )
})

describe("a plugin from", () => {
  test(
    "a commit is pinned by it, and is the same as that of a folder",
    Effect.gen(function* () {
      const project = yield* Lab.project
      const { commit, path } = yield* PlaceLab.repository(
        Object.fromEntries(Object.entries(Lab.files()).map(([path, content]) => [`plugins/acme/${path}`, content]))
      )
      const place = yield* GitPlace.open({ repository: path, ref: "main", folder: "plugins/acme", trust: "outside" })
      const inspection = yield* Plugin.inspect(place)
      assert.strictEqual(inspection.digest, (yield* Plugin.inspect(yield* Lab.plugin())).digest)
      const entry = yield* Plugin.accept(inspection, project)
      assert.deepStrictEqual(entry.source, { _tag: "Git", commit, folder: "plugins/acme" })
      // What is checked out is not what is read.
      writeFileSync(join(path, "plugins/acme/plugin.mjs"), "throw 1")
      assert.lengthOf(yield* Plugin.load([place], project), 1)
      const error = yield* Effect.flip(GitPlace.open({ repository: path, ref: "not-there", trust: "outside" }))
      assert.strictEqual(error.reason, "NoSuchRef")
    })
  )

  test(
    "an installed package is found as Node finds it, with what its package.json says",
    Effect.gen(function* () {
      const project = yield* Lab.project
      const { description, name, version, ...millwright } = JSON.parse(Lab.manifest())
      const { "millwright.json": _, ...files } = Lab.files()
      const folder = join(project.folder, "node_modules/acme")
      mkdirSync(folder)
      const pack = { name, version, description, type: "module", scripts: { postinstall: "exit 1" }, millwright }
      PlaceLab.write(folder, { ...files, "package.json": JSON.stringify(pack), "node_modules/x/index.js": "x" })
      symlinkSync("/etc", join(folder, "node_modules/out"))
      const place = yield* PackagePlace.open({ package: "acme", from: project.folder, trust: "outside" })
      const inspection = yield* Plugin.inspect(place)
      assert.deepStrictEqual(inspection.problems, [])
      const { source } = yield* Plugin.accept(inspection, project)
      assert.deepStrictEqual(source, { _tag: "Package", name: "acme", version: "1.2.0", integrity: null, folder: "" })
      assert.lengthOf(yield* Plugin.load([place], project), 1)
    })
  )
})
