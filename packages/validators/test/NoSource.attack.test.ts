/** What somebody who is told to read the source finds, in the room of a tester, with the app running beside it. */
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import * as WorktreeSandbox from "@millwright/sandbox/adapters/WorktreeSandbox"
import * as Sandbox from "@millwright/sandbox/Sandbox"
import * as Supports from "@millwright/sandbox/Supports"
import * as SandboxFixture from "@millwright/sandbox/testing/Fixture"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import * as NoSource from "../src/NoSource.ts"
import * as TestedApp from "../src/TestedApp.ts"
import * as Bubblewrap from "./Bubblewrap.ts"
import * as LoopbackServer from "./LoopbackServer.ts"

const secret = "the text of a source file"
const server = `// ${secret}
import { createServer } from "node:http"
createServer((request, response) => response.end("the app")).listen(Number(process.env.PORT), "127.0.0.1")
`

/** Processes of the machine that run this program, as the host sees them. */
const running = (name: string): ReadonlyArray<string> =>
  readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(name)
    } catch {
      return false
    }
  })

Bubblewrap.suite("the room of a tester", () => {
  it.live(
    "has the app and its twins, and no way to the source",
    () =>
      Effect.gen(function* () {
        const { git, repository, spec } = yield* SandboxFixture.repository
        const program = "millwright-tested-app.mjs"
        writeFileSync(join(repository, program), server)
        git("add", "-A")
        git("commit", "-q", "-m", "the app")
        const node = realpathSync(process.execPath)
        const app = TestedApp.command({
          spec: spec({ id: "the-app", mounts: [{ source: dirname(node), access: "Read" }] }),
          run: `exec ${node} ${program}`
        })
        const twin = yield* LoopbackServer.listening((_, response) => response.end("the twin"))
        const other = yield* LoopbackServer.listening((_, response) => response.end("somebody else's"))
        const { app: at } = yield* app.start
        const room = yield* NoSource.open({ id: "the-tester", app: { ...at, origins: [twin] } })
        assert.isTrue(room.isEnforced)
        const output = (text: string) =>
          Effect.provideContext(SandboxFixture.output(`${text} 2>/dev/null; true`), room.services)

        assert.strictEqual(yield* output(`curl -sS ${room.app.address}`), "the app")
        assert.strictEqual(yield* output(`curl -sS ${NoSource.inside(twin)}`), "the twin")

        const pids = running(program)
        assert.isNotEmpty(pids, "the app should run on this machine")
        const attacks: Readonly<Record<string, string>> = {
          "the repository": `cat ${repository}/${program} ${repository}/file.txt`,
          "its objects": `git --git-dir=${repository}/.git log --format=%H --all`,
          "its folder": `ls -a ${repository} ${dirname(repository)}/`,
          "the workspace of the app": `find / -xdev -name ${program} -not -path '/proc/*'`,
          "the working folder of its process": pids.map((pid) => `cat /proc/${pid}/cwd/${program}`).join("; "),
          "the root of its process": pids.map((pid) => `ls /proc/${pid}/root${repository}`).join("; "),
          "the working folders of all processes": `cat /proc/[0-9]*/cwd/${program}`,
          "its process": `ls /proc | grep -xF '${pids.join("\n")}'`,
          "a file address": `curl -s file://${repository}/${program}`,
          "its own workspace": "ls -A",
          "another port of loopback, by its name inside": `curl -s -o /dev/null -w '%{http_code}' ${NoSource.inside(other)} | grep -v 403`,
          "another port of loopback": `curl -s ${other}`,
          "the app by the way that the host takes": `curl -s --noproxy '*' ${at.address}`,
          "another origin": "curl -s -o /dev/null -w '%{http_code}' http://example.invalid/ | grep -v 403",
          "another origin in a tunnel": `curl -s --proxytunnel ${NoSource.inside(other)}`,
          "a secret of the environment": `env | grep -F ${repository}`
        }
        for (const [what, attack] of Object.entries(attacks)) {
          const found = yield* output(attack)
          assert.strictEqual(found, "", `${what} should not be reached`)
        }

        const host = NoSource.unenforced(at, yield* Effect.context<Sandbox.Services>())
        assert.isFalse(host.isEnforced)
        for (const what of [
          "the repository",
          "its objects",
          "its folder",
          "the working folder of its process",
          "its process"
        ]) {
          const found = SandboxFixture.output(`${attacks[what]} 2>/dev/null; true`)
          assert.notStrictEqual(yield* Effect.provideContext(found, host.services), "", `${what} is there to be found`)
        }

        const files = Context.get(room.services, FileSystem.FileSystem)
        const read = yield* Effect.exit(files.readFileString(join(repository, program)))
        assert.strictEqual(read._tag, "Failure", "the services of the room should not read the source either")
      }).pipe(Effect.scoped, Effect.provide(Layer.merge(Bubblewrap.layer, NodeServices.layer))),
    60_000
  )

  it.live(
    "begins empty, also when one with its name was left with something in it",
    () =>
      Effect.gen(function* () {
        const address = yield* LoopbackServer.nobody
        const sandbox = yield* Sandbox.Sandbox
        const left = sandbox.open({ id: "the-tester", workspace: { _tag: "Empty" } })
        yield* Effect.scoped(
          Effect.flatMap(left, ({ services }) =>
            Effect.provideContext(SandboxFixture.output("echo left > behind"), services)
          )
        )
        const room = yield* NoSource.open({ id: "the-tester", app: { address } })
        assert.strictEqual(yield* Effect.provideContext(SandboxFixture.output("ls -A"), room.services), "")
      }).pipe(Effect.scoped, Effect.provide(Bubblewrap.layer)),
    60_000
  )
})

describe("NoSource", () => {
  it.effect("refuses a sandbox that can not hold it, and says what it lacks", () =>
    Effect.gen(function* () {
      const sandbox = yield* Sandbox.Sandbox
      assert.isNotEmpty(NoSource.missing(sandbox.supports))
      const { message, reason } = yield* Effect.flip(NoSource.open({ id: "t", app: { address: "http://127.0.0.1:1" } }))
      assert.strictEqual(reason, "NotEnforceable")
      assert.include(message, "nothing stands between its commands and the host")
      assert.include(message, "can not close the network")
    }).pipe(Effect.scoped, Effect.provide(Layer.provide(WorktreeSandbox.layer, NodeServices.layer)))
  )

  it("names what is missing, each by itself", () => {
    const able: Supports.Supports = { ...Supports.none, isolation: "os", network: "allow", workspaces: ["Empty"] }
    assert.deepStrictEqual(NoSource.missing(able), [])
    for (const lacking of [{ isolation: "none" }, { network: "deny" }, { workspaces: ["Checkout"] }] as const) {
      assert.strictEqual(NoSource.missing({ ...able, ...lacking }).length, 1, JSON.stringify(lacking))
    }
  })

  it("opens the network to the app and its origins, on their ports, and to nothing else", () => {
    const { egress, mounts, workspace } = Result.getOrThrow(
      NoSource.spec({
        id: "t",
        app: { address: "http://localhost:81/a", origins: ["https://api.test", "http://127.0.0.1:9", "http://[::1]:9"] }
      })
    )
    assert.deepStrictEqual(egress, {
      _tag: "Allow",
      domains: ["host.millwright.internal:81", "api.test:443", "host.millwright.internal:9"]
    })
    assert.deepStrictEqual([workspace, mounts], [{ _tag: "Empty" }, undefined])
    for (const address of ["file:///src", "vim", "", "http://"]) {
      assert.isTrue(Result.isFailure(NoSource.spec({ id: "t", app: { address } })), address)
    }
  })
})
