import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto"
import * as Envelope from "../src/Envelope.ts"

const [one, two, stranger] = [0, 1, 2].map(() => generateKeyPairSync("ed25519")) as [Pair, Pair, Pair]
interface Pair {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 })

const type = "application/vnd.example+json"
const sealed = (payload: string | Uint8Array, ...keys: ReadonlyArray<Pair>) =>
  Result.getOrThrow(
    Envelope.sign(
      { payloadType: type, payload },
      keys.map(({ privateKey }) => privateKey)
    )
  )
const expecting = (...keys: ReadonlyArray<Envelope.Trusted>): Envelope.Expected => ({ payloadType: type, keys })
const outcome = <A>(result: Result.Result<A, Envelope.EnvelopeError>) =>
  Result.match(result, { onSuccess: () => "good", onFailure: ({ reason }) => reason as string })
const flipped = (bytes: Uint8Array, bit: number) => {
  const copy = Buffer.from(bytes)
  const at = Math.floor(bit / 8) % Math.max(1, copy.length)
  copy[at] = (copy[at] ?? 0) ^ (1 << (bit % 8))
  return copy
}

const Payload = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 })))

describe("Envelope", () => {
  it("signs the bytes that DSSE says", () => {
    const told = (payloadType: string, payload: string) =>
      Buffer.from(Envelope.preAuthentication(payloadType, Buffer.from(payload))).toString()
    assert.strictEqual(
      told("http://example.com/HelloWorld", "hello world"),
      "DSSEv1 29 http://example.com/HelloWorld 11 hello world",
      "the example of the specification"
    )
    assert.strictEqual(told("é", "ü€"), "DSSEv1 2 é 5 ü€", "lengths are of bytes")
    assert.strictEqual(told("", ""), "DSSEv1 0  0 ", "nothing has a length too")
  })

  it("believes what somebody else signed by the specification", () => {
    const body = Buffer.from("hello world")
    const sig = sign(null, Buffer.from(`DSSEv1 ${type.length} ${type} 11 hello world`), one.privateKey)
    for (const encoding of ["base64", "base64url"] as const) {
      const envelope = {
        payload: body.toString(encoding),
        payloadType: type,
        signatures: [{ sig: sig.toString(encoding) }]
      }
      const { by, payload } = Result.getOrThrow(Envelope.verify(envelope, expecting(two, one)))
      assert.deepStrictEqual(Buffer.from(payload), body, `the bytes in ${encoding}`)
      assert.deepStrictEqual(by, [Envelope.keyIdOf(one.publicKey)], "whose signature it is, though it names no key")
    }
  })

  it.prop("gives back what was signed, for any bytes", { bytes: Payload }, ({ bytes }) => {
    const payload = Uint8Array.from(bytes)
    const envelope = sealed(payload, one)
    const read = Result.getOrThrow(Envelope.read(Envelope.write(envelope)))
    assert.deepStrictEqual(read, envelope, "the envelope")
    assert.deepStrictEqual(
      Uint8Array.from(Result.getOrThrow(Envelope.verify(read, expecting(one))).payload),
      payload,
      "the bytes"
    )
    assert.strictEqual(Envelope.write(sealed(payload, one)), Envelope.write(envelope), "one text for one content")
  })

  it.prop(
    "believes nothing of which one bit is another one",
    { bytes: Payload, bit: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5_000 })) },
    ({ bit, bytes }) => {
      const envelope = sealed(Uint8Array.from([...bytes, 1]), one)
      const [signature] = envelope.signatures
      const turned = (text: string) => flipped(Buffer.from(text, "base64"), bit).toString("base64")
      const character = (text: string) => flipped(Buffer.from(text, "latin1"), bit).toString("latin1")
      const others: ReadonlyArray<Envelope.Envelope> = [
        { ...envelope, payload: turned(envelope.payload) },
        { ...envelope, payload: character(envelope.payload) },
        { ...envelope, payloadType: character(type) },
        { ...envelope, signatures: [{ sig: turned(signature?.sig ?? "") }] },
        { ...envelope, signatures: [{ sig: character(signature?.sig ?? "") }] },
        { ...envelope, signatures: [{ sig: signature?.sig ?? "", keyid: character(signature?.keyid ?? "") }] }
      ]
      for (const [at, other] of others.entries()) {
        const expected = { ...expecting(one), payloadType: other.payloadType }
        assert.notStrictEqual(outcome(Envelope.verify(other, expected)), "good", `change ${at}`)
      }
    }
  )

  it("says why it does not believe", () => {
    const envelope = sealed("{}", one)
    const { signatures } = envelope
    const cases: ReadonlyArray<readonly [string, Envelope.Envelope, Envelope.Expected]> = [
      ["OtherPayloadType", envelope, { ...expecting(one), payloadType: "text/plain" }],
      ["BadSignature", { ...envelope, payloadType: "text/plain" }, { ...expecting(one), payloadType: "text/plain" }],
      ["BadSignature", { ...envelope, payload: Buffer.from("[]").toString("base64") }, expecting(one)],
      ["BadSignature", { ...envelope, signatures: [{ ...signatures[0], sig: "" }] }, expecting(one)],
      ["UnknownKey", envelope, expecting(stranger)],
      ["UnknownKey", envelope, expecting()],
      ["UnknownKey", { ...envelope, signatures: [] }, expecting(one)],
      ["TooFewSignatures", envelope, { ...expecting(one, two), threshold: 2 }],
      ["BadThreshold", envelope, { ...expecting(one), threshold: 0 }],
      ["BadThreshold", envelope, { ...expecting(one), threshold: NaN }],
      ["BadKey", envelope, expecting({ publicKey: rsa.publicKey })],
      ["BadKey", envelope, expecting({ publicKey: one.privateKey })],
      ["TooLarge", { ...envelope, signatures: Array.from({ length: 101 }, () => ({ sig: "" })) }, expecting(one)],
      ["Malformed", { ...envelope, payload: "e30 " }, expecting(one)],
      ["Malformed", { ...envelope, payload: "e31=" }, expecting(one)],
      ["Malformed", { ...envelope, payload: "-_+/" }, expecting(one)]
    ]
    for (const [reason, other, expected] of cases) {
      assert.strictEqual(outcome(Envelope.verify(other, expected)), reason, JSON.stringify(other).slice(0, 200))
    }
    assert.strictEqual(outcome(Envelope.sign({ payloadType: type, payload: "" }, [rsa.privateKey])), "BadKey", "RSA")
    assert.strictEqual(outcome(Envelope.sign({ payloadType: type, payload: "" }, [one.publicKey])), "BadKey", "public")
    assert.strictEqual(
      outcome(Envelope.sign({ payloadType: "", payload: "" }, [one.privateKey])),
      "Malformed",
      "no kind"
    )
  })

  it("counts keys, and not signatures", () => {
    const both = sealed("{}", one, two)
    const [first, second] = both.signatures
    const two_ = { ...expecting(one, two), threshold: 2 }
    assert.strictEqual(outcome(Envelope.verify(both, two_)), "good", "two keys")
    const without = { ...both, signatures: both.signatures.map(({ sig }) => ({ sig })) }
    assert.strictEqual(outcome(Envelope.verify(without, two_)), "good", "two keys that are not named")
    const twice = { ...both, signatures: first ? [first, first, { ...first, keyid: "" }] : [] }
    assert.strictEqual(outcome(Envelope.verify(twice, two_)), "TooFewSignatures", "one signature three times")
    const aliased = { ...expecting({ ...one, keyid: "a" }, { ...one, keyid: "b" }), threshold: 2 }
    const named = { ...both, signatures: ["a", "b"].map((keyid) => ({ sig: first?.sig ?? "", keyid })) }
    assert.strictEqual(outcome(Envelope.verify(named, aliased)), "TooFewSignatures", "one key under two names")
    const crossed = { ...both, signatures: [{ sig: second?.sig ?? "", keyid: first?.keyid ?? "" }] }
    assert.strictEqual(
      outcome(Envelope.verify(crossed, expecting(one, two))),
      "BadSignature",
      "under the name of another"
    )
    const again = Result.getOrThrow(Envelope.cosign(both, one.privateKey))
    assert.strictEqual(again.signatures.length, 2, "who signs again signs once")
    const noisy = { ...both, signatures: [{ keyid: "x", sig: "not base64!" }, ...both.signatures] }
    assert.strictEqual(outcome(Envelope.verify(noisy, two_)), "good", "a signature of somebody else takes nothing away")
  })

  it("reads no envelope out of something else", () => {
    for (const text of [
      "",
      "null",
      "[]",
      "{}",
      '{"payload":1,"payloadType":"x","signatures":[]}',
      "\ufeff{",
      "[".repeat(1e5)
    ]) {
      assert.strictEqual(outcome(Envelope.read(text)), "Malformed", text.slice(0, 50))
    }
    assert.strictEqual(outcome(Envelope.read(Buffer.from([0x7b, 0xff]))), "Malformed", "bytes that are no UTF-8")
    assert.strictEqual(
      outcome(Envelope.read(Envelope.write(sealed("x".repeat(5_000), one)), 5_000)),
      "TooLarge",
      "huge"
    )
    const more = { ...sealed("{}", one), more: 1, signatures: [{ sig: "", keyid: null, cert: "x" }] }
    assert.strictEqual(outcome(Envelope.read(JSON.stringify(more))), "good", "fields of later versions are passed over")
  })
})
