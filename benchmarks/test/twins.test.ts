import { assert, describe, it } from "@effect/vitest"
import { join } from "node:path"
import * as Command from "../../scripts/Command.ts"
import * as Shape from "../twins/Shape.ts"

const bench = (...args: ReadonlyArray<string>): Promise<Command.Ended> =>
  Command.run(process.execPath, [join(Command.root, "scripts", "bench.ts"), "twins", ...args])

describe("bench twins", () => {
  it("says how good each twin is, and that the same scenario ends in one state", { timeout: 120_000 }, async () => {
    const { code, output, stdout } = await bench("--writes", "20", "--runs", "3", "--json")
    assert.strictEqual(code, 0, output)
    const { figures, services } = JSON.parse(stdout)
    const value = (name: string): number => figures.find((each: { name: string }) => each.name === name)?.value
    assert.strictEqual(value("github: states after 3 runs"), 1)
    assert.strictEqual(value("model: states after 3 runs"), 1)
    assert.isAtLeast(value("github: fidelity, recorded"), 0.99, "the twin of GitHub differs from its recordings")
    assert.isAtLeast(value("github: fidelity, shape"), 0.99, "the twin of GitHub differs from GitHub's description")
    const [github] = services
    assert.lengthOf(github.reports, 11, "ten recordings and a description")
    for (const { compared, recordedOn, source } of github.reports) {
      assert.isAbove(compared, 0, `nothing was compared with ${source}`)
      assert.isTrue(recordedOn !== null || source.includes("openapi"), `${source} does not say when it was recorded`)
    }
  })

  it("refuses a service that it does not have", { timeout: 60_000 }, async () => {
    const { code, output } = await bench("--only", "nothing")
    assert.notStrictEqual(code, 0)
    assert.include(output, "github")
  })
})

describe("the shapes of answers", () => {
  const shapes: Shape.Shapes = {
    components: { User: { type: ["object", "null"], required: ["id"], properties: { id: { type: "integer" } } } },
    routes: {
      "GET /x": {
        200: {
          type: "object",
          required: ["user", "names"],
          properties: {
            user: { $ref: "User" },
            names: { type: "array", items: { type: "string" } },
            kind: { anyOf: [{ type: "string", enum: ["a", "b"] }, { type: "null" }] }
          }
        }
      }
    }
  }
  const differences = (body: unknown) =>
    Shape.check(shapes, [{ route: "GET /x", status: 200, body }]).counted.flatMap(({ agrees, at, kind }) =>
      agrees ? [] : [`${kind} ${at}`]
    )

  it("find what is missing, what nobody described, and what is of another type", () => {
    assert.deepStrictEqual(differences({ user: { id: 1 }, names: ["n"], kind: "a" }), [])
    assert.deepStrictEqual(differences({ user: null, names: [], kind: null }), [])
    assert.deepStrictEqual(differences({ user: { id: "1" }, names: [1], kind: "c", more: 1 }), [
      "type /body/user/id",
      "type /body/names/0",
      "value /body/kind",
      "extra /body/more"
    ])
    assert.deepStrictEqual(differences({}), ["missing /body/user", "missing /body/names"])
  })

  it("say which answers are not described", () => {
    const { counted, silent } = Shape.check(shapes, [{ route: "GET /y", status: 200, body: {} }])
    assert.deepStrictEqual([counted, silent], [[], ["GET /y 200"]])
  })
})
