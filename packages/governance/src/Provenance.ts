/**
 * **Provenance**: who the commits of a range are by, as far as that is proven. What a commit says of itself is a claim: its author, its
 * trailers, its `Signed-off-by`. Only a good signature by a key that the roster gives to a human makes a commit a human's.
 *
 * Signatures of OpenSSH are checked here, without a program, without a network, and with nothing that the repository or a user
 * configured. Whatever can not be checked proves nothing: OpenPGP, X.509, certificates.
 */
import * as Git from "@millwright/core/Git"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Schema from "effect/Schema"
import * as CommitIdentity from "./CommitIdentity.ts"
import * as CommitText from "./internal/CommitText.ts"
import * as Keyring from "./internal/Keyring.ts"
import * as Roster from "./Roster.ts"
import * as RosterFile from "./RosterFile.ts"

const Person = Schema.Struct({ name: Schema.String, email: Schema.String })

/** What a commit says of itself. None of it is proven. */
export const Claims = Schema.Struct({
  author: Person,
  committer: Person,
  /** The agent in its trailers. */
  agent: Schema.NullOr(CommitIdentity.Agent),
  /** The human of the roster whose address it carries, as its author or its committer. */
  human: Schema.NullOr(Schema.String),
  signedOffBy: Schema.Array(Schema.String)
})
/** What a commit says of itself. */
export type Claims = typeof Claims.Type

/** Why nothing is proven. */
export const Why = Keyring.Why
/** Why nothing is proven. */
export type Why = typeof Why.Type

/** Who a commit is by, as far as that is proven. `key` is the fingerprint, `SHA256:…`; `member` a name of the roster. */
export const Standing = Schema.TaggedUnion({
  HumanSigned: { member: Schema.String, key: Schema.String, claims: Claims },
  AgentSigned: { member: Schema.String, key: Schema.String, claims: Claims },
  /** It says that it is an agent's and has no signature. `member` is the one whose address it carries. */
  Attributed: { agent: Schema.NullOr(CommitIdentity.Agent), member: Schema.NullOr(Schema.String), claims: Claims },
  /** `message` says what would mend it. */
  Unproven: { why: Why, message: Schema.String, claims: Claims }
})
/** Who a commit is by, as far as that is proven. */
export type Standing = typeof Standing.Type

/** One commit of a range. */
export const Commit = Schema.Struct({
  id: Schema.String,
  tree: Schema.String,
  parents: Schema.Array(Schema.String),
  subject: Schema.String,
  /** What its trailers `Approves` name, where a human signed it, is its author, and names no agent. */
  approves: Schema.Array(Schema.String),
  standing: Standing
})
/** One commit of a range. */
export type Commit = typeof Commit.Type

/** What a head has and a base has not, oldest first, judged. */
export const Range = Schema.Struct({
  /** Full ids. */
  base: Schema.String,
  head: Schema.String,
  commits: Schema.Array(Commit),
  /** What the humans of the roster may review as, by their names. */
  roles: Schema.Record(Schema.String, Schema.Array(Schema.String)),
  /** The head stands on the base. Where it does not, the base went on, or the head was moved from elsewhere. */
  isAncestor: Schema.Boolean,
  /** Commits behind which history is cut off, as in a shallow clone: there may be more, and nobody knows by whom. */
  cut: Schema.Array(Schema.String),
  /** There are more commits than were looked at. */
  truncated: Schema.Boolean
})
/** What a head has and a base has not, judged. */
export type Range = typeof Range.Type

/**
 * Judges every commit that `head` has and `base` has not, at most `limit` (10,000). Take the roster from the base: `RosterFile.atBase`.
 * Fails with `Malformed` where the roster gives a key or an address to two members, and where git can not read the range.
 */
export const verify = Effect.fnUntraced(function* (
  dir: string,
  options: { readonly base: string; readonly head: string; readonly roster: Roster.Roster; readonly limit?: number }
): Effect.fn.Return<Range, Git.GitError | RosterFile.RosterError, ChildProcessSpawner> {
  const { base, head, limit = 10_000, roster } = options
  const complaint = RosterFile.complaintOf(roster)
  if (complaint !== undefined) {
    return yield* new RosterFile.RosterError({
      reason: "Malformed",
      message: `The roster can not be used: ${complaint}`
    })
  }
  const { commits, ...range } = yield* Effect.mapError(Git.commitObjects(dir, { base, head, limit }), (error) =>
    error.reason === "UnknownRevision"
      ? new Git.GitError({
          reason: "UnknownRevision",
          message: `${error.message} If the clone is shallow, fetch all of its history: \`git fetch --unshallow\`, or \`fetch-depth: 0\`.`,
          cause: error
        })
      : error
  )
  const keys = Keyring.make(roster)
  const roles = Object.fromEntries(
    roster.members.flatMap(({ kind, name, roles = [] }) => (kind === "human" ? [[name, roles]] : []))
  )
  return { ...range, roles, commits: commits.map((commit) => judged(commit, { roster, keys })) }
})

/** What is proven of a commit. */
export type Proven =
  | { readonly _tag: "Human" | "Agent"; readonly name: string }
  | { readonly _tag: "Unproven"; readonly why: string }

/** What signatures prove of each commit of a range, in three words; nothing of one that is not in it. */
export const proven = (range: Range): ((commit: string) => Proven) => {
  const standings = new Map(range.commits.map(({ id, standing }) => [id, standing]))
  return (commit) => {
    const standing = standings.get(commit)
    switch (standing?._tag) {
      case "HumanSigned":
        return { _tag: "Human", name: standing.member }
      case "AgentSigned":
        return { _tag: "Agent", name: standing.member }
      case "Attributed":
        return { _tag: "Unproven", why: "It says that it is an agent's, and has no signature." }
      case "Unproven":
        return { _tag: "Unproven", why: standing.message }
      case undefined:
        return { _tag: "Unproven", why: "It is not in the range that was looked at." }
    }
  }
}

/** Judges one commit as git stores it. The roster has to be one that `RosterFile.complaintOf` has nothing against. */
export const judge = (commit: Git.CommitObject, roster: Roster.Roster): Commit =>
  judged(commit, { roster, keys: Keyring.make(roster) })

interface Known {
  readonly roster: Roster.Roster
  readonly keys: Keyring.Keyring
}

const judged = ({ bytes, id }: Git.CommitObject, known: Known): Commit => {
  const text = CommitText.parse(bytes)
  if (text === undefined) {
    const nobody = { name: "", email: "" }
    const claims: Claims = { author: nobody, committer: nobody, agent: null, human: null, signedOffBy: [] }
    const standing = unproven("Malformed", claims)
    return { id, tree: "", parents: [], subject: "", approves: [], standing }
  }
  const standing = standingOf(text, { ...known, isSha256: id.length === 64 })
  return {
    id,
    tree: text.tree,
    parents: text.parents,
    subject: text.message.split("\n", 1)[0] ?? "",
    approves: approvedBy(text, standing, known.roster),
    standing
  }
}

/**
 * A trailer of the signer alone would not do: a human who signs an agent's commit again, as a rebase does, would approve whatever the
 * agent wrote there.
 */
const approvedBy = ({ author, message }: CommitText.CommitText, standing: Standing, roster: Roster.Roster) =>
  standing._tag === "HumanSigned" &&
  standing.claims.agent === null &&
  Roster.byEmail(roster, author.email)?.name === standing.member
    ? valuesOf(message, "approves")
    : []

const valuesOf = (message: string, trailer: string): ReadonlyArray<string> =>
  CommitIdentity.trailers(message).flatMap(([name, value]) => (name === trailer ? [value] : []))

const standingOf = (text: CommitText.CommitText, known: Known & { readonly isSha256: boolean }): Standing => {
  const { roster } = known
  const members = [text.author, text.committer].map(({ email }) => Roster.byEmail(roster, email))
  const agent = Option.getOrNull(CommitIdentity.parse(text.message))
  const byAgent = members.find((member) => member?.kind === "agent")
  const human = members.find((member) => member?.kind === "human")?.name ?? null
  const claims: Claims = {
    author: { name: text.author.name, email: text.author.email },
    committer: { name: text.committer.name, email: text.committer.email },
    agent,
    human,
    signedOffBy: valuesOf(text.message, "signed-off-by")
  }
  if (text.signatures.length === 0) {
    if (agent === null && byAgent === undefined) return unproven("Unsigned", claims)
    if (human !== null) return unproven("NamesBoth", claims)
    return { _tag: "Attributed", agent, member: byAgent?.name ?? null, claims }
  }
  const signed = Keyring.check(known.keys, text, known.isSha256)
  if (signed._tag === "Refused") return unproven(signed.why, claims, signed.key)
  const { key, member } = signed
  if (member.kind === "agent") return { _tag: "AgentSigned", member: member.name, key, claims }
  // A human may sign what an agent wrote, and then committed it themselves.
  if (members[1]?.kind === "agent") return unproven("HumanKeyOfAgent", claims, key)
  return { _tag: "HumanSigned", member: member.name, key, claims }
}

const unproven = (why: Why, claims: Claims, key = ""): Standing => ({
  _tag: "Unproven",
  why,
  claims,
  message: sentences[why](key)
})

const sentences: Record<Why, (key: string) => string> = {
  Unsigned: () =>
    "It has no signature. Sign it with a key that the roster has, or say in trailers which agent it is by.",
  NamesBoth: () =>
    "It has no signature, and names a human and an agent. Sign it, or let the agent be author and committer.",
  UnknownKey: (key) =>
    `It is signed with ${key}, which nobody in the roster has. If it is theirs, add it to the roster on the base branch.`,
  BadSignature: (key) =>
    `Its signature with ${key} is not over this commit. It was changed after it was signed: sign it again.`,
  KeyNotValid: (key) =>
    `It is signed with ${key} at a time at which that key does not count. Sign it with one that does.`,
  WrongNamespace: (key) => `It is signed with ${key}, but not as a commit of git. Sign it with \`git commit -S\`.`,
  Certificate: () => "It is signed with a certificate, which is not followed. Sign it with a key that the roster has.",
  OpenPGP: () => "It has a signature of OpenPGP, which is not checked. Sign it with an SSH key: `gpg.format = ssh`.",
  X509: () => "It has a signature of X.509, which is not checked. Sign it with an SSH key: `gpg.format = ssh`.",
  UnknownSignature: () =>
    "It has a signature that can not be read, or more than one. Sign it again with `git commit -S`.",
  HumanKeyOfAgent: (key) =>
    `An agent committed it, and it is signed with ${key}, a key of a human. No agent may reach that key: find out how it did, and replace the key.`,
  Malformed: () => "It is not as git writes a commit. Make it again."
}
