/**
 * An **attestation**: what a factory says of one commit, for whoever has neither its journal nor its store. It is an in-toto Statement v1
 * (https://in-toto.io/Statement/v1) in a DSSE `Envelope`: the verdict, the whole chain of stamps, how often humans were needed, and what
 * the run ran with, by digest.
 *
 * It carries no text that a model or a tool wrote: statuses, counts and digests alone. What it is made of again gives the same bytes.
 *
 * {@link verify} looks at the signatures of the envelope, the commit, and whether each stamp follows the one before it. Whether the
 * signers of the stamps may stamp, and whether their evidence is still kept, `Stamp.verify` of `@millwright/validators` says.
 */
import * as Digest from "@millwright/core/Digest"
import * as Fault from "@millwright/core/Fault"
import type * as Intervention from "@millwright/core/Intervention"
import * as Verdict from "@millwright/core/Verdict"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { KeyObject } from "node:crypto"
import * as Envelope from "./Envelope.ts"
import * as OutsideJson from "./internal/OutsideJson.ts"

/** The kind of bytes that an envelope with a statement of in-toto holds. */
export const payloadType = "application/vnd.in-toto+json"

/** What says that a predicate is a {@link Predicate}. It is a name, and does not have to be an address. */
export const predicateType = "https://millwright.dev/attestation/change/v1"

/** A verdict without what was said: who judged against which contract, and what came of it. */
export const Judgement = Schema.Struct({
  validator: Schema.NonEmptyString,
  contract: Digest.Digest,
  accepted: Schema.Boolean,
  /** The digest of the whole verdict, as stamps name it. */
  digest: Digest.Digest,
  findings: Schema.Array(
    Schema.Struct({ assertion: Schema.String, status: Verdict.Status, evidence: Schema.Array(Digest.Digest) })
  )
})

/** How often humans were needed or stepped in. */
export const HumanPart = Schema.Struct({
  /** The digest of all interventions, in the order of the ledger. */
  digest: Digest.Digest,
  count: Schema.Natural,
  /** Of those, without an answer. */
  open: Schema.Natural,
  kinds: Schema.Record(Schema.String, Schema.Natural),
  /** Minutes of work that were measured, and of how many interventions nobody measured them. */
  activeMinutes: Schema.Struct({ measured: Schema.Finite, unknown: Schema.Natural })
})

/** What is said of a commit. `null`: nothing is said of it. */
export const Predicate = Schema.Struct({
  verdict: Schema.NullOr(Judgement),
  /** All of the chain, from its first stamp. */
  stamps: Schema.Array(Verdict.Stamp),
  interventions: Schema.NullOr(HumanPart),
  /** The digest of the run's manifest. */
  manifest: Schema.NullOr(Digest.Digest)
})
/** What is said of a commit. */
export type Predicate = typeof Predicate.Type

const CommitId = Schema.String.check(Schema.isPattern(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/))

/** The statement of in-toto: of which commit what is said. */
export const Statement = Schema.Struct({
  _type: Schema.Literal("https://in-toto.io/Statement/v1"),
  subject: Schema.Tuple([Schema.Struct({ name: Schema.String, digest: Schema.Struct({ gitCommit: CommitId }) })]),
  predicateType: Schema.Literal(predicateType),
  predicate: Predicate
})
/** The statement of in-toto. */
export type Statement = typeof Statement.Type

/** A commit can not be attested, or what is attested can not be believed. */
export class AttestationError extends Fault.Class<AttestationError>()("AttestationError", {
  /** It is no statement of this kind, or names no commit. */
  Malformed: false,
  /** It speaks of another commit. */
  OtherSubject: false,
  /** Stamps do not follow each other, one of them is missing, or none of them is of the commit. */
  BrokenChain: false
}) {}

const refuse = (reason: (typeof AttestationError.Type)["reason"], message: string) =>
  Result.fail(new AttestationError({ reason, message }))

/** What is known of a commit. What is left out is not attested. */
export interface Given {
  /** The full id of the commit. */
  readonly head: string
  /** Where it is, as people call it: `example/shop`. */
  readonly repository: string
  readonly verdict?: Verdict.Verdict
  /** All stamps of the run, in their order. */
  readonly stamps?: ReadonlyArray<Verdict.Stamp>
  readonly interventions?: Intervention.Ledger
  readonly manifest?: Digest.Digest
}

/** What is said of a commit. Nothing is signed yet. */
export const make = (given: Given): Result.Result<Statement, AttestationError> => {
  const { head, interventions, manifest = null, repository, stamps = [], verdict } = given
  if (!Schema.is(CommitId)(head)) {
    return refuse("Malformed", `${JSON.stringify(head)} is no full id of a commit. Resolve it first, with Git.resolve.`)
  }
  return Result.map(chained(stamps, { head }), (): Statement => ({
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: repository, digest: { gitCommit: head } }],
    predicateType,
    predicate: {
      verdict: verdict === undefined ? null : judgementOf(verdict),
      stamps,
      interventions: interventions === undefined ? null : humanPartOf(interventions),
      manifest
    }
  }))
}

const judgementOf = (verdict: Verdict.Verdict): typeof Judgement.Type => ({
  validator: verdict.validator,
  contract: verdict.contract,
  accepted: verdict.accepted,
  digest: Digest.of(JSON.stringify(verdict)),
  findings: verdict.findings.map(({ assertion, evidence, status }) => ({
    assertion,
    status,
    evidence: evidence.map(({ digest }) => digest)
  }))
})

const humanPartOf = (ledger: Intervention.Ledger): typeof HumanPart.Type => {
  const all = [...ledger.values()]
  const minutes = all.map(({ answered }) => answered?.activeMinutes ?? null)
  const measured = minutes.filter((each) => each !== null)
  const kinds = [...Map.groupBy(all, ({ kind }) => kind)].map(([kind, some]) => [kind, some.length] as const)
  return {
    digest: Digest.ofJson(all),
    count: all.length,
    open: all.filter(({ answered, withdrawn }) => answered === null && withdrawn !== true).length,
    kinds: Object.fromEntries(kinds),
    activeMinutes: { measured: measured.reduce((sum, each) => sum + each, 0), unknown: all.length - measured.length }
  }
}

/** What is to be signed: one sequence of bytes for one statement. */
export const write = (statement: Statement): string => OutsideJson.canonical(statement)

/** Signs a statement with each of the keys, which are of Ed25519. */
export const sign = (
  statement: Statement,
  privateKeys: ReadonlyArray<KeyObject>
): Result.Result<Envelope.Envelope, Envelope.EnvelopeError> =>
  Envelope.sign({ payloadType, payload: write(statement) }, privateKeys)

/** What an attestation has to be. */
export interface Expected extends Pick<Envelope.Expected, "keys" | "threshold"> {
  /** The full id of the commit. */
  readonly head: string
  /** The digest of the last stamp, where somebody knows it: without it, nobody sees that the end of the chain is missing. */
  readonly last?: Digest.Digest
}

/** What is said of the commit, if enough of the keys signed it, it is of that commit, and its stamps are one chain. */
export const verify = (
  envelope: Envelope.Envelope,
  { head, keys, last, threshold = 1 }: Expected
): Result.Result<Statement, AttestationError | Envelope.EnvelopeError> =>
  Result.gen(function* () {
    const { payload } = yield* Envelope.verify(envelope, { keys, threshold, payloadType })
    const statement = yield* Result.mapError(
      OutsideJson.read(payload, Statement, payload.length),
      ({ why }) =>
        new AttestationError({ reason: "Malformed", message: `What was signed ${why}. Attest the commit again.` })
    )
    const [subject] = statement.subject
    if (subject.digest.gitCommit !== head) {
      const message = `The attestation is of ${subject.digest.gitCommit}, and one of ${head} was asked for. Attest that one.`
      return yield* refuse("OtherSubject", message)
    }
    yield* chained(statement.predicate.stamps, { head, last })
    return statement
  })

const chained = (
  stamps: ReadonlyArray<Verdict.Stamp>,
  { head, last }: { readonly head: string; readonly last?: Digest.Digest | undefined }
): Result.Result<void, AttestationError> => {
  const at = stamps.findIndex((stamp, index) => !Verdict.follows(stamp, stamps[index - 1]))
  if (at >= 0) {
    const message = `Stamp ${at + 1} of ${stamps.length} does not follow the one before it: one is missing, or was altered or put in. Take the whole chain from the journal.`
    return refuse("BrokenChain", message)
  }
  const end = stamps.at(-1)
  if (last !== undefined && (end === undefined || Verdict.stampDigest(end) !== last)) {
    const message = `The chain does not end with the stamp ${Digest.short(last)}: its end is missing. Take the whole chain from the journal.`
    return refuse("BrokenChain", message)
  }
  if (end === undefined || stamps.some((stamp) => stamp.head === head)) return Result.void
  return refuse("BrokenChain", `None of the stamps is of ${head}. Stamp that commit, or leave them out.`)
}
