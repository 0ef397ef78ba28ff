/** An author that does what it can to learn of the holdouts: it reads, lists, asks git and the machine, and looks again and again. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, it } from "@effect/vitest"
import * as Journal from "@millwright/core/Journal"
import * as BubblewrapSandbox from "@millwright/sandbox/adapters/BubblewrapSandbox"
import * as Sandbox from "@millwright/sandbox/Sandbox"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as ChildProcess from "effect/process/ChildProcess"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as HoldoutValidator from "../src/HoldoutValidator.ts"
import * as EvidenceStore from "../src/EvidenceStore.ts"
import * as LeakScan from "../src/LeakScan.ts"
import * as Vault from "../src/Vault.ts"
import { failed, held, judging, scenarios, services, subject } from "./vaultFixture.ts"

const sandbox = Layer.provide(BubblewrapSandbox.layer, NodeServices.layer)
const lacking = await Effect.runPromise(
  Effect.match(Effect.scoped(Layer.build(sandbox)), { onFailure: ({ message }) => message, onSuccess: () => undefined })
)

/** What the author tries; `$VAULT` is where the vault is, should somebody have told it. */
const attempts = [
  'cat "$VAULT"; ls -la "$(dirname "$VAULT")"; find / -xdev \\( -path /usr -o -path /proc -o -path /sys \\) -prune -o -name "*vault*" -print 2>/dev/null',
  'cp "$VAULT" stolen; ln -s "$VAULT" link; cat link stolen',
  "env; cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'; ls -la /proc/*/fd /proc/*/root",
  "git log --all -p; git stash list -p; git notes list; git for-each-ref; git cat-file --batch-all-objects --batch",
  'grep -rniE "lantern|candles|withdraws|canary" . /tmp /home /root /var/tmp /run /dev/shm /etc -s',
  "ls -laR . /tmp /home /root /var/tmp /run /dev/shm 2>/dev/null"
]

it.live.skipIf(lacking !== undefined)(
  `an author in a sandbox finds no text of a scenario, and gets no more bits than the budget${lacking === undefined ? "" : ` (${lacking})`}`,
  () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const root = yield* fs.makeTempDirectoryScoped({ prefix: "holdouts-attack-" })
      const workspace = path.join(root, "workspace")
      yield* fs.makeDirectory(workspace)
      const key = yield* Vault.newKey
      const place = { file: path.join(root, "house", "shop.vault"), visible: [workspace] }
      yield* fs.makeDirectory(path.dirname(place.file))
      const some = yield* scenarios()
      const vault = yield* Vault.save(place, { name: "shop", scenarios: some, key })

      const said: Array<string> = []
      const try_ = (command: string) =>
        Effect.gen(function* () {
          const spawner = yield* ChildProcessSpawner
          const handle = yield* spawner.spawn(
            ChildProcess.make("sh", ["-c", `exec 2>&1; ${command}; true`], {
              env: { VAULT: place.file },
              extendEnv: true
            })
          )
          said.push(yield* Stream.mkString(Stream.decodeText(handle.stdout)))
        }).pipe(Effect.scoped)
      const work = Effect.gen(function* () {
        yield* try_("git init -q . && git commit -q --allow-empty -m start; echo ready")
        yield* Effect.forEach(attempts, try_, { discard: true })
      })
      yield* Effect.scoped(
        work.pipe(
          Effect.provide(
            Sandbox.layer({ id: "author", workspace: { _tag: "Folder", path: workspace } }).pipe(Layer.provide(sandbox))
          )
        )
      )
      assert.include(said[0], "ready", "the author can work at all")
      assert.match(said[1] ?? "", /No such file or directory|Permission denied/, "the vault's file can not be seen")

      // It sends in changes, good and bad, and reads every verdict; it may even see the journal.
      const budget = { bits: 20 }
      const judge = (at: number) => judging((trial) => (at % 2 === 0 ? held(trial) : failed(trial)))
      for (let at = 0; at < 12; at++) {
        const validator = HoldoutValidator.make({
          vault,
          judge: judge(at),
          budget,
          seed: at,
          visible: [{ _tag: "Folder", path: workspace }, ...said.map((content, each) => transcript(each, content))]
        })
        said.push(JSON.stringify(yield* validator.judge(subject)))
      }
      const journal = yield* Journal.Journal
      const events = yield* Stream.runCollect(journal.read({ outputs: true }))
      const spent = events.reduce((sum, { fact }) => sum + (fact._tag === "HoldoutLooked" ? fact.bits : 0), 0)
      assert.isAbove(spent, budget.bits - 5, "it did look until the budget was used up")
      assert.isAtMost(spent, budget.bits)
      const crossed = new Set(said.slice(-12).map((verdict) => /"reason":"([^"]*)","evidence":\[\{/.exec(verdict)?.[1]))
      assert.isAtMost(crossed.size, 6, "what crossed are sentences of the house")
      assert.include(said.at(-1), "looks at the holdouts are used")

      const text = [...said, ...(yield* Effect.forEach(events, (event) => Schema.encodeEffect(Journal.Json)(event)))]
      const { leaks, unread } = yield* LeakScan.scan({
        scenarios: some,
        visible: [{ _tag: "Folder", path: workspace }, ...text.map((content, at) => transcript(at, content))]
      })
      assert.deepStrictEqual(leaks, [])
      assert.deepStrictEqual(unread, [])
      assert.isFalse(
        text.some((each) => each.includes(Redacted.value(key))),
        "the key is nowhere"
      )
    }).pipe(Effect.scoped, Effect.provide(services), Effect.provide(EvidenceStore.layerMemory)),
  60_000
)

const transcript = (at: number, content: string): LeakScan.Visible => ({ _tag: "Text", name: `said ${at}`, content })
