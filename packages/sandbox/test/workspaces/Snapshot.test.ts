/** Copies of workspaces that are hostile, or that were damaged since. What a good one restores, the suite claims. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import * as Sandbox from "../../src/Sandbox.ts"
import type { SandboxSpec, Snapshot } from "../../src/SandboxSpec.ts"
import * as SnapshotSize from "../../src/SnapshotSize.ts"
import * as TarCount from "../../src/internal/TarCount.ts"
import { ownOf } from "./own.ts"
import * as Fixture from "../../src/testing/Fixture.ts"
import { requires } from "../Requires.ts"
import * as StandIn from "./standIn.ts"
import { tester } from "./tester.ts"

const storeOf = ({ repository }: Fixture.Repository) => join(ownOf(repository), "snapshots")

/** Copies a workspace when a script has run in it. */
const copy = (spec: SandboxSpec, text: string) =>
  Effect.scoped(
    Effect.gen(function* () {
      const { open } = yield* Sandbox.Sandbox
      const { host, services } = yield* open(spec)
      yield* Effect.provideContext(Fixture.output(text), services)
      return yield* host.snapshot
    })
  )

const register = (way: string, overlay: boolean) => {
  const on = tester(StandIn.layer(way, overlay))
  const test: typeof on = (name, body) => on(`${way}: ${name}`, body)
  const to = (fixture: Fixture.Repository, from: Snapshot) =>
    fixture.spec({ id: "work-2", branch: "change/work-2", from })

  const damages: Record<string, (file: string) => void> = {
    truncated: (file) => truncateSync(`${file}.tar`, 3_000),
    "cut by one byte": (file) => truncateSync(`${file}.tar`, readFileSync(`${file}.tar`).length - 1),
    longer: (file) => appendFileSync(`${file}.tar`, "x"),
    altered: (file) => {
      const bytes = readFileSync(`${file}.tar`)
      const at = bytes.indexOf("changed")
      bytes.write("CHANGED", at)
      writeFileSync(`${file}.tar`, bytes)
    },
    empty: (file) => writeFileSync(`${file}.tar`, ""),
    "without its manifest": (file) => rmSync(`${file}.json`)
  }
  for (const [what, damage] of Object.entries(damages)) {
    test(`one that is ${what} is refused, and nothing of it is left`, (fixture) =>
      Effect.gen(function* () {
        const made = yield* copy(fixture.spec(), "echo changed > file.txt")
        damage(join(storeOf(fixture), made.id))
        yield* Fixture.refused(Fixture.inside(to(fixture, made), Effect.void), "RestoreIncomplete")
        assert.isFalse(existsSync(join(ownOf(fixture.repository), "clones", "work-2")), "no folder should be left")
        assert.strictEqual(fixture.git("branch", "--list", "change/work-2"), "", "no branch should be left")
        const files = Fixture.output("cat file.txt; git status --porcelain")
        assert.strictEqual(yield* Fixture.inside(fixture.spec({ id: "work-2", branch: "change/work-2" }), files), "two")
      }))
  }

  test("pipes, links that lead out, hard links and odd names are copied as they are", (fixture) =>
    Effect.gen(function* () {
      const made = yield* copy(
        fixture.spec(),
        "mkfifo pipe; ln -s /etc/passwd out; ln -s ../../../.. up; ln file.txt hard; printf x > \"$(printf 'bad\\377\\n name')\"; mkdir -p $(printf 'd%.0s' $(seq 150))/$(printf 'e%.0s' $(seq 150)); truncate -s 500M sparse; echo end >> sparse; mkdir -m 2755 group"
      )
      assert.isBelow(made.bytes, 1_000_000, "a hole should not be in the copy")
      assert.isBelow(statSync(join(storeOf(fixture), `${made.id}.tar`)).size, 1_000_000)
      const text =
        "readlink out up; stat -c %h hard; test -p pipe && echo pipe; ls | wc -l; ls -d d*/e* | wc -c; stat -c %s sparse; tail -c 4 sparse; stat -c %a group; [ $(stat -c %b sparse) -lt 1000 ]"
      assert.strictEqual(
        yield* Fixture.inside(to(fixture, made), Fixture.output(text)),
        "/etc/passwd\n../../../..\n2\npipe\n11\n302\n524288004\nend\n755"
      )
      assert.deepStrictEqual(readdirSync(fixture.outside), ["secret.txt"])
      assert.deepStrictEqual(readdirSync(storeOf(fixture)).sort(), [`${made.id}.json`, `${made.id}.tar`])
    }))

  test("one that is larger than it may be fails, and leaves no draft", (fixture) =>
    Effect.gen(function* () {
      const { open } = yield* Sandbox.Sandbox
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { host, services } = yield* open(fixture.spec())
          yield* Effect.provideContext(Fixture.output("head -c 2000000 /dev/urandom > big"), services)
          yield* Fixture.refused(Effect.provideService(host.snapshot, SnapshotSize.Largest, 1_000_000), "SetupFailed")
          assert.deepStrictEqual(readdirSync(storeOf(fixture)), [])
          yield* Effect.provideService(host.snapshot, SnapshotSize.Largest, 3_000_000)
        })
      )
    }))

  test("one of a workspace that is written to meanwhile fails or is whole, and leaves no draft", (fixture) =>
    Effect.gen(function* () {
      const { open } = yield* Sandbox.Sandbox
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { host, services } = yield* open(fixture.spec())
          const writing = Fixture.output(
            "head -c 50000000 /dev/zero > big; i=0; while [ $i -lt 2000 ]; do i=$((i+1)); echo $i >> big; done"
          )
          const [made] = yield* Effect.all([Effect.result(host.snapshot), Effect.provideContext(writing, services)], {
            concurrency: "unbounded"
          })
          if (made._tag === "Failure") {
            assert.strictEqual(made.failure.reason, "SetupFailed")
            assert.include(made.failure.message, "writing")
          }
          assert.deepStrictEqual(
            readdirSync(storeOf(fixture)).filter((name) => name.endsWith("~")),
            []
          )
        })
      )
    }))

  test("an Empty workspace is restored as well", (_fixture) =>
    Effect.gen(function* () {
      const { discard } = yield* Sandbox.Sandbox
      const id = `empty-${process.pid}-${way}`
      const empty: SandboxSpec = { id, workspace: { _tag: "Empty" } }
      yield* Effect.gen(function* () {
        const from = yield* copy(empty, "echo x > file; mkdir -p a/b; chmod 711 a")
        assert.deepStrictEqual([from.files, from.bytes, from.commit], [1, 2, null])
        const again: SandboxSpec = { id: `${id}-2`, workspace: { _tag: "Empty", from } }
        const look = Fixture.output("cat file; stat -c %a a; ls a")
        assert.strictEqual(yield* Fixture.inside(again, look), "x\n711\nb")
        yield* discard(again)
      }).pipe(Effect.ensuring(Effect.ignore(discard(empty))))
    }))
}

register("copying", false)
requires("mount", StandIn.missing, () => register("mounting", true))

it("what is counted does not depend on how a tar file is cut into pieces", () => {
  const header = (name: string, size: number, type: string) => {
    const bytes = Buffer.alloc(512)
    bytes.write(name, 0)
    bytes.write(size.toString(8).padStart(11, "0"), 124)
    bytes.write(type, 156)
    return bytes
  }
  const content = (size: number) => Buffer.alloc(Math.ceil(size / 512) * 512, "x")
  const tar = Buffer.concat([
    header("a", 5, "0"),
    content(5),
    header("folder/", 0, "5"),
    header("long", 600, "L"),
    content(600),
    header("b", 1_024, "0"),
    content(1_024),
    header("link", 0, "2"),
    header("c", 0, "0"),
    Buffer.alloc(1_024)
  ])
  for (const size of [1, 7, 511, 512, 513, 4_096, tar.length]) {
    const count = TarCount.make()
    for (let at = 0; at < tar.length; at += size) count.take(tar.subarray(at, at + size))
    assert.deepStrictEqual([count.files(), count.bytes()], [3, 1_029], `in pieces of ${size}`)
  }
})
