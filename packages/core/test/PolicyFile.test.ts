import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fs from "node:fs"
import * as ChangeFacts from "../src/ChangeFacts.ts"
import * as Policy from "../src/Policy.ts"
import { commit, repository, test, write } from "./Repository.ts"

const file = ".millwright/policy.yaml"

describe("Policy.atBase", () => {
  test("is careful where the base has no policy, whatever the head brings", () =>
    Effect.gen(function* () {
      const { base, dir } = yield* repository
      write(dir, file, 'rules:\n  - { name: all, paths: ["**"], class: AutoShip }\n')
      write(dir, "a.md", "a\n")
      commit(dir)
      const at = yield* Policy.atBase(dir, { base })
      assert.strictEqual(at.path, undefined)
      const decision = Policy.classify(at.policy, yield* ChangeFacts.read(dir, { base, head: "HEAD" }))
      assert.strictEqual(decision._tag, "HardStop", "a change can not bring the policy that it is judged by")
    }))

  test("judges a change of the policy by the policy before, wherever it lies and whatever it ships", () =>
    Effect.gen(function* () {
      const { dir } = yield* repository
      const path = "rules [all].yaml"
      write(dir, path, 'rules:\n  - { name: all, paths: ["**"], class: AutoShip, allows: [Executable] }\nmaxLines: 9\n')
      const base = commit(dir)
      write(dir, path, "rules: []\n")
      commit(dir)
      const at = yield* Policy.atBase(dir, { base, path })
      assert.deepStrictEqual([at.path, at.policy.maxLines], [path, 9])
      const decision = Policy.classify(at.policy, yield* ChangeFacts.read(dir, { base, head: "HEAD" }))
      assert.deepInclude(decision, { _tag: "HardStop", rule: "the policy itself", paths: [path] })
    }))

  test("adds to the preset, and reads who has which role", () =>
    Effect.gen(function* () {
      const { dir } = yield* repository
      write(
        dir,
        ".millwright/policy.json",
        JSON.stringify({
          extends: "careful",
          rules: [{ name: "small tools", paths: ["tools/**"], class: "AutoShip" }],
          people: { ada: ["domain expert"] }
        })
      )
      const at = yield* Policy.atBase(dir, { base: commit(dir) })
      assert.deepStrictEqual(at.people, { ada: ["domain expert"] })
      assert.isTrue(at.policy.rules.length > Policy.careful.rules.length)
      assert.strictEqual(at.policy.maxFiles, Policy.careful.maxFiles)
    }))

  for (const [name, text, said] of [
    ["what is no YAML", "rules: [", "can not be read"],
    ["a glob that YAML takes for a reference", "rules:\n  - { name: a, paths: [**/x], class: AutoShip }\n", file],
    ["a class that there is not", 'rules:\n  - { name: a, paths: ["x"], class: Ship }\n', "rules.0.class"],
    ["a field that there is not", "maxLine: 3\n", "maxLine"],
    [
      "a rule that ships by a trait",
      'rules:\n  - { name: a, paths: ["x"], traits: [Auth], class: AutoShip }\n',
      "only raise"
    ],
    ["a rule of nothing", "rules:\n  - { name: a, class: HardStop }\n", "paths"],
    ["no reviewers at all", 'rules:\n  - { name: a, paths: ["x"], class: HumanReview, reviewers: 0 }\n', "reviewers"],
    ["an anchor", "a: &a [1]\nrules: []\n", "line 1"],
    ["a list", "- a\n", "no policy"],
    ["nothing", "", "no policy"],
    ["too much", `# ${"a".repeat(70_000)}\n`, "bytes"]
  ] as const) {
    test(`refuses ${name}, and says where`, () =>
      Effect.gen(function* () {
        const { dir } = yield* repository
        write(dir, file, text)
        const error = yield* Effect.flip(Policy.atBase(dir, { base: commit(dir) }))
        assert.strictEqual(error._tag, "PolicyError", error.message)
        assert.include(error.message, said)
        assert.include(error.message, file, "the file is named")
      }))
  }

  test("refuses a link, two policies, and a base that there is not", () =>
    Effect.gen(function* () {
      const { dir } = yield* repository
      Fs.mkdirSync(`${dir}/.millwright`)
      Fs.symlinkSync("../README.md", `${dir}/${file}`)
      assert.include((yield* Effect.flip(Policy.atBase(dir, { base: commit(dir) }))).message, "no plain file")
      Fs.rmSync(`${dir}/${file}`)
      write(dir, file, "rules: []\n")
      write(dir, ".millwright/policy.json", "{}")
      assert.include((yield* Effect.flip(Policy.atBase(dir, { base: commit(dir) }))).message, "not the only policy")
      assert.strictEqual((yield* Effect.flip(Policy.atBase(dir, { base: "none" }))).reason, "UnknownRevision")
    }))
})
