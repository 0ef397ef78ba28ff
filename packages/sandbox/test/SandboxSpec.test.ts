import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Sandbox from "../src/Sandbox.ts"
import { type SandboxSpec, SandboxSpec as Spec } from "../src/SandboxSpec.ts"
import * as Supports from "../src/Supports.ts"

const checkout = { _tag: "Checkout", repository: "/repository", base: "main", branch: "b" } as const
const base: SandboxSpec = { id: "work-1", workspace: checkout }
const snapshot = { id: "s", sandbox: "x", commit: null, files: 1, bytes: 1, digest: "d" }

const whole: SandboxSpec = {
  id: "work-1",
  workspace: { ...checkout, fresh: { at: "main" }, from: snapshot, deliver: "Merge" },
  companions: { api: { repository: "/api", base: "main", branch: "b" } },
  mounts: [{ source: "/usr/share/x", target: "/x", access: "Read" }],
  env: { A: 'it\'s "$(odd)"\n' },
  inherit: ["B"],
  secrets: [{ handle: "key", hosts: ["example.invalid"], as: { _tag: "Header", name: "x", prefix: "Bearer " } }],
  egress: { _tag: "Allow", domains: ["example.invalid", "*.example.invalid:8443"] },
  registry: { hosts: ["registry.example.invalid"], packages: ["@scope/*"], minimumAge: 1, lockFileOnly: true },
  ports: { PORT: null, API_PORT: 4_000 },
  limits: { cpus: 0.5, memory: 1, processes: 1, disk: 1, wall: 1 },
  image: "image",
  setup: [{ name: "install", run: "true", timeout: 1, fatal: false }],
  start: [{ name: "serve", run: "true" }]
}

describe("a spec", () => {
  it.effect("is data: it survives being written and read", () =>
    Effect.gen(function* () {
      const text = JSON.stringify(yield* Schema.encodeEffect(Spec)(whole))
      assert.deepStrictEqual(yield* Sandbox.spec(JSON.parse(text)), whole)
    })
  )

  const folder = (path: string) => ({ id: "x", workspace: { _tag: "Folder", path } })
  const bad: Record<string, unknown> = {
    nothing: undefined,
    "no workspace": { id: "x" },
    "an unknown kind of workspace": { id: "x", workspace: { _tag: "Other" } },
    "an unknown field": { ...base, netwrok: true },
    "an unknown field of the workspace": { ...base, workspace: { ...checkout, bracnh: "x" } },
    "an empty id": { ...base, id: "" },
    "an id that leads out": { ...base, id: "../x" },
    "an id with a line break": { ...base, id: "x\n" },
    "an id that begins with a dash": { ...base, id: "-x" },
    "an id of 101 characters": { ...base, id: "x".repeat(101) },
    "an id with NUL": { ...base, id: "x\0" },
    "a repository with a line break": { ...base, workspace: { ...checkout, repository: "/a\nb" } },
    "a repository with NUL": { ...base, workspace: { ...checkout, repository: "/a\0b" } },
    "a repository of 5,000 characters": { ...base, workspace: { ...checkout, repository: `/${"x".repeat(5_000)}` } },
    "an empty repository": { ...base, workspace: { ...checkout, repository: "" } },
    "a relative folder": folder("a/b"),
    "a folder with `..`": folder("/a/../b"),
    "a folder that ends with `..`": folder("/a/.."),
    "a folder with a line break": folder("/a\nb"),
    "a companion whose name leads out": { ...base, companions: { "../x": whole.companions?.api } },
    "a mount to a relative path": { ...base, mounts: [{ source: "/a", target: "b", access: "Read" }] },
    "a mount with another access": { ...base, mounts: [{ source: "/a", access: "Execute" }] },
    "a variable with `=`": { ...base, env: { "A=B": "x" } },
    "a value with NUL": { ...base, env: { A: "x\0" } },
    "a port of 0": { ...base, ports: { PORT: 0 } },
    "a port of 65,536": { ...base, ports: { PORT: 65_536 } },
    "a port of half a number": { ...base, ports: { PORT: 1.5 } },
    "no processor": { ...base, limits: { cpus: 0 } },
    "endless processors": { ...base, limits: { cpus: Number.POSITIVE_INFINITY } },
    "memory below 0": { ...base, limits: { memory: -1 } },
    "a phase without a name": { ...base, setup: [{ name: "", run: "true" }] },
    "a phase that runs nothing": { ...base, setup: [{ name: "x", run: "" }] },
    "a secret for no host": { ...base, secrets: [{ handle: "x", hosts: [], as: { _tag: "Header", name: "x" } }] },
    "more than a thousand domains": { ...base, egress: { _tag: "Allow", domains: Array(1_001).fill("a.invalid") } }
  }
  for (const [what, input] of Object.entries(bad)) {
    it.effect(`with ${what} fails with BadSpec`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Sandbox.spec(input))
        assert.strictEqual(error.reason, "BadSpec")
        assert.isBelow(error.message.length, 6_000)
      })
    )
  }

  const mount = { source: "/a", access: "Read" }
  const told: ReadonlyArray<readonly [input: unknown, says: string]> = [
    [undefined, "it must be an object"],
    [{ id: "x" }, "workspace is missing"],
    [{ ...base, id: 3 }, "id must be a string"],
    [{ ...base, id: "../x" }, "id must be a name of 1 to 100 letters, digits"],
    [{ ...base, netwrok: true }, "unknown field netwrok"],
    [{ ...base, "a\nb": true }, 'unknown field "a\\nb"'],
    [{ ...base, limits: { mem: 1 } }, "unknown field limits.mem"],
    [{ ...base, workspace: { ...checkout, bracnh: "x" } }, "unknown field workspace.bracnh"],
    [
      { ...base, workspace: { _tag: "Other" } },
      "workspace must be an object whose `_tag` is Checkout, Folder or Empty"
    ],
    [{ ...base, workspace: { ...checkout, repository: "" } }, "workspace.repository must be a text of 1 to 4096"],
    [{ ...base, workspace: { ...checkout, fresh: "x" } }, "workspace.fresh must be true, false or"],
    [folder("a/b"), "workspace.path must be an absolute path"],
    [folder(""), "workspace.path must be an absolute path"],
    [folder("/a/../b"), "workspace.path must be a path without `..`"],
    [folder("/.."), "workspace.path must be a path without `..`"],
    [folder("/a\nb"), "workspace.path must be a path without line breaks"],
    [folder(`/${"x".repeat(5_000)}`), "workspace.path must be a path of 4096 characters at most"],
    [{ ...base, mounts: {} }, "mounts must be an array"],
    [{ ...base, mounts: [mount, { ...mount, target: "b" }] }, "mounts[1].target must be an absolute path"],
    [{ ...base, mounts: [{ ...mount, access: "X" }] }, 'mounts[0].access must be "Read" or "Write"'],
    [{ ...base, env: { "A=B": "x" } }, 'env["A=B"] must be a name of 1 to 200 letters'],
    [{ ...base, env: { A: "x\0" } }, "env.A must be a text without NUL"],
    [{ ...base, inherit: ["A-"] }, "inherit[0] must be a name of 1 to 200 letters"],
    [{ ...base, companions: { "../x": whole.companions?.api } }, 'companions["../x"] must be a name'],
    [{ ...base, ports: { PORT: 0 } }, "ports.PORT must be a port of 1 to 65535, or null"],
    [{ ...base, limits: { memory: "1g" } }, "limits.memory must be a number"],
    [{ ...base, limits: { cpus: 0 } }, "limits.cpus must be greater than 0"],
    [{ ...base, setup: [{ name: "x", run: "" }] }, "setup[0].run must be a script"],
    [{ ...base, egress: "Deny" }, "egress must be an object whose `_tag` is Deny, Allow or Open"],
    [{ ...base, egress: { _tag: "Allow", domains: Array(1_001).fill("a") } }, "egress.domains must be 1000 domains"]
  ]
  for (const [input, says] of told) {
    it.effect(`says: ${says}`, () =>
      Effect.gen(function* () {
        const { message } = yield* Effect.flip(Sandbox.spec(input))
        assert.include(message, `The spec of the sandbox is not one: ${says}`)
        assert.notMatch(message, /RegExp|Expected|excess|readonly/)
      })
    )
  }

  it("of 300 characters in a path, and with spaces and signs of a shell, is one", () => {
    const path = `/${"x".repeat(299)}/ $(odd) 'it' -rf`
    assert.isTrue(Schema.is(Spec)(folder(path)))
  })
})

describe("what an adapter does not support", () => {
  it("is named, all of it, when it can do nothing", () => {
    assert.deepStrictEqual(Supports.missing(Supports.none, base), [])
    assert.deepStrictEqual(Supports.missing({ ...Supports.none, limits: [], workspaces: [] }, whole), [
      "workspace Checkout",
      "companions",
      "workspace.from",
      "mounts",
      "egress Allow",
      "secrets",
      "registry",
      "a fixed port",
      "image",
      "limits.cpus",
      "limits.memory",
      "limits.processes",
      "limits.disk",
      "limits.wall"
    ])
  })

  it("is nothing, when it can do everything", () => {
    const all: Supports.Supports = {
      isolation: "os",
      companions: true,
      workspaces: ["Checkout", "Folder", "Empty"],
      network: "allow",
      broker: true,
      mounts: true,
      ports: true,
      snapshot: true,
      pause: true,
      image: true,
      limits: ["cpus", "memory", "processes", "disk", "wall"],
      killsTree: true
    }
    assert.deepStrictEqual(Supports.missing(all, whole), [])
    assert.deepStrictEqual(Supports.missing({ ...all, network: "deny" }, whole), ["egress Allow"])
    assert.deepStrictEqual(Supports.missing({ ...all, network: "deny" }, { ...base, egress: { _tag: "Open" } }), [])
  })

  it("is not what is left out or asks for nothing", () => {
    const nothing = { ...base, companions: {}, mounts: [], secrets: [], ports: { PORT: null }, limits: {} }
    assert.deepStrictEqual(Supports.missing({ ...Supports.none, limits: [] }, nothing), [])
  })

  it("is a snapshot of a companion as well", () => {
    const companion = { repository: "/x", base: "main", branch: "b", from: snapshot }
    const all = { ...Supports.none, companions: true }
    assert.deepStrictEqual(Supports.missing(all, { ...base, companions: { companion } }), ["workspace.from"])
    assert.deepStrictEqual(
      Supports.missing(
        { ...Supports.none, workspaces: ["Empty"] },
        { ...base, workspace: { _tag: "Empty", from: snapshot } }
      ),
      ["workspace.from"]
    )
  })
})
