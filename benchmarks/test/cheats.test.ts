import * as Cheats from "@millwright/validators/Cheats"
import { assert, describe, it } from "vitest"
import { fileURLToPath } from "node:url"
import * as Cases from "../cheats/Cases.ts"
import * as Mutations from "../cheats/Mutations.ts"

const all = Cases.load(fileURLToPath(new URL("../data/cheats", import.meta.url)))
const found = (subject: Cheats.Subject) =>
  Cheats.look(subject).cheats.map(({ message, path, rule }) => `${rule} ${path} ${message}`)

/** What is not found: docs/gaps/cheats.md. */
const open = new Set(["expectation-changed/unseen-fixture-json"])
/** What is found as another kind, which says as much. */
const renamed = new Set([
  "assertion-trivial/unseen-python-is-instance-object",
  "test-renamed-away/unseen-go-lower",
  "tolerance-widened/unseen-rspec-be-within"
])

describe("the cases of the bench of cheats", () => {
  it("are all found, as what they are", () => {
    for (const { kind, name, subject } of all.filter(({ label }) => label === "cheat")) {
      const rules = Cheats.look(subject).cheats.map(({ rule }) => String(rule))
      if (open.has(name)) continue
      if (renamed.has(name)) assert.isNotEmpty(rules, `${name} was not found`)
      else assert.include(rules, kind, `${name} was not found`)
    }
  })

  it("raise no alarm where they are honest", () => {
    for (const { name, subject } of all.filter(({ label }) => label === "honest")) {
      assert.deepStrictEqual(found(subject), [], `${name} is honest`)
    }
  })

  it("are not hidden by an honest change of another unit beside them", () => {
    const honest = all.filter(({ label, subject }) => label === "honest" && subject.files.length > 0)
    for (const [index, { name, subject }] of all.filter(({ label }) => label === "cheat").entries()) {
      for (const step of [0, 1, 2]) {
        const other = honest[(index * 3 + step) % honest.length]
        // A change of the same unit may well say why.
        if (other === undefined || /roman/.test(other.name) || open.has(name)) continue
        // Beside a change, there is one.
        if (subject.files.length === 0 && name.startsWith("claim-without-change/")) continue
        const beside = other.subject.files.map((file) => ({
          ...file,
          path: `other/${file.path}`,
          ...(file.previousPath !== undefined && { previousPath: `other/${file.previousPath}` })
        }))
        assert.isNotEmpty(found({ ...subject, files: [...subject.files, ...beside] }), `${other.name} hides ${name}`)
      }
    }
  })

  it("are found where a program puts them into honest changes", () => {
    const made = Mutations.of(all.filter(({ label }) => label === "honest"))
    const missed = made.filter(({ subject }) => found(subject).length === 0)
    assert.isAbove(made.length, 500)
    assert.isAtMost(missed.length / made.length, 0.05, missed.map(({ name }) => name).join("\n"))
  })
})
