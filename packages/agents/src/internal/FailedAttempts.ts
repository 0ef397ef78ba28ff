/** How often the work of a stage was tried in vain before, as a fold over the journal of its run. */
import type * as FactoryEvent from "@millwright/core/FactoryEvent"

/** What was seen of the stages of one name. */
export interface FailedAttempts {
  readonly count: number
  readonly isDone: boolean
}

/** Nothing yet. */
export const none: FailedAttempts = { count: 0, isDone: false }

/** Stages of one name are numbered: `implement`, `implement#2`. */
const nameOf = (stage: string | null): string | undefined => stage?.replace(/#\d+$/, "")

/** Takes one event in. With `isJudged` a verdict that rejects is a failed attempt of the stage that was done before it. */
export const see =
  ({ isJudged, stage }: { readonly stage: string | null; readonly isJudged: boolean }) =>
  (before: FailedAttempts, event: FactoryEvent.FactoryEvent): FailedAttempts => {
    const { fact } = event
    const isOwn = stage !== null && nameOf(event.stage) === nameOf(stage)
    const failed = { ...before, count: before.count + 1 }
    switch (fact._tag) {
      case "StageRetried":
      case "StageFailed":
        return isOwn ? failed : before
      case "StageFinished":
        return isOwn ? { ...before, isDone: true } : before
      case "VerdictGiven":
        return isJudged && before.isDone && !fact.verdict.accepted ? failed : before
      default:
        return before
    }
  }
