/** Who made a thing, as far as somebody vouches for it: a signature, or the forge for an account. */
import * as Actor from "@millwright/core/Actor"
import type * as ForgeHistory from "../ForgeHistory.ts"
import * as Roster from "../Roster.ts"

/** Who made a thing. What nobody vouches for is unknown, whatever it claims. */
export type Maker =
  | { readonly _tag: "Human"; readonly name: string }
  | { readonly _tag: "Agent"; readonly name: string }
  | { readonly _tag: "Unknown"; readonly why: string }

/** What the signature of a commit proves, as who verified it says. */
export type Standing =
  | { readonly _tag: "Human"; readonly name: string }
  | { readonly _tag: "Agent"; readonly name: string }
  | { readonly _tag: "Unproven"; readonly why: string }

const ofMember = ({ kind, name }: Roster.Member): Maker => ({ _tag: kind === "human" ? "Human" : "Agent", name })

/** Who has an account. An app that acts in a person's name is not that person. */
export const ofAccount = (roster: Roster.Roster, { app, isBot, login }: ForgeHistory.Account): Maker => {
  if (login === null) return { _tag: "Unknown", why: "The account is gone." }
  const member = Roster.byLogin(roster, login)
  if (member?.kind === "agent") return ofMember(member)
  if (isBot) return { _tag: "Agent", name: login }
  if (member === undefined) return { _tag: "Unknown", why: `The account ${login} is nobody's in the roster.` }
  return app === undefined
    ? ofMember(member)
    : { _tag: "Unknown", why: `The app ${app} did it in the name of ${login}.` }
}

/** What is known of a commit beside itself. */
export interface Around {
  readonly roster: Roster.Roster
  readonly standing: Standing
  /** The account that pushed it first, where the forge knows. */
  readonly pusher: ForgeHistory.Account | undefined
}

/**
 * Who made a commit. A good signature says it. Without one, an account that pushed says it, where what the commit claims agrees with it.
 * What claims to be an agent's is believed where nobody speaks against it: nobody gains by it.
 */
export const ofCommit = ({ author }: ForgeHistory.Commit, { pusher, roster, standing }: Around): Maker => {
  if (standing._tag !== "Unproven") return standing
  const claimed = Roster.byEmail(roster, author.email)
  const says = claimed === undefined ? `${author.name} <${author.email}>, whom the roster does not have` : claimed.name
  const pushed = pusher === undefined ? undefined : ofAccount(roster, pusher)
  if (pushed?._tag === "Human" && claimed?.kind === "human" && claimed.name === pushed.name) return pushed
  if (pushed?._tag === "Agent" && claimed?.kind !== "human") return claimed === undefined ? pushed : ofMember(claimed)
  if (pushed === undefined && claimed?.kind === "agent") return ofMember(claimed)
  const pushedBy =
    pushed === undefined
      ? "nobody knows who pushed it"
      : pushed._tag === "Unknown"
        ? pushed.why
        : `${pushed.name} pushed it`
  return { _tag: "Unknown", why: `The commit says that it is by ${says}; ${pushedBy}. ${standing.why}` }
}

/** As the journal names them. */
export const actor = (maker: Exclude<Maker, { readonly _tag: "Unknown" }>): Actor.Actor =>
  maker._tag === "Human" ? Actor.human(maker.name) : { _tag: "Agent", role: maker.name }
