import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { symlinkSync } from "node:fs"
import * as RosterFile from "../src/RosterFile.ts"
import type * as Roster from "../src/Roster.ts"
import { commitAs, git, makeKey, publicKey, temporary, test, write } from "./SignedRepository.ts"

const who = { name: "t", email: "t@example.org" }
const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA80SCXmvGHnPxqWFvSOnF5CbGzFEKbIhbB7vODc8UbM"

const said = (text: string): string => {
  const read = RosterFile.parse(text)
  return Result.isFailure(read) ? read.failure : "it is taken"
}

describe("RosterFile.parse", () => {
  it("reads YAML and JSON, with a byte order mark and other line ends too", () => {
    const yaml = `members:\n  - name: ada\n    kind: human\n    logins: [ada]\n    emails: [ada@example.org]\n    keys:\n      - ${key} laptop\n`
    const value: Roster.Roster = {
      members: [{ name: "ada", kind: "human", logins: ["ada"], emails: ["ada@example.org"], keys: [`${key} laptop`] }]
    }
    for (const text of [
      yaml,
      `\ufeff${yaml.replaceAll("\n", "\r\n")}`,
      JSON.stringify(value),
      JSON.stringify(value, null, 2)
    ]) {
      assert.deepStrictEqual(RosterFile.parse(text), Result.succeed(value), text.slice(0, 40))
    }
    assert.deepStrictEqual(RosterFile.parse("members: []"), Result.succeed({ members: [] }), "nobody")
  })

  it("refuses what is no roster, and says what is wrong", () => {
    const member = (fields: string) =>
      `members: [{ name: a, kind: human, logins: [], emails: [], keys: [], ${fields} }]`
    const cases: ReadonlyArray<readonly [string, RegExp]> = [
      ["", /A member has name, kind/],
      ["null", /A member has name, kind/],
      ["members: [", /it is not YAML/],
      ["members: []\nmembers: []", /Duplicate key 'members'/],
      ["members: []\nadmins: []", /admins/],
      ["members: [{ name: a }]", /A member has name, kind/],
      [member("kinds: human"), /kinds/],
      ["members: [{ name: a, kind: robot, logins: [], emails: [], keys: [] }]", /kind/],
      ["members: [{ name: '', kind: human, logins: [], emails: [], keys: [] }]", /A member has name, kind/],
      ["a: &x [1]\nmembers: *x", /an anchor or an alias/],
      ["x: {}\nmembers: []\n<<: x", /an anchor or an alias/],
      [
        `members: [{ name: a, kind: human, logins: [], emails: [], keys: ["ssh-dss AAAA"] }]`,
        /the key "ssh-dss AAAA" of a /
      ],
      ['members: [{ name: a, kind: agent, logins: [], emails: ["a@b "], keys: [] }]', /"a@b " of "a" has white space/],
      ['members: [{ name: a, kind: agent, logins: ["a\\u200bb"], emails: [], keys: [] }]', /signs that nobody sees/],
      ["#".repeat(RosterFile.maxBytes + 1), /more than 262144 bytes/]
    ]
    for (const [text, expected] of cases) assert.match(said(text), expected, JSON.stringify(text.slice(0, 80)))
  })
})

describe("RosterFile.atBase", () => {
  test("reads what the base has, whatever the change and the working tree make of it", () =>
    Effect.gen(function* () {
      const dir = yield* temporary
      git(dir, "init", "-q", "-b", "main", ".")
      const member = (name: string, kind: string, line: string) =>
        `  - { name: ${name}, kind: ${kind}, logins: [], emails: [${name}@example.org], keys: ["${line}"] }\n`
      const human = publicKey(makeKey(yield* temporary, "human"))
      const bot = publicKey(makeKey(yield* temporary, "bot"))
      write(dir, RosterFile.usualPath, `members:\n${member("ada", "human", human)}${member("bot", "agent", bot)}`)
      const base = commitAs(who, dir, "base")
      const before = yield* RosterFile.atBase(dir, { base })
      write(dir, RosterFile.usualPath, `members:\n${member("ada", "human", human)}${member("bot", "human", bot)}`)
      commitAs(who, dir, "the bot makes itself human")
      write(dir, RosterFile.usualPath, `members:\n${member("mallory", "human", bot)}`)
      write(dir, ".gitattributes", "* text eol=crlf working-tree-encoding=UTF-16\n")
      assert.deepStrictEqual(
        yield* RosterFile.atBase(dir, { base }),
        before,
        "neither the head nor the working tree has a say"
      )
      assert.deepStrictEqual(
        before.members.map(({ kind, name }) => `${name} ${kind}`),
        ["ada human", "bot agent"],
        "the base"
      )
    }))

  test("says what is missing, too large or malformed, and where", () =>
    Effect.gen(function* () {
      const dir = yield* temporary
      git(dir, "init", "-q", "-b", "main", ".")
      write(dir, "bytes.yaml", Buffer.from([0x6d, 0xff, 0x3a]))
      write(dir, "large.yaml", "#".repeat(RosterFile.maxBytes + 1))
      write(dir, "folder/inside.yaml", "members: []")
      symlinkSync("/etc/passwd", `${dir}/link.yaml`)
      const base = commitAs(who, dir, "base")
      const failing = (path: string) => Effect.flip(RosterFile.atBase(dir, { base, path }))
      for (const [path, reason, expected] of [
        ["none.yaml", "Missing", /no roster at "none\.yaml" of commit [0-9a-f]{40}/],
        ["folder", "Missing", /no roster at "folder"/],
        ["../outside.yaml", "Missing", /is no path/],
        ["./folder/inside.yaml", "Missing", /is no path/],
        ["", "Missing", /is no path/],
        ["a\nb", "Missing", /is no path/],
        ["bytes.yaml", "Malformed", /it is not text in UTF-8/],
        ["large.yaml", "TooLarge", /262145 bytes, and at most 262144 are read/],
        ["link.yaml", "Malformed", /can not be used/]
      ] as const) {
        const error = yield* failing(path)
        assert.strictEqual(error.reason, reason, path)
        assert.match(error.message, expected, path)
      }
      const unknown = yield* Effect.flip(RosterFile.atBase(dir, { base: "nowhere" }))
      assert.strictEqual(unknown.reason, "UnknownRevision", "a base that is not there")
    }))
})
