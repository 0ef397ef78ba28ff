/** Tokens of OpenID Connect: signed with the test key of the seed, by RS256, which gives the same bytes each time. */
import { createHash, createPrivateKey, createPublicKey, createSign, createVerify, type KeyObject } from "node:crypto"

const base64 = (text: string | Buffer): string => Buffer.from(text).toString("base64url")

/** A key, its public half as JSON, and its name. */
export interface Key {
  readonly secret: KeyObject
  readonly open: KeyObject
  readonly jwk: Readonly<Record<string, unknown>>
}

const known = new Map<string, Key | undefined>()

/** The key of a PEM; `undefined` where it is none of RSA. */
export const keyOf = (pem: string): Key | undefined => {
  if (!known.has(pem)) known.set(pem, made(pem))
  return known.get(pem)
}

const made = (pem: string): Key | undefined => {
  try {
    const secret = createPrivateKey(pem)
    const open = createPublicKey(secret)
    if (secret.asymmetricKeyType !== "rsa") return undefined
    const { e, n } = open.export({ format: "jwk" })
    const kid = createHash("sha256").update(`${n}.${e}`).digest("base64url")
    return { secret, open, jwk: { kty: "RSA", alg: "RS256", kid, use: "sig", e, n } }
  } catch {
    return undefined
  }
}

/** A signed token. */
export const sign = (key: Key, claims: Readonly<Record<string, unknown>>): string => {
  const head = base64(JSON.stringify({ kid: key.jwk["kid"], alg: "RS256" }))
  const said = `${head}.${base64(JSON.stringify(claims))}`
  return `${said}.${createSign("RSA-SHA256").update(said).sign(key.secret, "base64url")}`
}

/** The name of a token (`jti`), where it is one that this key has signed. */
export const nameOf = (key: Key, token: string): string | undefined => {
  const [head = "", claims = "", signature = ""] = token.split(".")
  const isRight = createVerify("RSA-SHA256").update(`${head}.${claims}`).verify(key.open, signature, "base64url")
  if (!isRight) return undefined
  const found: unknown = JSON.parse(Buffer.from(claims, "base64url").toString("utf8"))
  return typeof found === "object" && found !== null && "jti" in found ? String(found.jti) : undefined
}

/** What a verifier of PKCE has to give. */
export const challengeOf = (verifier: string): string => createHash("sha256").update(verifier).digest("base64url")
