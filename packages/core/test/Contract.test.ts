import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as Contract from "../src/Contract.ts"

const clause = Schema.Struct({ statement: Contract.Assertion.fields.statement, check: Contract.Assertion.fields.check })
const clauses = Arbitrary.filterMap(
  Arbitrary.array(Arbitrary.schema(clause), { minLength: 1, maxLength: 6 }),
  Schema.decodeUnknownResult(Schema.NonEmptyArray(clause))
)

describe("Contract", () => {
  it.prop(
    "is intact when it is frozen, also after it was written and read",
    [Schema.String, clauses],
    ([item, all]) => {
      const contract = Contract.freeze(item, all)
      assert.isTrue(Schema.is(Contract.Contract)(contract), "a contract as its schema has it")
      assert.isTrue(Contract.isIntact(contract), "it is intact")
      const read = Schema.decodeUnknownSync(Contract.Contract)(JSON.parse(JSON.stringify(contract)))
      assert.isTrue(Contract.isIntact(read), "it is intact after JSON")
      assert.deepStrictEqual(Contract.freeze(item, all), contract, "the same clauses are the same contract")
      assert.strictEqual(
        new Set(contract.assertions.map(({ id }) => id)).size,
        all.length,
        "every assertion has its own address"
      )
    }
  )

  it.prop("is not intact when anything in it is another", [Schema.String, clauses], ([item, all]) => {
    const contract = Contract.freeze(item, all)
    const [first, ...rest] = contract.assertions
    const altered: ReadonlyArray<Contract.Contract> = [
      { ...contract, item: `${item}!` },
      { ...contract, assertions: [{ ...first, statement: `${first.statement} or not` }, ...rest] },
      {
        ...contract,
        assertions: [{ ...first, check: { _tag: "Command", run: `${JSON.stringify(first.check)} || true` } }, ...rest]
      },
      { ...contract, assertions: [first, ...rest, { ...first, id: "VAL-999" }] },
      { ...contract, assertions: [{ ...first, id: "VAL-998" }, ...rest] },
      Contract.freeze(item, [...all, { statement: "one more" }])
    ]
    altered.forEach((each, index) =>
      assert.isFalse(Contract.isIntact({ ...each, digest: contract.digest }), `alteration ${index} is seen`)
    )
  })

  it("gives addresses in order, and lets no clause bring its own", () => {
    const smuggled = { statement: "b", id: "VAL-001" }
    const contract = Contract.freeze("item", [{ statement: "a" }, smuggled])
    assert.deepStrictEqual(
      contract.assertions.map(({ id }) => id),
      ["VAL-001", "VAL-002"]
    )
    const many = Contract.freeze("item", [
      { statement: "a" },
      ...Array.from({ length: 1_000 }, () => ({ statement: "b" }))
    ])
    assert.strictEqual(many.assertions.at(-1)?.id, "VAL-1001", "past 999 the address grows")
  })
})
