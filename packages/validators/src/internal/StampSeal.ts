/** Signing a stamp and looking whether one can be believed, without asking anybody: keys, chain, authors, and what a verdict says. */
import * as Independence from "@millwright/agents/Independence"
import * as Actor from "@millwright/core/Actor"
import * as Contract from "@millwright/core/Contract"
import * as Digest from "@millwright/core/Digest"
import * as Fault from "@millwright/core/Fault"
import * as Verdict from "@millwright/core/Verdict"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { createPublicKey, type KeyObject, sign, verify } from "node:crypto"

/** A stamp can not be given, or not be believed. */
export class StampError extends Fault.Class<StampError>()("StampError", {
  /** Nothing supports the verdict. */
  NoEvidence: false,
  /** Nobody knows who wrote the change, so nobody can tell whether the signer did. */
  NoAuthor: false,
  /** Who signs is an author of the change. */
  SameActor: false,
  /** Who signs judged with a model of an author's family, or nobody knows which. */
  SameFamily: false,
  /** The house does not stamp this dimension. */
  UnknownDimension: false,
  /** The verdict is about another contract, does not come to what it says, or is not the one that was signed. */
  OtherVerdict: false,
  /** Nobody of the house has this key, or it is none that can sign. */
  UnknownKey: false,
  /** It was signed with the key of somebody else than it says. */
  OtherSigner: false,
  /** It is not what was signed. */
  BadSignature: false,
  /** It does not follow the stamp before it. */
  BrokenChain: false,
  /** Evidence is not kept any more. */
  EvidenceGone: false,
  /** Evidence is not what it was. */
  EvidenceAltered: false,
  /** Others stamp the same change all the time. */
  Contended: true
}) {}

const refuse = (reason: (typeof StampError.Type)["reason"], message: string) =>
  Result.fail(new StampError({ reason, message }))

type Checked = Result.Result<void, StampError>

/** A stamp in a message. */
export const named = ({ by, dimension, head }: Pick<Verdict.Stamp, "by" | "dimension" | "head">): string =>
  `${dimension} of ${Actor.label(by)} on ${head.slice(0, 12)}`

/** The digest of a public key. */
export const keyOf = (publicKey: KeyObject): Digest.Digest =>
  Digest.of(publicKey.export({ type: "spki", format: "der" }))

/** The digest of a whole stamp. */
export const digestOf = Verdict.stampDigest

/** The digest that a private key's stamps name it by. */
export const signing = (privateKey: KeyObject): Result.Result<Digest.Digest, StampError> =>
  privateKey.type === "private" && privateKey.asymmetricKeyType === "ed25519"
    ? Result.succeed(keyOf(createPublicKey(privateKey)))
    : refuse(
        "UnknownKey",
        `A stamp is signed with a private key of ed25519, and this is a ${privateKey.type} key of ${privateKey.asymmetricKeyType ?? "no such kind"}.`
      )

type Body = Omit<Verdict.Stamp, "signature">

// The digest stands for the sorted JSON of everything but the signature.
const signed = (body: Body): Buffer => Buffer.from(`millwright stamp ${Digest.ofJson(body)}`)

/** What a stamp is before it is looked at: its lists may be empty. */
export type Unsealed = Omit<Body, "authors" | "evidence"> & {
  readonly authors: ReadonlyArray<Actor.Actor>
  readonly evidence: ReadonlyArray<Digest.Digest>
}

/** Signs. A private key of ed25519 was looked for before. */
export const seal = (
  { authors, evidence, ...rest }: Unsealed,
  privateKey: KeyObject
): Result.Result<Verdict.Stamp, StampError> => {
  const [author, ...others] = authors
  const [first, ...more] = evidence
  if (author === undefined) return refuse("NoAuthor", nobody)
  if (first === undefined)
    return refuse("NoEvidence", `Nothing supports the verdict on ${rest.head.slice(0, 12)}. A stamp needs evidence.`)
  const body: Body = { ...rest, authors: [author, ...others], evidence: [first, ...more] }
  return Result.succeed({ ...body, signature: sign(null, signed(body), privateKey).toString("hex") })
}

const nobody =
  "Nobody knows who wrote the change, so nobody can tell whether the signer did. Stamp in the run that wrote it, or name its authors."

/** Whether two stamps say the same, by the same. */
export const saysTheSame = (stamp: Verdict.Stamp, other: Omit<Unsealed, "at" | "previous">): boolean =>
  stamp.key === other.key &&
  stamp.dimension === other.dimension &&
  stamp.head === other.head &&
  stamp.verdict === other.verdict &&
  Digest.ofJson(stamp.by) === Digest.ofJson(other.by)

/** Whether who signs is none of the authors, and no blind spot of theirs is the signer's. */
export const apart = (by: Actor.Actor, authors: ReadonlyArray<Actor.Actor>, policy: Independence.Policy): Checked => {
  if (authors.length === 0) return refuse("NoAuthor", nobody)
  const same = authors.find((author) => isSame(author, by))
  if (same !== undefined)
    return refuse(
      "SameActor",
      `${Actor.label(by)} wrote the change, and can not stamp it. Somebody else has to judge it.`
    )
  if (policy.family === "warn" || by._tag !== "Agent") return Result.void
  const familyOf = ({ model }: { readonly model?: string }) =>
    model === undefined ? undefined : Independence.familyOf(policy, model)
  const family = familyOf(by)
  const near = authors.find(
    (author) => author._tag === "Agent" && (family === undefined || familyOf(author) === family)
  )
  if (near === undefined) return Result.void
  return refuse(
    "SameFamily",
    family === undefined
      ? `Nobody knows with which model ${Actor.label(by)} judged, and an agent wrote the change. Name the model.`
      : `${Actor.label(by)} judged with the family ${family}, and ${Actor.label(near)} wrote with it. Judge with another family, or allow it with Independence.within({ family: "warn" }).`
  )
}

const isSame = (author: Actor.Actor, by: Actor.Actor): boolean => {
  if (author._tag === "Human") return by._tag === "Human" && by.name.toLowerCase() === author.name.toLowerCase()
  if (author._tag === "Agent") return by._tag === "Agent" && by.role === author.role
  return by._tag === "Host"
}

/** Whether a verdict is about this contract, and comes to what it says. */
export const honest = (verdict: Verdict.Verdict, contract: Contract.Contract): Checked => {
  if (!Contract.isIntact(contract)) {
    const message = `The contract of ${contract.item} was changed after it was frozen: its digest does not cover it. Stamp against the frozen one.`
    return refuse("OtherVerdict", message)
  }
  if (verdict.contract !== contract.digest) {
    const message = `The verdict of ${verdict.validator} is about the contract ${Digest.short(verdict.contract)}, and this is ${Digest.short(contract.digest)}.`
    return refuse("OtherVerdict", message)
  }
  if (Verdict.make(verdict.validator, contract, verdict.findings).accepted !== verdict.accepted) {
    return refuse(
      "OtherVerdict",
      `The findings of ${verdict.validator} do not come to what its verdict says. Make it with Verdict.make.`
    )
  }
  return Result.void
}

/** Whether a stamp is what its signer signed. */
export const genuine = (
  stamp: Verdict.Stamp,
  { by, publicKey }: { readonly by: Actor.Actor; readonly publicKey: KeyObject }
): Checked => {
  const { signature, ...body } = stamp
  if (!isSigned(body, signature, publicKey))
    return refuse("BadSignature", `The stamp ${named(stamp)} is not what was signed. Judge again.`)
  const isTheirs = by._tag === stamp.by._tag && isSame(by, stamp.by)
  return isTheirs
    ? Result.void
    : refuse("OtherSigner", `The stamp ${named(stamp)} was signed with the key of ${Actor.label(by)}. Judge again.`)
}

const isSigned = (body: Body, signature: string, publicKey: KeyObject): boolean => {
  try {
    return verify(null, signed(body), publicKey, Buffer.from(signature, "hex"))
  } catch {
    return false
  }
}

/** Whether a stamp names the one before it. */
export const follows = (stamp: Verdict.Stamp, before: Verdict.Stamp | undefined, chain?: string): Checked =>
  Verdict.follows(stamp, before, chain)
    ? Result.void
    : refuse(
        "BrokenChain",
        `The stamp ${named(stamp)} does not follow the one before it: one is missing, or was put in. Judge again.`
      )

/** Whether a chain ends where it has to. */
export const endsWith = (stamp: Verdict.Stamp | undefined, last: Digest.Digest | undefined): Checked =>
  last === undefined || (stamp !== undefined && digestOf(stamp) === last)
    ? Result.void
    : refuse(
        "BrokenChain",
        `The chain does not end with the stamp ${Digest.short(last)}: its end is missing. Read all of it.`
      )

const decode = Schema.decodeUnknownResult(Schema.fromJsonString(Verdict.Verdict))

/** Whether a kept verdict says what its stamp says. */
export const covers = (stamp: Verdict.Stamp, content: Uint8Array): Checked => {
  const verdict = Result.getOrUndefined(decode(Buffer.from(content).toString("utf8")))
  const evidence = verdict?.findings.flatMap(({ evidence }) => evidence.map(({ digest }) => digest)) ?? []
  return verdict?.accepted === stamp.accepted &&
    verdict.contract === stamp.contract &&
    Digest.ofJson([...new Set(evidence)]) === Digest.ofJson(stamp.evidence)
    ? Result.void
    : refuse(
        "OtherVerdict",
        `The stamp ${named(stamp)} says something else than the verdict that it names. Judge again.`
      )
}
