import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { execFileSync } from "node:child_process"
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as GitPlace from "../src/adapters/GitPlace.ts"
import * as FolderPlace from "../src/FolderPlace.ts"
import * as PluginFiles from "../src/internal/PluginFiles.ts"
import * as PackagePlace from "../src/PackagePlace.ts"
import * as Place from "../src/Place.ts"
import * as PlaceTest from "../src/testing/PlaceTest.ts"
import * as Lab from "./PlaceLab.ts"

const text = ({ bytes }: Place.Content) => Buffer.from(bytes).toString()
const openFolder = (folder: string) => FolderPlace.open({ folder, trust: "house" })
const inFolder = (files: Lab.Files) => Effect.flatMap(Lab.folder(files), openFolder)
const inGit = (files: Lab.Files) =>
  Effect.flatMap(Lab.repository(files), ({ path }) => GitPlace.open({ repository: path, trust: "house" }))

const kinds = (entries: ReadonlyArray<Place.Entry>) => Object.fromEntries(entries.map(({ kind, path }) => [path, kind]))

const here = Effect.provide(NodeServices.layer)

PlaceTest.suite("a folder", (files) => here(inFolder(files)))
PlaceTest.suite("a commit", (files) => here(inGit(files)))
PlaceTest.suite("a folder of an installed package", (files) =>
  here(
    Effect.flatMap(
      Lab.folder({
        "node_modules/plug/package.json": JSON.stringify({ name: "plug", version: "1.0.0" }),
        ...Object.fromEntries(
          Object.entries(files).map(([path, content]) => [`node_modules/plug/skills/${path}`, content])
        )
      }),
      (from) =>
        Effect.flatMap(PackagePlace.open({ from, package: "plug", trust: "house" }), (place) => place.within("skills"))
    )
  )
)

describe("Place", () => {
  const files: Lab.Files = { "a/x": { link: "../b" }, "b/y": { link: "../a" }, "b/file": "1", "c/self": { link: "." } }

  it.effect("the same content in a folder, in loose objects and in a pack has one digest", () =>
    Effect.gen(function* () {
      const { path } = yield* Lab.repository(files)
      const digestOf = (place: Place.Place) => Effect.map(PluginFiles.read(place), ({ digest }) => digest)
      const commit = () => GitPlace.open({ repository: path, trust: "house" })
      const digests = [yield* digestOf(yield* openFolder(path)), yield* digestOf(yield* commit())]
      Lab.git(path, "gc", "--quiet", "--aggressive", "--prune=now")
      digests.push(yield* digestOf(yield* commit()))
      assert.strictEqual(new Set(digests).size, 1, digests.join())
      writeFileSync(join(path, "b/file"), "other")
      assert.notStrictEqual(yield* digestOf(yield* openFolder(path)), digests[0], "other bytes are another digest")
    }).pipe(Effect.provide(NodeServices.layer))
  )
})

describe("FolderPlace", () => {
  it.effect("takes a folder and nothing else", () =>
    Effect.gen(function* () {
      const folder = yield* Lab.folder({ file: "x" })
      for (const path of [join(folder, "file"), join(folder, "nothing")]) {
        assert.strictEqual((yield* Effect.flip(openFolder(path))).reason, "NotFound", path)
      }
      symlinkSync(folder, join(folder, "itself"))
      const place = yield* openFolder(join(folder, "itself"))
      assert.strictEqual(text(yield* place.read("file", 10)), "x", "the folder itself may be a link")
      assert.deepStrictEqual(place.address, { _tag: "Folder", path: join(folder, "itself") })
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("does not wait for a pipe, and says what it may not read", () =>
    Effect.gen(function* () {
      const folder = yield* Lab.folder({ secret: "x" })
      execFileSync("mkfifo", [join(folder, "pipe")])
      const place = yield* openFolder(folder)
      assert.strictEqual(kinds(yield* place.list())["pipe"], "other")
      assert.strictEqual((yield* Effect.flip(place.read("pipe", 10))).reason, "Unreadable")
      if (process.getuid?.() === 0) return
      chmodSync(join(folder, "secret"), 0)
      assert.strictEqual((yield* Effect.flip(place.read("secret", 10))).reason, "Unreadable")
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("reads nothing outside that a file or a folder was swapped for between the look and the read", () =>
    Effect.gen(function* () {
      const outside = yield* Lab.folder({ file: "secret", "deep/file": "secret" })
      const fs = yield* FileSystem.FileSystem
      for (const [what, target] of [
        ["deep/file", join(outside, "file")],
        ["deep", join(outside, "deep")]
      ] as const) {
        for (const isBack of [false, true]) {
          const folder = yield* Lab.folder({ "deep/file": "inside", other: "x" })
          const swap = () => {
            renameSync(join(folder, what), join(folder, "was"))
            symlinkSync(target, join(folder, what))
          }
          const back = () => {
            rmSync(join(folder, what))
            renameSync(join(folder, "was"), join(folder, what))
          }
          const hostile = FileSystem.make({
            ...fs,
            // It is looked at, swapped, opened, and swapped back.
            open: (path, options) =>
              Effect.suspend(() => {
                swap()
                return fs.open(path, options)
              }).pipe(Effect.tap(() => Effect.sync(() => isBack && back())))
          })
          const place = yield* Effect.provideService(openFolder(folder), FileSystem.FileSystem, hostile)
          const error = yield* Effect.flip(place.read("deep/file", 100))
          assert.strictEqual(error.reason, "Outside", `${what} ${isBack}`)
        }
      }
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )

  it.effect("lists a name with odd bytes, and reads it not", () =>
    Effect.gen(function* () {
      const folder = yield* Lab.folder({ "good.md": "x", "a\u202eb": "hidden", "a\\b": "back", "two\nlines": "x" })
      mkdirSync(Buffer.concat([Buffer.from(`${folder}/bad-`), Buffer.from([0xff, 0xfe])]))
      const place = yield* openFolder(folder)
      const entries = yield* place.list()
      assert.deepStrictEqual(
        entries.filter(({ problem }) => problem === undefined).map(({ path }) => path),
        ["good.md"]
      )
      assert.strictEqual(entries.length, 5, "each is listed, with its problem")
      const { files, problems } = yield* Place.walk(place)
      assert.deepStrictEqual([files.length, problems.length], [1, 4])
    }).pipe(Effect.provide(NodeServices.layer))
  )
})

describe("PackagePlace", () => {
  const manifest = (name: string, version: string) => JSON.stringify({ name, version, exports: { "./x": "./x.js" } })
  const integrity = `sha512-${"a".repeat(86)}==`
  const open = (from: string, name: string) => PackagePlace.open({ from, package: name, trust: "outside" })

  it.effect("finds a package as Node does, nearest first, and runs nothing of it", () =>
    Effect.gen(function* () {
      const root = yield* Lab.folder({
        "node_modules/plug/package.json": manifest("plug", "1.0.0"),
        "node_modules/plug/index.js": "throw new Error('run')",
        "node_modules/plug/skills/a/SKILL.md": "one",
        "node_modules/@org/plug/package.json": manifest("@org/plug", "3.0.0"),
        "node_modules/.package-lock.json": JSON.stringify({
          packages: {
            "node_modules/plug": { version: "1.0.0", integrity },
            "node_modules/@org/plug": { version: "2.0.0", integrity }
          }
        }),
        "app/node_modules/plug/package.json": manifest("plug", "2.0.0"),
        "app/src/x": ""
      })
      const outer = yield* open(root, "plug")
      assert.deepStrictEqual(outer.address, { _tag: "Package", name: "plug", version: "1.0.0", integrity, folder: "" })
      assert.strictEqual(outer.name, "npm:plug@1.0.0")
      assert.strictEqual(text(yield* outer.read("skills/a/SKILL.md", 10)), "one")
      const inner = yield* open(join(root, "app/src"), "plug")
      assert.strictEqual(inner.name, "npm:plug@2.0.0")
      const scoped = yield* open(join(root, "app"), "@org/plug")
      assert.strictEqual(scoped.name, "npm:@org/plug@3.0.0")
      assert.isNull(
        scoped.address._tag === "Package" ? scoped.address.integrity : "",
        "what is recorded is of another version"
      )
      const within = yield* outer.within("skills")
      assert.deepStrictEqual(within.address, {
        _tag: "Package",
        name: "plug",
        version: "1.0.0",
        integrity,
        folder: "skills"
      })
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("finds one that pnpm installed, with what it recorded", () =>
    Effect.gen(function* () {
      const store = "node_modules/.pnpm/@org+plug@1.0.0/node_modules/@org/plug"
      const root = yield* Lab.folder({
        [`${store}/package.json`]: manifest("@org/plug", "1.0.0"),
        "node_modules/.pnpm/lock.yaml": `packages:\n\n  '@org/plug@1.0.0':\n    resolution: {integrity: ${integrity}}\n\nsnapshots:\n`,
        "node_modules/@org/plug": { link: "../.pnpm/@org+plug@1.0.0/node_modules/@org/plug" }
      })
      const { address } = yield* open(root, "@org/plug")
      assert.strictEqual(address._tag === "Package" ? address.integrity : "", integrity)
      const real = yield* open(import.meta.dirname, "isomorphic-git")
      assert.match(real.name, /^npm:isomorphic-git@1\./)
      assert.match(JSON.stringify(real.address), /"integrity":"sha512-/)
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.effect("says what is wrong", () =>
    Effect.gen(function* () {
      const root = yield* Lab.folder({
        "node_modules/plug/package.json": "{",
        "node_modules/none/x": "",
        "node_modules/odd/package.json": manifest("odd\u202e\nObey.", "1.0.0")
      })
      const cases: ReadonlyArray<readonly [name: string, reason: Place.PlaceError["reason"], says: RegExp]> = [
        ["absent", "NotFound", /not installed in node_modules of .*Install it/],
        ["none", "NotFound", /not installed/],
        ["plug", "Unreadable", /package\.json/],
        ["odd", "Unreadable", /^[^\u202e\n]*$/],
        ["../plug", "NotFound", /no name of a package/],
        ["plug/../..", "NotFound", /no name of a package/],
        ["", "NotFound", /no name of a package/],
        ["plug@1.0.0", "NotFound", /without a version/]
      ]
      for (const [name, reason, says] of cases) {
        const error = yield* Effect.flip(open(root, name))
        assert.strictEqual(error.reason, reason, error.message)
        assert.match(error.message, says)
      }
      rmSync(join(root, "node_modules"), { recursive: true })
      mkdirSync(join(root, "node_modules"))
      symlinkSync(join(root, "gone"), join(root, "node_modules/plug"))
      assert.strictEqual((yield* Effect.flip(open(root, "plug"))).reason, "NotFound")
    }).pipe(Effect.provide(NodeServices.layer))
  )
})
