/**
 * Signatures of OpenSSH (SSHSIG), as `ssh-keygen -Y` makes and checks them, over bytes and with a namespace. No program is run. Reading
 * and checking are two things: whose key it is, is decided between them.
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign as signed } from "node:crypto"
import * as SshKey from "./SshKey.ts"
import * as SshWire from "./SshWire.ts"

/** What a commit's signature is made for. */
export const namespace = "git"

/** A signature as it was read. Nothing of it has been checked. */
export interface SshSignature {
  readonly fingerprint: string
  readonly isCertificate: boolean
  readonly namespace: string
  readonly key: Uint8Array
  readonly hash: string
  readonly signature: Uint8Array
}

const armor = /^-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=\n]+)\n-----END SSH SIGNATURE-----\n?$/
const magic = Buffer.from("SSHSIG")
const version = Buffer.from([0, 0, 0, 1])

/** Reads a signature in armor; nothing where it is none. */
export const parse = (text: string): SshSignature | undefined => {
  const encoded = armor.exec(text)?.[1]?.replaceAll("\n", "")
  if (encoded === undefined) return undefined
  const bytes = Buffer.from(encoded, "base64")
  if (bytes.toString("base64") !== encoded || !bytes.subarray(0, 10).equals(Buffer.concat([magic, version])))
    return undefined
  const read = SshWire.strings(bytes.subarray(10), 5)
  const [key, space, , hash, signature] = read?.fields ?? []
  if (key === undefined || space === undefined || hash === undefined || signature === undefined) return undefined
  if (read?.rest.length !== 0) return undefined
  const text_ = (field: Uint8Array) => Buffer.from(field).toString("latin1")
  const kind = text_(SshWire.strings(key, 1)?.fields[0] ?? new Uint8Array())
  return {
    fingerprint: SshKey.fingerprint(key),
    isCertificate: /-cert-v\d+@/.test(kind),
    namespace: text_(space),
    key,
    hash: text_(hash),
    signature
  }
}

/** Whether it is by its key and over this content, in its namespace. */
export const verify = ({ hash, key, namespace, signature }: SshSignature, content: Uint8Array): boolean =>
  (hash === "sha256" || hash === "sha512") && SshKey.verify(key, signature, toBeSigned({ hash, namespace }, content))

const toBeSigned = (how: Pick<SshSignature, "hash" | "namespace">, content: Uint8Array): Uint8Array =>
  Buffer.concat([
    magic,
    SshWire.string(how.namespace),
    SshWire.string(""),
    SshWire.string(how.hash),
    SshWire.string(createHash(how.hash).update(content).digest())
  ])

/** A private key that can sign, and its public one. */
export interface SigningKey {
  readonly key: KeyObject
  readonly blob: Uint8Array
}

/** Signs content for git, in armor. The same content gets the same signature. */
export const sign = ({ blob, key }: SigningKey, content: Uint8Array): string => {
  const how = { hash: "sha512", namespace }
  const signature = signed(null, toBeSigned(how, content), key)
  const bytes = Buffer.concat([
    magic,
    version,
    SshWire.string(blob),
    SshWire.string(namespace),
    SshWire.string(""),
    SshWire.string(how.hash),
    SshWire.string(Buffer.concat([SshWire.string("ssh-ed25519"), SshWire.string(signature)]))
  ])
  const lines = bytes.toString("base64").match(/.{1,70}/g) ?? []
  return ["-----BEGIN SSH SIGNATURE-----", ...lines, "-----END SSH SIGNATURE-----", ""].join("\n")
}

/** Reads a private Ed25519 key without a passphrase, as `ssh-keygen` writes it or in PKCS #8; nothing where it is none. */
export const privateKey = (pem: string): SigningKey | undefined => {
  try {
    const seed = openSshSeed(pem)
    const key = createPrivateKey(
      // The 16 bytes say in DER: PKCS #8, version 0, Ed25519, and that a seed of 32 bytes follows.
      seed === undefined
        ? pem
        : {
            key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]),
            format: "der",
            type: "pkcs8"
          }
    )
    if (key.asymmetricKeyType !== "ed25519") return undefined
    const { x = "" } = createPublicKey(key).export({ format: "jwk" })
    return { key, blob: Buffer.concat([SshWire.string("ssh-ed25519"), SshWire.string(Buffer.from(x, "base64url"))]) }
  } catch {
    return undefined
  }
}

/** `openssh-key-v1`: cipher, its settings, how many keys; the public one; then check numbers, kind, public key, seed with public key. */
const openSshSeed = (pem: string): Uint8Array | undefined => {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END OPENSSH PRIVATE KEY-----/.exec(pem)?.[1]
  const bytes = Buffer.from(body ?? "", "base64")
  const head = SshWire.strings(bytes.subarray("openssh-key-v1\0".length), 3)
  if (head === undefined || Buffer.from(head.fields[0] ?? []).toString() !== "none") return undefined
  const secret = SshWire.strings(head.rest.subarray(4), 2)?.fields[1]
  const [kind, , pair] = (secret && SshWire.strings(secret.subarray(8), 3)?.fields) ?? []
  return Buffer.from(kind ?? []).toString() === "ssh-ed25519" && pair?.length === 64 ? pair.subarray(0, 32) : undefined
}
