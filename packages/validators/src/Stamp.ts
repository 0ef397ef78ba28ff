/**
 * A **stamp**: a validator signs its verdict on one dimension of a change with a key of its own. Stamps of a change are a chain; each
 * names the one before it, so none can be taken out of the middle, altered or put in later.
 *
 * - Whoever signs is none of the authors, and by policy (`Independence`) shares no family of models with one. Who wrote is a fold over
 *   the journal; nobody has to be told.
 * - A stamp has evidence, and all of it is kept in the `EvidenceStore`: {@link give} and {@link verify} read it back.
 * - {@link verify} tells which stamp is wrong and how. That stamps are missing at the end, only somebody can tell who knows the last:
 *   `last`, or the journal.
 *
 * ```ts
 * import * as Stamp from "@millwright/validators/Stamp"
 * import * as Actor from "@millwright/core/Actor"
 * import { generateKeyPairSync } from "node:crypto"
 *
 * const { publicKey } = generateKeyPairSync("ed25519")
 * export const house = Stamp.house({
 *   dimensions: [...Stamp.dimensions, "latency"],
 *   signers: [{ by: Actor.host, publicKey }]
 * })
 * ```
 */
import * as Independence from "@millwright/agents/Independence"
import type * as Actor from "@millwright/core/Actor"
import type * as Contract from "@millwright/core/Contract"
import * as Digest from "@millwright/core/Digest"
import * as Journal from "@millwright/core/Journal"
import * as Verdict from "@millwright/core/Verdict"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { createPublicKey, type KeyObject } from "node:crypto"
import * as EvidenceStore from "./EvidenceStore.ts"
import * as StampSeal from "./internal/StampSeal.ts"

export {
  /** A stamp can not be given, or not be believed. */
  StampError,
  /** The digest of a public key, which stamps name it by. */
  keyOf,
  /** The digest of a whole stamp, which the next one names. */
  digestOf
} from "./internal/StampSeal.ts"

/** What stamps usually speak for. */
export const dimensions = [
  "quality",
  "reliability",
  "security",
  "performance",
  "accessibility",
  "maintainability"
] as const

/** Who may sign, with which key. Of an agent, its role counts: its model stands in the stamp. */
export interface Signer {
  readonly by: Actor.Actor
  /** Of the type ed25519. */
  readonly publicKey: KeyObject
  /** What this key may speak for. Left out: all that the house stamps. */
  readonly dimensions?: ReadonlyArray<string>
}

/** What a house stamps, and who does it. The dimensions are closed: a stamp for another one is refused. */
export interface House<Dimension extends string = string> {
  readonly dimensions: ReadonlyArray<Dimension>
  readonly signers: ReadonlyArray<Signer>
}

/** Makes a house. Dimensions are words in small letters. */
export const house = <const Dimension extends string>(options: House<Dimension>): House<Dimension> => options

/** What is stamped. */
export interface Given<Dimension extends string> {
  readonly dimension: Dimension
  readonly verdict: Verdict.Verdict
  readonly contract: Contract.Contract
  /** The commit that was judged. */
  readonly head: string
  readonly privateKey: KeyObject
  /** The model that judged, where the signer is an agent. */
  readonly model?: string
  /** Who wrote the change beside those that the journal of the run knows, such as people. */
  readonly authors?: ReadonlyArray<Actor.Actor>
}

/**
 * Signs a verdict, and records it as a fact `StampGiven`. The same verdict once more, by the same key and on the same dimension, gives
 * the stamp that stands. Stamps that are given at once come one after the other.
 */
export const give = Effect.fnUntraced(function* <Dimension extends string>(
  house: House<Dimension>,
  given: Given<NoInfer<Dimension>>
): Effect.fn.Return<
  Verdict.Stamp,
  StampSeal.StampError | EvidenceStore.EvidenceStoreError | Journal.JournalError,
  Journal.Journal | EvidenceStore.EvidenceStore
> {
  const { contract, dimension, head, privateKey, verdict } = given
  const { run } = yield* Journal.Origin
  const key = yield* Effect.fromResult(StampSeal.signing(privateKey))
  const { by } = yield* Effect.fromResult(signerOf(house, { key, dimension }))
  const authors = [...(yield* written), ...(given.authors ?? [])]
  const actor = by._tag === "Agent" && given.model !== undefined ? { ...by, model: given.model } : by
  yield* Effect.fromResult(StampSeal.apart(actor, authors, yield* Independence.Policy))
  yield* Effect.fromResult(StampSeal.honest(verdict, contract))
  const evidence = evidenceOf(verdict)
  const store = yield* EvidenceStore.EvidenceStore
  yield* Effect.forEach(evidence, (digest) => kept(digest, `the verdict of ${verdict.validator}`), { discard: true })
  const body = {
    chain: run ?? contract.item,
    dimension,
    verdict: yield* store.keep(JSON.stringify(verdict)),
    accepted: verdict.accepted,
    contract: contract.digest,
    head,
    by: actor,
    authors,
    evidence,
    key
  }
  for (let attempt = 0; attempt < attempts; attempt++) {
    const chain = yield* read(contract.item)
    const same = chain.find((stamp) => StampSeal.saysTheSame(stamp, body))
    if (same !== undefined) return same
    const last = chain.at(-1)
    const previous = last === undefined ? null : StampSeal.digestOf(last)
    const stamp = yield* Effect.fromResult(
      StampSeal.seal({ ...body, previous, at: yield* Clock.currentTimeMillis }, privateKey)
    )
    // Of two that would follow the same one, one stands.
    const { fact } = yield* Journal.record({ _tag: "StampGiven", stamp }, `stamp/${body.chain}/${previous ?? ""}`)
    if (fact._tag === "StampGiven" && StampSeal.digestOf(fact.stamp) === StampSeal.digestOf(stamp)) return stamp
  }
  return yield* new StampSeal.StampError({
    reason: "Contended",
    message: `${attempts} times another stamp of ${body.chain} came first. Give fewer at once, or try again.`
  })
})

const attempts = 200

/** The stamps of the run that is in force, outside of runs those of an item, in order, as the journal has them: {@link verify} them. */
export const read = Effect.fnUntraced(function* (item: string) {
  const { run } = yield* Journal.Origin
  const chain = run ?? item
  return yield* Journal.fold(
    new Array<Verdict.Stamp>(),
    (stamps, { fact }) => (fact._tag === "StampGiven" && fact.stamp.chain === chain ? [...stamps, fact.stamp] : stamps),
    run ?? undefined
  )
})

/** The agents that wrote, with each model that they wrote with. */
const written = Effect.gen(function* () {
  const { authors } = yield* Independence.Policy
  const { models } = yield* Independence.read
  return Object.entries(models)
    .filter(([role]) => authors.some((author) => role === author || role.startsWith(`${author}/`)))
    .flatMap(([role, names]) => names.map((model): Actor.Actor => ({ _tag: "Agent", role, model })))
})

const evidenceOf = (verdict: Verdict.Verdict): ReadonlyArray<Digest.Digest> => [
  ...new Set(verdict.findings.flatMap(({ evidence }) => evidence.map(({ digest }) => digest)))
]

/** The content of evidence; what is gone or altered makes a stamp worth nothing. */
const kept = Effect.fnUntraced(function* (digest: Digest.Digest, of: string) {
  const store = yield* EvidenceStore.EvidenceStore
  return yield* Effect.mapError(store.read(digest), (error) =>
    error.reason === "StoreUnavailable"
      ? error
      : new StampSeal.StampError({
          reason: error.reason === "NotKept" ? "EvidenceGone" : "EvidenceAltered",
          message: `Evidence ${Digest.short(digest)} of ${of} ${error.reason === "NotKept" ? "is not kept" : "is not what it was"}. Judge again.`,
          cause: error
        })
  )
})

const signerOf = (
  { dimensions, signers }: House,
  { dimension, key }: { readonly key: Digest.Digest; readonly dimension: string }
): Result.Result<Signer, StampSeal.StampError> => {
  const signer = signers.find(({ publicKey }) => StampSeal.keyOf(publicKey) === key)
  if (signer === undefined) {
    const message = `The key ${Digest.short(key)} is nobody's who may sign here. Name its public half among the signers of the house.`
    return Result.fail(new StampSeal.StampError({ reason: "UnknownKey", message }))
  }
  if (signer.dimensions?.includes(dimension) === false) {
    const message = `The key ${Digest.short(key)} may sign ${signer.dimensions.join(", ")}, and not ${JSON.stringify(dimension)}. Take the key of somebody who may.`
    return Result.fail(new StampSeal.StampError({ reason: "UnknownDimension", message }))
  }
  if (dimensions.includes(dimension) && Schema.is(Verdict.Dimension)(dimension)) return Result.succeed(signer)
  const message = `The house stamps ${dimensions.join(", ")}, and not ${JSON.stringify(dimension)}. Add it, or take one of these.`
  return Result.fail(new StampSeal.StampError({ reason: "UnknownDimension", message }))
}

/** What a chain of stamps has to be. */
export interface Expected {
  /** The digest of the last stamp, where somebody knows it: without it, nobody sees that the end is missing. */
  readonly last?: Digest.Digest
  /** The run, outside of runs the item, that the stamps have to be of: without it, those of another one are believed as well. */
  readonly chain?: string
}

/** The stamps, if every one can be believed: key, signature, chain, who signed, and all evidence as it was. */
export const verify = Effect.fnUntraced(function* (
  house: House,
  stamps: ReadonlyArray<Verdict.Stamp>,
  { chain, last }: Expected = {}
): Effect.fn.Return<
  ReadonlyArray<Verdict.Stamp>,
  StampSeal.StampError | EvidenceStore.EvidenceStoreError,
  EvidenceStore.EvidenceStore
> {
  const policy = yield* Independence.Policy
  let previous: Verdict.Stamp | undefined
  for (const stamp of stamps) {
    const signer = yield* Effect.fromResult(signerOf(house, stamp))
    yield* Effect.fromResult(StampSeal.genuine(stamp, signer))
    yield* Effect.fromResult(StampSeal.follows(stamp, previous, chain))
    yield* Effect.fromResult(StampSeal.apart(stamp.by, stamp.authors, policy))
    const of = `the stamp ${StampSeal.named(stamp)}`
    yield* Effect.forEach(stamp.evidence, (digest) => kept(digest, of), { discard: true })
    yield* Effect.fromResult(StampSeal.covers(stamp, yield* kept(stamp.verdict, of)))
    previous = stamp
  }
  yield* Effect.fromResult(StampSeal.endsWith(previous, last))
  return stamps
})

/** What is stamped of one commit against one contract: the newest stamp of each dimension. One of another commit counts for nothing. */
export const standing = (
  stamps: ReadonlyArray<Verdict.Stamp>,
  { contract, head }: { readonly head: string; readonly contract: Digest.Digest }
): ReadonlyMap<string, Verdict.Stamp> =>
  new Map(
    stamps
      .filter((stamp) => stamp.head === head && stamp.contract === contract)
      .map((stamp) => [stamp.dimension, stamp])
  )

/** The public half of a key, for the house. */
export const publicKeyOf = (privateKey: KeyObject): KeyObject => createPublicKey(privateKey)
