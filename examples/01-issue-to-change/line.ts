/**
 * The line of this factory: from an issue to a reviewed change on a branch. Everything that it decides is here, as plain
 * code; copy it and change it.
 */
import * as Independence from "@millwright/agents/Independence"
import type * as Implement from "@millwright/agents/roles/Implement"
import * as Review from "@millwright/agents/roles/Review"
import * as Spec from "@millwright/agents/roles/Spec"
import type * as Triage from "@millwright/agents/roles/Triage"
import { toClauses } from "@millwright/agents/roles/Clauses"
import * as Question from "@millwright/agents/roles/Question"
import * as Gate from "@millwright/core/Gate"
import * as Line from "@millwright/core/Line"
import * as Policy from "@millwright/core/Policy"
import * as PullRequest from "@millwright/core/PullRequest"
import * as Run from "@millwright/core/Run"
import * as Tainted from "@millwright/core/Tainted"
import * as Verdict from "@millwright/core/Verdict"
import * as WorkItem from "@millwright/core/WorkItem"
import * as Sandbox from "@millwright/sandbox/Sandbox"
import * as SandboxSpec from "@millwright/sandbox/SandboxSpec"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Host from "./host.ts"

export const IssueToChange = Line.make("IssueToChange", {
  payload: {
    item: WorkItem.WorkItem,
    /** The repository, the commit to start from, and the branch that the change is for. */
    repository: Schema.String,
    base: Schema.String,
    into: Schema.String,
    /** What was asked for when the run began holds for all of it, whoever goes on with it. */
    policy: Policy.Policy,
    attempts: Schema.Natural
  },
  success: PullRequest.PullRequest
})

export interface Settings {
  readonly roles: {
    readonly triage: typeof Triage.Triage
    readonly spec: typeof Spec.Spec
    readonly implement: typeof Implement.Implement
    readonly review: typeof Review.Review
  }
}

export const layer = ({ roles }: Settings) =>
  IssueToChange.toLayer(
    Effect.fnUntraced(function* ({ attempts, base, into, item, policy, repository }) {
      const run = yield* Run.Run
      const place = { id: run.id, repository, base, branch: `millwright/${run.id}` }
      const clean = SandboxSpec.checkout({ ...place, fresh: true })
      // The last commit of a finished stage; a stage that died half-way may have left the branch further on.
      let tip = base
      const seen = yield* Host.look.pipe(Sandbox.within(SandboxSpec.checkout(place)))
      const known = Tainted.of("files of the repository", seen.text)

      const { answers, triage } = yield* understood(item, (answers) =>
        roles.triage.run({ item, repository: known, answers }).pipe(Sandbox.within(clean))
      )
      const task = withAnswers(item, answers)
      if (triage._tag === "Park") return yield* Line.park(item, { reason: triage.reason })

      const spec = triage._tag === "NeedsSpec" ? yield* approvedSpec(task, triage.why) : undefined
      // What done means, before any code: what triage or the spec asks for, and what the repository asks of every change.
      const wanted = triage._tag === "Automatable" ? toClauses(triage.clauses) : []
      const clauses = spec === undefined ? wanted : Spec.clauses(spec.subject)
      const contract = yield* Host.freeze(item, [...clauses, ...seen.checks])

      return yield* Line.rework(
        { attempts },
        // The house says a sentence and a validator a verdict; the author is given either as one text, without what is known by then.
        Effect.fnUntraced(function* (_: string | Verdict.Verdict | undefined, _attempt, context) {
          const built = yield* Host.build({
            place,
            item: task,
            author: roles.implement.run({
              item: task,
              contract,
              repository: known,
              spec: spec ?? null,
              feedback: context === undefined ? null : Tainted.reveal(context, "data-block")
            })
          }).pipe(Sandbox.within(SandboxSpec.checkout({ ...place, fresh: { at: tip } })))
          if (built._tag === "Blocked") {
            return yield* Line.park(item, { reason: "The author is blocked", unblockWhen: built.missing })
          }
          if (built._tag === "Unchanged") {
            tip = base
            return yield* Line.again("You changed nothing. Change the files in the workspace.")
          }
          const { change } = built
          tip = change.head

          const checked = yield* Host.validate({ contract, change }).pipe(Sandbox.within(clean))
          if (checked.findings.some(Verdict.isAgainst)) return yield* Line.again(checked)

          const { holdsSecret, text: patch } = yield* Host.patch(change).pipe(
            Sandbox.within(SandboxSpec.checkout(place))
          )
          if (holdsSecret) return yield* Line.again("The change holds what looks like a key or token. Take it out.")
          const review = yield* roles.review
            .run({ item: task, contract, patch: Tainted.of("git diff", patch), repository: known })
            // One key is all that this example asks for, so author and reviewer may be of one family; the journal says so.
            .pipe(Independence.within({ family: "warn" }), Sandbox.within(clean))
          if (review._tag === "RequestChanges") return yield* Line.again(Review.complaint(review))
          const verdict = yield* Host.conclude(contract, { checked, review })
          if (!verdict.accepted) return yield* Line.again(verdict)

          const decision = yield* Host.classify(policy, change).pipe(Sandbox.within(SandboxSpec.checkout(place)))
          if (decision._tag === "HardStop") {
            return yield* Line.park(item, {
              reason: `The policy forbids this change by the rule "${decision.rule}": ${decision.paths.join(", ")}`,
              unblockWhen: "a person makes the change, or the policy is changed in a reviewed commit"
            })
          }
          if (decision._tag === "HumanReview") {
            const refused = yield* Gate.approve("merge", {
              question: `Ship ${change.files.length} changed file(s) on ${change.branch}?`,
              context: `${Review.complaint(review)}\n\n${patch}`,
              cause: `policy: ${decision.rule}`
            }).pipe(
              Effect.as(undefined),
              Effect.catchTag("Rejected", ({ note }) => Effect.succeed(note))
            )
            if (refused !== undefined)
              return yield* Line.again(`A person looked at the change and refused it: ${refused}`)
          }
          const { summary, workpad } = built
          return yield* Host.deliver({ item, change, into, summary, workpad, verdict, decision })
        })
      )

      /** A specification that a person has approved; what they say against it is the context of the next version. */
      function approvedSpec(task: WorkItem.WorkItem, why: string) {
        return Line.rework(
          { attempts },
          Effect.fnUntraced(function* (feedback: string | undefined) {
            const outcome = yield* roles.spec
              .run({ item: task, repository: known, why, feedback: feedback ?? null })
              .pipe(Sandbox.within(clean))
            if (outcome._tag === "NeedsInfo") {
              const answer = yield* Gate.answer("clarify-spec", {
                question: Question.numbered(outcome.questions),
                cause: "needs info"
              })
              return yield* Line.again(`${Question.numbered(outcome.questions)}\n\nAnswered: ${answer}`)
            }
            const spec = Spec.sealed(item, outcome)
            tip = yield* Host.writeSpec({ place, item: task, spec }).pipe(Sandbox.within(clean))
            const { product, tech } = Spec.documents(spec)
            return yield* Gate.approve("spec", {
              question: `Build this? specs/${item.id}/PRODUCT.md and TECH.md on ${place.branch}`,
              context: `${product}\n${tech}`,
              cause: "spec approval",
              subject: spec
            }).pipe(Effect.catchTag("Rejected", ({ note }) => Line.again(note)))
          })
        )
      }
    })
  )

/** Triage, and again with what a person answered, until it asks no more (at most three times). */
const understood = <E, R>(
  item: WorkItem.WorkItem,
  triage: (answers: ReadonlyArray<Question.Answer>) => Effect.Effect<Triage.Outcome, E, R>
) =>
  Effect.gen(function* () {
    const answers: Array<Question.Answer> = []
    for (let replies = 0; ; replies++) {
      const outcome = yield* triage(answers)
      if (outcome._tag !== "NeedsInfo") return { triage: outcome, answers }
      const question = Question.numbered(outcome.questions)
      if (replies === 3) {
        return yield* Line.park(item, {
          reason: "Three answers were not enough",
          unblockWhen: `somebody answers: ${question}`
        })
      }
      const reply = yield* Gate.answer("clarify", { question, cause: "needs info" })
      answers.push(...Question.answered(outcome.questions, Tainted.of("a reply to questions", reply)))
    }
  })

const withAnswers = (item: WorkItem.WorkItem, answers: ReadonlyArray<Question.Answer>): WorkItem.WorkItem => {
  const told = answers.map(({ answer, question }) => `${question}\n\nAnswered: ${Tainted.reveal(answer, "stored")}`)
  return answers.length === 0
    ? item
    : { ...item, body: Tainted.map(item.body, (body) => [body, "## Answers", ...told].join("\n\n")) }
}
