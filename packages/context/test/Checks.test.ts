import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Checks from "../src/Checks.ts"
import * as RepositoryContext from "../src/RepositoryContext.ts"
import { repository } from "./Repository.ts"

const detect = (files: Record<string, string>) =>
  Checks.detect(new Map(Object.entries(files))).map(({ command, name }) => `${name}: ${command}`)

const manifest = (value: unknown) => JSON.stringify(value)

describe("Checks.detect", () => {
  const scripts = { scripts: { test: "vitest", "type-check": "tsc", lint: "eslint ." } }
  it("runs scripts with the package manager that the lock file names", () => {
    for (const [lock, run] of [
      ["pnpm-lock.yaml", "pnpm"],
      ["yarn.lock", "yarn"],
      ["bun.lock", "bun"],
      ["bun.lockb", "bun"],
      ["package-lock.json", "npm"],
      ["x", "npm"]
    ] as const) {
      assert.deepStrictEqual(detect({ "package.json": manifest(scripts), [lock]: "" }), [
        `test: ${run} run test`,
        `typecheck: ${run} run type-check`,
        `lint: ${run} run lint`
      ])
    }
    assert.deepStrictEqual(
      detect({ "package.json": manifest({ ...scripts, packageManager: "pnpm@12.18.0" }) })[0],
      "test: pnpm run test"
    )
  })

  it("knows TypeScript without a script, and no test from a placeholder", () => {
    const text = manifest({
      scripts: { test: 'echo "Error: no test specified" && exit 1' },
      devDependencies: { typescript: "7" }
    })
    assert.deepStrictEqual(detect({ "package.json": text, "tsconfig.json": "" }), [
      "typecheck: npx --no-install tsc --noEmit"
    ])
    assert.deepStrictEqual(detect({ "package.json": text }), [])
  })

  it("knows Rust, Go, Python and make", () => {
    assert.deepStrictEqual(detect({ "Cargo.toml": "" }), [
      "test: cargo test",
      "typecheck: cargo check --all-targets",
      "lint: cargo clippy --all-targets"
    ])
    assert.deepStrictEqual(detect({ "go.mod": "" }), [
      "test: go test ./...",
      "typecheck: go build ./...",
      "lint: go vet ./..."
    ])
    const project = '[project]\ndependencies = ["pytest>=8"]\n[tool.mypy]\nstrict = true\n[tool.ruff.lint]\n'
    assert.deepStrictEqual(detect({ "pyproject.toml": project }), [
      "test: python -m pytest",
      "typecheck: python -m mypy .",
      "lint: python -m ruff check ."
    ])
    assert.deepStrictEqual(detect({ "pyproject.toml": "[tool.pytest.ini_options]", "uv.lock": "" }), [
      "test: uv run pytest"
    ])
    assert.deepStrictEqual(detect({ "setup.cfg": "[flake8]\n[tool:pytest]\n" }), [
      "test: python -m pytest",
      "lint: python -m flake8"
    ])
    assert.deepStrictEqual(
      detect({ Makefile: "VAR := x\ntest: build\n\tgo\nlint :\n\ttypecheck:\ntypecheck := 1\n" }),
      ["test: make test", "lint: make lint"]
    )
    assert.deepStrictEqual(
      detect({ "go.mod": "", Makefile: "test:\nlint:\n" }).length,
      3,
      "make is asked only for what nothing else says"
    )
  })

  it.prop(
    "reads any manifest, and puts nothing of it into a command",
    [Schema.Union([Schema.String, Schema.Json])],
    ([value]) => {
      const text = typeof value === "string" ? value : JSON.stringify(value)
      for (const { command } of Checks.detect(
        new Map([
          ["package.json", text],
          ["pyproject.toml", text],
          ["Makefile", text]
        ])
      )) {
        assert.match(command, /^[a-z][a-z -]*[a-z.]( run)? ?[a-z:-]*$/)
      }
    }
  )

  it("takes no command from a hostile manifest", () => {
    assert.deepStrictEqual(
      detect({
        "package.json": manifest({ scripts: { "test; rm -rf /": "x", __proto__: "x" }, packageManager: "evil; rm@1" })
      }),
      []
    )
    assert.deepStrictEqual(detect({ "package.json": '{"scripts": ["test"]' }), [])
    assert.deepStrictEqual(detect({ "package.json": '{"scripts":{"test":"x"},"packageManager":"evil; rm@1"}' }), [
      "test: npm run test"
    ])
  })
})

describe("RepositoryContext.checks", () => {
  it.live("reads the commit, not the working tree, and no folder below", () =>
    Effect.gen(function* () {
      const { directory } = yield* repository({
        "package.json": manifest({ scripts: { test: "vitest" } }),
        "yarn.lock": "",
        "sub/go.mod": "x",
        "Cargo.toml": { content: "/etc/passwd", mode: "120000" }
      })
      assert.deepStrictEqual(yield* RepositoryContext.checks({ directory }), [
        { name: "test", command: "yarn run test" }
      ])
    }).pipe(Effect.provide(NodeServices.layer))
  )
})
