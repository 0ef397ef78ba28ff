import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Quickstart from "./Quickstart.ts"

interface Refusal {
  readonly what: string
  /** Makes the bad input and answers with the arguments. */
  readonly args: (quickstart: Quickstart.Quickstart) => ReadonlyArray<string>
  /** What is said about it: what and where, and how to mend it. */
  readonly says: ReadonlyArray<string>
}

const bug = ["--issue", Quickstart.issues.bug]
const at = (repository: string, ...more: ReadonlyArray<string>) => ["--repo", repository, ...more]
const own = (quickstart: Quickstart.Quickstart, ...more: ReadonlyArray<string>) =>
  at(quickstart.repository, ...bug, ...more)

const repository = (quickstart: Quickstart.Quickstart, name: string, spoil: (folder: string) => void) => {
  const folder = Quickstart.makeRepository(join(quickstart.folder, name))
  spoil(folder)
  return at(folder, ...bug)
}

const skill = (quickstart: Quickstart.Quickstart, text: string) => {
  const folder = join(quickstart.folder, "skills")
  mkdirSync(join(folder, "triage"), { recursive: true })
  writeFileSync(join(folder, "triage", "SKILL.md"), text)
  return own(quickstart, "--skills", folder)
}

const issue = (quickstart: Quickstart.Quickstart, content: string | Uint8Array) =>
  at(quickstart.repository, "--issue", quickstart.write("issue.md", content))

const refusals: ReadonlyArray<Refusal> = [
  {
    what: "a repository that is not there",
    args: ({ folder }) => at(join(folder, "none"), ...bug),
    says: ["/none", "Give the path"]
  },
  {
    what: "a folder that is no repository",
    args: ({ folder }) => {
      mkdirSync(join(folder, "plain"))
      return at(join(folder, "plain"), ...bug)
    },
    says: ["/plain", "not a git repository", "git init"]
  },
  {
    what: "a repository without commits",
    args: ({ folder }) => {
      Quickstart.git(folder, "init", "-q", "empty")
      return at(join(folder, "empty"), ...bug)
    },
    says: ["/empty", "no commits", "git commit"]
  },
  {
    what: "a bare repository",
    args: ({ folder, repository }) => {
      Quickstart.git(folder, "clone", "-q", "--bare", repository, "bare.git")
      return at(join(folder, "bare.git"), ...bug)
    },
    says: ["/bare.git", "is bare", "git clone"]
  },
  {
    what: "a dirty tree",
    args: (quickstart) => repository(quickstart, "dirty", (folder) => writeFileSync(join(folder, "new.txt"), "x")),
    says: ["/dirty", "new.txt", "Commit or stash"]
  },
  {
    what: "a detached HEAD",
    args: (quickstart) =>
      repository(quickstart, "detached", (folder) => Quickstart.git(folder, "checkout", "-q", "--detach")),
    says: ["/detached", "no branch", "switch"]
  },
  {
    what: "an empty issue",
    args: (quickstart) => issue(quickstart, " \n\n"),
    says: ["issue.md", "empty", "Write a heading"]
  },
  {
    what: "a missing issue for the demo",
    args: () => ["--issue", "missing.md"],
    says: ["missing.md", "no file", "Give the path"]
  },
  {
    what: "a missing issue",
    args: ({ repository }) => at(repository, "--issue", "missing.md"),
    says: ["missing.md", "no file", "Give the path"]
  },
  {
    what: "an issue of 5 MB",
    args: (quickstart) => issue(quickstart, "a".repeat(5_000_000)),
    says: ["issue.md", "KiB", "Put logs and dumps in files"]
  },
  {
    what: "a binary issue",
    args: (quickstart) => issue(quickstart, new Uint8Array([0xff, 0xfe, 0, 1, 2])),
    says: ["issue.md", "not text", "UTF-8"]
  },
  {
    what: "a malformed SKILL.md",
    args: (quickstart) => skill(quickstart, "Just do it."),
    says: ["triage/SKILL.md:1", "no front matter", "Begin the file with"]
  },
  {
    what: "a skill with executable front matter",
    args: (quickstart) =>
      skill(quickstart, "---js\nmodule.exports = { name: require('fs').writeFileSync('owned', '') }\n---\nWork."),
    says: ["triage/SKILL.md:1", "only YAML is read", "Write `---` alone"]
  },
  {
    what: "a skill that asks YAML for a type",
    args: (quickstart) =>
      skill(quickstart, "---\nname: triage\ndescription: !!js/function 'function () { }'\n---\nWork."),
    says: ["triage/SKILL.md:3", "asks YAML for a type", "without a tag"]
  },
  {
    what: "a missing skills folder",
    args: (quickstart) => own(quickstart, "--skills", join(quickstart.folder, "none")),
    says: ["/none", "triage/SKILL.md", "leave --skills out"]
  },
  { what: "an unknown flag", args: (quickstart) => own(quickstart, "--bogus"), says: ["--bogus"] },
  { what: "an unknown subcommand", args: () => ["ship-it"], says: ["ship-it"] },
  {
    what: "no attempts",
    args: (quickstart) => own(quickstart, "--attempts", "0"),
    says: ["--attempts", "Give 1 or more"]
  },
  {
    what: "negative attempts",
    args: (quickstart) => own(quickstart, "--attempts=-1"),
    says: ["--attempts", "Give 1 or more"]
  },
  {
    what: "half an attempt",
    args: (quickstart) => own(quickstart, "--attempts", "1.5"),
    says: ["--attempts", "integer"]
  },
  {
    what: "a negative budget",
    args: (quickstart) => own(quickstart, "--budget=-1"),
    says: ["--budget", "Give more than 0"]
  },
  {
    what: "a budget that is no number",
    args: (quickstart) => own(quickstart, "--budget", "NaN"),
    says: ["--budget", "finite number"]
  },
  {
    what: "a model without a known price",
    args: (quickstart) => own(quickstart, "--model", "nobody-knows"),
    says: ["5 US dollars", "nobody-knows", "--tokens"]
  },
  {
    what: "no tokens",
    args: (quickstart) => own(quickstart, "--tokens", "0"),
    says: ["--tokens", "Give 1 or more"]
  },
  {
    what: "a repository of one's own without an issue",
    args: (quickstart) => at(quickstart.repository),
    says: ["/repository", "no issue", "--issue"]
  },
  {
    what: "a no without a reason",
    args: ({ repository }) => at(repository, "reject", "some:gate"),
    says: ["A no needs its reason", "--note"]
  },
  {
    what: "a no with an empty reason",
    args: ({ repository }) => at(repository, "reject", "some:gate", "--note", " "),
    says: ["A no needs its reason", "--note"]
  },
  {
    what: "an unknown gate",
    args: ({ repository }) => at(repository, "approve", "no-such:gate"),
    says: ["no gate is open", "--repo"]
  },
  {
    what: "a rehearsal script that is no JSON",
    args: (quickstart) => own(quickstart, "--rehearsal", quickstart.write("s.json", "{")),
    says: ["s.json", "leave --rehearsal out"]
  },
  {
    what: "a rehearsal script of another shape",
    args: (quickstart) => own(quickstart, "--rehearsal", quickstart.write("s.json", '{"conversations": 3}')),
    says: ["s.json", '["conversations"]', "leave --rehearsal out"]
  },
  {
    what: "a missing rehearsal script",
    args: (quickstart) => own(quickstart, "--rehearsal", "none.json"),
    says: ["none.json", "leave --rehearsal out"]
  }
]

describe("the quickstart refuses, and changes nothing:", { concurrent: true }, () => {
  it.live.each(refusals)("$what", ({ args, says }) =>
    Effect.gen(function* () {
      const quickstart = yield* Quickstart.make
      const given = args(quickstart)
      const before = Quickstart.digest(quickstart.folder)
      const { code, stderr } = yield* quickstart.run(given)
      assert.strictEqual(code, 2, `bad input is exit code 2: ${stderr}`)
      for (const text of says) assert.include(stderr, text, "the message does not say what, where and how to mend it")
      assert.notMatch(stderr, /\n\s+at |node:internal|\n\n\S/, "more than one paragraph, or a stack")
      assert.strictEqual(Quickstart.digest(quickstart.folder), before, "something on the disk was changed")
    })
  )

  it.live("a gate of another name, beside those that are open", () =>
    Effect.gen(function* () {
      const quickstart = yield* Quickstart.make
      const { code } = yield* quickstart.run(own(quickstart))
      assert.strictEqual(code, 3)
      const before = yield* Quickstart.journal(quickstart.repository)
      const gate = Quickstart.only(before, "GateOpened")[0]?.fact.gate ?? ""
      for (const words of [
        ["approve", "no-such:gate"],
        ["show", "no-such:gate"],
        ["answer", gate, "yes"]
      ]) {
        const { code, stderr } = yield* quickstart.run(at(quickstart.repository, ...words))
        assert.strictEqual(code, 2, stderr)
        assert.include(
          stderr,
          words[0] === "answer" ? "yes or no" : gate,
          "the message does not help to the right answer"
        )
      }
      assert.deepStrictEqual(yield* Quickstart.journal(quickstart.repository), before, "the journal was changed")
    })
  )

  it.live("nothing, but helps, when it is asked to", () =>
    Effect.gen(function* () {
      const quickstart = yield* Quickstart.make
      const before = Quickstart.digest(quickstart.folder)
      const wanted: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
        [["--help"], "--budget"],
        [["--help"], "3 waiting for a person"],
        [["show", "--help"], "<gate>"],
        [["approve", "--help"], "<gate>"],
        [["reject", "--help"], "--note"],
        [["answer", "--help"], "<text>"],
        [["runs", "--help"], "List the runs"],
        [["runs"], "No runs in"],
        [at(quickstart.repository, "runs"), `No runs in ${quickstart.repository}`]
      ]
      for (const [args, text] of wanted) {
        const { code, stderr, stdout } = yield* quickstart.run(args)
        assert.strictEqual(code, 0, stderr)
        assert.include(stdout, text)
      }
      assert.strictEqual(Quickstart.digest(quickstart.folder), before, "looking changed something on the disk")
    })
  )
})
