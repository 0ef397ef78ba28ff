/**
 * Public keys of OpenSSH: how a line of a roster is read, and how a key checks a signature. The blob is the key as it goes over the
 * wire, and two keys are the same when their blobs are.
 */
import { createHash, createPublicKey, type JsonWebKey, type KeyObject, verify as check } from "node:crypto"
import * as SshWire from "./SshWire.ts"

/** A key of a roster, and when and for what it counts. */
export interface Key {
  /** As OpenSSH shows it: `SHA256:…`. */
  readonly fingerprint: string
  /** Milliseconds since 1970, UTC: not before, and before. */
  readonly validAfter?: number
  readonly validBefore?: number
  /** What it may sign, where that is restricted. */
  readonly namespaces?: ReadonlyArray<string>
}

/** `SHA256:…`, as `ssh-keygen -l` shows a key. */
export const fingerprint = (blob: Uint8Array): string =>
  `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`

// Options with commas between them, kind, key, comment.
const form =
  /^((?:[a-z-]+(?:="[^"]*")?)(?:,[a-z-]+(?:="[^"]*")?)*\s+)?((?:ssh|ecdsa|sk)-[\w@.-]+)\s+([A-Za-z0-9+/]+={0,2})(?:\s.*)?$/

/**
 * Reads a line as `allowed_signers` has it, without its first word: options, kind, key, comment. Answers with a sentence where it is no
 * key that a member may have.
 */
export const parse = (line: string): Key | string => {
  const [, given = "", kind = "", encoded = ""] = form.exec(line.trim()) ?? []
  if (kind === "") return "is not a public key of OpenSSH, `ssh-ed25519 AAAA…`"
  const blob = Buffer.from(encoded, "base64")
  if (blob.toString("base64").replace(/=+$/, "") !== encoded.replace(/=+$/, "")) return "is cut off or mistyped"
  const key = publicKey(blob)
  if (typeof key === "string") return key
  if (key.kind !== kind) return `says ${kind} and is a key of the kind ${key.kind}`
  const options = optionsOf(given.trim())
  return typeof options === "string" ? options : { fingerprint: fingerprint(blob), ...options }
}

const optionsOf = (given: string): Omit<Key, "fingerprint"> | string => {
  const found: { validAfter?: number; validBefore?: number; namespaces?: ReadonlyArray<string> } = {}
  for (const [whole, name, value = ""] of given.matchAll(/([a-z-]+)(?:="([^"]*)")?,?/g)) {
    if (name === "namespaces" && value !== "") found.namespaces = value.split(",")
    else if (name === "valid-after" || name === "valid-before") {
      const at = timeOf(value)
      if (at === undefined)
        return `has the time ${value}, which is none: write \`YYYYMMDDZ\` or \`YYYYMMDDHHMMSSZ\`, in UTC`
      found[name === "valid-after" ? "validAfter" : "validBefore"] = at
    } else if (name === "cert-authority") {
      return "is a certificate authority: certificates are not followed, give the members' own keys"
    } else
      return `has the option ${whole}, which is not known: \`namespaces\`, \`valid-after\` and \`valid-before\` are`
  }
  return found
}

/** The times of OpenSSH. Without `Z` they would be of whatever zone a machine is in, so it is asked for. */
const timeOf = (text: string): number | undefined => {
  const [, date = "", hours = "00", minutes = "00", seconds = "00"] =
    /^(\d{8})(?:(\d\d)(\d\d)(\d\d)?)?Z$/.exec(text) ?? []
  const iso = `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}T${hours}:${minutes}:${seconds}.000Z`
  const at = Date.parse(iso)
  // Some dates that are none, such as 31 February, are read as another day.
  return Number.isNaN(at) || new Date(at).toISOString() !== iso ? undefined : at
}

interface PublicKey {
  readonly kind: string
  readonly key: KeyObject
  /** Of a key in hardware: what it was made for. It is part of what is signed. */
  readonly application?: Uint8Array
}

const curves: Record<string, { readonly name: string; readonly bytes: number; readonly hash: string }> = {
  nistp256: { name: "P-256", bytes: 32, hash: "sha256" },
  nistp384: { name: "P-384", bytes: 48, hash: "sha384" },
  nistp521: { name: "P-521", bytes: 66, hash: "sha512" }
}

/** A key as it goes over the wire; a sentence where it is none that counts. */
const publicKey = (blob: Uint8Array): PublicKey | string => {
  const [name] = SshWire.strings(blob, 1)?.fields ?? []
  const kind = Buffer.from(name ?? []).toString("latin1")
  if (/-cert-v\d+@/.test(kind)) return "is a certificate: give the key itself"
  const found = ofKind(kind, blob)
  if (found === undefined)
    return `is of the kind ${kind.slice(0, 60)}, or damaged: take ssh-ed25519, ecdsa, rsa of 2048 bits or more, or sk-`
  try {
    const key = createPublicKey({ key: found.jwk, format: "jwk" })
    if ((key.asymmetricKeyDetails?.modulusLength ?? 2_048) < 2_048) return "is an RSA key of fewer than 2048 bits"
    return { kind, key, ...(found.application === undefined ? {} : { application: found.application }) }
  } catch {
    return "is damaged"
  }
}

const ofKind = (
  kind: string,
  blob: Uint8Array
): { readonly jwk: JsonWebKey; readonly application?: Uint8Array } | undefined => {
  const whole = (count: number) => {
    const read = SshWire.strings(blob, count)
    return read?.rest.length === 0 ? read.fields.slice(1) : []
  }
  const url = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url")
  const isInHardware = kind.startsWith("sk-")
  if (kind === "ssh-rsa") {
    const [e, n] = whole(3)
    return e && n && { jwk: { kty: "RSA", e: url(SshWire.natural(e)), n: url(SshWire.natural(n)) } }
  }
  if (kind === "ssh-ed25519" || kind === "sk-ssh-ed25519@openssh.com") {
    const [x, application] = whole(isInHardware ? 3 : 2)
    const jwk = x?.length === 32 ? { kty: "OKP", crv: "Ed25519", x: url(x) } : undefined
    return jwk && { jwk, ...(application && { application }) }
  }
  const curve = /^(?:ecdsa-sha2-(nistp(?:256|384|521))|sk-ecdsa-sha2-(nistp256)@openssh\.com)$/.exec(kind)
  const named = curve?.[1] ?? curve?.[2] ?? ""
  const { bytes, name: crv } = curves[named] ?? {}
  const [said, point, application] = whole(isInHardware ? 4 : 3)
  if (bytes === undefined || crv === undefined || point?.length !== 1 + 2 * bytes || point[0] !== 4) return undefined
  if (Buffer.from(said ?? []).toString("latin1") !== named) return undefined
  const jwk = { kty: "EC", crv, x: url(point.subarray(1, 1 + bytes)), y: url(point.subarray(1 + bytes)) }
  return { jwk, ...(application && { application }) }
}

/** Whether a signature, as it goes over the wire, is by this key and over this data. */
export const verify = (blob: Uint8Array, signature: Uint8Array, data: Uint8Array): boolean => {
  const key = publicKey(blob)
  const read = SshWire.strings(signature, 2)
  const [algorithm, bytes] = read?.fields ?? []
  if (typeof key === "string" || read === undefined || algorithm === undefined || bytes === undefined) return false
  const by = { ...key, algorithm: Buffer.from(algorithm).toString("latin1") }
  if (key.application === undefined) return read.rest.length === 0 && isGood(by, bytes, data)
  // Of a key in hardware: its flags, of which the lowest is that somebody touched it, and its counter.
  if (read.rest.length !== 5 || ((read.rest[0] ?? 0) & 1) === 0) return false
  const hash = (content: Uint8Array) => createHash("sha256").update(content).digest()
  return isGood(by, bytes, Buffer.concat([hash(key.application), read.rest, hash(data)]))
}

interface Signer extends PublicKey {
  readonly algorithm: string
}

const isGood = ({ algorithm, key, kind }: Signer, signature: Uint8Array, data: Uint8Array): boolean => {
  try {
    if (kind === "ssh-rsa") {
      // Its first algorithm hashes with SHA-1, and is not taken.
      const hash = { "rsa-sha2-256": "sha256", "rsa-sha2-512": "sha512" }[algorithm]
      const length = Math.ceil((key.asymmetricKeyDetails?.modulusLength ?? 0) / 8)
      return hash !== undefined && check(hash, data, key, SshWire.padded(signature, length) ?? signature)
    }
    if (algorithm !== kind) return false
    const curve = curves[/nistp\d+/.exec(kind)?.[0] ?? ""]
    if (curve === undefined) return check(null, data, key, signature)
    const read = SshWire.strings(signature, 2)
    const [r, s] =
      read?.rest.length === 0 ? read.fields.map((each) => SshWire.padded(SshWire.natural(each), curve.bytes)) : []
    return (
      r !== undefined &&
      s !== undefined &&
      check(curve.hash, data, { key, dsaEncoding: "ieee-p1363" }, Buffer.concat([r, s]))
    )
  } catch {
    return false
  }
}
