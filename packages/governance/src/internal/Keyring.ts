/** The keys of a roster, and whether the signature of a commit is by one of them. */
import * as Schema from "effect/Schema"
import type * as Roster from "../Roster.ts"
import type { CommitText } from "./CommitText.ts"
import * as SshKey from "./SshKey.ts"
import * as SshSignature from "./SshSignature.ts"

/** Why nothing is proven. */
export const Why = Schema.Literals([
  /** It has no signature, and does not say that it is an agent's. */
  "Unsigned",
  /** It has none, and names a human and an agent. */
  "NamesBoth",
  /** Signed by a key that nobody in the roster has. */
  "UnknownKey",
  /** The signature is not over this commit, or damaged. */
  "BadSignature",
  /** Its time is not one at which the key counts. */
  "KeyNotValid",
  /** The signature was made for something else, or the key is for something else. */
  "WrongNamespace",
  /** A certificate. */
  "Certificate",
  "OpenPGP",
  "X509",
  /** There is no telling what the signature is, or there is more than one. */
  "UnknownSignature",
  /** A human's key on a commit that an agent committed. */
  "HumanKeyOfAgent",
  /** The commit is not as git writes one. */
  "Malformed"
])
/** Why nothing is proven. */
export type Why = typeof Why.Type

interface Owned {
  readonly key: SshKey.Key
  readonly member: Roster.Member
}

/** Keys by their fingerprints. */
export type Keyring = ReadonlyMap<string, Owned>

/** The keys of a roster. A line that is no key proves nothing, and neither does a key that two members have. */
export const make = (roster: Roster.Roster): Keyring => {
  const owned = roster.members.flatMap((member) =>
    member.keys.flatMap((line): ReadonlyArray<Owned> => {
      const key = SshKey.parse(line)
      return typeof key === "string" ? [] : [{ key, member }]
    })
  )
  const groups = Map.groupBy(owned, ({ key }) => key.fingerprint)
  return new Map(
    [...groups].flatMap(([fingerprint, [only, ...others]]) =>
      only && others.length === 0 ? [[fingerprint, only]] : []
    )
  )
}

/** Whose good signature it is, or why it is none. */
export type Checked =
  | { readonly _tag: "Good"; readonly member: Roster.Member; readonly key: string }
  | { readonly _tag: "Refused"; readonly why: Why; readonly key?: string }

/** Checks the one signature of a commit, of which there is at least one. */
export const check = (keys: Keyring, commit: CommitText, isSha256: boolean): Checked => {
  const [signature, ...others] = commit.signatures
  if (signature === undefined || others.length > 0) return { _tag: "Refused", why: "UnknownSignature" }
  // The other header is what a repository keeps that is being moved to another hash. It is over other bytes.
  if (signature.header !== (isSha256 ? "gpgsig-sha256" : "gpgsig")) return { _tag: "Refused", why: "UnknownSignature" }
  const read = SshSignature.parse(signature.text)
  if (read === undefined) return { _tag: "Refused", why: foreign(signature.text) }
  const why = complaint(read, keys.get(read.fingerprint), commit)
  const owner = keys.get(read.fingerprint)
  return why === undefined && owner !== undefined
    ? { _tag: "Good", member: owner.member, key: read.fingerprint }
    : { _tag: "Refused", why: why ?? "UnknownKey", key: read.fingerprint }
}

const complaint = (
  read: SshSignature.SshSignature,
  owner: Owned | undefined,
  { committer, payload }: CommitText
): Why | undefined => {
  if (read.isCertificate) return "Certificate"
  if (owner === undefined) return "UnknownKey"
  const { namespaces, validAfter = 0, validBefore = Infinity } = owner.key
  if (read.namespace !== SshSignature.namespace) return "WrongNamespace"
  if (namespaces?.includes(SshSignature.namespace) === false) return "WrongNamespace"
  if (!SshSignature.verify(read, payload)) return "BadSignature"
  // The time is the commit's own word: this retires a key, and does not help against one that was stolen.
  return committer.at < validAfter || committer.at >= validBefore ? "KeyNotValid" : undefined
}

const foreign = (text: string): Why =>
  text.startsWith("-----BEGIN PGP ")
    ? "OpenPGP"
    : text.startsWith("-----BEGIN SIGNED MESSAGE-----")
      ? "X509"
      : "UnknownSignature"
