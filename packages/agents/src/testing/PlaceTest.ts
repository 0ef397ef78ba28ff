/**
 * What every place holds to, whatever it is made of. An adapter proves itself with one line, and with a way to make a place of files:
 *
 * ```text
 * PlaceTest.suite("MyPlace", (files) => MyPlace.open({ … }))
 * ```
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Place from "../Place.ts"

/** What stands at a path: the content of a file, or where a link leads. */
export type Files = Readonly<Record<string, string | Uint8Array | { readonly link: string }>>

/** Makes a place of files, whose words are the house's. It goes with the scope. */
export type Make = (files: Files) => Effect.Effect<Place.Place, unknown, Scope.Scope>

const text = ({ bytes }: Place.Content) => Buffer.from(bytes).toString()
const kinds = (entries: ReadonlyArray<Place.Entry>) => Object.fromEntries(entries.map(({ kind, path }) => [path, kind]))

const tree: Files = {
  "b.txt": "bee",
  "a/deep/file.md": "# x",
  "a/link.md": { link: "deep/file.md" },
  "a/up": { link: "../b.txt" },
  folder: { link: "a/deep" },
  absolute: { link: "/etc/hostname" },
  out: { link: "../../../../etc/hostname" },
  nothing: { link: "not/there" },
  self: { link: "self" },
  one: { link: "two" },
  two: { link: "one" },
  "a/around": { link: ".." },
  "a/git": { link: "../.git/config" },
  "a/deep/through": { link: "file.md/../../../b.txt" },
  "a/deep/back": { link: "file.md/.." }
}

const looping: Files = {
  "a/x": { link: "../b" },
  "b/y": { link: "../a" },
  "b/file": "1",
  "c/self": { link: "." },
  "c/up": { link: "../c" },
  "d/e/f/g.txt": "2"
}
/** Registers the tests of a place with vitest. */
export const suite = (name: string, make: Make): void => {
  const test = (
    title: string,
    files: Files,
    claim: (place: Place.Place) => Effect.Effect<unknown, unknown, Scope.Scope>
  ) => it.effect(title, () => Effect.flatMap(make(files), claim))

  describe(`Place: ${name}`, () => {
    test("lists one level, and says what a link leads to", tree, (place) =>
      Effect.gen(function* () {
        const root = yield* place.list()
        assert.deepStrictEqual(kinds(root), {
          a: "folder",
          absolute: "link",
          "b.txt": "file",
          folder: "folder",
          nothing: "link",
          one: "link",
          out: "link",
          self: "link",
          two: "link"
        })
        assert.deepStrictEqual(
          root.filter(({ problem }) => problem !== undefined).map(({ path, problem }) => [path, problem]),
          [
            ["absolute", "it is a link that leads out or in a circle"],
            ["nothing", "it is a link to nothing that can be read"],
            ["one", "it is a link that leads out or in a circle"],
            ["out", "it is a link that leads out or in a circle"],
            ["self", "it is a link that leads out or in a circle"],
            ["two", "it is a link that leads out or in a circle"]
          ]
        )
        const below = yield* place.list("a")
        assert.deepStrictEqual(kinds(below), {
          "a/around": "link",
          "a/deep": "folder",
          "a/git": "link",
          "a/link.md": "file",
          "a/up": "file"
        })
        assert.strictEqual(below.find(({ path }) => path === "a/up")?.real, "b.txt")
        assert.deepStrictEqual(kinds(yield* place.list("folder")), {
          "folder/back": "link",
          "folder/file.md": "file",
          "folder/through": "link"
        })
      })
    )

    test("reads the start of a file, through links inside, and nothing else", tree, (place) =>
      Effect.gen(function* () {
        assert.strictEqual(text(yield* place.read("a/link.md", 100)), "# x")
        assert.strictEqual(text(yield* place.read("folder/file.md", 100)), "# x")
        const start = yield* place.read("b.txt", 2)
        assert.deepStrictEqual([text(start), start.size], ["be", 3])
        assert.strictEqual(text(yield* place.read("b.txt", 0)), "")
        const bad: ReadonlyArray<readonly [path: string, reason: Place.PlaceError["reason"]]> = [
          ["absolute", "Outside"],
          ["out", "Outside"],
          ["self", "Outside"],
          ["one", "Outside"],
          ["a/git", "Outside"],
          ["a/deep/through", "Outside"],
          ["a/deep/back", "Outside"],
          ["nothing", "Unreadable"],
          ["b.txt/x", "NotFound"],
          ["not-there", "NotFound"],
          ["../b.txt", "Outside"],
          ["a/../b.txt", "Outside"],
          ["/etc/hostname", "Outside"],
          [".git/config", "Outside"],
          ["a\\b", "Outside"],
          ["a\0b", "Outside"],
          ["C:/x", "Outside"],
          ["", "Unreadable"],
          ["a", "Unreadable"]
        ]
        for (const [path, reason] of bad) {
          const error = yield* Effect.flip(place.read(path, 100))
          assert.strictEqual(error.reason, reason, `${JSON.stringify(path)}: ${error.message}`)
          assert.notInclude(error.message, "\0")
        }
        assert.strictEqual((yield* Effect.flip(place.list("b.txt"))).reason, "Unreadable")
      })
    )

    test("a folder of it is a place of its own, and nothing leads above", tree, (place) =>
      Effect.gen(function* () {
        const inner = yield* place.within("a")
        assert.strictEqual(text(yield* inner.read("link.md", 100)), "# x", "a link inside is followed")
        assert.strictEqual(
          (yield* Effect.flip(inner.read("up", 100))).reason,
          "Outside",
          "one to the place above is not"
        )
        assert.strictEqual(kinds(yield* inner.list())["up"], "link")
        assert.match(inner.name, /\/a$/)
        assert.strictEqual((yield* Effect.flip(inner.within("../a"))).reason, "Outside")
        const linked = yield* place.within("folder")
        assert.deepStrictEqual(kinds(yield* linked.list()), { back: "link", "file.md": "file", through: "link" })
      })
    )

    test("a walk ends where links lead in a circle, and says so", looping, (place) =>
      Effect.gen(function* () {
        const { files, isPartial, problems } = yield* Place.walk(place)
        assert.isFalse(isPartial)
        assert.deepStrictEqual(
          files.map(({ path }) => path),
          ["a/x/file", "b/file", "d/e/f/g.txt"]
        )
        assert.deepStrictEqual(
          problems.map(({ path }) => path),
          ["a/x/y", "b/y/x", "c/self", "c/up"]
        )
        const short = yield* Place.walk(place, "", { depth: 1 })
        assert.isTrue(short.isPartial)
        assert.include(short.problems.map(({ problem }) => problem).join(), "deeper than 1")
        assert.isTrue((yield* Place.walk(place, "", { entries: 3 })).isPartial)
        assert.strictEqual((yield* Place.walk(place, "d/e")).files.length, 1)
      })
    )
  })
}
