/**
 * **Independence**: whoever judges a change shares no conversation with whoever wrote it, and by policy no family of models. What
 * wrote is a fold over the journal of the run, and of those that it came from or waits for; nobody has to be told.
 *
 * {@link guard} stands between a role that judges and its harness. With a router, the families of the authors are no candidates;
 * with a model for each tier, one of such a family is refused before it is called. What a harness chooses itself is known when it
 * has answered: then the judgement is not taken.
 */
import * as Candidate from "@millwright/core/Candidate"
import type * as FactoryEvent from "@millwright/core/FactoryEvent"
import * as Journal from "@millwright/core/Journal"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import * as Harness from "./Harness.ts"
import * as ModelChoice from "./ModelChoice.ts"

/** How far those who judge have to stand from those who wrote. */
export interface Policy {
  /** The roles that write what is judged, with their sub-agents. Default: `Implement` and `Respond`. */
  readonly authors: ReadonlyArray<string>
  /** What becomes of a judgement by a model of an author's family: none, or a fact `IndependenceWaived` beside it. */
  readonly family: "refuse" | "warn"
  /** The family of a model, by its name, where {@link Candidate.familyOf} says another one. */
  readonly families: Readonly<Record<string, string>>
}

/** The policy in force. Set it with {@link within}. */
export const Policy = Context.Reference<Policy>("@millwright/agents/Independence/Policy", {
  defaultValue: () => ({ authors: ["Implement", "Respond"], family: "refuse", families: {} })
})

/** Changes the policy for the roles that run within. */
export const within =
  (policy: Partial<Policy>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(Policy, (outer) => Effect.provideService(effect, Policy, { ...outer, ...policy }))

/** Which models worked and which conversations were had, by role. */
export interface Independence {
  readonly models: Readonly<Record<string, ReadonlyArray<string>>>
  readonly sessions: Readonly<Record<string, ReadonlyArray<string>>>
}

/** Nobody wrote anything yet. */
export const none: Independence = { models: {}, sessions: {} }

/** What is known after one more event. */
export const see = (known: Independence, { actor, fact }: FactoryEvent.FactoryEvent): Independence => {
  if (fact._tag === "AgentStarted") return { ...known, sessions: added(known.sessions, fact.role, fact.session) }
  const isWriting = fact._tag === "ModelCalled" || (fact._tag === "ModelFailed" && fact.billed !== undefined)
  return isWriting && actor._tag === "Agent" ? { ...known, models: added(known.models, actor.role, fact.model) } : known
}

type ByRole = Readonly<Record<string, ReadonlyArray<string>>>

const added = (all: ByRole, role: string, name: string): ByRole => {
  const before = Object.hasOwn(all, role) ? (all[role] ?? []) : []
  return before.includes(name) ? all : { ...all, [role]: [...before, name] }
}

const ofRoles = (all: ByRole, roles: ReadonlyArray<string>): ReadonlyArray<readonly [role: string, name: string]> =>
  Object.entries(all)
    .filter(([role]) => roles.some((author) => role === author || role.startsWith(`${author}/`)))
    .flatMap(([role, names]) => names.map((name) => [role, name] as const))

/** The family of a model as a policy has it. */
export const familyOf = ({ families }: Pick<Policy, "families">, model: string): string =>
  (Object.hasOwn(families, model) ? families[model] : undefined) ?? Candidate.familyOf({ model })

/** The families that the authors wrote with, and the roles that did. */
export const families = (
  { models }: Pick<Independence, "models">,
  policy: Policy
): ReadonlyMap<string, ReadonlyArray<string>> =>
  ofRoles(models, policy.authors).reduce((all, [role, model]) => {
    const family = familyOf(policy, model)
    return all.set(family, [...new Set([...(all.get(family) ?? []), role])])
  }, new Map<string, ReadonlyArray<string>>())

/** What wrote in the run that is in force, in those that it was forked from or that wait for it, and in those that it waits for. */
export const read: Effect.Effect<Independence, Journal.JournalError, Journal.Journal> = Effect.gen(function* () {
  const { run } = yield* Journal.Origin
  if (run === null) return yield* Journal.fold(none, (known, event) => (event.run === null ? see(known, event) : known))
  const open = [run]
  const seen = new Set<string>()
  let known = none
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (seen.has(next)) continue
    seen.add(next)
    known = yield* Journal.fold(
      known,
      (before, event) => {
        if (event.fact._tag === "ChildStarted") open.push(event.fact.child)
        if (event.fact._tag === "LineStarted") {
          const { forkOf, parent } = event.fact
          open.push(...[parent?.run, forkOf?.run].filter(Predicate.isNotUndefined))
        }
        return see(before, event)
      },
      next
    )
  }
  return known
})

/** Stands between a role that judges and its harness. */
export const guard = (
  harness: Harness.Harness["Service"]
): Effect.Effect<Harness.Harness["Service"], never, Journal.Journal> =>
  Effect.map(Journal.Journal, (journal) => ({
    ...harness,
    run: (request) =>
      Stream.unwrap(
        Effect.gen(function* () {
          const policy = yield* Policy
          yield* noSharedSession(request, policy)
          const authors = families(yield* read, policy)
          const { run } = yield* Journal.Origin
          // What comes after it is of this request.
          const start = yield* Journal.fold(0, (_, { seq }) => seq, run ?? undefined)
          const apart: ModelChoice.Apart = {
            families: [...authors.keys()],
            orElse: policy.family,
            familyOf: (model) => familyOf(policy, model)
          }
          return harness.run(request).pipe(
            Stream.tap((event) => (event._tag === "Ended" ? looked({ request, policy, authors, start }) : Effect.void)),
            Stream.provideService(ModelChoice.Apart, apart)
          )
        })
      ).pipe(Stream.provideService(Journal.Journal, journal))
  }))

interface Looking {
  readonly request: Harness.Request
  readonly policy: Policy
  readonly authors: ReadonlyMap<string, ReadonlyArray<string>>
  readonly start: number
}

/** Looks at what answered, whichever harness chose it. */
const looked = Effect.fnUntraced(function* ({ authors, policy, request, start }: Looking) {
  const journal = yield* Journal.Journal
  const { run } = yield* Journal.Origin
  const since = journal
    .read({ after: start, ...(run !== null && { run }) })
    .pipe(Stream.filter((event) => event.run === run))
  const { models } = yield* Stream.runFold(since, () => none, see)
  for (const [role, model] of ofRoles(models, [request.role])) {
    const family = familyOf(policy, model)
    const wrote = authors.get(family)
    if (wrote === undefined) continue
    if (policy.family === "warn")
      yield* Journal.record({ _tag: "IndependenceWaived", role, model, family, authors: wrote })
    else {
      return yield* new Harness.HarnessError({
        reason: "SameFamily",
        message:
          `The role ${role} judged with ${model}, and the family ${family} wrote what it judges (${wrote.join(", ")}). Its judgement is not taken. ` +
          `Give its harness a model of another family, or allow it with Independence.within({ family: "warn" }).`
      })
    }
  }
})

const noSharedSession = Effect.fnUntraced(function* ({ id, role, session }: Harness.Request, { authors }: Policy) {
  if (id === undefined && session === undefined) return
  const { sessions } = yield* Journal.fold(none, see)
  const shared = ofRoles(sessions, authors).find(([, name]) => name === id || holds(session?.data, name))
  if (shared === undefined) return
  return yield* new Harness.HarnessError({
    reason: "SharedSession",
    message:
      `The role ${role} would go on with the conversation ${shared[1]}, which is one of ${shared[0]}: it would judge what it was talked into. ` +
      `Run it in a conversation of its own.`
  })
})

/** Whether the data of a session names a conversation. */
const holds = (data: unknown, name: string): boolean =>
  Predicate.isString(data)
    ? data === name
    : Predicate.isObject(data) && Object.values(data).some((value) => holds(value, name))
