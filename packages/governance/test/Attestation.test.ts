import { assert, describe, it } from "@effect/vitest"
import * as Actor from "@millwright/core/Actor"
import * as Contract from "@millwright/core/Contract"
import * as Digest from "@millwright/core/Digest"
import type * as Intervention from "@millwright/core/Intervention"
import * as Verdict from "@millwright/core/Verdict"
import * as Result from "effect/Result"
import { generateKeyPairSync } from "node:crypto"
import * as Attestation from "../src/Attestation.ts"
import * as Envelope from "../src/Envelope.ts"

const key = generateKeyPairSync("ed25519")
const other = generateKeyPairSync("ed25519")
const head = "c".repeat(40)
const contract = Contract.freeze("issue-1", [{ statement: "it works" }])
const verdict = Verdict.make(
  "commands",
  contract,
  contract.assertions.map(({ id }) => ({
    assertion: id,
    status: "pass" as const,
    reason: "the secret is hunter2",
    evidence: [Verdict.evidence({ kind: "command", summary: "tests", content: "ok", excerpt: "a text of a tool" })]
  }))
)

/** Stamps in a chain; the order of their signatures does not matter here. */
const chainOf = (heads: ReadonlyArray<string>): ReadonlyArray<Verdict.Stamp> => {
  const stamps: Array<Verdict.Stamp> = []
  for (const [at, head] of heads.entries()) {
    const before = stamps.at(-1)
    stamps.push({
      chain: "issue-1.1",
      dimension: "quality",
      verdict: Digest.of(JSON.stringify(verdict)),
      accepted: true,
      contract: contract.digest,
      head,
      by: Actor.host,
      authors: [Actor.human("Ada")],
      evidence: [Digest.of("ok")],
      at,
      previous: before === undefined ? null : Verdict.stampDigest(before),
      key: Digest.of("key"),
      signature: "0".repeat(128)
    })
  }
  return stamps
}
const stamps = chainOf(["a".repeat(40), head, head])

const intervention = (id: string, answered: Intervention.Intervention["answered"]): Intervention.Intervention => ({
  ...{ id, line: null, run: null, item: null, stage: null, name: "merge", kind: "approve", cause: "policy" },
  ...{ question: "May it?", openedAt: 1, reminders: 0, level: 0, to: null, answered, before: null, after: null },
  ...{ ref: null, fix: null }
})
const by = { by: Actor.human("Ada"), at: 6, answer: null, waited: 5 }
const interventions: Intervention.Ledger = new Map(
  [
    intervention("one", { ...by, activeMinutes: 1.5 }),
    intervention("two", { ...by, activeMinutes: null }),
    { ...intervention("three", null), kind: "edit" as const }
  ].map((each) => [each.id, each])
)

const given: Attestation.Given = {
  head,
  repository: "example/shop",
  verdict,
  stamps,
  interventions,
  manifest: Digest.of("m")
}
const statement = Result.getOrThrow(Attestation.make(given))
const sealed = (statement: Attestation.Statement) => Result.getOrThrow(Attestation.sign(statement, [key.privateKey]))
const expected: Attestation.Expected = { head, keys: [key] }
const outcome = <A, E extends { readonly reason: string }>(result: Result.Result<A, E>) =>
  Result.match(result, { onSuccess: () => "good", onFailure: ({ reason }): string => reason })
const withStamps = (stamps: ReadonlyArray<Verdict.Stamp>) =>
  sealed({ ...statement, predicate: { ...statement.predicate, stamps } })

describe("Attestation", () => {
  it("says of a commit what is known of it, and none of what was said", () => {
    const read = Result.getOrThrow(Attestation.verify(sealed(statement), expected))
    assert.deepStrictEqual(read, statement, "what was attested is what is read")
    assert.deepStrictEqual(read.subject, [{ name: "example/shop", digest: { gitCommit: head } }], "the commit")
    assert.strictEqual(read.predicate.verdict?.digest, stamps[0]?.verdict, "the verdict, as stamps name it")
    assert.deepStrictEqual(
      { ...read.predicate.interventions, digest: undefined },
      {
        count: 3,
        open: 1,
        kinds: { approve: 2, edit: 1 },
        activeMinutes: { measured: 1.5, unknown: 2 },
        digest: undefined
      },
      "how often humans were needed"
    )
    for (const text of ["hunter2", "a text of a tool", "May it?"]) {
      assert.notInclude(Attestation.write(statement), text, "nothing that somebody wrote")
    }
  })

  it("is a statement of in-toto in its envelope, with one text for one content", () => {
    const envelope = sealed(statement)
    assert.strictEqual(envelope.payloadType, "application/vnd.in-toto+json", "the kind that in-toto registered")
    const payload = Buffer.from(envelope.payload, "base64").toString()
    const { _type, predicateType, subject } = JSON.parse(payload)
    assert.deepStrictEqual(
      [_type, predicateType, subject],
      ["https://in-toto.io/Statement/v1", Attestation.predicateType, statement.subject],
      "the fields of a statement"
    )
    const { head, ...rest } = given
    const again = Result.getOrThrow(Attestation.make({ ...rest, head }))
    assert.strictEqual(Envelope.write(sealed(again)), Envelope.write(envelope), "made again, it is the same")
    assert.strictEqual(Attestation.write(JSON.parse(payload)), payload, "keys are sorted")
  })

  it("attests what little is known", () => {
    const bare = Result.getOrThrow(Attestation.make({ head: "d".repeat(64), repository: "r" }))
    const read = Result.getOrThrow(Attestation.verify(sealed(bare), { ...expected, head: "d".repeat(64) }))
    assert.deepStrictEqual(
      read.predicate,
      { verdict: null, stamps: [], interventions: null, manifest: null },
      "nothing is said of what was not given"
    )
  })

  it("believes no chain of which a stamp is missing, altered, put in or out of its place", () => {
    const [a, b, c] = stamps
    if (a === undefined || b === undefined || c === undefined) return assert.fail("three stamps")
    const broken = {
      "the first is missing": [b, c],
      "one is missing": [a, c],
      "one is altered": [{ ...a, accepted: false }, b, c],
      "two are out of place": [a, c, b],
      "one is there twice": [a, b, b, c],
      "one is of another chain": [a, { ...b, chain: "issue-2.1" }]
    }
    for (const [name, chain] of Object.entries(broken)) {
      assert.strictEqual(outcome(Attestation.verify(withStamps(chain), expected)), "BrokenChain", name)
      assert.strictEqual(
        outcome(Attestation.make({ ...given, stamps: chain })),
        "BrokenChain",
        `${name}, to begin with`
      )
    }
    const last = Verdict.stampDigest(c)
    assert.strictEqual(outcome(Attestation.verify(withStamps(stamps), { ...expected, last })), "good", "all of it")
    for (const chain of [[a, b], []]) {
      const cut = Attestation.verify(withStamps(chain), { ...expected, last })
      assert.strictEqual(outcome(cut), "BrokenChain", `its end is missing: ${chain.length} stamps`)
    }
    assert.strictEqual(outcome(Attestation.verify(withStamps([a]), expected)), "BrokenChain", "none is of the commit")
  })

  it("says why it does not believe", () => {
    const envelope = sealed(statement)
    const signed = (payload: string, payloadType = Attestation.payloadType) =>
      Result.getOrThrow(Envelope.sign({ payloadType, payload }, [key.privateKey]))
    const cases: ReadonlyArray<readonly [string, Envelope.Envelope, Partial<Attestation.Expected>]> = [
      ["OtherSubject", envelope, { head: "e".repeat(40) }],
      ["UnknownKey", envelope, { keys: [other] }],
      ["TooFewSignatures", envelope, { keys: [key, other], threshold: 2 }],
      ["BadSignature", { ...envelope, payload: signed("{}").payload }, {}],
      ["OtherPayloadType", signed(Attestation.write(statement), "text/plain"), {}],
      ["Malformed", signed("no JSON"), {}],
      ["Malformed", signed("{}"), {}],
      ["Malformed", signed(Attestation.write(statement).replace("Statement/v1", "Statement/v0.1")), {}],
      ["Malformed", signed(Attestation.write(statement).replace("change/v1", "change/v2")), {}],
      ["Malformed", signed(Attestation.write(statement).replace(`"gitCommit":"${head}"`, `"gitCommit":"HEAD"`)), {}]
    ]
    for (const [reason, envelope, more] of cases) {
      assert.strictEqual(outcome(Attestation.verify(envelope, { ...expected, ...more })), reason, reason)
    }
    assert.strictEqual(outcome(Attestation.make({ ...given, head: "HEAD" })), "Malformed", "a name of a commit")
  })
})
