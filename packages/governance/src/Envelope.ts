/**
 * An **envelope**: bytes with signatures over them and over what kind of bytes they are, as DSSE 1.0 has it
 * (https://github.com/secure-systems-lab/dsse). Signatures are of Ed25519.
 *
 * Whoever verifies says which keys count, and of what kind the bytes have to be. What {@link verify} answers with is the bytes that were
 * signed; read nothing else of an envelope.
 */
import * as Digest from "@millwright/core/Digest"
import * as Fault from "@millwright/core/Fault"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { createPublicKey, type KeyObject, sign as signed, verify as verified } from "node:crypto"
import * as OutsideJson from "./internal/OutsideJson.ts"

/** Bytes, what kind of bytes they are, and who signed both. Payload and signatures are base64. */
export const Envelope = Schema.Struct({
  payload: Schema.String,
  payloadType: Schema.String,
  signatures: Schema.Array(
    Schema.Struct({ keyid: Schema.optionalKey(Schema.NullOr(Schema.String)), sig: Schema.String })
  )
})
/** Bytes, what kind of bytes they are, and who signed both. */
export type Envelope = typeof Envelope.Type

/** An envelope can not be made, or not be believed. */
export class EnvelopeError extends Fault.Class<EnvelopeError>()("EnvelopeError", {
  /** It has more bytes or signatures than are looked at. */
  TooLarge: false,
  /** It is no envelope. */
  Malformed: false,
  /** It holds another kind of bytes than was asked for. */
  OtherPayloadType: false,
  /** None of the keys that count has signed it. */
  UnknownKey: false,
  /** It is not what was signed. */
  BadSignature: false,
  /** Fewer of the keys that count have signed it than are asked for. */
  TooFewSignatures: false,
  /** A key that is none of Ed25519, or not the half that is needed. */
  BadKey: false,
  /** It was asked for no signature at all, or for a part of one. */
  BadThreshold: false
}) {}

const refuse = (reason: (typeof EnvelopeError.Type)["reason"], message: string) =>
  Result.fail(new EnvelopeError({ reason, message }))

/** How many signatures an envelope may have. */
export const mostSignatures = 100

const defaultBytes = 16 * 1024 * 1024

/** What is signed: the kind of the bytes, and the bytes, each behind its length in bytes. */
export const preAuthentication = (payloadType: string, payload: Uint8Array): Uint8Array => {
  const type = Buffer.from(payloadType)
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} `), type, Buffer.from(` ${payload.length} `), payload])
}

/** The id that a key has, where it was given none: the digest of its public half, as stamps name it. */
export const keyIdOf = (publicKey: KeyObject): Digest.Digest =>
  Digest.of(publicKey.export({ type: "spki", format: "der" }))

/** What is signed, and of what kind it is: a media type or a URI. */
export interface Content {
  readonly payloadType: string
  readonly payload: string | Uint8Array
}

/** Signs with each of the keys. Ed25519 has one signature for one content, so the same keys give the same envelope. */
export const sign = (
  { payload, payloadType }: Content,
  privateKeys: ReadonlyArray<KeyObject>
): Result.Result<Envelope, EnvelopeError> => {
  const none: Envelope = { payload: Buffer.from(payload).toString("base64"), payloadType, signatures: [] }
  return privateKeys.reduce<Result.Result<Envelope, EnvelopeError>>(
    (envelope, key) => Result.flatMap(envelope, (envelope) => cosign(envelope, key)),
    Result.succeed(none)
  )
}

/** Adds the signature of one more key; that of a key that has signed already takes its place. Look at what is in it first. */
export const cosign = (envelope: Envelope, privateKey: KeyObject): Result.Result<Envelope, EnvelopeError> => {
  if (privateKey.type !== "private" || privateKey.asymmetricKeyType !== "ed25519") {
    const kind = `a ${privateKey.type} key of ${privateKey.asymmetricKeyType ?? "no such kind"}`
    return refuse("BadKey", `An envelope is signed with a private key of ed25519, and this is ${kind}.`)
  }
  const payload = decode(envelope.payload)
  if (payload === undefined) return refuse("Malformed", notBase64)
  if (envelope.payloadType === "" || !envelope.payloadType.isWellFormed()) {
    return refuse("Malformed", "An envelope says what kind of bytes it holds. Give a media type or a URI.")
  }
  const keyid = keyIdOf(createPublicKey(privateKey))
  const others = envelope.signatures.filter((each) => each.keyid !== keyid)
  if (others.length >= mostSignatures)
    return refuse("TooLarge", `An envelope has at most ${mostSignatures} signatures.`)
  const sig = signed(null, preAuthentication(envelope.payloadType, payload), privateKey).toString("base64")
  return Result.succeed({ ...envelope, signatures: [...others, { keyid, sig }] })
}

const notBase64 = "The payload of the envelope is no base64. Take the envelope as its signer wrote it."

/** Either alphabet, with or without padding; one text for one sequence of bytes, else `undefined`. */
const decode = (text: string): Uint8Array | undefined => {
  if (/[-_]/.test(text) && /[+/]/.test(text)) return undefined
  const usual = text.replaceAll("-", "+").replaceAll("_", "/")
  const bytes = Buffer.from(usual, "base64")
  const again = bytes.toString("base64")
  return usual === again || usual === again.replace(/=+$/, "") ? bytes : undefined
}

/** Reads the JSON of an envelope, of at most `maxBytes` (16 MiB). Nothing of it is believed yet. */
export const read = (
  content: string | Uint8Array,
  maxBytes: number = defaultBytes
): Result.Result<Envelope, EnvelopeError> =>
  Result.mapError(
    OutsideJson.read(content, Envelope, maxBytes),
    ({ reason, why }) =>
      new EnvelopeError({ reason, message: `The envelope ${why}. Take the one that its signer wrote.` })
  )

/** The JSON of an envelope: one text for one envelope. */
export const write = (envelope: Envelope): string => OutsideJson.canonical(envelope)

/** A key that counts, and its id where that is not {@link keyIdOf}. */
export interface Trusted {
  readonly publicKey: KeyObject
  readonly keyid?: string
}

/** What an envelope has to be. */
export interface Expected {
  readonly payloadType: string
  readonly keys: ReadonlyArray<Trusted>
  /** How many of the keys have to have signed it. Default: 1. */
  readonly threshold?: number
}

/** What was signed, and by which of the keys: the ids of {@link keyIdOf}. */
export interface Verified {
  readonly payload: Uint8Array
  readonly by: ReadonlyArray<Digest.Digest>
}

/**
 * What was signed, if enough of the keys signed it. A signature that names a key is tried with that one only, one that names none with
 * all. A key counts once, however often it signed, and under however many ids it is given.
 */
export const verify = (
  { payload, payloadType, signatures }: Envelope,
  { keys, payloadType: expected, threshold = 1 }: Expected
): Result.Result<Verified, EnvelopeError> => {
  if (!Number.isInteger(threshold) || threshold < 1) {
    return refuse("BadThreshold", `${threshold} is no number of signatures to ask for. Ask for at least 1.`)
  }
  const bad = keys.find(({ publicKey }) => publicKey.type !== "public" || publicKey.asymmetricKeyType !== "ed25519")
  if (bad !== undefined) {
    const kind = `a ${bad.publicKey.type} key of ${bad.publicKey.asymmetricKeyType ?? "no such kind"}`
    return refuse("BadKey", `Envelopes are verified with public keys of ed25519, and one of these is ${kind}.`)
  }
  if (payloadType !== expected) {
    const message = `The envelope holds ${JSON.stringify(payloadType.slice(0, 200))}, and ${JSON.stringify(expected)} was asked for.`
    return refuse("OtherPayloadType", message)
  }
  if (signatures.length > mostSignatures) {
    return refuse(
      "TooLarge",
      `The envelope has ${signatures.length} signatures, and at most ${mostSignatures} are looked at.`
    )
  }
  const bytes = decode(payload)
  if (bytes === undefined) return refuse("Malformed", notBase64)
  const content = preAuthentication(payloadType, bytes)
  const trusted = keys.map(({ keyid, publicKey }) => ({ publicKey, id: keyIdOf(publicKey), keyid }))
  const tried = signatures.flatMap(({ keyid, sig }) =>
    trusted
      .filter((key) => !keyid || keyid === (key.keyid ?? key.id))
      .map(({ id, publicKey }) => ({ id, isGood: isGood(content, sig, publicKey) }))
  )
  const by = [...new Set(tried.filter(({ isGood }) => isGood).map(({ id }) => id))]
  if (by.length >= threshold) return Result.succeed({ payload: bytes, by })
  if (tried.length === 0) {
    return refuse(
      "UnknownKey",
      "None of the keys that count has signed the envelope. Ask for a signature of one of them."
    )
  }
  return by.length === 0
    ? refuse("BadSignature", "The envelope is not what was signed. Take the one that its signer wrote.")
    : refuse(
        "TooFewSignatures",
        `The envelope is signed by ${by.length} of the keys that count, and ${threshold} are asked for.`
      )
}

const isGood = (content: Uint8Array, sig: string, publicKey: KeyObject): boolean => {
  const signature = decode(sig)
  return signature !== undefined && signature.length === 64 && verified(null, content, publicKey, signature)
}
