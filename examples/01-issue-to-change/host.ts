/**
 * The deterministic stages: what a script can do, a script does. No model has a say in branch names, commits, checks, the
 * class of a change, or the pull request.
 */
import type * as Implement from "@millwright/agents/roles/Implement"
import * as Precondition from "@millwright/agents/roles/Precondition"
import * as Review from "@millwright/agents/roles/Review"
import * as Specification from "@millwright/agents/Specification"
import * as Workpad from "@millwright/agents/Workpad"
import * as RepositoryContext from "@millwright/context/RepositoryContext"
import * as Change from "@millwright/core/Change"
import * as ChangeFacts from "@millwright/core/ChangeFacts"
import * as Contract from "@millwright/core/Contract"
import * as Forge from "@millwright/core/Forge"
import * as Git from "@millwright/core/Git"
import * as GitCommit from "@millwright/core/GitCommit"
import * as Journal from "@millwright/core/Journal"
import * as Policy from "@millwright/core/Policy"
import * as PullRequest from "@millwright/core/PullRequest"
import * as Redaction from "@millwright/core/Redaction"
import * as Run from "@millwright/core/Run"
import * as Stage from "@millwright/core/Stage"
import * as Tainted from "@millwright/core/Tainted"
import type * as Validator from "@millwright/core/Validator"
import * as Verdict from "@millwright/core/Verdict"
import type * as WorkItem from "@millwright/core/WorkItem"
import type { Companion } from "@millwright/sandbox/SandboxSpec"
import * as CommandValidator from "@millwright/validators/adapters/CommandValidator"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const author = { name: "millwright", email: "millwright@localhost" }

/** What a stranger or a model wrote, as it may stand where a forge reads it: in a commit, and in a pull request. */
const told = (origin: string, text: string): string =>
  Result.getOrElse(Tainted.pass(Tainted.of(origin, text), Tainted.prose()), () => "(nothing that can be read)")

const Seen = Schema.Struct({
  text: Schema.String,
  checks: Schema.Array(
    Schema.Struct({
      statement: Schema.NonEmptyString,
      check: Schema.TaggedStruct("Command", { run: Schema.NonEmptyString })
    })
  )
})

/** Reads what every role gets to know of the repository, and which commands it has to check itself. */
export const look = Stage.run(
  { name: "look", success: Seen },
  Effect.gen(function* () {
    const { text } = yield* RepositoryContext.gather({ budget: 6_000 })
    const checks = yield* RepositoryContext.checks()
    return {
      text,
      checks: checks.map(({ command, name }) => ({
        statement: `The repository's own ${name} passes`,
        check: { _tag: "Command" as const, run: command }
      }))
    }
  })
)

/** Freezes the contract. A repository without checks, and an item without clauses, has nothing that could be judged. */
export const freeze = (item: WorkItem.WorkItem, clauses: ReadonlyArray<Contract.Clause>) =>
  Stage.run(
    { name: "contract", success: Contract.Contract },
    Effect.gen(function* () {
      const [first = { statement: item.title }, ...rest] = clauses
      const contract = Contract.freeze(item.id, [first, ...rest])
      yield* Journal.record({
        _tag: "ContractFrozen",
        contract: contract.digest,
        assertions: contract.assertions.length
      })
      return contract
    })
  )

const Built = Schema.TaggedUnion({
  /** `workpad`: what the author did, as Markdown. */
  Changed: { change: Change.Change, summary: Schema.String, workpad: Schema.String },
  Unchanged: {},
  Blocked: { missing: Schema.String }
})

/** Lets the author work, and commits what is there afterwards. After a crash both are done anew, in a clean workspace. */
export const build = <E, R>({
  author: working,
  item,
  place
}: {
  readonly place: Companion
  readonly item: WorkItem.WorkItem
  readonly author: Effect.Effect<Implement.Outcome, E, R>
}) =>
  Stage.run(
    { name: "implement", success: Built },
    Effect.gen(function* () {
      const outcome = yield* working
      if (outcome._tag === "Blocked") return { _tag: "Blocked" as const, missing: Precondition.sentence(outcome) }
      const change = yield* commit(
        place,
        `${told("title", item.title)}\n\n${told("summary", outcome.summary)}\n\nItem: ${item.id}`
      )
      return Option.match(change, {
        onNone: () => ({ _tag: "Unchanged" as const }),
        onSome: (change) => ({
          _tag: "Changed" as const,
          change,
          summary: outcome.summary,
          workpad: Workpad.markdown(item, outcome.workpad)
        })
      })
    })
  )

const commit = (place: Companion, message: string) =>
  Effect.gen(function* () {
    const head = yield* GitCommit.commitAll(".", { branch: place.branch, base: place.base, message, author })
    if (Option.isNone(head)) return Option.none<Change.Change>()
    const files = yield* Git.diff(".", place.base, head.value)
    const change: Change.Change = { branch: place.branch, base: place.base, head: head.value, files }
    yield* Journal.record({
      _tag: "ChangeCommitted",
      branch: place.branch,
      commit: head.value,
      files: files.length,
      lines: Change.lines(change)
    })
    return Option.some(change)
  })

/** Puts the specification on the branch, for a person to read. Answers with the commit. */
export const writeSpec = ({
  item,
  place,
  spec
}: {
  readonly place: Companion
  readonly item: WorkItem.WorkItem
  readonly spec: Specification.Specification
}) =>
  Stage.run(
    { name: "write-spec", success: Schema.String },
    Effect.gen(function* () {
      const files = yield* FileSystem.FileSystem
      const { product, tech } = Specification.documents(spec)
      yield* files.makeDirectory(`specs/${item.id}`, { recursive: true }).pipe(Effect.orDie)
      yield* files.writeFileString(`specs/${item.id}/PRODUCT.md`, product).pipe(Effect.orDie)
      yield* files.writeFileString(`specs/${item.id}/TECH.md`, tech).pipe(Effect.orDie)
      const change = yield* commit(place, `Specify: ${told("title", item.title)}\n\nItem: ${item.id}`)
      return Option.match(change, { onNone: () => place.base, onSome: ({ head }) => head })
    })
  )

/** Runs the commands of the contract. */
export const validate = (subject: Validator.Subject) =>
  Stage.run({ name: "validate", success: Verdict.Verdict }, CommandValidator.make().judge(subject))

/** The patch, for the reviewer and for the person at the gate, and whether it holds what looks like a secret. */
export const patch = (change: Change.Change) =>
  Stage.run(
    { name: "patch", success: Schema.Struct({ text: Schema.String, holdsSecret: Schema.Boolean }) },
    Effect.gen(function* () {
      const { text, truncated } = yield* Git.patch(".", { base: change.base, head: change.head, maxBytes: 100_000 })
      const added = text
        .split("\n")
        .filter((line) => line.startsWith("+"))
        .join("\n")
      const holdsSecret = Redaction.scrub(added, yield* Redaction.Secrets) !== added
      return { text: truncated ? `${text}\n(the patch is longer than this)` : text, holdsSecret }
    })
  )

/** What the commands and the reviewer found, as one verdict. */
export const conclude = (
  contract: Contract.Contract,
  { checked, review }: { readonly checked: Verdict.Verdict; readonly review: Review.Outcome }
) =>
  Stage.run(
    { name: "verdict", success: Verdict.Verdict },
    Effect.gen(function* () {
      const reviewed = Verdict.make("review", contract, Review.findings(contract, review))
      const verdict = Verdict.combine(contract, [checked, reviewed])
      yield* Journal.record({ _tag: "VerdictGiven", verdict })
      return verdict
    })
  )

/** Decides what may be done with the change, from git's objects alone. */
export const classify = (policy: Policy.Policy, change: Change.Change) =>
  Stage.run(
    { name: "classify", success: Policy.Decision },
    Effect.gen(function* () {
      const decision = Policy.classify(policy, yield* ChangeFacts.read(".", change))
      yield* Journal.record({ _tag: "ChangeClassified", decision })
      return decision
    })
  )

/** Opens the pull request, with what speaks for the change. */
export const deliver = (delivery: {
  readonly item: WorkItem.WorkItem
  readonly change: Change.Change
  readonly into: string
  readonly summary: string
  readonly workpad: string
  readonly verdict: Verdict.Verdict
  readonly decision: Policy.Decision
}) =>
  Stage.run(
    { name: "deliver", success: PullRequest.PullRequest },
    Effect.gen(function* () {
      const forge = yield* Forge.Forge
      const run = yield* Run.Run
      const { change, decision, into, item, summary, verdict, workpad } = delivery
      const findings = verdict.findings.map(
        ({ assertion, reason, status }) => `- ${assertion} ${status}: ${told("finding", reason)}`
      )
      const body = [
        told("summary", summary),
        `Closes ${item.id}`,
        findings.join("\n"),
        `Policy: ${decision._tag} by "${decision.rule}"`,
        told("workpad", workpad)
      ]
      return yield* forge.deliver({
        item,
        change,
        into,
        title: told("title", item.title),
        body: body.join("\n\n"),
        key: run.id
      })
    })
  )
