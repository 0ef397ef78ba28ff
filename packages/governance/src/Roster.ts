/**
 * The **roster**: who of those that git and a forge know by a name, an address or a key is a human, and who is an agent. It is kept by
 * people, on the base branch. Nobody becomes a human by what a commit says of itself: only a good signature of a key in the roster, or
 * a login that the forge vouches for, does.
 */
import * as Schema from "effect/Schema"

/** Someone who works on the repository. */
export const Member = Schema.Struct({
  /** How the journal shows them: of an agent, its role. */
  name: Schema.NonEmptyString,
  kind: Schema.Literals(["human", "agent"]),
  /** Logins at the forge, compared without regard to case. */
  logins: Schema.Array(Schema.NonEmptyString),
  /** Addresses that commits carry, compared without regard to case. They tell who a commit says it is by, and prove nothing. */
  emails: Schema.Array(Schema.NonEmptyString),
  /** Public keys of OpenSSH, `ssh-ed25519 AAAA…`, with which they sign commits; see `RosterFile`. */
  keys: Schema.Array(Schema.NonEmptyString),
  /** Of a human, what they may review as, where a policy asks for it: `domain-expert`. */
  roles: Schema.optionalKey(Schema.Array(Schema.NonEmptyString))
})
/** Someone who works on the repository. */
export type Member = typeof Member.Type

/** Everyone who works on the repository. */
export const Roster = Schema.Struct({ members: Schema.Array(Member) })
/** Everyone who works on the repository. */
export type Roster = typeof Roster.Type

/** Nobody is known: everything is by somebody unknown. */
export const empty: Roster = { members: [] }

/** Who has this login at the forge. */
export const byLogin = (roster: Roster, login: string): Member | undefined =>
  roster.members.find(({ logins }) => logins.some((each) => isSame(each, login)))

/** Who a commit with this address says that it is by. It is a claim. */
export const byEmail = (roster: Roster, email: string): Member | undefined =>
  roster.members.find(({ emails }) => emails.some((each) => isSame(each, email)))

const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()
