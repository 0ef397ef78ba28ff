/** The line of this factory: an agent's work becomes a pull request, and policy says whether it ships or a person has to say yes. */
import * as Change from "@millwright/core/Change"
import type * as Clearance from "@millwright/core/Clearance"
import * as Digest from "@millwright/core/Digest"
import type * as Fault from "@millwright/core/Fault"
import * as Forge from "@millwright/core/Forge"
import * as Gate from "@millwright/core/Gate"
import * as Git from "@millwright/core/Git"
import * as Intervention from "@millwright/core/Intervention"
import * as Journal from "@millwright/core/Journal"
import * as Line from "@millwright/core/Line"
import * as Stage from "@millwright/core/Stage"
import * as WorkItem from "@millwright/core/WorkItem"
import * as StatusCheck from "@millwright/governance/StatusCheck"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Repository from "./repository.ts"
import * as Timeline from "./timeline.ts"

/** What an agent committed. */
export const Work = Schema.Struct({ base: Schema.String, branch: Schema.String, head: Schema.String })
export type Work = typeof Work.Type

/** What policy says of a head now. */
const Judged = Schema.Struct({
  head: Schema.String,
  decision: Digest.Digest,
  rule: Schema.String,
  next: Schema.Literals(["ship", "ask", "stop"]),
  missing: Schema.String
})

export const Factory = Line.make("Factory", {
  payload: { item: WorkItem.WorkItem },
  success: Schema.String,
  error: Line.Parked
})

/** Where the line works, what the forge is told, and who does the work. */
export interface Place<R> {
  readonly dir: string
  readonly timeline: Timeline.Timeline
  readonly work: (item: WorkItem.WorkItem) => Effect.Effect<Work, Fault.Fault, R>
}

export const layer = <R>({ dir, timeline, work }: Place<R>) =>
  Factory.toLayer(
    Effect.fnUntraced(function* ({ item }) {
      const made = yield* Stage.run({ name: "implement", success: Work }, work(item))
      yield* Stage.run(
        { name: "deliver", success: Schema.String },
        Effect.gen(function* () {
          const forge = yield* Forge.Forge
          const { base, branch, head } = made
          const files = yield* Git.diff(dir, base, head)
          const change: Change.Change = { base, branch, head, files }
          const size = { files: files.length, lines: Change.lines(change) }
          yield* Journal.record({ _tag: "ChangeCommitted", branch, commit: head, ...size })
          const pull = yield* forge.deliver({ item, change, title: item.title, body: "", into: "main", key: item.id })
          yield* timeline.opened(pull)
          return pull.id
        })
      )
      const approvals: Array<Clearance.Approval> = []
      for (;;) {
        // A commit that came since voids what was approved, so policy is asked again after each yes.
        const { decision, head, missing, next, rule } = yield* judge({ dir, branch: made.branch, approvals })
        if (next === "ship") return yield* ship({ dir, timeline, item: item.id, branch: made.branch, head })
        if (next === "stop") return yield* Line.park(item, { reason: missing })
        const yes = yield* Gate.approve("change", {
          question: `Ship "${item.title}"?`,
          context: missing,
          cause: `${Intervention.causes.policy}: ${rule}`,
          subject: { head, decision }
        }).pipe(Effect.catchTag("Rejected", (no) => Line.park(item, { reason: no.message })))
        approvals.push({ by: yes.by, ...yes.subject })
      }
    })
  )

const judge = ({ approvals, branch, dir }: { dir: string; branch: string; approvals: Array<Clearance.Approval> }) =>
  Stage.run(
    { name: "judge", success: Judged },
    Effect.gen(function* () {
      const head = yield* Git.resolve(dir, branch)
      const report = yield* StatusCheck.check(dir, { base: "main", head, known: { approvals } })
      const { decision, digest, ruling } = report
      yield* Journal.record({ _tag: "ChangeClassified", decision })
      const next = ruling._tag === "Ships" ? "ship" : decision._tag === "HardStop" ? "stop" : "ask"
      return {
        head,
        decision: digest,
        rule: decision.rule,
        next,
        missing: StatusCheck.text(report)
      } as const
    })
  )

interface Shipping {
  readonly dir: string
  readonly timeline: Timeline.Timeline
  readonly item: string
  readonly branch: string
  readonly head: string
}

const ship = ({ branch, dir, head, item, timeline }: Shipping) =>
  Stage.run(
    { name: "ship", success: Schema.String },
    Effect.gen(function* () {
      // It is refused where `main` went on since.
      yield* Repository.git(dir, Repository.agent, "fetch", "-q", ".", `${branch}:main`)
      yield* timeline.happened(item, { _tag: "Merged", by: Timeline.accounts.bot, commit: head })
      return head
    })
  )
