import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import * as Independence from "@millwright/agents/Independence"
import * as MemoryJournal from "@millwright/core/adapters/MemoryJournal"
import * as Actor from "@millwright/core/Actor"
import * as Contract from "@millwright/core/Contract"
import * as Digest from "@millwright/core/Digest"
import * as Journal from "@millwright/core/Journal"
import * as Usage from "@millwright/core/Usage"
import * as Verdict from "@millwright/core/Verdict"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto"
import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as EvidenceStore from "../src/EvidenceStore.ts"
import * as Stamp from "../src/Stamp.ts"

const host = generateKeyPairSync("ed25519")
const ada = generateKeyPairSync("ed25519")
const reviewer = generateKeyPairSync("ed25519")
const author = generateKeyPairSync("ed25519")
const stranger = generateKeyPairSync("ed25519")
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 })

const agent = (role: string, model?: string): Actor.Actor => ({
  _tag: "Agent",
  role,
  ...(model !== undefined && { model })
})
const house = Stamp.house({
  dimensions: [...Stamp.dimensions, "latency"],
  signers: [
    { by: Actor.host, publicKey: host.publicKey },
    { by: Actor.human("ada"), publicKey: ada.publicKey },
    { by: agent("Review"), publicKey: reviewer.publicKey },
    { by: agent("Implement"), publicKey: author.publicKey }
  ]
})

const contract = Contract.freeze("issue-1", [{ statement: "a" }, { statement: "b" }])
const content = "the output of the tests"
const evidence = (text: string) => Verdict.evidence({ kind: "command", summary: "tests", content: text, excerpt: text })
const judged = (...texts: ReadonlyArray<string>) =>
  Verdict.make(
    "commands",
    contract,
    contract.assertions.map(({ id }) => ({
      assertion: id,
      status: "pass",
      reason: "fine",
      evidence: texts.map(evidence)
    }))
  )
const verdict = judged(content)
const head = "c".repeat(40)

const wrote = (role: string, model: string) =>
  Journal.as(agent(role, model))(
    Journal.record({
      _tag: "ModelCalled",
      model,
      provider: "p",
      usage: Usage.zero,
      cost: Usage.unknown("a test"),
      latency: 1,
      rehearsed: true
    })
  )

const kept = Effect.gen(function* () {
  const store = yield* EvidenceStore.EvidenceStore
  yield* store.keep(content)
})

const given = { dimension: "quality", verdict, contract, head, privateKey: host.privateKey } as const
const byAgent = { authors: [agent("Implement", "claude-opus-4-5")] }

const layer = Layer.merge(EvidenceStore.layerMemory, MemoryJournal.layer)
const test = (
  title: string,
  body: Effect.Effect<void, unknown, EvidenceStore.EvidenceStore | Journal.Journal | NodeServices.NodeServices>
) => it.effect(title, () => Effect.provide(body, Layer.merge(layer, NodeServices.layer)))

const reasonOf = <A, R>(effect: Effect.Effect<A, { readonly _tag: string; readonly message: string }, R>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.isAbove(error.message.length, 30, "the message says what and how to mend it")
    return Reflect.get(error, "reason")
  })

describe("giving a stamp", () => {
  test(
    "signs a verdict, chains it to the one before, and records it",
    Effect.gen(function* () {
      yield* kept
      const first = yield* Stamp.give(house, { ...given, ...byAgent })
      const second = yield* Stamp.give(house, {
        ...given,
        ...byAgent,
        dimension: "latency",
        privateKey: ada.privateKey
      })
      assert.deepInclude(first, { previous: null, accepted: true, contract: contract.digest, head, by: Actor.host })
      assert.strictEqual(second.previous, Stamp.digestOf(first))
      assert.deepStrictEqual(second.by, Actor.human("ada"))
      const stamps = yield* Stamp.read("issue-1")
      assert.deepStrictEqual(stamps, [first, second])
      assert.isTrue(stamps.every(Schema.is(Verdict.Stamp)))
      assert.deepStrictEqual(yield* Stamp.verify(house, stamps, { last: Stamp.digestOf(second) }), stamps)
      assert.deepStrictEqual(
        [...Stamp.standing(stamps, { head, contract: contract.digest }).keys()],
        ["quality", "latency"]
      )
      assert.strictEqual(
        Stamp.standing(stamps, { head: "d".repeat(40), contract: contract.digest }).size,
        0,
        "a new commit voids it"
      )
    })
  )

  test(
    "gives the same stamp for the same verdict once more",
    Effect.gen(function* () {
      yield* kept
      const first = yield* Stamp.give(house, { ...given, ...byAgent })
      assert.deepStrictEqual(yield* Stamp.give(house, { ...given, ...byAgent }), first)
      assert.strictEqual((yield* Stamp.read("issue-1")).length, 1)
    })
  )

  test(
    "puts stamps that are given at once one after the other",
    Effect.gen(function* () {
      yield* kept
      yield* Effect.forEach(house.dimensions, (dimension) => Stamp.give(house, { ...given, ...byAgent, dimension }), {
        concurrency: "unbounded"
      })
      const stamps = yield* Stamp.read("issue-1")
      assert.strictEqual(stamps.length, house.dimensions.length)
      yield* Stamp.verify(house, stamps)
    })
  )

  test(
    "knows from the journal who wrote, and refuses a signer of an author's family",
    Effect.gen(function* () {
      yield* kept
      assert.strictEqual(yield* reasonOf(Stamp.give(house, given)), "NoAuthor")
      yield* wrote("Implement", "claude-opus-4-5")
      yield* wrote("Implement/Help", "gpt-5")
      yield* wrote("Triage", "gemini-3")
      const review = { ...given, privateKey: reviewer.privateKey }
      assert.strictEqual(yield* reasonOf(Stamp.give(house, review)), "SameFamily", "of which family nobody knows")
      for (const model of ["claude-sonnet-4-5", "gpt-5-mini"]) {
        assert.strictEqual(yield* reasonOf(Stamp.give(house, { ...review, model })), "SameFamily")
      }
      const stamp = yield* Stamp.give(house, { ...review, model: "gemini-3" })
      assert.deepStrictEqual(stamp.by, agent("Review", "gemini-3"))
      assert.deepStrictEqual(stamp.authors, [agent("Implement", "claude-opus-4-5"), agent("Implement/Help", "gpt-5")])
      const near = Stamp.give(house, { ...review, model: "claude-sonnet-4-5" }).pipe(
        Independence.within({ family: "warn" })
      )
      assert.strictEqual((yield* near).previous, Stamp.digestOf(stamp), "where the policy allows it")
    })
  )

  const other = Contract.freeze("issue-1", [{ statement: "something else" }])
  for (const [what, change, reason] of [
    ["an author signs", { privateKey: author.privateKey, model: "gpt-5" }, "SameActor"],
    ["a person signs what they wrote", { privateKey: ada.privateKey, authors: [Actor.human("Ada")] }, "SameActor"],
    ["nobody of the house has the key", { privateKey: stranger.privateKey }, "UnknownKey"],
    ["the key can not sign", { privateKey: rsa.privateKey }, "UnknownKey"],
    ["the key is the public one", { privateKey: host.publicKey }, "UnknownKey"],
    ["nothing supports it", { verdict: judged() }, "NoEvidence"],
    ["its evidence is kept nowhere", { verdict: judged("never kept") }, "EvidenceGone"],
    ["its verdict is about another contract", { contract: other }, "OtherVerdict"],
    ["its verdict accepts what its findings do not", { verdict: { ...judged(), accepted: true } }, "OtherVerdict"]
  ] as const) {
    test(
      `is refused where ${what}: ${reason}`,
      Effect.gen(function* () {
        yield* kept
        assert.strictEqual(yield* reasonOf(Stamp.give(house, { ...given, ...byAgent, ...change })), reason)
        assert.isEmpty(yield* Stamp.read("issue-1"), "it was recorded all the same")
      })
    )
  }

  test(
    "is refused for a dimension that the house does not have, by type and when it runs",
    Effect.gen(function* () {
      yield* kept
      const small = Stamp.house({ ...house, dimensions: ["quality"] })
      // @ts-expect-error The house has no such dimension.
      const vibes: Parameters<typeof Stamp.give<"quality">>[1] = { ...given, ...byAgent, dimension: "vibes" }
      assert.strictEqual(yield* reasonOf(Stamp.give(small, vibes)), "UnknownDimension")
      // @ts-expect-error Nor does the call compile.
      Stamp.give(small, { ...given, dimension: "vibes" })
    })
  )
})

/** Three stamps, and a store whose files a test can alter. */
const chain = Effect.gen(function* () {
  yield* kept
  const store = yield* EvidenceStore.EvidenceStore
  yield* store.keep("more")
  const all = [
    { ...given, ...byAgent },
    { ...given, ...byAgent, dimension: "security" as const },
    { ...given, ...byAgent, verdict: judged("more") }
  ]
  return yield* Effect.forEach(all, (each) => Stamp.give(house, each))
})

/** A stamp that somebody with a key signed by hand. */
const resealed = (
  { signature: _, ...stamp }: Verdict.Stamp,
  changes: Partial<Verdict.Stamp>,
  { privateKey }: { readonly privateKey: KeyObject }
) => {
  const { signature: _signature, ...body } = { ...stamp, ...changes, signature: "" }
  return {
    ...body,
    signature: sign(null, Buffer.from(`millwright stamp ${Digest.ofJson(body)}`), privateKey).toString("hex")
  }
}

describe("believing stamps", () => {
  for (const [what, alter, reason] of [
    ["the first is missing", ([, b, c]) => [b, c], "BrokenChain"],
    ["one of the middle is missing", ([a, , c]) => [a, c], "BrokenChain"],
    ["the last is missing, and somebody knows it", ([a, b]) => [a, b], "BrokenChain"],
    ["two stand in another order", ([a, b, c]) => [b, a, c], "BrokenChain"],
    ["one stands twice", ([a, b, c]) => [a, a, b, c], "BrokenChain"],
    [
      "it says that a refused change was accepted",
      ([a, b, c]) => [a, { ...b, accepted: !b.accepted }, c],
      "BadSignature"
    ],
    ["it is put on another commit", ([a, b, c]) => [{ ...a, head: "d".repeat(40) }, b, c], "BadSignature"],
    ["its evidence is another", ([a, b, c]) => [a, { ...b, evidence: [Digest.of("x")] as const }, c], "BadSignature"],
    ["its signature is no signature", ([a, b, c]) => [a, b, { ...c, signature: "0".repeat(128) }], "BadSignature"],
    [
      "its key is a stranger's",
      ([a, b, c]) => [a, b, resealed(c, { key: Stamp.keyOf(stranger.publicKey) }, stranger)],
      "UnknownKey"
    ],
    [
      "it was signed with another's key",
      ([a, b, c]) => [a, b, resealed(c, { key: Stamp.keyOf(ada.publicKey) }, ada)],
      "OtherSigner"
    ],
    ["its signer wrote the change", ([a, b, c]) => [a, b, resealed(c, { authors: [Actor.host] }, host)], "SameActor"],
    [
      "its dimension is none of the house",
      ([a, b, c]) => [a, b, resealed(c, { dimension: "vibes" }, host)],
      "UnknownDimension"
    ],
    [
      "its signer says something else than the verdict",
      ([a, b, c]) => [a, b, resealed(c, { accepted: false }, host)],
      "OtherVerdict"
    ],
    ["it is of another chain", ([a, b, c]) => [a, b, resealed(c, { chain: "issue-2" }, host)], "BrokenChain"]
  ] satisfies ReadonlyArray<
    readonly [
      string,
      (chain: readonly [Verdict.Stamp, Verdict.Stamp, Verdict.Stamp]) => ReadonlyArray<Verdict.Stamp>,
      string
    ]
  >) {
    test(
      `is refused where ${what}: ${reason}`,
      Effect.gen(function* () {
        const [a, b, c] = yield* chain
        if (a === undefined || b === undefined || c === undefined) return assert.fail("there are three")
        const verified = Stamp.verify(house, alter([a, b, c]), { last: Stamp.digestOf(c) })
        assert.strictEqual(yield* reasonOf(verified), reason)
      })
    )
  }

  const inFolder = <A, E>(
    body: (folder: string) => Effect.Effect<A, E, EvidenceStore.EvidenceStore | Journal.Journal>
  ) =>
    Effect.acquireUseRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "millwright-stamps-"))),
      (folder) => Effect.provide(body(folder), Layer.merge(EvidenceStore.layerFolder(folder), MemoryJournal.layer)),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
    )
  for (const [what, alter, reason] of [
    ["gone", (file) => unlinkSync(file), "EvidenceGone"],
    ["altered", (file) => writeFileSync(file, "better output"), "EvidenceAltered"]
  ] satisfies ReadonlyArray<readonly [string, (file: string) => void, string]>) {
    for (const of of ["evidence", "verdict"] as const) {
      test(
        `is refused where its ${of} is ${what}: ${reason}`,
        inFolder((folder) =>
          Effect.gen(function* () {
            const stamps = yield* chain
            yield* Stamp.verify(house, stamps)
            const [stamp] = stamps
            if (stamp === undefined) return assert.fail("there are three")
            alter(join(folder, of === "verdict" ? stamp.verdict : stamp.evidence[0]))
            assert.strictEqual(yield* reasonOf(Stamp.verify(house, stamps)), reason)
          })
        )
      )
    }
  }

  test(
    "of no stamps is right, unless somebody knows the last",
    Effect.gen(function* () {
      assert.isEmpty(yield* Stamp.verify(house, []))
      assert.strictEqual(yield* reasonOf(Stamp.verify(house, [], { last: Digest.of("x") })), "BrokenChain")
    })
  )

  it.effect.prop(
    "sees whatever is changed in a chain",
    [
      Arbitrary.schema(
        Schema.Literals(["chain", "dimension", "verdict", "contract", "head", "at", "previous", "key", "signature"])
      ),
      Arbitrary.schema(Schema.Literals([0, 1, 2]))
    ],
    ([field, place]) =>
      Effect.gen(function* () {
        const stamps = yield* chain
        const altered = stamps.map((stamp, at) => {
          if (at !== place) return stamp
          const changes = {
            chain: "x",
            dimension: "latency",
            verdict: Digest.of("y"),
            contract: Digest.of("y"),
            head: "y",
            at: stamp.at + 1,
            previous: Digest.of("y"),
            key: Stamp.keyOf(ada.publicKey),
            signature: "ab".repeat(64)
          }
          return { ...stamp, [field]: changes[field] }
        })
        yield* Effect.flip(Stamp.verify(house, altered))
      }).pipe(Effect.provide(layer, { local: true })),
    { arbitrary: { runs: 40 } }
  )

  test(
    "refuses a key that may sign, but not this; a contract that was altered below its digest; and stamps of another run",
    Effect.gen(function* () {
      yield* kept
      const [quality, ...others] = house.signers
      if (quality === undefined) return assert.fail("there is one")
      const narrow = { ...house, signers: [{ ...quality, dimensions: ["quality"] }, ...others] }
      const stamp = yield* Stamp.give(narrow, { ...given, ...byAgent })
      const security = { ...given, ...byAgent, dimension: "security" as const }
      assert.strictEqual(yield* reasonOf(Stamp.give(narrow, security)), "UnknownDimension")
      // Given while the key could still sign everything.
      const wide = yield* Stamp.give(house, security)
      assert.strictEqual(yield* reasonOf(Stamp.verify(narrow, [stamp, wide])), "UnknownDimension")
      const altered = { ...contract, assertions: [contract.assertions[0]] as const }
      const half = Verdict.make("commands", altered, judged(content).findings.slice(0, 1))
      assert.strictEqual(
        yield* reasonOf(Stamp.give(house, { ...given, ...byAgent, verdict: half, contract: altered })),
        "OtherVerdict"
      )
      assert.strictEqual(yield* reasonOf(Stamp.verify(house, [stamp, wide], { chain: "issue-2.1" })), "BrokenChain")
      assert.lengthOf(yield* Stamp.verify(house, [stamp, wide], { chain: "issue-1" }), 2)
    })
  )

  it("takes keys as people keep them", () => {
    const pem = host.privateKey.export({ type: "pkcs8", format: "pem" })
    assert.strictEqual(Stamp.keyOf(createPublicKey(createPrivateKey(pem))), Stamp.keyOf(host.publicKey))
  })
})
