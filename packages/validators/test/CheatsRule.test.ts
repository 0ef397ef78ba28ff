import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Git from "@millwright/core/Git"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import * as CheatsRule from "../src/CheatsRule.ts"
import * as ObjectsAlone from "./ObjectsAlone.ts"

const repository = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = mkdtempSync(join(tmpdir(), "millwright-cheats-"))
    const git = (...args: ReadonlyArray<string>) =>
      execFileSync("git", ["-C", folder, "-c", "user.name=a", "-c", "user.email=a@b.c", ...args], {
        encoding: "utf8"
      }).trim()
    const commit = (files: Record<string, string | Uint8Array>) => {
      for (const [path, content] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, path)), { recursive: true })
        writeFileSync(join(folder, path), content)
      }
      git("add", "-A")
      git("commit", "-q", "-m", "x")
      return git("rev-parse", "HEAD")
    }
    git("init", "-q", "-b", "main")
    return { folder, git, commit }
  }),
  ({ folder }) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

const judge = (folder: string, base: string, head: string) =>
  Effect.gen(function* () {
    const files = yield* Git.diff(folder, base, head)
    return yield* CheatsRule.make().judge(
      ObjectsAlone.context({ repository: folder, change: { branch: "b", base, head, files } })
    )
  })

const body = 'import { add } from "../src/add"\nit("adds", () => {\n  expect(add(1, 2)).toBe(3)\n})\n'

describe("RULE-CHEATS", () => {
  it.effect("reads both sides from git's objects, whatever the working tree and the attributes say", () =>
    Effect.gen(function* () {
      const { commit, folder } = yield* repository
      const base = yield* Effect.sync(() =>
        commit({ "test/add.test.ts": body, "src/add.ts": "export const add = 1\n" })
      )
      // What calls its tests binary hides nothing.
      const head = commit({ "test/add.test.ts": body.replace("it(", "it.skip("), ".gitattributes": "*.ts binary\n" })
      writeFileSync(join(folder, "test/add.test.ts"), body)
      const judgement = yield* judge(folder, base, head)
      assert.strictEqual(judgement.status, "fail")
      assert.deepStrictEqual(
        judgement.problems?.map(({ line, path, rule }) => [rule, path, line]),
        [["test-skipped", "test/add.test.ts", 2]]
      )
      assert.isAbove(judgement.evidence.length, 0)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )

  it.effect("passes an honest change with evidence, and sees through a rename", () =>
    Effect.gen(function* () {
      const { commit, folder, git } = yield* repository
      const base = commit({ "test/add.test.ts": body, "src/add.ts": "export const add = 1\n" })
      git("mv", "test/add.test.ts", "test/sum.test.ts")
      const moved = commit({})
      const honest = yield* judge(folder, base, moved)
      assert.strictEqual(honest.status, "pass", honest.reason)
      assert.isAbove(honest.evidence.length, 0)
      git("mv", "test/sum.test.ts", "test/sum.disabled.ts")
      const hidden = yield* judge(folder, moved, commit({}))
      assert.deepStrictEqual(
        hidden.problems?.map(({ rule }) => rule),
        ["test-renamed-away"]
      )
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )

  it.effect("says that it can not read a commit that is not there", () =>
    Effect.gen(function* () {
      const { commit, folder } = yield* repository
      const base = commit({ "a.ts": "1\n" })
      const change = { branch: "b", base, head: "0".repeat(40), files: [] }
      const error = yield* Effect.flip(CheatsRule.make().judge(ObjectsAlone.context({ repository: folder, change })))
      assert.strictEqual(error.reason, "SubjectUnavailable")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )
})
