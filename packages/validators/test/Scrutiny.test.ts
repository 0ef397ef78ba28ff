import { assert, describe } from "@effect/vitest"
import type * as Change from "@millwright/core/Change"
import * as Contract from "@millwright/core/Contract"
import * as ValidatorTest from "@millwright/core/testing/ValidatorTest"
import * as Validator from "@millwright/core/Validator"
import type * as Verdict from "@millwright/core/Verdict"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import type * as Checkout from "../src/Checkout.ts"
import * as EvidenceStore from "../src/EvidenceStore.ts"
import type * as Rule from "../src/Rule.ts"
import * as Scrutiny from "../src/Scrutiny.ts"
import type * as TestsRule from "../src/TestsRule.ts"
import * as ScrutinyLab from "./ScrutinyLab.ts"

const { test } = ScrutinyLab
const contract = Contract.freeze("item", [{ statement: "it holds", check: { _tag: "Command", run: "true" } }])

const judge = (lab: ScrutinyLab.Lab, change: Change.Change, options: Omit<Scrutiny.Options, "repository">) =>
  Scrutiny.make({ repository: lab.repository, ...options }).judge({ contract, change })

const findingOf = ({ findings }: Verdict.Verdict, id: string): Verdict.Finding =>
  findings.find(({ assertion }) => assertion === id) ?? assert.fail(`no finding about ${id}`)

const run = "node --test --test-reporter=junit --test-reporter-destination=report.xml a.test.mjs"
const tests: TestsRule.Options = { run, report: { file: "report.xml" } }
const suite = (...bodies: ReadonlyArray<string>) =>
  `import { it } from "node:test"\nimport assert from "node:assert"\nimport fs from "node:fs"\n${bodies.join("\n")}\n`

/** A file that appears. */
const there = (file: string) =>
  Effect.callback<void>((resume) => {
    const look = () => void (fs.existsSync(file) && resume(Effect.void))
    const watcher = fs.watch(dirname(file), look)
    look()
    return Effect.sync(() => watcher.close())
  })

const isAlive = (pid: string) => {
  const stat = `/proc/${pid}/stat`
  return fs.existsSync(stat) && !/\) Z /.test(fs.readFileSync(stat, "utf8"))
}

ValidatorTest.suite(
  "Scrutiny",
  Layer.effect(
    ValidatorTest.Fixture,
    Effect.gen(function* () {
      const services = yield* Effect.context<Checkout.Services>()
      const lab = yield* ScrutinyLab.make({ "a.txt": "one\n" })
      const change = lab.change({ "a.txt": "two\n" })
      const validator = Scrutiny.make({ repository: lab.repository })
      const pid = join(lab.folder, "pid")
      const clause = (run: string): Contract.Clause => ({ statement: run, check: { _tag: "Command", run } })
      return {
        validator: { ...validator, judge: (subject) => Effect.provide(validator.judge(subject), services) },
        change,
        holds: clause("grep -q two a.txt"),
        fails: clause("grep -q one a.txt"),
        beyond: { statement: "it looks good" },
        endless: {
          clause: clause(`sleep 86400 & echo $! > ${pid}.part; mv ${pid}.part ${pid}; wait`),
          begun: there(pid),
          ended: Effect.sync(() => assert.isFalse(isAlive(fs.readFileSync(pid, "utf8").trim()), "it still runs"))
        }
      }
    })
  ).pipe(Layer.provide(ScrutinyLab.layer))
)

describe("the tests of a repository", () => {
  for (const [what, options, files, status, said] of [
    ["that pass", {}, { "a.test.mjs": suite("it('a', () => {})") }, "pass", /1 test$/],
    ["that fail", {}, { "a.test.mjs": suite("it('a', () => assert(false))") }, "fail", /1 test, 1 failed/],
    ["of which there is none", {}, { "a.test.mjs": "" }, "error", /no test ran/],
    ["that are all left out", {}, { "a.test.mjs": suite("it.skip('a', () => {})") }, "error", /no test ran/],
    ["that report nothing", { run: `echo '<testsuites/>' > report.xml` }, {}, "error", /no test ran/],
    ["that write no report", { run: "true" }, {}, "error", /wrote no report report.xml/],
    [
      "whose report was committed and is not written",
      { run: "true" },
      { "report.xml": "<testsuite><testcase name='a'/></testsuite>" },
      "error",
      /wrote no report/
    ],
    ["whose report is a link to another", { run: "ln -s /etc/hostname report.xml" }, {}, "error", /report/],
    ["whose report is a folder", { run: "mkdir report.xml" }, {}, "error", /no file/],
    ["whose report is cut off", { run: `echo '<testsuites><testsuite' > report.xml` }, {}, "error", /no JUnit/],
    ["whose report is huge", { run: "head -c 40M /dev/zero > report.xml" }, {}, "error", /bytes/],
    [
      "that fail and exit with 0",
      { run: `${run}; true` },
      { "a.test.mjs": suite("it('a', () => assert(false))") },
      "fail",
      /1 failed/
    ],
    [
      "that pass and exit with 1",
      { run: `${run}; exit 1` },
      { "a.test.mjs": suite("it('a', () => {})") },
      "fail",
      /although no test failed/
    ],
    [
      "that report to the output",
      { run: "node --test --test-reporter=tap a.test.mjs; echo noise >&2", report: "output" },
      { "a.test.mjs": suite("it('a', () => {})") },
      "pass",
      /1 test$/
    ],
    ["that have no report", { run: "true", report: "none" }, {}, "pass", /nobody knows how many/],
    ["whose program is not there", { run: "no-such-program-anywhere" }, {}, "error", /not there/],
    [
      "whose program is not there, without a report",
      { run: "no-such-program-anywhere", report: "none" },
      {},
      "error",
      /not there/
    ],
    ["that hang", { run: "sleep 86400", timeout: "300 millis" }, {}, "error", /did not end within/],
    ["that print without end", { run: "yes", most: 5_000_000 }, {}, "error", /printed more than 5000000/],
    [
      "that complain without end",
      { run: "yes >&2", most: 5_000_000, report: "output" },
      {},
      "error",
      /printed more than 5000000/
    ],
    ["that are killed", { run: `${run}; kill -9 $$` }, { "a.test.mjs": suite("it('a', () => {})") }, "fail", /SIGKILL/],
    [
      "that fork and leave",
      { run: `${run}; (sleep 86400 &) ; (setsid sleep 86400 &)` },
      { "a.test.mjs": suite("it('a', () => {})") },
      "pass",
      /1 test/
    ]
  ] as const) {
    test(
      `${what}: ${status}`,
      Effect.gen(function* () {
        const lab = yield* ScrutinyLab.make({ "a.txt": "one\n" })
        const verdict = yield* judge(lab, lab.change(files), { checks: { tests: { ...tests, ...options } } })
        const finding = findingOf(verdict, "RULE-TESTS")
        assert.strictEqual(finding.status, status, finding.reason)
        assert.match(finding.reason, said)
        assert.strictEqual(verdict.accepted, status === "pass")
        assert.isNotEmpty(finding.evidence, "there is evidence")
      })
    )
  }

  test(
    "a program that rewrites what it judges fails, and the next rule does not see it",
    Effect.gen(function* () {
      const lab = yield* ScrutinyLab.make({ "a.txt": "one\n", "b.txt": "b\n" })
      const change = lab.change({ "c.txt": "c" })
      const command = Contract.freeze("item", [
        { statement: "as committed", check: { _tag: "Command", run: "grep -q one a.txt && test ! -e new" } }
      ])
      const lint = { run: "printf two > a.txt; rm b.txt; touch new", report: "none" as const }
      const verdict = yield* Scrutiny.make({ repository: lab.repository, checks: { lint } }).judge({
        contract: command,
        change
      })
      const finding = findingOf(verdict, "RULE-LINT")
      assert.strictEqual(finding.status, "fail", finding.reason)
      assert.deepStrictEqual(
        finding.problems?.map(({ path, rule }) => `${rule} ${path}`),
        ["checkout-changed a.txt", "checkout-changed b.txt"]
      )
      assert.strictEqual(findingOf(verdict, "VAL-001").status, "pass", "the next one has a new checkout")
    })
  )

  test(
    "compared with the base: fewer that run, and more that are left out, fail; another name does not",
    Effect.gen(function* () {
      const two = suite("it('a', () => {})", "it('b', () => {})")
      const lab = yield* ScrutinyLab.make({ "a.test.mjs": two })
      const log = join(lab.folder, "log")
      const checks = { tests: { ...tests, run: `git rev-parse HEAD >> ${log}; ${run}`, compare: true } }
      const scrutiny = Scrutiny.make({ repository: lab.repository, checks })
      const base = lab.git("rev-parse", "HEAD").trim()
      const against = Effect.fnUntraced(function* (text: string) {
        const head = lab.commit({ "a.test.mjs": text })
        const change: Change.Change = { branch: "work", base, head, files: [] }
        return findingOf(yield* scrutiny.judge({ contract, change }), "RULE-TESTS")
      })
      const problems = ({ problems = [] }: Verdict.Finding) => problems.map(({ message, rule }) => `${rule} ${message}`)
      const fewer = yield* against(suite("it('a', () => {})"))
      assert.strictEqual(fewer.status, "fail", fewer.reason)
      assert.deepStrictEqual(problems(fewer), ["test-missing b"])
      const skipped = yield* against(suite("it('a', () => {})", "it.skip('b', () => {})"))
      assert.strictEqual(skipped.status, "fail", skipped.reason)
      assert.deepStrictEqual(problems(skipped), ["test-left-out b"])
      const renamed = yield* against(suite("it('a', () => {})", "it('c', () => {})"))
      assert.strictEqual(renamed.status, "pass", renamed.reason)
      const runs = fs.readFileSync(log, "utf8").trim().split("\n")
      assert.strictEqual(runs.filter((id) => id === base).length, 1, "the base is run once")
    })
  )

  test(
    "of a base that has none, there is nothing to compare with",
    Effect.gen(function* () {
      const lab = yield* ScrutinyLab.make({ "a.txt": "one\n" })
      const change = lab.change({ "a.test.mjs": suite("it('a', () => {})", "it('b', () => assert(false))") })
      const finding = findingOf(
        yield* judge(lab, change, { checks: { tests: { ...tests, compare: true } } }),
        "RULE-TESTS"
      )
      assert.strictEqual(finding.status, "fail", finding.reason)
      assert.deepStrictEqual(finding.problems, [{ rule: "test-failed", message: "b", path: "a.test.mjs", line: null }])
      assert.match(finding.reason, /the base reported no tests/)
    })
  )

  test(
    "of a base whose report can not be read are not compared, which is an error",
    Effect.gen(function* () {
      const lab = yield* ScrutinyLab.make({ "run.sh": "echo '<testsuite' > report.xml\n" })
      const change = lab.change({ "run.sh": `echo '<testsuite><testcase name="a"/></testsuite>' > report.xml\n` })
      const checks = { tests: { ...tests, run: "sh run.sh", compare: true } }
      const finding = findingOf(yield* judge(lab, change, { checks }), "RULE-TESTS")
      assert.strictEqual(finding.status, "error", finding.reason)
      assert.match(finding.reason, /base can not be compared/)
    })
  )
})

describe("a verdict of scrutiny", () => {
  test(
    "is the same a second time, but for what programs printed",
    Effect.gen(function* () {
      const lab = yield* ScrutinyLab.make({ "a.txt": "one\n" })
      const change = lab.change({
        "a.test.mjs": suite(
          "it('a ' + 1, () => assert.fail(String(Math.random()) + process.cwd()))",
          "it('b', () => { throw new Error(Date.now()) })"
        )
      })
      const stable = ({ findings }: Verdict.Verdict) =>
        JSON.stringify(findings.map(({ evidence: _, ...finding }) => finding))
      const options = { checks: { tests, lint: { run: "date; pwd; exit 1", report: "none" as const } } }
      const first = yield* judge(lab, change, options)
      const second = yield* judge(lab, change, options)
      assert.strictEqual(stable(second), stable(first))
      assert.notInclude(stable(first), lab.folder, "a folder of this machine")
    })
  )

  test(
    "has the outputs and reports in the store of evidence",
    Effect.gen(function* () {
      const lab = yield* ScrutinyLab.make({ "a.txt": "one\n" })
      const change = lab.change({ "a.test.mjs": suite("it('a', () => {})") })
      yield* Effect.gen(function* () {
        const finding = findingOf(yield* judge(lab, change, { checks: { tests } }), "RULE-TESTS")
        const store = yield* EvidenceStore.EvidenceStore
        const [report] = finding.evidence
        assert.strictEqual(report?.kind, "report")
        for (const { digest } of finding.evidence) yield* store.read(digest)
        const content = yield* store.read(report.digest)
        assert.include(Buffer.from(content).toString(), '<testcase name="a"')
      }).pipe(Effect.provide(EvidenceStore.layerMemory))
    })
  )

  test(
    "has an error for a rule that breaks, and for that one alone; and tells of each",
    Effect.gen(function* () {
      const lab = yield* ScrutinyLab.make({ "a.txt": "one\n" })
      const broken: Rule.Rule = {
        id: "RULE-BROKEN",
        statement: "It breaks.",
        judge: () =>
          Effect.fail(
            new Validator.ValidatorError({ reason: "SubjectUnavailable", message: "No such thing. Get one." })
          )
      }
      const told: Array<string> = []
      const verdict = yield* judge(lab, lab.change({ "a.test.mjs": suite("it('a', () => {})") }), {
        rules: [broken],
        checks: { tests },
        progress: (step) =>
          Effect.sync(() => void told.push(step._tag === "Judged" ? `${step.subject} ${step.status}` : step.subject))
      })
      assert.deepStrictEqual(
        verdict.findings.map(({ assertion, status }) => `${assertion} ${status}`),
        ["VAL-001 pass", "RULE-BROKEN error", "RULE-TESTS pass"]
      )
      assert.isFalse(verdict.accepted)
      assert.deepStrictEqual(told, [
        "RULE-BROKEN",
        "RULE-BROKEN error",
        "VAL-001",
        "VAL-001 pass",
        "RULE-TESTS",
        "RULE-TESTS pass"
      ])
    })
  )

  test(
    "is all errors where the checkout can not be made ready, which is tried once",
    Effect.gen(function* () {
      const lab = yield* ScrutinyLab.make({ "a.txt": "one\n" })
      const log = join(lab.folder, "log")
      const verdict = yield* judge(lab, lab.change({ "a.txt": "two\n" }), {
        prepare: { run: `echo x >> ${log}; date +%N; exit 1` },
        checks: { tests }
      })
      for (const { evidence, reason, status } of verdict.findings) {
        assert.strictEqual(status, "error")
        assert.match(reason, /not made ready: .* exited with 1/)
        assert.isNotEmpty(evidence)
      }
      assert.strictEqual(fs.readFileSync(log, "utf8"), "x\n")
    })
  )

  test(
    "is none where the head or the base is not there",
    Effect.gen(function* () {
      const lab = yield* ScrutinyLab.make({ "a.txt": "one\n" })
      const change = lab.change({ "a.txt": "two\n" })
      for (const other of [{ head: "1".repeat(40) }, { base: "1".repeat(40) }]) {
        const error = yield* Effect.flip(judge(lab, { ...change, ...other }, {}))
        assert.strictEqual(error.reason, "SubjectUnavailable", error.message)
      }
    })
  )

  test(
    "of a quick look says what it looked at, and accepts nothing",
    Effect.gen(function* () {
      const lab = yield* ScrutinyLab.make({ "a.txt": "one\n" })
      const change = lab.change({ "a.test.mjs": suite("it('a', () => {})") })
      const lint = { run: "true", report: "none" as const }
      const options = { repository: lab.repository, checks: { lint, tests: { ...tests, run: "sleep 86400" } } }
      const quick = yield* Scrutiny.quick(options, { rules: ["RULE-LINT"], within: "1 minute" }).judge({
        contract,
        change
      })
      assert.deepStrictEqual(
        quick.findings.map(({ assertion, status }) => `${assertion} ${status}`),
        ["VAL-001 blocked", "RULE-LINT pass", "RULE-TESTS blocked"]
      )
      assert.isFalse(quick.accepted)
      const none = yield* Scrutiny.quick(options, { rules: ["RULE-TESTS"], within: "400 millis" }).judge({
        contract,
        change
      })
      assert.match(findingOf(none, "RULE-TESTS").reason, /time of a quick look/)
    })
  )

  test(
    "with a checkout for each: what one leaves, no other meets",
    Effect.gen(function* () {
      const lab = yield* ScrutinyLab.make({ "a.txt": "one\n", ".gitignore": "left\n" })
      const change = lab.change({ "a.txt": "two\n" })
      const checks = { lint: { run: "touch left", report: "none" as const } }
      const clean = Contract.freeze("item", [{ statement: "clean", check: { _tag: "Command", run: "test ! -e left" } }])
      const statusWith = (apart: boolean) =>
        Effect.map(
          Scrutiny.make({ repository: lab.repository, checks, apart }).judge({ contract: clean, change }),
          (verdict) => findingOf(verdict, "VAL-001").status
        )
      assert.deepStrictEqual([yield* statusWith(false), yield* statusWith(true)], ["fail", "pass"])
    })
  )
})

test(
  "a rule that throws, or dies, is an error of its own and takes no other with it",
  Effect.gen(function* () {
    const lab = yield* ScrutinyLab.make({ "a.txt": "one\n" })
    const rule = (id: string, judge: Rule.Rule["judge"]): Rule.Rule => ({ id, statement: "It is sound.", judge })
    const throws = rule("RULE-THROWS", () => {
      throw new Error("no such thing")
    })
    const dies = rule("RULE-DIES", () => Effect.die(new TypeError("not a function")))
    const verdict = yield* judge(lab, lab.change({ "a.txt": "two\n" }), { rules: [throws, dies] })
    for (const [id, said] of [
      ["RULE-THROWS", "no such thing"],
      ["RULE-DIES", "not a function"]
    ] as const) {
      const { reason, status } = findingOf(verdict, id)
      assert.strictEqual(status, "error", reason)
      assert.include(reason, said)
    }
    assert.strictEqual(findingOf(verdict, "VAL-001").status, "pass", "another finding was lost with them")
  })
)
