import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync, execSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as Quickstart from "./Quickstart.ts"

const delivered = (output: string) => ({
  branch: /^Branch +(\S+)$/m.exec(output)?.[1] ?? "",
  diff: /^See the diff +(.+)$/m.exec(output)?.[1] ?? "",
  gate: /^Say yes +.* approve (\S+)$/m.exec(output)?.[1] ?? ""
})

const passes = (folder: string) =>
  execFileSync("npm", ["test"], { cwd: folder, encoding: "utf8", env: { PATH: process.env["PATH"], HOME: folder } })

describe("the quickstart delivers", { concurrent: true }, () => {
  it.live(
    "a change that a person can read and use",
    () =>
      Effect.gen(function* () {
        const quickstart = yield* Quickstart.make
        const { code, stderr, stdout } = yield* quickstart.run([])
        assert.strictEqual(code, 0, stderr + stdout)
        assert.strictEqual(stderr, "", "nothing is wrong, so nothing is on standard error")
        assert.match(stdout, /^The model is REHEARSED/, "the first line says that no real model answered")
        for (const stage of [
          "look",
          "triage",
          "contract",
          "implement",
          "implement#2",
          "validate",
          "review",
          "classify",
          "deliver"
        ]) {
          assert.match(stdout, new RegExp(`^  ${stage} +\\d+\\.\\d s`, "m"), `the summary has no duration for ${stage}`)
        }
        assert.match(
          stdout,
          /^ {2}implement +\d+\.\d s +5 +5 +\d{3,} +\$0\.\d{4}$/m,
          "no tools, calls, tokens and cost for implement"
        )
        assert.match(stdout, /^Interventions none/m, "the summary does not speak of interventions")
        assert.match(stdout, /^Verdict +accepted/m, "the summary has no verdict")

        const { branch, diff } = delivered(stdout)
        const { demo } = quickstart
        assert.include(
          execSync(diff, { encoding: "utf8", env: { PATH: process.env["PATH"], HOME: quickstart.folder } }),
          "+",
          "the command for the diff shows no diff"
        )
        assert.strictEqual(
          Quickstart.git(demo, "log", "--format=%P", branch, "--not", "main"),
          Quickstart.git(demo, "rev-parse", "main"),
          "not exactly one commit on top of main"
        )
        assert.match(
          Quickstart.git(demo, "log", "-1", "--format=%B", branch),
          /^Item: lost-remainder-[0-9a-f]{12}$/m,
          "the commit does not link the item"
        )
        assert.strictEqual(Quickstart.git(demo, "status", "--porcelain"), "", "the user's work tree was touched")
        assert.strictEqual(
          Quickstart.git(demo, "symbolic-ref", "HEAD"),
          "refs/heads/main",
          "the user's branch was switched"
        )

        const events = yield* Quickstart.journal(demo)
        const [pull, ...more] = Quickstart.only(events, "ChangeDelivered")
        assert.strictEqual(more.length, 0, "more than one pull request")
        assert.strictEqual(pull?.fact.pullRequest.branch, branch)
        assert.strictEqual(
          pull?.fact.pullRequest.head,
          Quickstart.git(demo, "rev-parse", branch),
          "the pull request names another commit"
        )
        Quickstart.assertNothingTwice(events)
        const gone = Quickstart.only(events, "StageFinished").filter(({ stage }) => stage?.startsWith("implement"))
        assert.strictEqual(gone.length, 2, "the failing tests did not send the change back once")

        const clone = join(quickstart.folder, "clone")
        Quickstart.git(quickstart.folder, "clone", "-q", "--branch", branch, demo, clone)
        assert.match(passes(clone), /# pass 5|pass 5/, "the delivered branch does not pass the repository's tests")

        const again = yield* quickstart.run(["runs"])
        assert.match(again.stdout, /^lost-remainder-\S+\.1 +Finished +format loses/m, "`runs` does not show the run")
      }),
    120_000
  )

  it.live(
    "nothing without a person where the policy asks for one, and works with what they say",
    () =>
      Effect.gen(function* () {
        const quickstart = yield* Quickstart.make
        const at = ["--repo", quickstart.repository]
        const args = [...at, "--issue", Quickstart.issues.weeks]
        const script = Quickstart.rehearsal()
        const spec = script.conversations.find(({ role }) => role === "Spec")
        assert(spec !== undefined)
        // What the model answers when it is told why its first version was refused.
        const text = JSON.stringify({
          conversations: [
            {
              role: "Spec",
              when: { promptIncludes: "say what a week is" },
              turns: JSON.parse(
                JSON.stringify(spec.turns).replaceAll("People write", "A week is seven days. People write")
              )
            },
            ...script.conversations
          ]
        })
        const play = ["--rehearsal", quickstart.write("script.json", text)]

        const first = yield* quickstart.run([...args, ...play])
        assert.strictEqual(first.code, 3, first.stdout + first.stderr)
        assert.include(first.stdout, "Build this? specs/weeks-", "nobody is asked about the specification")
        const asked = delivered(first.stdout).gate
        assert.include(
          first.stdout,
          `--repo ${quickstart.repository} approve ${asked}`,
          "what the person shall type names another repository"
        )

        const no = yield* quickstart.run([...at, "reject", asked, "--note", "say what a week is"])
        assert.strictEqual(no.code, 0, no.stderr)
        const twice = yield* quickstart.run([...at, "approve", asked])
        assert.strictEqual(twice.code, 2, "a gate took a second, other answer")
        assert.include(twice.stderr, "answered by")

        // The process waits in a second round while another one answers.
        const second = yield* quickstart.run([...args, ...play])
        assert.strictEqual(second.code, 3, second.stdout + second.stderr)
        const next = delivered(second.stdout).gate
        assert.notStrictEqual(next, asked, "the refused gate is asked again")
        const branch = `millwright/${next.slice(0, next.indexOf(":"))}`
        const folder = `specs/${next.slice(0, next.indexOf("."))}`
        assert.include(
          Quickstart.git(quickstart.repository, "show", `${branch}:${folder}/PRODUCT.md`),
          "A week is seven days.",
          "the second version does not hold what the person asked for"
        )
        assert.notStrictEqual(Quickstart.git(quickstart.repository, "show", `${branch}:${folder}/TECH.md`), "")

        assert.strictEqual((yield* quickstart.run([...at, "approve", next, "--note", "good"])).code, 0)
        const third = yield* quickstart.run([...args, ...play])
        assert.strictEqual(third.code, 3, third.stdout + third.stderr)
        const merge = delivered(third.stdout).gate
        assert.match(merge, /:merge$/, "source changes of a user's own repository went past the person")
        assert.strictEqual((yield* quickstart.run([...at, "approve", merge])).code, 0)
        const last = yield* quickstart.run([...args, ...play])
        assert.strictEqual(last.code, 0, last.stdout + last.stderr)
        assert.match(
          last.stdout,
          /^Intervention +spec .*: rejected: say what a week is$/m,
          "the refusal is no intervention in the summary"
        )

        const events = yield* Quickstart.journal(quickstart.repository)
        assert.strictEqual(Quickstart.only(events, "ChangeDelivered").length, 1)
        assert.strictEqual(Quickstart.only(events, "LineStarted").length, 1, "an answer began a second run")
        Quickstart.assertNothingTwice(events)
        const clone = join(quickstart.folder, "clone")
        Quickstart.git(quickstart.folder, "clone", "-q", "--branch", branch, quickstart.repository, clone)
        passes(clone)
        assert(existsSync(join(clone, folder, "PRODUCT.md")), "the change does not carry its specification")
        assert.include(readFileSync(join(clone, "src/duration.js"), "utf8"), "604_800_000")
      }),
    120_000
  )

  it.live(
    "what a person approved from another process, when it is run again",
    () =>
      Effect.gen(function* () {
        const quickstart = yield* Quickstart.make
        const at = ["--repo", quickstart.repository]
        const args = [...at, "--issue", Quickstart.issues.bug, "--review"]
        const first = yield* quickstart.run(args)
        assert.strictEqual(first.code, 3, first.stdout + first.stderr)
        const { gate } = delivered(first.stdout)
        const shown = yield* quickstart.run([...at, "show", gate])
        assert.match(shown.stdout, /^Ship 2 changed file[^]*^diff --git /m, "`show` prints no question and no patch")
        const listed = yield* quickstart.run([...at, "runs"])
        assert.match(
          listed.stdout,
          /^lost-remainder-\S+ +Waiting[^]* approve \S+:merge$/m,
          "`runs` hides the open gate"
        )
        const answered = yield* quickstart.run([...at, "approve", gate])
        assert.strictEqual(answered.code, 0, answered.stderr)
        const last = yield* quickstart.run(args)
        assert.strictEqual(last.code, 0, last.stdout + last.stderr)
        assert.match(last.stdout, /^▶ goes on from the last finished stage$/m)
        Quickstart.assertNothingTwice(yield* Quickstart.journal(quickstart.repository))
      }),
    120_000
  )

  it.live(
    "as it was asked for when the run began, whoever goes on with it",
    () =>
      Effect.gen(function* () {
        const quickstart = yield* Quickstart.make
        const asked = yield* quickstart.run(["--budget", "0.001", "--review", "--attempts", "2"])
        assert.strictEqual(asked.code, 1, asked.stdout + asked.stderr)
        const resumed = yield* quickstart.run([])
        assert.strictEqual(resumed.code, 3, `the review that was asked for is forgotten: ${resumed.stdout}`)
        const { gate } = delivered(resumed.stdout)
        assert.strictEqual((yield* quickstart.run(["reject", gate, "--note", "smaller"])).code, 0)
        const left = yield* quickstart.run(["runs"])
        assert.match(
          left.stdout,
          /^lost-remainder-\S+ +Interrupted +format/m,
          "`runs` says that a run runs which no process runs"
        )
        const parked = yield* quickstart.run([])
        assert.match(parked.stdout, /^Parked +.* in 2 attempts/m, "the attempts that were asked for are forgotten")
        const again = yield* quickstart.run(["--budget", "0.001"])
        assert.strictEqual(again.code, 1, again.stdout + again.stderr)
        const fresh = yield* quickstart.run(["--fresh", "--tokens", "1"])
        assert.match(fresh.stdout, /^Stalled +The run has used \d+ of 1 tokens/m, "there is no limit in tokens")
        assert.match(fresh.stdout, /^Go on with +npx -y pnpm@12\.18\.0 quickstart --tokens 1$/m)
        assert.match(fresh.stdout, /^Run lost-remainder-\S+\.3:/m, "--fresh went on with a run that is not over")
      }),
    120_000
  )

  it.live(
    "in the process that asks in a terminal, also when another one answers",
    (context) =>
      Effect.gen(function* () {
        if (!existsSync("/usr/bin/script")) return context.skip("there is no `script` to make a terminal with")
        const quickstart = yield* Quickstart.make
        const at = ["--repo", quickstart.repository]
        const args = [...at, "--issue", Quickstart.issues.bug]
        const left = yield* quickstart.start(args, { terminal: "yes" })
        assert(yield* left.said("Yes?"), left.output())
        yield* left.type("\u0003")
        const { code: waiting, stdout: said } = yield* left.ended
        assert.strictEqual(waiting, 3, `Ctrl-C at a question leaves it open: ${said}`)
        assert.match(said, /^Say yes +npx -y pnpm@12\.18\.0 quickstart --repo /m, "it does not say how to answer later")
        const program = yield* quickstart.start(args, { terminal: "yes" })
        assert(yield* program.said("Yes?"), program.output())
        const events = yield* Quickstart.journal(quickstart.repository)
        const gate = Quickstart.only(events, "GateOpened")[0]?.fact.gate ?? ""
        const answered = yield* quickstart.run([...at, "approve", gate])
        assert.strictEqual(answered.code, 0, answered.stderr)
        const { code, stdout } = yield* program.ended
        assert.strictEqual(code, 0, stdout)
        assert.match(stdout, /^Pull request +#1/m, "the process that waited did not go on")
        Quickstart.assertNothingTwice(yield* Quickstart.journal(quickstart.repository))
      }),
    120_000
  )

  it.live(
    "out of a sandbox that isolates, where only a layer is another one",
    (context) =>
      Effect.gen(function* () {
        const isPromised = (process.env["MILLWRIGHT_REQUIRES"] ?? "").split(" ").includes("bwrap")
        if (!existsSync("/usr/bin/bwrap") && !isPromised) return context.skip("bubblewrap is not installed")
        const quickstart = yield* Quickstart.make
        const { code, stderr, stdout } = yield* quickstart.run(["--sandbox", "bubblewrap"])
        assert.strictEqual(code, 0, stderr + stdout)
        assert.strictEqual(stderr, "", "nothing is wrong, so nothing is on standard error")
        const { branch } = delivered(stdout)
        const { demo } = quickstart
        assert.strictEqual(
          Quickstart.git(demo, "log", "--format=%P", branch, "--not", "main"),
          Quickstart.git(demo, "rev-parse", "main"),
          "the branch should have one commit, on top of main"
        )
        const clone = join(quickstart.folder, "clone")
        Quickstart.git(quickstart.folder, "clone", "-q", "--branch", branch, demo, clone)
        passes(clone)
      }),
    120_000
  )
})
