import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Digest from "@millwright/core/Digest"
import type * as Journal from "@millwright/core/Journal"
import * as Tainted from "@millwright/core/Tainted"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Stream from "effect/Stream"
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Harness from "../src/Harness.ts"
import * as Verify from "../src/roles/Verify.ts"
import * as Skill from "../src/Skill.ts"
import * as Lab from "./ReviewLab.ts"

const skill = (name: string, verification?: string) =>
  Effect.runSync(
    Skill.parse(
      `---\nname: ${name}\ndescription: Does ${name}.\n${verification === undefined ? "" : `metadata:\n  verification: ${verification}\n`}---\nTry ${name}.`,
      "inline"
    )
  )

const input: Verify.Input = { contract: Lab.contract, change: Tainted.of("git", "2 files") }
const passed = (...paths: ReadonlyArray<string>) => ({
  _tag: "Passed",
  summary: "It starts.",
  evidence: paths.map((path) => ({ path, shows: "the output" }))
})

/** Runs in a folder of its own: relative paths of the file system lead there. `leave` is what an agent does there. */
const within = <A, E>(
  use: (
    folder: string,
    run: <B, E2>(
      effect: Effect.Effect<B, E2, Harness.Harness | Journal.Journal | Harness.Workplace>,
      outcomes: Parameters<typeof Lab.scripted>[0],
      leave?: () => void
    ) => Effect.Effect<B, E2>
  ) => Effect.Effect<A, E>
) =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "millwright-verify-"))),
    (folder) =>
      use(folder, (effect, outcomes, leave = () => {}) =>
        Effect.gen(function* () {
          const fs = yield* FileSystem.FileSystem
          const lab = yield* Lab.scripted(outcomes)
          const at = (path: string) => join(folder, path)
          const rooted: FileSystem.FileSystem = {
            ...fs,
            realPath: (path) => fs.realPath(path.startsWith("/") ? path : at(path))
          }
          const leaving: Harness.Harness["Service"] = {
            ...lab.harness,
            run: (request) => Stream.unwrap(Effect.as(Effect.sync(leave), lab.harness.run(request)))
          }
          return yield* lab.run(
            Effect.provideService(
              Effect.provideService(effect, Harness.Harness, leaving),
              FileSystem.FileSystem,
              rooted
            ) as typeof effect
          )
        }).pipe(Effect.provide(NodeServices.layer))
      ),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )

describe("Verify", () => {
  it("finds what declares itself a verification, in the order of names, and nothing else", () => {
    const skills = [skill("z", '"true"'), skill("plain"), skill("a", "true"), skill("no", '"false"')]
    assert.deepStrictEqual(
      Verify.find(skills).map(({ name }) => name),
      ["a", "z"]
    )
  })

  it.live("says that nothing was verified, where nothing is a verification", () =>
    within((_, run) =>
      Effect.gen(function* () {
        const report = yield* run(Verify.all([skill("plain")], input), {})
        assert.strictEqual(report._tag, "None")
        assert.match(report.report, /None of 1 skills/)
      })
    )
  )

  it.live("gives the evidence as the host read it", () =>
    within((folder, run) =>
      Effect.gen(function* () {
        const leave = () => {
          assert.deepStrictEqual(readdirSync(folder), [], "the host left something that an agent sees")
          mkdirSync(join(folder, "verification"))
          writeFileSync(join(folder, "verification/start.txt"), "up\u202e and running")
        }
        const report = yield* run(
          Verify.all([skill("starts", '"true"')], input),
          { "Verify-starts": [passed("verification/start.txt")] },
          leave
        )
        assert(report._tag === "Verified")
        assert.isTrue(report.accepted)
        const [{ evidence, status } = { evidence: [], status: "error" }] = report.verifications
        assert.strictEqual(status, "pass")
        assert.deepStrictEqual(evidence, [
          {
            kind: "artifact",
            summary: "verification/start.txt: the output",
            digest: Digest.of("up\u202e and running"),
            bytes: Buffer.byteLength("up\u202e and running"),
            excerpt: "up\\u{202e} and running"
          }
        ])
        assert.include(report.report, "✅")
      })
    )
  )

  it.live("takes no file for evidence that is outside, a link, a folder or not there, and then no pass", () =>
    within((folder, run) =>
      Effect.gen(function* () {
        const leave = () => writeFileSync(join(folder, "real.txt"), "real")
        leave()
        mkdirSync(join(folder, "folder"))
        symlinkSync("real.txt", join(folder, "link.txt"))
        symlinkSync("/etc", join(folder, "etc"))
        for (const path of [
          "../real.txt",
          "/etc/passwd",
          "link.txt",
          "etc/passwd",
          "folder",
          "missing.txt",
          ".git/config"
        ]) {
          const report = yield* run(
            Verify.all([skill("starts", '"true"')], input),
            { "Verify-starts": [passed("real.txt", path)] },
            leave
          )
          assert(report._tag === "Verified")
          const [verification] = report.verifications
          assert.strictEqual(verification?.status, "error", `${path} is taken`)
          assert.isFalse(report.accepted)
          assert.lengthOf(verification?.evidence ?? [], 1)
          assert.deepStrictEqual(
            verification?.refused.map((each) => each.path),
            [path]
          )
        }
      })
    )
  )

  it.live("takes no file for evidence that was there before it began, and one that was written anew", () =>
    within((folder, run) =>
      Effect.gen(function* () {
        const old = join(folder, "expected.log")
        writeFileSync(old, "all tests passed")
        utimesSync(old, 1_700_000_000, 1_700_000_000)
        const outcomes = { "Verify-starts": [passed("expected.log")] }
        const verified = (leave?: () => void) =>
          Effect.map(run(Verify.all([skill("starts", '"true"')], input), outcomes, leave), (report) =>
            report._tag === "Verified" ? report.verifications[0] : undefined
          )
        const before = yield* verified()
        assert.strictEqual(before?.status, "error")
        assert.match(before?.refused[0]?.why ?? "", /before the verification began/)
        const after = yield* verified(() => writeFileSync(old, "all tests passed"))
        assert.strictEqual(after?.status, "pass")
      })
    )
  )

  it.live("has no pass without evidence, and goes on after one that breaks", () =>
    within((folder, run) =>
      Effect.gen(function* () {
        writeFileSync(join(folder, "real.txt"), "real")
        const report = yield* run(
          Verify.all(
            [skill("broken", '"true"'), skill("claims", '"true"'), skill("fails", '"true"'), skill("warns", '"true"')],
            input
          ),
          {
            "Verify-claims": [passed(), passed()],
            "Verify-fails": [{ _tag: "Failed", summary: "It | does not `start`.", evidence: [] }],
            "Verify-warns": [{ _tag: "Warning", summary: "No network.", evidence: [] }]
          }
        )
        assert(report._tag === "Verified")
        assert.deepStrictEqual(
          report.verifications.map(({ skill, status }) => [skill, status]),
          [
            ["broken", "error"],
            ["claims", "error"],
            ["fails", "fail"],
            ["warns", "warn"]
          ]
        )
        assert.isFalse(report.accepted)
        assert.include(report.report, "It \\| does not `start`.", "what an agent wrote is markup")
      })
    )
  )

  it.live("refuses two verifications of one name", () =>
    within((_, run) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(run(Verify.all([skill("a", '"true"'), skill("a", '"true"')], input), {}))
        assert.strictEqual(error.reason, "TwoOfOneName")
      })
    )
  )
})
