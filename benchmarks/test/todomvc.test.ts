/** The bench over an app of its own, which is right, and over the same with one defect switched on. */
import * as BrowserSurface from "@millwright/validators/adapters/BrowserSurface"
import type * as Surface from "@millwright/validators/Surface"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "vitest"
import * as Bench from "../Bench.ts"
import * as Todomvc from "../todomvc.ts"
import * as Apps from "../todomvc/Apps.ts"
import * as Clauses from "../todomvc/Clauses.ts"
import type * as Matrix from "../todomvc/Matrix.ts"
import * as Suite from "../todomvc/Suite.ts"

const data = join(import.meta.dirname, "../data/todomvc")
const defects: Readonly<Record<string, ReadonlyArray<string>>> = JSON.parse(
  readFileSync(join(data, "defects.json"), "utf8")
)
const ids = Clauses.contract.assertions.map(({ id }) => id)
// Of all areas, in each other a way to go wrong. All of them take minutes.
const some = [
  "main-stays",
  "no-focus",
  "blank-created",
  "single-click-edits",
  "edit-no-focus",
  "escape-saves",
  "other-name",
  "filter-not-kept"
]
const chosen = process.env["MILLWRIGHT_SUITES"] === "all" ? Object.keys(defects) : some

const root = realpathSync(mkdtempSync(join(tmpdir(), "todomvc-")))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** The app with a defect; without one it is right. */
const app = (defect = ""): Apps.App => {
  const folder = join(root, defect || "right")
  cpSync(join(data, "app"), folder, { recursive: true })
  writeFileSync(join(folder, "defect.js"), `window.defect = '${defect}'\n`)
  return { name: defect || "right", folder, root: folder }
}

const notPassed = (ran: Matrix.Row["ran"]): ReadonlyArray<string> =>
  ran
    .filter(({ recording }) => recording.status !== "pass")
    .map(({ reason, recording }) => `${recording.assertion} ${recording.status}: ${reason}`)

const layer = BrowserSurface.layerWith({ checkWithin: 2_000 })
const missing = await Effect.runPromise(
  Effect.match(Effect.scoped(Layer.build(layer)), { onFailure: ({ message }) => message, onSuccess: () => undefined })
)
it(
  "finds each defect, and none in the app that is right; done again it comes to the same",
  { timeout: 900_000 },
  (context) =>
    missing === undefined
      ? Effect.gen(function* () {
          const asked = [...new Set(chosen.flatMap((defect) => defects[defect] ?? []))]
          const right = yield* Suite.test(app(), { ids: asked, isReplayed: false, sessions: 3 })
          assert.deepStrictEqual(notPassed(right.ran), [], "a false alarm")
          const rows = yield* Effect.forEach(
            chosen,
            (defect): Effect.Effect<Matrix.Row, never, Surface.Surface> =>
              Suite.test(app(defect), {
                ids: defects[defect] ?? [],
                isReplayed: defect === "escape-saves",
                sessions: 1
              }),
            { concurrency: 3 }
          )
          const missed = rows.flatMap(({ app, ran }) =>
            ran
              .filter(({ recording }) => recording.status !== "fail")
              .map(({ recording }) => `${app}: ${recording.assertion} is ${recording.status}`)
          )
          assert.deepStrictEqual(missed, [], "a defect was not found")
          const again = rows.flatMap(({ replayed }) => replayed).map(({ recording }) => recording.status)
          assert.deepStrictEqual(again, ["fail"], "what was recorded comes to the same without a plan")
        }).pipe(Effect.provide(layer), Effect.runPromise)
      : context.skip(missing)
)

describe("the contract of TodoMVC", () => {
  it("has a plan for each clause, and a defect that breaks it", () => {
    assert.deepStrictEqual(Object.keys(Clauses.plans), ids)
    const broken = new Set(Object.values(defects).flat())
    assert.deepStrictEqual(
      [...broken].filter((id) => !ids.includes(id)),
      [],
      "a defect names no clause"
    )
    assert.deepStrictEqual(
      ids.filter((id) => !broken.has(id)),
      [],
      "nothing shows that a clause is looked at"
    )
  })
})

describe("the apps of a folder", () => {
  const make = (name: string, files: Readonly<Record<string, string>>): string => {
    const folder = join(root, name)
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(folder, path, ".."), { recursive: true })
      writeFileSync(join(folder, path), text)
    }
    return folder
  }
  const page = (source: string) => `<!doctype html><script src="${source}"></script>`
  const where = (name: string, files: Readonly<Record<string, string>>): string | undefined => {
    const folder = make(name, files)
    return Apps.rootOf(folder)?.slice(folder.length)
  }

  it.each([
    ["at the top", { "index.html": page("app.js"), "app.js": "" }, ""],
    [
      "in the build before what it is made of",
      { "index.html": page("/src/a.js"), "src/a.js": "", "dist/index.html": page("./a.js"), "dist/a.js": "" },
      "/dist"
    ],
    ["below the build", { "dist/browser/index.html": page("a.js"), "dist/browser/a.js": "" }, "/dist/browser"],
    [
      "in a build whose addresses begin at the root",
      { "build/index.html": page("/static/a.js"), "build/static/a.js": "" },
      "/build"
    ],
    ["at the top, where the build has no page", { "index.html": page("build/app.js"), "build/app.js": "" }, ""],
    [
      "not in a template without a script",
      { "public/index.html": "<div>", "dist/index.html": page("a.js"), "dist/a.js": "" },
      "/dist"
    ],
    [
      "not where a script is missing",
      { "dist/index.html": page("gone.js"), "index.html": page("a.js"), "a.js": "" },
      ""
    ],
    ["in a project below it", { "todo/dist/index.html": page("a.js"), "todo/dist/a.js": "" }, "/todo/dist"],
    ["nowhere", { "readme.md": "x" }, undefined]
  ])("have their page %s", (what, files, at) => {
    assert.strictEqual(where(`page ${what}`, files), at)
  })

  it("are served, and nothing beside them", async () => {
    const folder = make("apps/one", { "dist/index.html": page("/a.js"), "dist/a.js": "a", "node_modules/b.css": "b" })
    make("", { "secret.txt": "secret" })
    const served = await Apps.serve({ name: "one", folder, root: join(folder, "dist") })
    const ask = async (path: string, headers: Record<string, string> = {}) => {
      const response = await fetch(new URL(path, served.address), { headers })
      return `${response.status} ${await response.text()}`
    }
    try {
      assert.match(served.address, /\/dist\/$/)
      assert.deepStrictEqual(
        [await ask("a.js"), await ask("/a.js"), await ask("/node_modules/b.css")],
        ["200 a", "200 a", "200 b"]
      )
      assert.match(
        await ask("active", { accept: "text/html" }),
        /^200 <!doctype/,
        "a route that is a path has the page"
      )
      for (const path of ["/none.js", "/..%2f..%2fsecret.txt", "/%00", "/%"]) {
        assert.notInclude(await ask(path), "secret", path)
      }
    } finally {
      served.close()
    }
  })

  it("are served where they were built to be", async () => {
    const folder = make("apps/ember", { "dist/index.html": page("/deep/todo/dist/a.js"), "dist/a.js": "a" })
    const served = await Apps.serve({ name: "ember", folder, root: join(folder, "dist") })
    try {
      assert.match(served.address, /\/deep\/todo\/dist\/$/)
      assert.match(await (await fetch(served.address)).text(), /^<!doctype/)
      assert.strictEqual(await (await fetch(new URL("a.js", served.address))).text(), "a")
    } finally {
      served.close()
    }
  })

  it("have to be there", async () => {
    const usual = { evidence: undefined, replay: false, sessions: 1, only: "all" }
    const error = async (wrong: object): Promise<unknown> =>
      Todomvc.run({ ...usual, apps: undefined, ...wrong }, () => {}).then(
        () => undefined,
        (cause: unknown) => cause
      )
    const empty = make("empty", { "readme.md": "x" })
    for (const [wrong, message] of [
      [{ apps: join(root, "nowhere") }, /takes a folder/],
      [{ apps: empty }, /no app/],
      [{ only: "VAL-NONE-001" }, /knows no/]
    ] as const) {
      const cause = await error(wrong)
      assert.instanceOf(cause, Bench.BadInput)
      assert.match(cause.message, message)
    }
  })
})
