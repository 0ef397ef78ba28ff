/** Goes through the plans of an app, and through recordings of them again, without any plan. */
import type * as Contract from "@millwright/core/Contract"
import * as Digest from "@millwright/core/Digest"
import * as Recording from "@millwright/validators/Recording"
import type { Step } from "@millwright/validators/Step"
import * as Surface from "@millwright/validators/Surface"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Page from "./Page.ts"

/** What was done for one clause, and how it looked in the end. */
export interface Ran {
  readonly recording: Recording.Recording
  readonly reason: string
  readonly picture: Uint8Array | undefined
}

interface Course {
  readonly taken: Array<Recording.Taken>
  readonly ending: Recording.Ending
}

const mostSteps = 200

const done: Recording.Came = { _tag: "Done" }

/** Takes one step. What breaks the test is an ending. */
const take = (session: Surface.Session, step: Step): Effect.Effect<Recording.Came | Recording.Ending> => {
  const taking: Effect.Effect<Recording.Came, Surface.SurfaceError> =
    step._tag === "Act"
      ? Effect.as(session.act(step.action), done)
      : Effect.map(session.check(step.that, step.within), ({ holds, saw }) => ({ _tag: "Held", holds, saw }))
  return Effect.catch(taking, ({ message, reason }): Effect.Effect<Recording.Came | Recording.Ending> => {
    if (reason === "AppUnreachable") return Effect.succeed({ _tag: "Gone", why: message })
    return reason === "Crashed" || reason === "Unavailable"
      ? Effect.succeed({ _tag: "Broke", by: "surface", why: message })
      : Effect.succeed({ _tag: "Refused", reason, message })
  })
}

const isEnding = (came: Recording.Came | Recording.Ending): came is Recording.Ending =>
  came._tag === "Gone" || came._tag === "Broke"

/** What says which step is next; it hears what came of the one before. */
type Steps = (came: Recording.Came | undefined) => IteratorResult<Step, string | undefined>

const follow = Effect.fnUntraced(function* (session: Surface.Session, next: Steps) {
  const taken: Array<Recording.Taken> = []
  const done = (ending: Recording.Ending): Course => ({ taken, ending })
  let came: Recording.Came | undefined
  for (;;) {
    const { done: isOver = false, value } = next(came)
    if (isOver || value === undefined || typeof value === "string") {
      return done(
        typeof value === "string"
          ? { _tag: "Cannot", why: value }
          : { _tag: "Concluded", why: "the plan is at its end" }
      )
    }
    if (taken.length >= mostSteps) return done({ _tag: "Spent", what: "steps" })
    const result = yield* take(session, value)
    if (isEnding(result)) return done(result)
    came = result
    taken.push({ step: value, came, sight: null })
    if (value._tag === "Expect" && came._tag === "Held" && !came.holds) return done({ _tag: "Decided" })
  }
})

const ending = (recording: Pick<Recording.Recording, "ending">): string | undefined =>
  recording.ending._tag === "Cannot" ? recording.ending.why : undefined

const isAlike = (one: Recording.Came, other: Recording.Came): boolean =>
  one._tag === other._tag && (one._tag !== "Held" || other._tag !== "Held" || one.holds === other.holds)

/** The steps of a recording, one after the other. Where one does not come out as it did, what comes after it would be of something else. */
const again = ({ taken, ...recording }: Recording.Recording): Steps => {
  const rest = [...taken]
  let last: Recording.Taken | undefined
  return (came) => {
    if (last !== undefined && came !== undefined && !isAlike(last.came, came) && last.step._tag !== "Expect") {
      const saw = came._tag === "Held" ? came.saw : came._tag === "Refused" ? came.message : "it could be done"
      return { done: true, value: `a step came out otherwise: ${saw}` }
    }
    last = rest.shift()
    return last === undefined ? { done: true, value: ending(recording) } : { done: false, value: last.step }
  }
}

/** What an app is tested with. */
export interface Ground {
  readonly app: Surface.App
  readonly name: string
  readonly contract: Contract.Contract
}

const run = Effect.fnUntraced(function* (ground: Ground, assertion: string, next: Steps) {
  const surface = yield* Surface.Surface
  const session = yield* surface.open(ground.app)
  const course = yield* follow(session, next)
  const last = course.taken.pop()
  const { reason, status } = Recording.judge({
    author: "person",
    taken: last === undefined ? [] : [...course.taken, last],
    ending: course.ending
  })
  // A picture is for whoever reads why it did not pass.
  const looking = status === "pass" ? (session.glance ?? session.look) : session.look
  const seen = course.ending._tag === "Broke" ? undefined : Option.getOrUndefined(yield* Effect.option(looking))
  const taken =
    last === undefined
      ? course.taken
      : [...course.taken, { ...last, sight: seen === undefined ? null : Digest.of(`${seen.address}\n${seen.text}`) }]
  const recording: Recording.Recording = {
    version: 1,
    contract: ground.contract.digest,
    assertion,
    kind: "ui",
    head: ground.name,
    surface: surface.name,
    planner: "script",
    author: "person",
    taken,
    ending: course.ending,
    troubles: seen?.troubles ?? [],
    status
  }
  return { recording, reason, picture: seen?.picture } satisfies Ran
}, Effect.scoped)

/** A session that does not open is an error of its clause. */
const orError =
  (ground: Ground, assertion: string) =>
  (error: Surface.SurfaceError): Effect.Effect<Ran> => {
    const broke: Recording.Ending = { _tag: "Broke", by: "surface", why: error.message }
    return Effect.succeed({
      picture: undefined,
      reason: error.message,
      recording: {
        version: 1,
        contract: ground.contract.digest,
        assertion,
        kind: "ui",
        head: ground.name,
        surface: "browser",
        planner: "script",
        author: "person",
        taken: [],
        ending: broke,
        troubles: [],
        status: "error"
      }
    })
  }

/** Tests one clause as its plan says. */
export const plan = (
  ground: Ground,
  assertion: string,
  make: () => Page.Plan
): Effect.Effect<Ran, never, Surface.Surface> =>
  Effect.suspend(() => {
    const steps = make()
    return run(ground, assertion, (came) => (came === undefined ? steps.next() : steps.next(came)))
  }).pipe(Effect.catch(orError(ground, assertion)))

/** Does the steps of a recording again. No plan has a part in it. */
export const replay = (ground: Ground, recording: Recording.Recording): Effect.Effect<Ran, never, Surface.Surface> =>
  Effect.catch(run(ground, recording.assertion, again(recording)), orError(ground, recording.assertion))
