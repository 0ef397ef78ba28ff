/** What is found in a history: facts, and what nobody can tell. */
import * as Digest from "@millwright/core/Digest"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import type * as Actor from "@millwright/core/Actor"
import * as Redaction from "@millwright/core/Redaction"

/** A fact that a history tells, whoever reads it and whenever. */
export interface Finding {
  /** The same for whoever finds it. */
  readonly key: string
  /** When it happened, in milliseconds since 1970, UTC. */
  readonly at: number
  /** The pull request or issue that it belongs to; `null`: none. */
  readonly change: string | null
  readonly by: Actor.Actor
  readonly fact: FactoryEvent.Fact
}

/** Something that somebody did, and nobody vouches for who it was. */
export interface Doubt {
  readonly change: string | null
  /** `git:<commit>` or `forge:<event>`. */
  readonly about: string
  readonly why: string
}

/** The most of a text that is kept, in characters. */
const most = 2_000

/** A text from outside as it is kept: bounded, and without a part of a secret where it was cut. */
export const bounded = (text: string): string =>
  text.length <= most ? text : `${Redaction.scrub(text).slice(0, most).toWellFormed()}…`

/** The digest of what a commit's tree holds. */
export const treeDigest = (tree: string | undefined): Digest.Digest | null =>
  tree === undefined || tree === "" ? null : Digest.of(`tree ${tree}`)

const place = ({ change, key }: Finding): string => JSON.stringify([key, change])

/** By time; what happened at the same time, by key; what more than one change tells, by change. */
export const inOrder = (found: ReadonlyArray<Finding>): ReadonlyArray<Finding> =>
  found.toSorted((a, b) => a.at - b.at || (place(a) < place(b) ? -1 : place(a) > place(b) ? 1 : 0))

/** Each once: a commit may be in more than one pull request, and is one intervention. */
export const once = (found: ReadonlyArray<Finding>): ReadonlyArray<Finding> => {
  const byKey = new Map<string, Finding>()
  for (const each of inOrder(found)) if (!byKey.has(each.key)) byKey.set(each.key, each)
  return [...byKey.values()]
}

/** What stands before a colon at the beginning of a comment or of a commit's subject, where it is one of these words. */
const prefix =
  /^\W{0,4}(nit|nitpick|suggestion|issue|question|thought|chore|todo|typo|note|polish|praise|blocking|fix|feat|docs|style|refactor|perf|test|build|ci|revert|security)(?:\([^)\n]{0,60}\))?!?\W{0,4}:/i

/** A cause of this class, with what a person wrote before the colon. What nobody wrote is not guessed. */
export const causeOf = (of: string, text: string): string => {
  const word = prefix.exec(text)?.[1]?.toLowerCase()
  return `${of}: ${word === undefined ? "unclassified" : word === "nitpick" ? "nit" : word}`
}
