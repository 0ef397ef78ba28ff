import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import * as WorktreeSandbox from "../src/adapters/WorktreeSandbox.ts"
import { fromDevcontainer, type Options } from "../src/Devcontainer.ts"
import type { SandboxSpec } from "../src/SandboxSpec.ts"
import * as Fixture from "../src/testing/Fixture.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => realpathSync(mkdtempSync(join(tmpdir(), "devcontainer-test-")))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const write = (file: string, text: string | Buffer) => {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

/** Reads a text as the file of a folder. */
const reading = (text: string | Buffer, options?: Options) =>
  Effect.scoped(
    Effect.gen(function* () {
      const path = yield* folder
      write(join(path, ".devcontainer", "devcontainer.json"), text)
      const read = yield* fromDevcontainer(path, options)
      return { ...read, path }
    })
  ).pipe(Effect.provide(NodeServices.layer))

const failing = (text: string | Buffer) => Effect.flip(reading(text))

describe("what is followed", () => {
  it.live("image, variables, mounts, ports, requirements and commands, with comments and trailing commas", () =>
    Effect.gen(function* () {
      process.env.MW_TEST_PLAIN = "plain"
      const { ignored, path, spec } = yield* reading(`\uFEFF// A comment
      {
        "name": "app", /* another */
        "image": "debian:12",
        "containerEnv": { "A": "1", "PLACE": "\${containerWorkspaceFolder}/x", "LOCAL": "\${localEnv:MW_TEST_PLAIN}/\${localEnv:MW_NOT_SET:other:wise}" },
        "remoteEnv": { "B": "\${containerEnv:A}2", "MW_TEST_PLAIN": "\${localEnv:MW_TEST_PLAIN}", "A": null, "KEPT": "\${unknown} \${HOME}" },
        "mounts": [
          "source=\${localWorkspaceFolder}/cache,target=/cache,type=bind,readonly,consistency=cached",
          { "source": "/data", "target": "/data", "type": "bind" },
          { "source": "volume", "target": "/v", "type": "volume" },
        ],
        "forwardPorts": [3000, "localhost:3001", "db:5432"],
        "appPort": "8000:3002",
        "hostRequirements": { "cpus": 2, "memory": "4gb", "storage": "512mb", "gpu": "optional" },
        "initializeCommand": "rm -rf /",
        "features": {},
        "made-up": 1,
      }`)
      delete process.env.MW_TEST_PLAIN
      assert.deepStrictEqual(spec, {
        image: "debian:12",
        env: { PLACE: `${path}/x`, LOCAL: "plain/other:wise", B: "12", KEPT: "${unknown} ${HOME}" },
        inherit: ["MW_TEST_PLAIN"],
        mounts: [
          { source: `${path}/cache`, target: "/cache", access: "Read" },
          { source: "/data", target: "/data", access: "Write" }
        ],
        ports: { PORT_3000: 3000, PORT_3001: 3001, PORT_3002: 3002 },
        limits: { cpus: 2, memory: 4 * 2 ** 30, disk: 512 * 2 ** 20 }
      })
      assert.deepStrictEqual(ignored.map(({ property }) => property).toSorted(), [
        "features",
        "forwardPorts[2]",
        "hostRequirements.gpu",
        "initializeCommand",
        "made-up",
        "mounts[2]",
        "name"
      ])
      assert.isTrue(
        ignored.every(({ why }) => why.length > 10),
        "each should have a reason"
      )
    })
  )

  it.live("secrets of the host are left out, unless the caller gives them, and hostile names are names", () =>
    Effect.gen(function* () {
      process.env.MW_API_TOKEN = "s3cret"
      const text = `{ "image": "x", "containerEnv": { "MW_API_TOKEN": "\${localEnv:MW_API_TOKEN}", "OTHER": "a\${localEnv:MW_API_TOKEN}" },
        "postCreateCommand": "echo \${localEnv:MW_API_TOKEN}", "__proto__": { "image": "y" }, "constructor": 1 }`
      const careful = yield* reading(text)
      const given = yield* reading(text, { localEnv: { MW_API_TOKEN: "given" } })
      delete process.env.MW_API_TOKEN
      assert.notInclude(JSON.stringify(careful), "s3cret")
      assert.deepStrictEqual(careful.spec, { image: "x" })
      assert.includeMembers(
        careful.ignored.map(({ property }) => property),
        ["containerEnv.MW_API_TOKEN", "containerEnv.OTHER", "postCreateCommand", "__proto__", "constructor"]
      )
      assert.deepStrictEqual(given.spec.env, { MW_API_TOKEN: "given", OTHER: "agiven" })
    })
  )

  it.live("commands as a text, a list and an object do what they say, whatever the values hold", () =>
    Effect.gen(function* () {
      const localEnv = { VALUE: 'a\'b "c" $(touch broken) `touch broken`' }
      const { spec } = yield* reading(
        JSON.stringify({
          onCreateCommand: 'printf "%s\\n" "${localEnv:VALUE}" > text',
          updateContentCommand: ["sh", "-c", 'printf "%s\\n" "$1" > list', "x", "${localEnv:VALUE}"],
          postCreateCommand: {
            one: "echo one > one; ) nothing (",
            two: ["touch", "two words"],
            three: "echo 3 > three"
          },
          postStartCommand: "",
          postAttachCommand: null
        }),
        { localEnv }
      )
      assert.deepStrictEqual(
        spec.setup?.map(({ name }) => name),
        ["onCreateCommand", "updateContentCommand", "postCreateCommand"]
      )
      assert.isUndefined(spec.start)
      yield* Effect.scoped(
        Effect.gen(function* () {
          const path = yield* folder
          const run = (script: string) => execFileSync("sh", ["-e", "-c", script], { cwd: path, stdio: "pipe" })
          const [text = "", list = "", object = ""] = spec.setup?.map(({ run }) => run) ?? []
          run(text)
          run(list)
          const read = (name: string) => execFileSync("cat", [name], { cwd: path, encoding: "utf8" })
          assert.strictEqual(read("text"), `${localEnv.VALUE}\n`)
          assert.strictEqual(read("list"), `${localEnv.VALUE}\n`)
          assert.throws(() => run(object), undefined, undefined, "one of them fails, so all of them did")
          assert.strictEqual(read("three"), "3\n", "the others should have run to their end")
          assert.deepStrictEqual(execFileSync("ls", { cwd: path, encoding: "utf8" }).trim().split("\n"), [
            "list",
            "text",
            "three",
            "two words"
          ])
        })
      )
    })
  )

  it.live("a sandbox opens with it", () =>
    Effect.gen(function* () {
      const { spec } = yield* reading(`{
        "containerEnv": { "GREETING": "hello" },
        "onCreateCommand": { "a": "echo $GREETING > a.txt", "b": ["touch", "b.txt"] },
        "postStartCommand": "echo started >> a.txt"
      }`)
      const fixture = yield* Fixture.repository
      const { id, workspace } = fixture.spec()
      const whole: SandboxSpec = { ...spec, id, workspace }
      const text = yield* Fixture.inside(whole, Fixture.output("cat a.txt; ls b.txt"))
      assert.strictEqual(text, "hello\nstarted\nb.txt")
    }).pipe(Effect.scoped, Effect.provide(Layer.provide(WorktreeSandbox.layer, NodeServices.layer)))
  )
})

describe("where it is", () => {
  it.live("in .devcontainer, beside it, in the only folder of it, or where it is said to be", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const path = yield* folder
        const image = (name: string, from = path) =>
          Effect.map(fromDevcontainer(from), ({ spec }) => assert.strictEqual(spec.image, name))
        const reason = (from: string) => Effect.map(Effect.flip(fromDevcontainer(from)), ({ reason }) => reason)
        assert.strictEqual(yield* reason(path), "NoSuchSource")
        assert.strictEqual(yield* reason(join(path, "missing")), "NoSuchSource")
        write(
          join(path, ".devcontainer", "a", "devcontainer.json"),
          '{"image":"a","containerEnv":{"R":"${localWorkspaceFolder}"}}'
        )
        yield* image("a")
        write(join(path, ".devcontainer", "b", "devcontainer.json"), '{"image":"b"}')
        assert.strictEqual(yield* reason(path), "BadSpec", "which one is meant is not known")
        const { spec } = yield* fromDevcontainer(join(path, ".devcontainer", "a", "devcontainer.json"))
        assert.deepStrictEqual([spec.image, spec.env?.R], ["a", path])
        write(join(path, ".devcontainer.json"), '{"image":"c"}')
        yield* image("c")
        write(join(path, ".devcontainer", "devcontainer.json"), '{"image":"d"}')
        yield* image("d")
        write(join(path, "odd\nname;$(x).json"), '{"image":"e","containerEnv":{"R":"${localWorkspaceFolderBasename}"}}')
        yield* image("e", join(path, "odd\nname;$(x).json"))
        execFileSync("mkfifo", [join(path, "pipe")])
        assert.strictEqual(yield* reason(join(path, "pipe")), "NoSuchSource", "a pipe should not be waited for")
      })
    ).pipe(Effect.provide(NodeServices.layer))
  )
})

describe("what is wrong", () => {
  const wrong: Record<string, readonly [text: string | Buffer, place: string]> = {
    "a missing comma": ['{\n  "image": "x"\n  "name": "y"\n}', ":3:3: "],
    "no end": ['{ "image": "x"', ":1:15: "],
    nothing: ["", ":1:1: "],
    "a list": ["[]", ":1:1: "],
    "a number for an image": ['{ "image": 1 }', ":1:12: "],
    "a number for a variable": ['{ "containerEnv": {\n "A": 1 } }', ":2:7: "],
    "a list for variables": ['{ "containerEnv": [] }', ":1:19: "],
    "a number for a command": ['{ "postCreateCommand": 1 }', ":1:24: "],
    "a number in a command": ['{ "postCreateCommand": ["a", 1] }', ":1:30: "],
    "a port that is none": ['{ "forwardPorts": [70000] }', ":1:20: "],
    "a size that is none": ['{ "hostRequirements": { "memory": "much" } }', ":1:35: "],
    "a relative mount": ['{ "mounts": ["source=data,target=/data,type=bind"] }', ":1:14: "],
    "a mount that leads up": ['{ "mounts": ["source=/a/../b,target=/data,type=bind"] }', ":1:14: "],
    "an image with a line break": ['{ "image": "a\\nb" }', "image"],
    "a file in Latin-1": [Buffer.from('{ "image": "é" }', "latin1"), "UTF-8"],
    "a file without end": [Buffer.alloc(2_000_000, " "), "bytes"],
    "a hundred thousand values, the last of which is wrong": [
      `{ "forwardPorts": [${"1,".repeat(100_000)}\n"x"] }`,
      ":2:1: "
    ],
    "a deep nest": ["[".repeat(200_000), ":1:"]
  }
  for (const [what, [text, place]] of Object.entries(wrong)) {
    it.live(`${what} is a bad spec, and the message says where`, () =>
      Effect.map(failing(text), ({ message, reason }) => {
        assert.strictEqual(reason, "BadSpec", message)
        assert.include(message, place)
      })
    )
  }

  it.live("a file of which nothing can be followed says so, with the reasons", () =>
    Effect.gen(function* () {
      for (const text of [
        "{}",
        '{ "build": { "dockerfile": "Dockerfile" } }',
        '{ "dockerComposeFile": "x.yml", "service": "a" }'
      ]) {
        const { message, reason } = yield* failing(text)
        assert.strictEqual(reason, "NoSuchSource", message)
        if (text !== "{}") assert.match(message, /build|dockerComposeFile/)
      }
    })
  )
})
