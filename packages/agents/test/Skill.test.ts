import * as Digest from "@millwright/core/Digest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Schema from "effect/Schema"
import * as Skill from "../src/Skill.ts"

const good = "---\nname: triage\ndescription: Sorts issues.\n---\n\n# Triage\n\nRead it.\n"

const refused = (text: string, source = "skills/triage/SKILL.md") => Effect.flip(Skill.parse(text, source))

describe("Skill.parse", () => {
  it.effect("reads every field, and names the exact bytes", () =>
    Effect.gen(function* () {
      const text = [
        "---",
        "name: pdf-tools",
        "description: |",
        "  Works with PDFs.",
        "  - *fast*",
        'license: "!important & more"',
        "compatibility: needs git",
        "allowed-tools: Bash(git:*) Read",
        "metadata:",
        "  author: ada",
        "  version: 2",
        "model: other",
        "---",
        "Do it.",
        ""
      ].join("\r\n")
      const skill = yield* Skill.parse(text, "skills/pdf-tools/SKILL.md")
      assert.deepStrictEqual(skill, {
        name: "pdf-tools",
        description: "Works with PDFs.\n- *fast*\n",
        license: "!important & more",
        compatibility: "needs git",
        allowedTools: "Bash(git:*) Read",
        metadata: { author: "ada", version: "2" },
        instructions: "Do it.",
        digest: Digest.of(text),
        source: "skills/pdf-tools/SKILL.md"
      })
      const other = yield* Skill.parse(`${good} `, "skills/triage/SKILL.md")
      assert.notStrictEqual(
        other.digest,
        (yield* Skill.parse(good, "skills/triage/SKILL.md")).digest,
        "one space is another skill"
      )
    })
  )

  const cases: ReadonlyArray<readonly [what: string, text: string, reason: string, says: RegExp]> = [
    ["no front matter", "# Hello\n", "Malformed", /SKILL\.md:1 .*no front matter.*Begin the file/s],
    ["an empty text", "", "Malformed", /no front matter/],
    ["no end", "---\nname: triage\n", "Malformed", /no end/],
    ["JavaScript", "---js\n{ name: (() => process.exit(1))() }\n---\nx\n", "Executable", /SKILL\.md:1 .*"js"/],
    ["JSON", "---json\n{}\n---\nx\n", "Executable", /only YAML/],
    ["coffee", "--- coffee\nx\n---\nx\n", "Executable", /only YAML/],
    ["a function tag", good.replace("Sorts issues.", '!!js/function "function() {}"'), "Executable", /SKILL\.md:3 /],
    ["a tag in a list", good.replace("Sorts issues.", "[a, !!python/object x]"), "Executable", /SKILL\.md:3 /],
    [
      "a tag before a block",
      good.replace("description: Sorts issues.", "description: Sorts issues.\nmetadata: !!map\n  a: b"),
      "Executable",
      /:4 /
    ],
    ...[
      'metadata: &a {k: "v"\n }',
      '"m": &a {k: v}',
      "m: {x: &a 1, y: *a}",
      'm: {"x":&a 1, y: *a}',
      'm: {x: "b\nk: ", y: &a 1, z: "\nd"}',
      'm: {x: "b\n ,", y: &a 1, "z": 2}',
      "? &a x\n: y"
    ].map(
      (yaml) =>
        [
          `an anchor in ${yaml}`,
          good.replace("name:", `${yaml}\nname:`),
          "Malformed",
          /SKILL\.md:\d+ .*anchor/
        ] as const
    ),
    ["an anchor", good.replace("Sorts issues.", "&a Sorts"), "Malformed", /SKILL\.md:3 .*anchor/],
    ["an alias", good.replace("Sorts issues.", "*a"), "Malformed", /alias/],
    ["a merge key", good.replace("---\n\n#", "<<: {a: b}\n---\n\n#"), "Malformed", /merge/],
    [
      "a key twice",
      good.replace("description", "name: other\ndescription"),
      "Malformed",
      /SKILL\.md:3 .*Duplicate key 'name'/
    ],
    ["no description", "---\nname: triage\n---\nx\n", "Malformed", /description/],
    ["a list as description", good.replace("Sorts issues.", "[a, b]"), "Malformed", /SKILL\.md:3 /],
    ["an upper-case name", good.replace("triage", "Triage"), "Malformed", /SKILL\.md:2 .*lower-case/],
    ["a name that leads out", good.replace("triage", "../triage"), "Malformed", /lower-case/],
    [
      "another folder",
      good.replace("name: triage", "name: review"),
      "Malformed",
      /SKILL\.md:2 .*"review".*folder "triage"/
    ],
    ["a long description", good.replace("Sorts issues.", "x".repeat(1_025)), "Malformed", /SKILL\.md:3 /],
    ["nothing below", "---\nname: triage\ndescription: x\n---\n \n", "Malformed", /nothing stands below/],
    ["metadata of lists", good.replace("---\n\n#", "metadata:\n  a: [b]\n---\n\n#"), "Malformed", /metadata/],
    ["a large front matter", good.replace("Sorts", "x\n".repeat(40_000)), "TooLarge", /65536/],
    ["a large file", good + "x".repeat(300_000), "TooLarge", /262144/],
    ["a scalar", "---\njust text\n---\nx\n", "Malformed", /front matter/]
  ]
  it.effect.each(cases)("refuses %s", ([, text, reason, says]) =>
    Effect.gen(function* () {
      const error = yield* refused(text)
      assert.strictEqual(error.reason, reason, error.message)
      assert.match(error.message, says)
      assert.isFalse(error.isRetryable)
      assert.notInclude(error.message, "\n", "a message is one paragraph")
    })
  )

  it.effect("does not check the folder of a source that is no path", () =>
    Effect.map(Skill.parse(good, "inline"), ({ source }) => assert.strictEqual(source, "inline"))
  )

  it.effect("can not be made to touch a prototype", () =>
    Effect.gen(function* () {
      const skill = yield* Skill.parse(
        good.replace("---\n\n#", "metadata:\n  __proto__: x\n  constructor: y\n---\n\n#"),
        "inline"
      )
      assert.strictEqual(skill.metadata["constructor"], "y")
      assert.isUndefined(({} as Record<string, unknown>)["x"])
    })
  )

  const Piece = Schema.Union([
    Schema.String,
    Schema.Literals([
      "---",
      "\n",
      "\r\n",
      "---\n",
      "name: a",
      "description: b",
      "metadata:",
      "  ",
      "- ",
      "[",
      "{",
      "]",
      "}",
      ": ",
      '"',
      "'",
      "|",
      ">-",
      "&a",
      "*a",
      "!!js/function",
      "<<: ",
      "#",
      "\t",
      "\0",
      "\ufeff",
      "\\",
      "? ",
      "...",
      "%YAML 1.2"
    ])
  ])
  it.effect.prop(
    "takes any text or refuses it, and never breaks",
    [Schema.Array(Piece), Schema.Boolean],
    ([pieces, isFenced]) =>
      Effect.gen(function* () {
        const text = isFenced ? `---\n${pieces.join("")}\n---\nx` : pieces.join("")
        const result = yield* Effect.result(Skill.parse(text, "inline"))
        if (result._tag === "Failure") return assert.instanceOf(result.failure, Skill.SkillError)
        assert.strictEqual(result.success.digest, Digest.of(text))
      }),
    { arbitrary: { runs: 500 } }
  )

  const bombs: ReadonlyArray<readonly [string, string]> = [
    ["brackets", "a: " + "[".repeat(8_000)],
    ["brackets over lines", "a: [" + "\n ,".repeat(20_000)],
    ["nested maps", "a: " + "{a: ".repeat(2_000)],
    ["backslashes", 'a: "' + "\\\\".repeat(4_000) + "x"],
    ["backslashes over lines", 'a: "' + ("\\\\".repeat(3_000) + "x\n ").repeat(10)],
    ["blanks", 'a: "' + " ".repeat(8_000) + "x"],
    ["blanks over lines", "a: [" + (" ".repeat(8_000) + "\n").repeat(8)],
    ["indents", Array.from({ length: 350 }, (_, at) => `${" ".repeat(at)}a:`).join("\n")],
    ["dashes", "- ".repeat(4_000)],
    ["keys", Array.from({ length: 6_000 }, (_, at) => `k${at}: v`).join("\n")],
    ["colons", "a" + ": ".repeat(4_000)],
    ["commas", ("," + " ".repeat(100)).repeat(80)],
    ["quotes", "a: " + "'\"".repeat(4_000)],
    ["lines", "\n".repeat(65_000)],
    ["one long line", "a".repeat(65_000)]
  ]
  it.effect.each(bombs)("is done in bounded time with %s", ([, front]) =>
    Effect.gen(function* () {
      const started = performance.now()
      yield* Effect.result(Skill.parse(`---\n${front}\n---\nx`, "inline"))
      assert.isBelow(performance.now() - started, 3_000)
    })
  )
})

describe("Skill.load", () => {
  it.live("reads a folder or a file, and says why it does not", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const root = yield* fs.makeTempDirectoryScoped({ prefix: "millwright-skill-" })
      const make = Effect.fnUntraced(function* (name: string, content: Uint8Array) {
        yield* fs.makeDirectory(path.join(root, name))
        yield* fs.writeFile(path.join(root, name, "SKILL.md"), content)
        return path.join(root, name)
      })
      const bytes = new TextEncoder().encode(`\ufeff${good}`)
      const folder = yield* make("triage", bytes)
      const skill = yield* Skill.load(folder)
      assert.strictEqual(skill.digest, Digest.of(bytes), "the digest is not that of the bytes in the file")
      assert.deepStrictEqual(yield* Skill.load(path.join(folder, "SKILL.md")), skill)
      assert.strictEqual(skill.source, path.join(folder, "SKILL.md"))

      const why = (at: string) => Effect.map(Effect.flip(Skill.load(at)), ({ reason }) => reason)
      assert.strictEqual(yield* why(path.join(root, "none")), "NotFound")
      assert.strictEqual(yield* why(yield* make("large", new Uint8Array(Skill.maxBytes + 1))), "TooLarge")
      assert.strictEqual(yield* why(yield* make("latin", new Uint8Array([0x2d, 0xe9]))), "Unreadable")
      assert.strictEqual(yield* why(yield* make("other", bytes)), "Malformed")
      yield* fs.makeDirectory(path.join(root, "dir", "SKILL.md"), { recursive: true })
      assert.strictEqual(yield* why(path.join(root, "dir")), "Unreadable")
    }).pipe(Effect.provide(NodeServices.layer))
  )

  const names = ["triage", "spec", "implement", "review"] as const
  it.effect.each(names)("reads the skill %s of this package", (name) =>
    Effect.gen(function* () {
      const skill = yield* Skill.bundled(name)
      assert.strictEqual(skill.name, name)
      assert.strictEqual(
        skill.source,
        `@millwright/agents/skills/${name}/SKILL.md`,
        "a path of one machine is in no journal"
      )
      assert.isAtMost(skill.instructions.split("\n").length, 120, "a skill that is long is not followed")
    })
  )
})
