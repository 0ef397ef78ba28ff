/** Bytes that only who has the key can read or change: AES-256-GCM, padded so that their length says little. */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto"

const nonceBytes = 12
const tagBytes = 16
const usualBlock = 4_096

/** The bytes of a key of 64 hexadecimal characters; `undefined` of anything else. */
export const keyOf = (text: string): Uint8Array | undefined =>
  /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, "hex") : undefined

/** Seals a text, padded to whole blocks. `label` is not sealed, but can not be another one either when it is opened. */
export const seal = (
  key: Uint8Array,
  text: string,
  { block = usualBlock, label }: { readonly label: string; readonly block?: number }
): Uint8Array => {
  const content = Buffer.from(text)
  const padded = Buffer.alloc(Math.ceil((content.length + 4) / block) * block)
  padded.writeUInt32BE(content.length)
  content.copy(padded, 4)
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(label))
  return Buffer.concat([nonce, cipher.update(padded), cipher.final(), cipher.getAuthTag()])
}

/** Opens what was sealed. `undefined` where the key or the label is another one, or a byte was changed. */
export const open = (key: Uint8Array, label: string, sealed: Uint8Array): string | undefined => {
  if (sealed.length < nonceBytes + tagBytes) return undefined
  const at = sealed.length - tagBytes
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, nonceBytes))
    .setAAD(Buffer.from(label))
    .setAuthTag(sealed.subarray(at))
  try {
    const padded = Buffer.concat([decipher.update(sealed.subarray(nonceBytes, at)), decipher.final()])
    return padded.subarray(4, 4 + padded.readUInt32BE()).toString()
  } catch {
    return undefined
  }
}
