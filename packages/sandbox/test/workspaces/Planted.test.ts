/** Links that a hostile workspace or commit leaves where the host keeps workspaces, and where it writes into one. */
import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { ownOf } from "./own.ts"
import * as Fixture from "../../src/testing/Fixture.ts"
import { requires } from "../Requires.ts"
import * as StandIn from "./standIn.ts"
import { tester } from "./tester.ts"

const register = (way: string, overlay: boolean) => {
  const test = tester(StandIn.layer(way, overlay))

  describe(`links, ${way}`, () => {
    test("what is committed below `.millwright` is never taken for a workspace", (fixture) =>
      Effect.gen(function* () {
        const planted = join(fixture.repository, ".millwright", "clones", "work-1")
        mkdirSync(planted, { recursive: true })
        symlinkSync(fixture.outside, join(planted, "workspace"))
        writeFileSync(join(planted, "ready"), "ready")
        fixture.git("add", "-f", ".millwright")
        fixture.git("commit", "-q", "-m", "planted")
        yield* Fixture.inside(fixture.spec(), Fixture.write("new.txt", "new"))
        assert.deepStrictEqual(readdirSync(fixture.outside), ["secret.txt"])
        const clone = join(ownOf(fixture.repository), "clones", "work-1")
        assert.isTrue(existsSync(join(clone, overlay ? "upper" : "workspace", "new.txt")))
      }))

    const planted: Record<string, string> = {
      "a workspace": "clones/work-1/workspace",
      "a clone": "clones/work-1",
      "a lock": "locks/work-1",
      "a note": "clones/work-1/ready",
      "all clones": "clones"
    }
    for (const [what, place] of Object.entries(planted)) {
      test(`a link in the place of ${what} is refused and not followed`, (fixture) =>
        Effect.gen(function* () {
          yield* Fixture.inside(fixture.spec(), Effect.void)
          const file = join(ownOf(fixture.repository), place)
          rmSync(file, { recursive: true, force: true })
          symlinkSync(fixture.outside, file)
          yield* Fixture.refused(
            Fixture.inside(fixture.spec(), Fixture.output("touch new.txt").pipe(Effect.orDie)),
            "SetupFailed"
          )
          assert.deepStrictEqual(readdirSync(fixture.outside), ["secret.txt"])
        }))
    }

    test("the host writes no file of a `.git` through a link, of a shallow repository neither", (fixture) =>
      Effect.gen(function* () {
        const shallow = join(fixture.outside, "..", "shallow")
        execFileSync("git", ["clone", "-q", "--depth", "1", `file://${fixture.repository}`, shallow], { stdio: "pipe" })
        const spec = fixture.spec({ repository: shallow })
        const secret = join(fixture.outside, "secret.txt")
        const files = ["shallow", "config", "config.worktree", "info/exclude", "objects/info/alternates"]
        for (const file of files) {
          yield* Fixture.inside(
            spec,
            Fixture.output(`rm -rf .git/refs/tags .git/${file}; ln -s ${secret} .git/${file}`)
          )
          yield* Effect.ignore(Fixture.inside(spec, Effect.void))
          assert.strictEqual(readFileSync(secret, "utf8"), "outside\n", `${file} should not be written through a link`)
        }
        for (const folder of ["info", "objects/info", "hooks", "refs"]) {
          yield* Fixture.inside(spec, Fixture.output(`rm -rf .git/${folder}; ln -s ${fixture.outside} .git/${folder}`))
          yield* Effect.ignore(Fixture.inside(spec, Effect.void))
          assert.deepStrictEqual(readdirSync(fixture.outside), ["secret.txt"], `nothing should be written by ${folder}`)
        }
      }))
  })
}

register("copying", false)
requires("mount", StandIn.missing, () => {
  register("mounting", true)
})
