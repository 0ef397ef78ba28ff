/**
 * Opens an id of a repository, commits in it, says so, and waits until its input ends or it is killed. Ends with 3 when somebody
 * else has touched the workspace meanwhile, and with 4 when it was open elsewhere.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Effect from "effect/Effect"
import * as Sandbox from "../../src/Sandbox.ts"
import * as SandboxSpec from "../../src/SandboxSpec.ts"
import * as Fixture from "../../src/testing/Fixture.ts"
import * as StandIn from "./standIn.ts"

const [repository = "", id = "", turn = ""] = process.argv.slice(2)
const identity = { GIT_AUTHOR_NAME: "A", GIT_AUTHOR_EMAIL: "a@b", GIT_COMMITTER_NAME: "A", GIT_COMMITTER_EMAIL: "a@b" }
const spec = {
  ...SandboxSpec.checkout({ id, repository, base: "main", branch: `change/${id}` }),
  env: identity,
  setup: [{ name: "half", run: "test ! -e half; touch half; touch whole" }]
}

const input = Effect.callback<void>((resume) => {
  process.stdin.on("end", () => resume(Effect.void))
  process.stdin.resume()
})

NodeRuntime.runMain(
  Effect.scoped(
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      const opened = yield* Effect.result(sandbox.open(spec))
      if (opened._tag === "Failure") {
        if (opened.failure.reason === "Busy") return void (process.exitCode = 4)
        return yield* opened.failure
      }
      yield* Effect.gen(function* () {
        yield* Fixture.output(
          `test -e whole && echo ${turn} > open && echo ${turn} > turn-${turn} && git add turn-${turn} && git commit -q -m turn-${turn}`
        )
        process.stdout.write("open\n")
        yield* input
        const seen = yield* Fixture.output(
          "cat open; rm open; git fsck 2>&1 | grep -v dangling; git log -1 --format=%s"
        )
        if (seen !== `${turn}\nturn-${turn}`) process.exitCode = 3
      }).pipe(Effect.provideContext(opened.success.services))
    })
  ).pipe(Effect.provide(StandIn.layer("copying", false)))
)
