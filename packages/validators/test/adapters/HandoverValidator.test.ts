import { NodeServices } from "@effect/platform-node"
import { assert, describe } from "@effect/vitest"
import * as Contract from "@millwright/core/Contract"
import * as ValidatorTest from "@millwright/core/testing/ValidatorTest"
import type * as Verdict from "@millwright/core/Verdict"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import { execFileSync } from "node:child_process"
import { chmodSync, existsSync, readFileSync, watch, writeFileSync } from "node:fs"
import { delimiter, join } from "node:path"
import * as EvidenceStore from "../../src/EvidenceStore.ts"
import * as HandoverValidator from "../../src/adapters/HandoverValidator.ts"
import { change, commit, type Content, git, repository, test } from "../HandedOver.ts"

const changed = (least: number, ...paths: readonly [string, ...ReadonlyArray<string>]): Contract.Clause => ({
  statement: `${least} files of ${paths.join(" ")} are changed`,
  check: { _tag: "Changed", paths, least }
})
const file = (path: string, is: Contract.FileRule = { _tag: "NotEmpty" }): Contract.Clause => ({
  statement: `there is ${path}`,
  check: { _tag: "File", path, is }
})

/** The finding of one clause, after one commit of work. */
const judged = (
  clause: Contract.Clause,
  work: Readonly<Record<string, Content>>,
  before?: Readonly<Record<string, Content>>
) =>
  Effect.gen(function* () {
    const { base, dir } = yield* repository(before)
    const head = commit(dir, work)
    const contract = Contract.freeze("item", [clause])
    const verdict = yield* HandoverValidator.make({ dir }).judge({ contract, change: yield* change(dir, base, head) })
    const [finding] = verdict.findings
    return finding ?? assert.fail("there is no finding")
  })

/** A git that stops at one object, so that reading it does not end by itself. */
const stoppingGit = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const bin = yield* fs.makeTempDirectoryScoped({ prefix: "millwright-git-" })
  const real = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim()
  const pid = join(bin, "pid")
  const script = [
    "#!/bin/sh",
    `case " $* " in *" cat-file "*)`,
    "  IFS= read -r object",
    `  if [ "$object" = "$(cat ${join(bin, "object")} 2>/dev/null)" ]; then echo $$ > ${pid}; exec sleep 86400; fi`,
    `  printf '%s\\n' "$object" | exec ${real} "$@";;`,
    `*) exec ${real} "$@";; esac`,
    ""
  ].join("\n")
  writeFileSync(join(bin, "git"), script)
  chmodSync(join(bin, "git"), 0o755)
  const path = process.env["PATH"] ?? ""
  yield* Effect.acquireRelease(
    Effect.sync(() => (process.env["PATH"] = `${bin}${delimiter}${path}`)),
    () => Effect.sync(() => (process.env["PATH"] = path))
  )
  const written = Effect.callback<string>((resume) => {
    const look = () => {
      const text = existsSync(pid) ? readFileSync(pid, "utf8") : ""
      if (!text.endsWith("\n")) return
      watcher.close()
      resume(Effect.succeed(text.trim()))
    }
    const watcher = watch(bin, look)
    look()
    return Effect.sync(() => watcher.close())
  })
  return { stopAt: (object: string) => writeFileSync(join(bin, "object"), object), written }
})

const isAlive = (pid: string): boolean => {
  const state = execFileSync("sh", ["-c", 'ps -o stat= -p "$1" || true', "sh", pid], { encoding: "utf8" }).trim()
  return state !== "" && !state.startsWith("Z")
}

ValidatorTest.suite(
  "HandoverValidator",
  Layer.effect(
    ValidatorTest.Fixture,
    Effect.gen(function* () {
      const spawner = yield* ChildProcessSpawner
      const { stopAt, written } = yield* stoppingGit
      const { base, dir } = yield* repository()
      const head = commit(dir, { "src/a.ts": "export const a = 1\n", "endless.txt": "e\n" })
      stopAt(git(dir, "rev-parse", "HEAD:endless.txt"))
      const validator = HandoverValidator.make({ dir })
      return {
        validator: {
          ...validator,
          judge: (subject) => Effect.provideService(validator.judge(subject), ChildProcessSpawner, spawner)
        },
        change: yield* change(dir, base, head),
        holds: changed(1, "src/**"),
        fails: file("docs/notes.md"),
        beyond: { statement: "it looks good" },
        endless: {
          clause: file("endless.txt"),
          begun: Effect.asVoid(written),
          ended: Effect.flatMap(written, (pid) =>
            Effect.sync(() => assert.isFalse(isAlive(pid), `the process ${pid} should be gone`))
          )
        }
      }
    })
  ).pipe(Layer.provide(NodeServices.layer))
)

const before = { "src/a.ts": "a\n", "src/b.ts": "b\n", "docs/a.md": "a\n" }

describe("Changed: done without a change is not done", () => {
  for (const [what, clause, work, status] of [
    ["a file of it is changed", changed(1, "src/**"), { "src/a.ts": "x\n" }, "pass"],
    ["another file is changed", changed(1, "src/**"), { "docs/a.md": "x\n" }, "fail"],
    ["nothing is changed", changed(1, "**"), {}, "fail"],
    ["fewer than asked for", changed(3, "src/**"), { "src/a.ts": "x\n", "src/b.ts": "x\n" }, "fail"],
    ["as many as asked for", changed(2, "src/**", "docs/**"), { "src/a.ts": "x\n", "docs/a.md": "x\n" }, "pass"],
    ["a file is new, and empty", changed(1, "src/**"), { "src/new.ts": "" }, "fail"],
    ["a file is deleted", changed(1, "src/**"), { "src/a.ts": null }, "pass"],
    [
      "a file has another name and the same content",
      changed(1, "src/**"),
      { "src/a.ts": null, "src/z.ts": "a\n" },
      "fail"
    ],
    ["a file is binary", changed(1, "src/**"), { "src/a.png": Uint8Array.of(0, 1, 2) }, "pass"],
    ["a file begins with a dot", changed(1, "src/**"), { "src/.env": "x\n" }, "pass"],
    ["its name has quotes and umlauts", changed(1, "src/**"), { 'src/"ü".ts': "x\n" }, "pass"]
  ] as const) {
    test(
      `${what}: ${status}`,
      Effect.gen(function* () {
        const finding = yield* judged(clause, work, before)
        assert.strictEqual(finding.status, status, finding.reason)
        assert.isNotEmpty(finding.evidence, "with what git says")
      })
    )
  }

  test(
    "only the mode is another: fail",
    Effect.gen(function* () {
      const { base, dir } = yield* repository(before)
      chmodSync(join(dir, "src/a.ts"), 0o755)
      const head = commit(dir, {})
      const contract = Contract.freeze("item", [changed(1, "src/**")])
      const verdict = yield* HandoverValidator.make({ dir }).judge({ contract, change: yield* change(dir, base, head) })
      assert.strictEqual(verdict.findings[0]?.status, "fail", verdict.findings[0]?.reason)
    })
  )
})

const schema = {
  type: "object",
  required: ["verdict"],
  properties: { verdict: { enum: ["yes", "no"] } },
  additionalProperties: false
} as const
const json: Contract.FileRule = { _tag: "Json", schema }
const report: Contract.FileRule = { _tag: "Markdown", sections: ["Summary", "How it was tested"] }

describe("File: what is handed over is what it has to be", () => {
  for (const [what, rule, content, status, said] of [
    ["something stands in it", undefined, "x", "pass", "is what it has to be"],
    ["nothing stands in it", undefined, "", "fail", "Nothing stands in it"],
    ["white space stands in it", undefined, " \n\t\n", "fail", "Nothing stands in it"],
    ["it is not there", undefined, null, "fail", "there is no file"],
    ["it is a link out of the repository", undefined, { link: "/etc/passwd" }, "fail", "symbolic link"],
    ["it is JSON, and any is right", { _tag: "Json" }, "[1]", "pass", ""],
    ["it is JSON with a byte order mark", { _tag: "Json" }, "\ufeff[1]", "pass", ""],
    ["it is not JSON", { _tag: "Json" }, "{'a': 1}", "fail", "It is not JSON"],
    ["it is not text", { _tag: "Json" }, Uint8Array.of(0xff, 0xfe), "fail", "It is not text in UTF-8"],
    ["it is JSON nested without an end", json, "[".repeat(200_000), "fail", "is not"],
    ["it fits its schema", json, '{"verdict":"yes"}', "pass", ""],
    ["a field is missing", json, "{}", "fail", "verdict"],
    ["a field has another value", json, '{"verdict":"maybe"}', "fail", "/verdict"],
    ["a field is too many", json, '{"verdict":"yes","and":1}', "fail", "and"],
    [
      "its schema refers to nowhere",
      { _tag: "Json", schema: { $ref: "#/$defs/nowhere" } },
      "{}",
      "error",
      "can not be used"
    ],
    ["it is larger than what is read", json, " ".repeat(5_000_001), "error", "at most 5000000 are read"],
    ["it has its sections", report, "# Summary\nDone.\n\n## How it was tested\n\n- by hand\n", "pass", ""],
    ["a section is missing", report, "# Summary\nDone.\n", "fail", 'no heading "How it was tested"'],
    ["a section is empty", report, "# Summary\n\n# How it was tested\nx\n", "fail", 'Nothing stands below "Summary"'],
    [
      "a section has but a smaller heading in it",
      report,
      "# Summary\n## More\n# How it was tested\nx\n",
      "fail",
      'below "Summary"'
    ],
    [
      "a section stands in code",
      report,
      "```\n# Summary\nx\n```\n# How it was tested\nx\n",
      "fail",
      'no heading "Summary"'
    ],
    [
      "a section says it in a comment",
      report,
      "# Summary\n<!-- done -->\n# How it was tested\nx\n",
      "fail",
      'below "Summary"'
    ],
    ["its headings are underlined", report, "Summary\n=======\nDone.\n\nHow it was tested\n---\nx\n", "pass", ""]
  ] as const) {
    test(
      `${what}: ${status}`,
      Effect.gen(function* () {
        const finding = yield* judged(file("out/report", rule), { "out/report": content })
        assert.strictEqual(finding.status, status, finding.reason)
        assert.include(finding.reason, said)
        if (status === "fail")
          assert.isTrue(
            finding.problems?.every(({ path }) => path === "out/report"),
            "at its path"
          )
      })
    )
  }

  test(
    "a working tree that says something else has no say",
    Effect.gen(function* () {
      const { base, dir } = yield* repository()
      const head = commit(dir, { "a.txt": "" })
      writeFileSync(join(dir, "a.txt"), "now there is something")
      const contract = Contract.freeze("item", [file("a.txt")])
      const verdict = yield* HandoverValidator.make({ dir }).judge({ contract, change: yield* change(dir, base, head) })
      assert.strictEqual(verdict.findings[0]?.status, "fail")
    })
  )
})

const ruleOf = ({ findings }: Verdict.Verdict) => findings.find(({ assertion }) => assertion === HandoverValidator.rule)

describe("RULE-CONTRACT: the contract was there before the work, and the work leaves it alone", () => {
  const history = Effect.gen(function* () {
    const { base, dir } = yield* repository({ "contracts/issue-1.yaml": "item: issue-1\n" })
    const first = commit(dir, { "src/a.ts": "a\n" })
    const head = commit(dir, { "src/b.ts": "b\n" })
    git(dir, "checkout", "-q", "--orphan", "other")
    const unrelated = commit(dir, { "z.ts": "z\n" })
    git(dir, "checkout", "-q", "main")
    return { dir, base, first, head, unrelated }
  })
  const judge = (dir: string, at: { readonly frozen?: string; readonly base: string; readonly head: string }) =>
    Effect.gen(function* () {
      const terms = at.frozen === undefined ? {} : { base: at.frozen }
      const contract = Contract.freeze("item", [changed(1, "**")], terms)
      const options = { dir, contracts: ["contracts/**"] }
      return yield* HandoverValidator.make(options).judge({ contract, change: yield* change(dir, at.base, at.head) })
    })

  test(
    "frozen where the work begins, or before: pass",
    Effect.gen(function* () {
      const { base, dir, first, head } = yield* history
      for (const at of [
        { frozen: base, base, head },
        { frozen: base, base: first, head },
        { base, head }
      ]) {
        const verdict = yield* judge(dir, at)
        assert.strictEqual(ruleOf(verdict)?.status, "pass", ruleOf(verdict)?.reason)
        assert.isTrue(verdict.accepted)
      }
    })
  )

  for (const [what, pick, status, said] of [
    ["frozen at a commit of the work", "first", "fail", "a commit of the work itself"],
    ["frozen at the head of the work", "head", "fail", "a commit of the work itself"],
    ["frozen on another history", "unrelated", "fail", "does not descend"],
    ["frozen at a commit that nobody has", "nowhere", "error", "has no commit"]
  ] as const) {
    test(
      `${what}: ${status}`,
      Effect.gen(function* () {
        const known = { ...(yield* history), nowhere: "0123456789".repeat(4) }
        const verdict = yield* judge(known.dir, { frozen: known[pick], base: known.base, head: known.head })
        assert.strictEqual(ruleOf(verdict)?.status, status, ruleOf(verdict)?.reason)
        assert.include(ruleOf(verdict)?.reason, said)
        assert.isFalse(verdict.accepted, "all else passed, and it is accepted")
      })
    )
  }

  for (const [what, work] of [
    ["alters it with the code", { "src/c.ts": "c\n", "contracts/issue-1.yaml": "item: issue-1 but easier\n" }],
    ["takes it out", { "contracts/issue-1.yaml": null }],
    ["puts a second one beside it, in other case", { "Contracts/ISSUE-1.yaml": "item: issue-1\n" }],
    ["moves it away", { "contracts/issue-1.yaml": null, "old.yaml": "item: issue-1\n" }],
    ["puts a link in the place of its folder", { "contracts/issue-1.yaml": null, "contracts/x": { link: "/tmp" } }]
  ] as const) {
    test(
      `a change that ${what}: fail`,
      Effect.gen(function* () {
        const { base, dir } = yield* history
        const head = commit(dir, work)
        const verdict = yield* judge(dir, { frozen: base, base, head })
        assert.strictEqual(ruleOf(verdict)?.status, "fail", ruleOf(verdict)?.reason)
        assert.include(ruleOf(verdict)?.reason, "only a human amends")
        assert.isNotEmpty(ruleOf(verdict)?.problems, "with the places")
        assert.isFalse(verdict.accepted)
      })
    )
  }

  test(
    "nobody asked: no finding",
    Effect.gen(function* () {
      const { base, dir, head } = yield* history
      const contract = Contract.freeze("item", [changed(1, "**")])
      const verdict = yield* HandoverValidator.make({ dir }).judge({ contract, change: yield* change(dir, base, head) })
      assert.isUndefined(ruleOf(verdict))
    })
  )

  test(
    "a repository that is not there is no judgement",
    Effect.gen(function* () {
      const { base, dir, head } = yield* history
      const contract = Contract.freeze("item", [changed(1, "**")])
      const subject = { contract, change: yield* change(dir, base, head) }
      const error = yield* Effect.flip(HandoverValidator.make({ dir: `${dir}/nowhere` }).judge(subject))
      assert.strictEqual(error.reason, "SubjectUnavailable", error.message)
      const gone = { ...subject, change: { ...subject.change, head: "f".repeat(40) } }
      assert.strictEqual((yield* Effect.flip(HandoverValidator.make({ dir }).judge(gone))).reason, "SubjectUnavailable")
    })
  )
})

describe("the evidence", () => {
  test(
    "is kept where there is somewhere to keep it, so that a stamp can be given",
    Effect.gen(function* () {
      const store = yield* EvidenceStore.EvidenceStore
      const { base, dir } = yield* repository()
      const head = commit(dir, { "src/a.ts": "a\n", "out.json": "{}" })
      const contract = Contract.freeze("item", [changed(1, "src/**"), file("out.json", { _tag: "Json" })], { base })
      const subject = { contract, change: yield* change(dir, base, head) }
      const verdict = yield* HandoverValidator.make({ dir }).judge(subject)
      assert.isTrue(verdict.accepted)
      const digests = verdict.findings.flatMap(({ evidence }) => evidence.map(({ digest }) => digest))
      assert.lengthOf(digests, 3)
      for (const digest of digests) yield* store.read(digest)
      const full = new EvidenceStore.EvidenceStoreError({ reason: "StoreUnavailable", message: "The disk is full." })
      const broken = { ...store, keep: () => Effect.fail(full) }
      const refused = yield* Effect.provideService(
        HandoverValidator.make({ dir }).judge(subject),
        EvidenceStore.EvidenceStore,
        broken
      )
      assert.deepStrictEqual(
        refused.findings.map(({ status }) => status),
        ["error", "error", "error"]
      )
      assert.include(refused.findings[0]?.reason, "The disk is full")
    }).pipe(Effect.provide(EvidenceStore.layerMemory))
  )
})
