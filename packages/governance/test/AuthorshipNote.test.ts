import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as AuthorshipNote from "../src/AuthorshipNote.ts"
import * as LineOwners from "../src/LineOwners.ts"

interface Sample {
  readonly commit: string
  readonly note: string
  readonly ai_lines: number
  readonly human_lines: number
}

const samples: ReadonlyArray<Sample> = Fs.readFileSync(
  new URL("fixtures/authorship/notes.jsonl", import.meta.url),
  "utf8"
)
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line))

const base = "7734793b756b3921c88db5375a8c156e9532447b"
const session = "s_c9883b05a2487d"
const key = `${session}::t_9f8e7d6c5b4a32`
const agent = { tool: "cursor", id: "6ef2299e", model: "gpt-5" }
const records = {
  schema_version: "authorship/3.0.0",
  base_commit_sha: base,
  prompts: {},
  humans: { h_31dce776f88375: { author: "Ada <ada@example.org>" } },
  sessions: { [session]: { agent_id: agent } }
}
const noteOf = (claims: string, metadata: unknown = records) => `${claims}\n---\n${JSON.stringify(metadata)}`
const kinds = (content: string | Uint8Array) =>
  AuthorshipNote.read(content).problems.map(({ count, kind }) => `${kind} ${count}`)
const ownersOf = (content: string | Uint8Array) => AuthorshipNote.owners(AuthorshipNote.read(content).note)

const ai: LineOwners.Owner = { _tag: "Agent", tool: "cursor", session: "6ef2299e", model: "gpt-5" }
const ada: LineOwners.Owner = { _tag: "Human", identity: "Ada <ada@example.org>" }

describe("AuthorshipNote", () => {
  it("counts what git-ai counts, in every one of its own notes", () => {
    for (const { ai_lines, commit, human_lines, note } of samples) {
      assert.deepStrictEqual(
        AuthorshipNote.claimed(AuthorshipNote.read(note).note),
        { agent: ai_lines, human: human_lines },
        `the lines of ${commit}`
      )
    }
  })

  it("reads who wrote what", () => {
    const { note, problems } = AuthorshipNote.read(
      noteOf(`src/a.ts\n  ${key} 1-3,7\n  h_31dce776f88375 9\nb.ts\n  ${key} 2`)
    )
    assert.deepStrictEqual(problems, [], "it follows the standard")
    assert.strictEqual(note.base, base, "the commit")
    const owners = AuthorshipNote.owners(note)
    assert.deepStrictEqual(
      owners.files,
      [
        { path: "b.ts", ranges: [{ first: 2, last: 2, owner: ai }] },
        {
          path: "src/a.ts",
          ranges: [
            { first: 1, last: 3, owner: ai },
            { first: 7, last: 7, owner: ai },
            { first: 9, last: 9, owner: ada }
          ]
        }
      ],
      "ranges by file"
    )
    assert.strictEqual(LineOwners.ownerOf(owners, "src/a.ts", 5)._tag, "Unknown", "untracked lines are nobody's")
    assert.strictEqual(LineOwners.ownerOf(owners, "src/c.ts", 1)._tag, "Unknown", "nor are those of other files")
  })

  it("makes keys as the standard says", () => {
    assert.strictEqual(
      AuthorshipNote.sessionKey({ tool: "codex", id: "019f4d61-2b6b-7de2-aa3a-fabc29d38f19" }),
      "s_59382cac373d67",
      "the session of a real note"
    )
    assert.strictEqual(
      AuthorshipNote.promptKey({ tool: "claude", id: "575ef473-9abd-4c53-84cc-584e06d05182" }),
      "63c42de935b6604b",
      "the prompt of a real note"
    )
    assert.match(AuthorshipNote.humanKey("Ada <ada@example.org>"), /^h_[0-9a-f]{14}$/, "a human's")
  })

  describe("takes whatever lies there, and counts what is wrong", () => {
    const cases: ReadonlyArray<readonly [string, string | Uint8Array, ReadonlyArray<string>]> = [
      ["nothing", "", []],
      ["no divider", `a.ts\n  ${key} 1`, ["NoDivider 1", "DanglingKey 1"]],
      ["a divider with a space", `a.ts\n  ${key} 1\n--- \n{}`, ["NoDivider 1", "UnquotedPath 1", "DanglingKey 1"]],
      ["two dividers", noteOf(`a.ts\n  ${key} 1\n---\n  ${key} 2`), ["SecondDivider 1", "NoFile 1"]],
      ["CRLF", noteOf(`a.ts\r\n  ${key} 1\r`), ["CarriageReturn 2"]],
      [
        "bytes that are no UTF-8",
        Buffer.concat([Buffer.from([0x61, 0xff, 0x62, 10]), Buffer.from(noteOf(`  ${key} 1`))]),
        ["NotUtf8 1"]
      ],
      ["a key without a record", noteOf("a.ts\n  s_00000000000000::t_9f8e7d6c5b4a32 1"), ["DanglingKey 1"]],
      ["ranges out of order", noteOf(`a.ts\n  ${key} 9,1-3`), ["UnsortedRanges 1"]],
      ["ranges over each other", noteOf(`a.ts\n  ${key} 1-5,3-9`), ["UnsortedRanges 1", "OverlappingRanges 1"]],
      ["two keys on a line", noteOf(`a.ts\n  ${key} 1-5\n  h_31dce776f88375 5`), ["OverlappingRanges 1"]],
      ["ranges that are none", noteOf(`a.ts\n  ${key} 0,3-1,x,-1,1-,9999999999,2147483648,1e3,5`), ["BadRange 8"]],
      ["an entry without lines", noteOf(`a.ts\n  ${key}`), ["BadEntry 1"]],
      ["an entry before any path", noteOf(`  ${key} 1`), ["NoFile 1"]],
      ["other white space", noteOf(`a.ts\n\t${key}  1, 2`), ["Spacing 1"]],
      ["a path with a space", noteOf(`my file.ts\n  ${key} 1`), ["UnquotedPath 1"]],
      ["a quote that does not end", noteOf(`"a.ts\n  ${key} 1`), ["BadPath 1"]],
      ["a path twice", noteOf(`a.ts\n  ${key} 1\na.ts\n  ${key} 2`), ["RepeatedFile 1"]],
      ["JSON that is none", `a.ts\n---\n{"prompts":`, ["InvalidJson 1"]],
      ["JSON that is no object", `a.ts\n---\n[]`, ["InvalidJson 1"]],
      ["JSON a hundred thousand deep", `a.ts\n---\n${"[".repeat(100_000)}`, ["InvalidJson 1"]],
      [
        "another version",
        noteOf(`a.ts\n  ${key} 1`, { ...records, schema_version: "authorship/9.0.0" }),
        ["UnknownVersion 1"]
      ],
      ["no commit", noteOf(`a.ts\n  ${key} 1`, { ...records, base_commit_sha: "HEAD" }), ["BadBase 1"]],
      [
        "a record that is none",
        noteOf(`a.ts\n  ${key} 1`, { ...records, sessions: { [session]: 1, s_x: {} } }),
        ["BadRecord 2", "DanglingKey 1"]
      ],
      ["records that are a list", noteOf("a.ts", { ...records, prompts: [] }), ["BadRecord 1"]],
      [
        "messages",
        noteOf("a.ts", { ...records, sessions: { [session]: { agent_id: agent, messages: [] } } }),
        ["UnknownField 1"]
      ],
      ["more than is read", " ".repeat(33 * 1024 * 1024), ["TooLarge 1"]]
    ]
    for (const [name, content, expected] of cases) {
      it(name, () => assert.deepStrictEqual(kinds(content), expected, "what is counted"))
    }

    it("keys of 5, 7, 8, 16 and 36 characters", () => {
      for (const length of [5, 7, 8, 16, 36]) {
        const old = "94341aa7-fe48-4948-ab50-4fa9abb78651".replaceAll("-", length === 36 ? "-" : "").slice(0, length)
        const prompt = {
          agent_id: agent,
          total_additions: 1,
          total_deletions: 0,
          accepted_lines: 1,
          overriden_lines: 0
        }
        const { note, problems } = AuthorshipNote.read(
          noteOf(`a.ts\n  ${old} 1`, { ...records, prompts: { [old]: prompt } })
        )
        assert.deepStrictEqual(
          problems.map(({ kind }) => kind),
          length === 16 ? [] : ["OldKey"],
          `a key of ${length}`
        )
        assert.deepStrictEqual(
          AuthorshipNote.owners(note).files[0]?.ranges[0]?.owner,
          ai,
          `whose key of ${length} it is`
        )
      }
    })

    it("says in which line a problem is first", () => {
      const { problems } = AuthorshipNote.read(noteOf(`a.ts\n  ${key} 1\n  ${key} x\n  ${key} y`))
      assert.deepStrictEqual(problems, [{ kind: "BadRange", count: 2, line: 3 }], "one entry for both")
    })

    it("a note of 3 MB, one range after the other", () => {
      // From the last to the first, each over the next.
      const starts = Array.from({ length: 140_000 }, (_, at) => 2_000_000_000 - at * 3)
      const content = noteOf(`a.ts\n  ${key} ${starts.map((first) => `${first}-${first + 4}`).join(",")}`)
      assert.isAbove(content.length, 3_000_000, "that large")
      assert.deepStrictEqual(
        ownersOf(content).files[0]?.ranges,
        [{ first: 1_999_580_003, last: 2_000_000_004, owner: ai }],
        "it is one range, however it is told"
      )
    })

    it("lines of megabytes, made to be tried at each place or to fill a stack", () => {
      const spaces = " ".repeat(3_000_000)
      const long = `"\\303\\251${"a".repeat(12_000_000)}"`
      const content = noteOf(
        `a.ts\n  ${key}${spaces}\u20281\n  ${spaces}\n  ${key}${spaces}x\u2028y\n${long}\n  ${key} 2`
      )
      assert.deepStrictEqual(kinds(content), ["Spacing 2", "BadRange 1", "EscapedPath 1"], "what is counted")
      assert.deepStrictEqual(
        ownersOf(content).files.map(({ path }) => path.length),
        [4, 12_000_001],
        "and what can be understood is"
      )
    })

    it("names that are special to JavaScript", () => {
      const hostile = `a.ts\n  __proto__ 1\n  constructor 2\n__proto__\n  ${key} 1\n---\n{"schema_version":"authorship/3.0.0","base_commit_sha":"${base}","__proto__":{"sessions":{}},"prompts":{"__proto__":{"agent_id":{"tool":"x","id":"y","model":"z"},"total_additions":0,"total_deletions":0,"accepted_lines":0,"overriden_lines":0}},"sessions":{"${session}":{"agent_id":{"tool":"cursor","id":"6ef2299e","model":"gpt-5"},"custom_attributes":{"__proto__":"p"}}}}`
      const owners = ownersOf(hostile)
      assert.strictEqual(({} as Record<string, unknown>)["agent_id"], undefined, "no prototype was touched")
      assert.deepStrictEqual(
        LineOwners.ownerOf(owners, "a.ts", 1),
        { _tag: "Agent", tool: "x", session: "y", model: "z" },
        "a record is a record"
      )
      assert.deepStrictEqual(LineOwners.ownerOf(owners, "__proto__", 1), ai, "and a path a path")
      assert.deepStrictEqual(
        LineOwners.ownerOf(owners, "a.ts", 2),
        { _tag: "Agent", tool: null, session: null, model: null },
        "a name that every object has is no record"
      )
    })
  })

  it("reads quoted paths, with git's escapes too", () => {
    const paths = (line: string) => ownersOf(noteOf(`${line}\n  ${key} 1`)).files.map(({ path }) => path)
    assert.deepStrictEqual(paths('"my file.ts"'), ["my file.ts"], "quotes are not of the path")
    assert.deepStrictEqual(paths('"caf\\303\\251.ts"'), ["café.ts"], "octal bytes are UTF-8")
    assert.deepStrictEqual(paths('"a\\q b.ts"'), ["a\\q b.ts"], "a backslash that begins no escape stays")
    assert.deepStrictEqual(kinds(noteOf(`"caf\\303\\251.ts"\n  ${key} 1`)), ["EscapedPath 1"], "and it is counted")
  })

  it("believes the last of several agents, and calls mixed what an agent and a human both claim", () => {
    const other = "s_00000000000001"
    const both = { ...records, sessions: { ...records.sessions, [other]: { agent_id: { ...agent, id: "other" } } } }
    const owners = ownersOf(
      noteOf(`a.ts\n  ${key} 1-9\n  ${other}::t_00000000000000 3-5\n  h_31dce776f88375 5-6`, both)
    )
    const told = (owners.files[0]?.ranges ?? []).map(
      ({ first, last, owner }) => `${first}-${last} ${owner._tag === "Agent" ? owner.session : owner._tag}`
    )
    assert.deepStrictEqual(told, ["1-2 6ef2299e", "3-4 other", "5-6 Mixed", "7-9 6ef2299e"], "who has which line")
  })

  it("believes no human that it knows nothing of, and every agent", () => {
    const owners = ownersOf(noteOf(`a.ts\n  h_00000000000000 1\n  s_00000000000000::t_00000000000000 2`))
    assert.strictEqual(LineOwners.ownerOf(owners, "a.ts", 1)._tag, "Unknown", "a human who is nobody")
    assert.strictEqual(LineOwners.ownerOf(owners, "a.ts", 2)._tag, "Agent", "an agent of which nothing is known")
  })
})
