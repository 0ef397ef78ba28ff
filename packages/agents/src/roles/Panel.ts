/**
 * A **panel**: several reviewers on the same change, side by side, none of which sees another, and an arbiter that judges what they
 * found before anybody acts on it. What is overruled, and what one alone said, stays in the result as its minority report.
 */
import * as Fault from "@millwright/core/Fault"
import type * as Model from "@millwright/core/Model"
import * as Stage from "@millwright/core/Stage"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Harness from "../Harness.ts"
import type * as Lens from "../Lens.ts"
import * as PanelReport from "../PanelReport.ts"
import type * as Role from "../Role.ts"
import * as Arbiter from "./Arbiter.ts"
import * as Review from "./Review.ts"

/** A panel can not come to a result. */
export class PanelError extends Fault.Class<PanelError>()("PanelError", {
  /** Two reviewers with one name, a name that is none, nobody at all or too many, or a quorum that can not be. */
  BadPanel: false,
  /** More reviewers failed than the panel can do without. */
  NoQuorum: true
}) {}

/** The most reviewers of a panel: an arbiter has to rule on all that they can say. */
export const mostReviewers = 20

/** A reviewer of a panel. */
export interface Reviewer {
  /** Lower-case letters, digits and hyphens. Its role is `Review-` and this. */
  readonly name: string
  /** What it looks for. Default: what the skill says. */
  readonly lenses?: ReadonlyArray<Lens.Lens>
  readonly tier?: Model.Tier
  readonly skill?: NonNullable<Review.Options["skill"]>
  /** What drives it. Default: the harness around the panel. */
  readonly harness?: Harness.Harness["Service"]
}

/** How a panel is made. */
export interface Options {
  readonly reviewers: ReadonlyArray<Reviewer>
  /** How many reviews are needed. Default: more than half of the reviewers. */
  readonly quorum?: number
  /** Default: the one that comes with this package. */
  readonly arbiter?: Pick<typeof Arbiter.Arbiter, "run">
}

/** What a panel needs around it. */
export type Needs = Effect.Services<ReturnType<typeof Review.Review.run>>

/** A panel. */
export interface Panel {
  readonly run: (input: Review.Input) => Effect.Effect<PanelReport.PanelReport, Role.Failure | PanelError, Needs>
}

/** Makes a panel. In a line, each reviewer and the arbiter is a stage of its own. */
export const make = ({
  arbiter = Arbiter.Arbiter,
  reviewers,
  quorum = Math.floor(reviewers.length / 2) + 1
}: Options): Panel => {
  const roles = reviewers.map(({ harness, name, ...options }) => ({
    by: name,
    harness,
    role: Review.make({ ...options, name: `Review-${name}` })
  }))
  return {
    run: Effect.fnUntraced(function* (input) {
      yield* wellFormed(reviewers, quorum)
      // What nobody can read is no failure of a reviewer.
      yield* Review.read("Panel", input)
      const answers = yield* Effect.forEach(
        roles,
        ({ by, harness, role }) => {
          const asked = role.run(input)
          return answered(by, harness === undefined ? asked : Effect.provideService(asked, Harness.Harness, harness))
        },
        { concurrency: "unbounded" }
      )
      const reviews = answers.filter((answer): answer is PanelReport.Review => "verdict" in answer)
      const failed = answers.filter((answer): answer is PanelReport.Failed => "fault" in answer)
      if (reviews.length < quorum) return yield* noQuorum(reviews.length, quorum, failed)
      const [first, ...rest] = PanelReport.findings(reviews).map(({ comment, id, said }) => ({
        id,
        comment,
        also: [...new Set(said.map((each) => each.comment.body))].filter((body) => body !== comment.body),
        reviewers: new Set(said.map((each) => each.by)).size
      }))
      const arbitration: PanelReport.Arbitration =
        first === undefined
          ? { _tag: "NotAsked" }
          : yield* arbiter.run({ contract: input.contract, patch: input.patch, findings: [first, ...rest] })
      return PanelReport.make(reviews, arbitration, failed)
    })
  }
}

/**
 * A review, or why there is none: one stage of a line, which a fault of the role alone would stall. A budget that is spent and a journal that can not be written are not one
 * reviewer's failure.
 */
const answered = <R>(by: string, asked: Effect.Effect<Review.Reviewed, Role.Failure, R>) =>
  Stage.run(
    { name: `review-${by}`, success: Schema.Union([PanelReport.Review, PanelReport.Failed]) },
    Effect.gen(function* () {
      const result = yield* Effect.result(asked)
      if (Result.isSuccess(result)) {
        const { _tag: verdict, comments, dropped, summary } = result.success
        return { by, verdict, summary, comments, dropped }
      }
      const { failure } = result
      if (failure._tag === "BudgetError" || failure._tag === "JournalError") return yield* Effect.fail(failure)
      return { by, fault: Fault.record(failure) }
    })
  )

const wellFormed = (reviewers: ReadonlyArray<Reviewer>, quorum: number): Effect.Effect<void, PanelError> => {
  const names = reviewers.map(({ name }) => name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  const odd = names.find((name) => !/^[a-z0-9][a-z0-9-]{0,39}$/.test(name))
  const wrong =
    names.length === 0
      ? "has no reviewers. Give it some."
      : names.length > mostReviewers
        ? `has ${names.length} reviewers. Take at most ${mostReviewers}.`
        : odd !== undefined
          ? `has a reviewer called ${JSON.stringify(odd.slice(0, 100))}. Take at most 40 lower-case letters, digits and hyphens.`
          : twice !== undefined
            ? `has two reviewers called ${twice}, and nobody could tell who said what. Give them names of their own.`
            : Number.isInteger(quorum) && quorum >= 1 && quorum <= names.length
              ? undefined
              : `needs ${quorum} reviews of ${names.length} reviewers. Take a whole number from 1 to ${names.length}.`
  return wrong === undefined
    ? Effect.void
    : Effect.fail(new PanelError({ reason: "BadPanel", message: `The panel ${wrong}` }))
}

const noQuorum = (have: number, quorum: number, failed: ReadonlyArray<PanelReport.Failed>) =>
  new PanelError({
    reason: "NoQuorum",
    message:
      `The panel has ${have} reviews and needs ${quorum}. ${failed.map(({ by, fault }) => `${by}: ${fault.message.slice(0, 500)}`).join(" ")} ` +
      `Mend what failed, or lower the quorum. In a line, go back (Line.rewind) before the stage review-${failed[0]?.by}, to ask again.`
  })

/** The report of a panel as one text that an author can work from. */
export const complaint = ({ upheld, minority }: PanelReport.PanelReport): string =>
  [
    ...upheld.map(({ finding }) => Review.line(finding.comment)),
    ...minority.flatMap((each) => (each._tag === "Unplaced" ? [`${Review.line(each.comment)} [${each.why}]`] : []))
  ].join("\n")
