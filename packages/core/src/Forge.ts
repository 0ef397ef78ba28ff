/**
 * The **forge**: where issues, branches and pull requests live. Only the host talks to it; a role proposes, and never
 * holds a token.
 *
 * Every writing call carries an idempotency `key`, since a stage in flight runs again after a crash: the same call with
 * the same key has one effect and the same answer.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type * as Change from "./Change.ts"
import * as Fault from "./Fault.ts"
import type * as PullRequest from "./PullRequest.ts"
import type * as WorkItem from "./WorkItem.ts"

/** The forge does not do what it was asked. */
export class ForgeError extends Fault.Class<ForgeError>()("ForgeError", {
  NotFound: false,
  /** The forge refuses: no permission, a protected branch, a branch that is not what the request says. */
  Refused: false,
  Unavailable: true
}) {}

/** What a pull request is opened with. The change's branch must exist and its head must be the change's head. */
export interface Delivery {
  readonly item: WorkItem.WorkItem
  readonly change: Change.Change
  readonly title: string
  readonly body: string
  /** The branch that it asks to be merged into. */
  readonly into: string
  readonly key: string
}

/** What a forge can do beyond the minimum. Callers branch on it; a `false` fails with `Refused`. */
export interface Supports {
  readonly comments: boolean
  readonly merge: boolean
  /** It can say which issues are open. */
  readonly open: boolean
}

/** Where issues, branches and pull requests live. */
export class Forge extends Context.Service<
  Forge,
  {
    readonly name: string
    readonly supports: Supports
    /** Reads an issue by its reference: a path for the local forge, a number or URL elsewhere. */
    readonly issue: (reference: string) => Effect.Effect<WorkItem.WorkItem, ForgeError | WorkItem.WorkItemError>
    /**
     * Every issue that is open now, as {@link issue} gives it. What is no work item is left out. Fails when it can not tell,
     * so that what is missing is known not to be open.
     */
    readonly open: Stream.Stream<WorkItem.WorkItem, ForgeError>
    readonly comment: (
      item: WorkItem.WorkItem,
      comment: { readonly body: string; readonly key: string }
    ) => Effect.Effect<void, ForgeError>
    readonly comments: (item: WorkItem.WorkItem) => Effect.Effect<ReadonlyArray<string>, ForgeError>
    readonly deliver: (delivery: Delivery) => Effect.Effect<PullRequest.PullRequest, ForgeError>
    readonly pullRequests: Effect.Effect<ReadonlyArray<PullRequest.PullRequest>, ForgeError>
    /** Pull requests as they are opened or change state, from now on. */
    readonly changes: Stream.Stream<PullRequest.PullRequest, ForgeError>
  }
>()("@millwright/core/Forge") {}
