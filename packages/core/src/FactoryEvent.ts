/**
 * The facts of a factory. The journal of them is the only thing written; metrics, dashboards, cost ledgers, the
 * intervention ledger and audits are pure folds over it.
 *
 * The union is closed and versioned: a reader that meets a version it does not know says so and does not guess.
 */
import * as Schema from "effect/Schema"
import * as Actor from "./Actor.ts"
import * as Digest from "./Digest.ts"
import * as Charge from "./internal/Charge.ts"
import * as Fault from "./Fault.ts"
import * as InterventionSum from "./internal/InterventionSum.ts"
import * as PolicyDecision from "./internal/PolicyDecision.ts"
import * as PullRequest from "./PullRequest.ts"
import * as RouteDecision from "./RouteDecision.ts"
import * as Usage from "./Usage.ts"
import * as Verdict from "./Verdict.ts"

/** The version that this package writes. */
export const version = 1

const Milliseconds = Schema.Natural

/** US dollars that are known, tokens, and calls with no known price. */
const Spent = Schema.Struct({ usd: Schema.Finite, tokens: Schema.Natural, unpriced: Schema.Natural })

/** One thing that happened. Times are in milliseconds, sizes in bytes. */
export const Fact = Schema.TaggedUnion({
  /** `execution` is the engine's name for the run, `start` is unique to the call that started it. */
  LineStarted: {
    title: Schema.String,
    execution: Schema.String,
    start: Schema.String,
    /** The run, and the stage of it, that started this one as a child and waits for its end. */
    parent: Schema.optionalKey(Schema.Struct({ run: Schema.String, stage: Schema.String })),
    /** The run that this one was forked from, and the first of its stages that this one has not taken over. */
    forkOf: Schema.optionalKey(
      Schema.Struct({
        run: Schema.String,
        before: Schema.String,
        /** The stages that it has taken over, and which branches were enough, by the key of their join. */
        took: Schema.optionalKey(Schema.Array(Schema.String)),
        joined: Schema.optionalKey(Schema.Record(Schema.String, Schema.Array(Schema.String)))
      })
    )
  },
  /**
   * A process took the line up again after the one that ran it was gone, or after a fault was mended: `fault`, where the run
   * had stalled.
   */
  LineResumed: { fault: Schema.optionalKey(Fault.Recorded) },
  LineFinished: { result: Schema.Json },
  /**
   * `unblockWhen` says what would take the item up again; `reviewAfter` is how long to leave it at least. With `undoing`,
   * here and in the other ends, what the run did has still to be undone: `LineUndone` follows.
   */
  LineParked: {
    reason: Schema.String,
    undoing: Schema.optionalKey(Schema.Literal(true)),
    unblockWhen: Schema.optionalKey(Schema.String),
    reviewAfter: Schema.optionalKey(Milliseconds)
  },
  /**
   * Somebody stopped the run. It begins no further stage, and what it did is undone where it says how. `with` is the run that it is a
   * child of, where it was stopped together with that.
   */
  LineCancelled: {
    reason: Schema.String,
    undoing: Schema.optionalKey(Schema.Literal(true)),
    with: Schema.optionalKey(Schema.String)
  },
  /** The run is to forget a stage and what began after it. What those did is undone first; `LineRewound` follows. */
  LineRewinding: { before: Schema.String },
  /** The run forgot these stages and gates, and goes on before the first of them. What was recorded of them is history. */
  LineRewound: { before: Schema.String, dropped: Schema.Array(Schema.String), gates: Schema.Array(Schema.String) },
  /** The line ended in an error that it declares. */
  LineFailed: { fault: Fault.Recorded, undoing: Schema.optionalKey(Schema.Literal(true)) },
  /** What the run did is undone where it says how, and so is what its children did that were cancelled with it. */
  LineUndone: {},
  /** A fault that nobody handled. The line keeps its finished stages and can be resumed. */
  LineStalled: { fault: Fault.Recorded },
  /** The stage that this belongs to has started another run, for whose end this one waits. */
  ChildStarted: { child: Schema.String },
  StageStarted: { attempt: Schema.Natural },
  StageFinished: { attempt: Schema.Natural, duration: Milliseconds },
  StageRetried: { attempt: Schema.Natural, fault: Fault.Recorded, delay: Milliseconds },
  StageFailed: { attempt: Schema.Natural, duration: Milliseconds, fault: Fault.Recorded },
  /**
   * Of branches side by side, these were enough. `dropped` are stages of the others that were stopped without a result,
   * `gates` what the others asked: nobody waits for an answer any more.
   */
  BranchesJoined: {
    key: Schema.String,
    enough: Schema.Array(Schema.String),
    dropped: Schema.Array(Schema.String),
    gates: Schema.optionalKey(Schema.Array(Schema.String))
  },
  /** What a stage did was undone after its line had failed; `fault` says why that did not work. */
  StageUndone: { fault: Schema.NullOr(Fault.Recorded) },
  /** What a role ran with, so that the run can be told from one with another skill or model. */
  RoleStarted: {
    role: Schema.String,
    skill: Schema.String,
    skillDigest: Digest.Digest,
    harness: Schema.String,
    tier: Schema.String,
    /** The plugin that the role comes from. */
    plugin: Schema.optionalKey(Schema.Struct({ name: Schema.String, version: Schema.String, digest: Digest.Digest })),
    /** Where the skill was read. */
    skillSource: Schema.optionalKey(Schema.String)
  },
  /** An agent read a skill of the tool index: `digest` is of the bytes that it read, the skill's or those of a `file` beside it. */
  SkillUsed: {
    skill: Schema.String,
    digest: Digest.Digest,
    source: Schema.String,
    trust: Schema.Literals(["house", "outside"]),
    file: Schema.optionalKey(Schema.String)
  },
  /** The router chose a model. `judged`: the verdicts of the run judge what it does. */
  ModelChosen: { role: Schema.NullOr(Schema.String), judged: Schema.Boolean, decision: RouteDecision.RouteDecision },
  ModelCalled: {
    model: Schema.String,
    provider: Schema.String,
    usage: Usage.Usage,
    cost: Usage.Cost,
    latency: Milliseconds,
    /** `true` when a loopback server answered in the place of the provider. */
    rehearsed: Schema.Boolean,
    /** The provider's own name for the answer, where it is unique: one answer counts once, however often it stands here. */
    message: Schema.optionalKey(Schema.String),
    /** Left out: by a key. The cost is the list price all the same. */
    paidBy: Schema.optionalKey(Usage.PaidBy)
  },
  /** A call that failed; `delay` until the next attempt, `null` when there is none. */
  ModelFailed: {
    model: Schema.String,
    fault: Fault.Recorded,
    delay: Schema.NullOr(Milliseconds),
    /** The answer had begun and broke off, and is billed: `usage` and `cost` are the least that it was, and nobody knows the rest. */
    billed: Schema.optionalKey(
      Schema.Struct({
        provider: Schema.String,
        usage: Usage.Usage,
        cost: Usage.Cost,
        rehearsed: Schema.Boolean,
        message: Schema.optionalKey(Schema.String),
        paidBy: Schema.optionalKey(Usage.PaidBy)
      })
    )
  },
  ToolCalled: {
    /** The tool's name; of a tool of the index its id, `server/name`, by whichever way it was called. */
    tool: Schema.String,
    /** One line for people; the arguments themselves are named by digest. */
    summary: Schema.String,
    arguments: Digest.Digest,
    ok: Schema.Boolean,
    /** Of what the model was shown. */
    outputBytes: Schema.Natural,
    duration: Milliseconds,
    /** The name of the call, unlike any other in the conversations of the run. */
    call: Schema.optionalKey(Schema.String),
    /** What the tool said where the model was shown a part of it: the digest of what `ToolOutput` holds, and how much it said. */
    output: Schema.optionalKey(Digest.Digest),
    fullBytes: Schema.optionalKey(Schema.Natural)
  },
  /**
   * A part of what a tool said, numbered from 0: where the model was shown less, all of it stands before its `ToolCalled`.
   * `missing` bytes behind this part are kept nowhere. Left out of what is read of a journal, unless it is asked for.
   */
  ToolOutput: {
    call: Schema.String,
    part: Schema.Natural,
    text: Schema.String,
    isLast: Schema.Boolean,
    missing: Schema.optionalKey(Schema.Natural)
  },
  /** A hook said no, or changed something, at its point of a role. The digest is that of its reason, or of what it made. */
  HookActed: {
    hook: Schema.String,
    point: Schema.Literals(["request", "beforeTool", "afterTool", "outcome"]),
    did: Schema.Literals(["veto", "transform"]),
    digest: Digest.Digest,
    /** The call of a tool, as the model named it. */
    call: Schema.optionalKey(Schema.String)
  },
  /** An agent began to work, or took up a conversation that had broken off. */
  AgentStarted: { role: Schema.String, session: Schema.String, resumed: Schema.Boolean },
  /** An agent stopped; `fault` says why it has no outcome. */
  AgentEnded: { session: Schema.String, fault: Schema.NullOr(Fault.Recorded) },
  /**
   * This event's actor gave a task to a sub-agent, which does it as the actor `agent`. `depth` is how many more agents may
   * stand below it. The digests tell it from one with another task or other instructions.
   */
  AgentDelegated: {
    agent: Schema.String,
    session: Schema.String,
    depth: Schema.Natural,
    task: Digest.Digest,
    instructions: Digest.Digest
  },
  /** Somebody said something to an agent: in the middle of its work, or to be done when it is done. */
  AgentPrompted: { session: Schema.String, lane: Schema.Literals(["steer", "follow-up"]), text: Schema.String },
  /** An agent made the same calls again and again, with the same results. `told`: it was told so; otherwise it was ended for it. */
  CircleFound: { tools: Schema.Array(Schema.String), times: Schema.Natural, told: Schema.Boolean },
  /**
   * Earlier turns of a conversation were taken out, and a summary stands in their place: since the model's context was nearly
   * full, or since the provider refused the request. Sizes are in tokens and estimated; `kept` are messages.
   */
  ContextCompacted: {
    model: Schema.String,
    trigger: Schema.Literals(["window", "overflow"]),
    /** Who made the summary: the model, or the loop from the list of calls, as the model wrote none. */
    notes: Schema.Literals(["model", "calls"]),
    before: Schema.Natural,
    after: Schema.Natural,
    kept: Schema.Natural,
    dropped: Schema.Struct({ messages: Schema.Natural, toolResults: Schema.Natural, tokens: Schema.Natural }),
    /** What the summary cost. It is in a `ModelCalled` as well. */
    usage: Usage.Usage
  },
  /**
   * A request did not go on where the one before it in its conversation ended, or the provider had lost what it had of it: `lost`
   * tokens, estimated, are paid again. `why` is `null` where nobody did it on purpose.
   */
  PrefixChanged: {
    model: Schema.String,
    what: Schema.Array(
      Schema.Struct({
        part: Schema.Literals(["model", "tools", "system", "messages", "provider"]),
        detail: Schema.String
      })
    ),
    why: Schema.NullOr(Schema.Literals(["compaction", "handover", "escalation"])),
    lost: Schema.Natural
  },
  /** A human is asked. Opening a gate is recording an intervention; there is no other way to ask. */
  GateOpened: {
    gate: Schema.String,
    name: Schema.String,
    /** What an answer is delivered with, to whichever process runs the line. */
    token: Schema.String,
    kind: Schema.Literals(["approve", "answer", "ask"]),
    question: Schema.String,
    /** What the asked person should read first, bounded. */
    context: Schema.String,
    cause: Schema.String,
    /** The JSON Schema (2020-12) of the value that is asked for, where it is not too large to be kept. */
    schema: Schema.optionalKey(Schema.Json),
    /** What shall be approved, by its digest. */
    subject: Schema.optionalKey(Digest.Digest),
    /** After so long the host answers. */
    expires: Schema.optionalKey(Milliseconds)
  },
  /** Nobody has answered yet, and somebody is told so. `level` counts the escalations, `to` is whom the last one names. */
  GateReminded: { gate: Schema.String, level: Schema.Natural, to: Schema.NullOr(Schema.String) },
  /** `waited` is measured; `active` is minutes of work, measured or not known. */
  GateAnswered: {
    gate: Schema.String,
    /** `null` when the time ran out and there is no answer for that case. */
    answer: Schema.Json,
    by: Actor.Actor,
    waited: Milliseconds,
    activeMinutes: Schema.NullOr(Schema.Finite),
    /** No human answered in time. */
    timedOut: Schema.optionalKey(Schema.Literal(true)),
    /** The way that the answer came, where it was not given in a program: `webhook`. */
    via: Schema.optionalKey(Schema.String)
  },
  /**
   * A human stepped in without having been asked. `id` is the same for whoever finds out, from a journal, from git or from a forge, so
   * that it counts once. `before` and `after` are digests of what was there and of what the human left; `ref` is where it can be looked at.
   * With `open` the human goes on until `InterventionEnded`. `approve` is a yes that no gate had asked for, such as a review on a forge.
   */
  Intervened: {
    id: Schema.NonEmptyString,
    kind: Schema.Literals(["approve", "edit", "review", "steer", "interrupt", "takeover", "pickup"]),
    /** Where in the work: a stage, a gate, `branch`, `pull request`, …. */
    name: Schema.String,
    cause: Schema.String,
    why: Schema.String,
    by: Actor.Actor,
    /** When it was, where that is earlier than this fact. In milliseconds since 1970, UTC. */
    since: Schema.optionalKey(Milliseconds),
    /** How long the work had waited for it; `null`: not known. */
    waited: Schema.NullOr(Milliseconds),
    /** Minutes of work, measured; `null`: not known. */
    activeMinutes: Schema.NullOr(Schema.Finite),
    before: Schema.NullOr(Digest.Digest),
    after: Schema.NullOr(Digest.Digest),
    ref: Schema.NullOr(Schema.String),
    open: Schema.optionalKey(Schema.Literal(true))
  },
  /** A human who had taken work over gave it back. */
  InterventionEnded: {
    id: Schema.NonEmptyString,
    by: Actor.Actor,
    why: Schema.String,
    activeMinutes: Schema.NullOr(Schema.Finite),
    after: Schema.NullOr(Digest.Digest)
  },
  /** What made these interventions necessary is mended: `fix` is a commit, a pull request or a skill's digest. */
  CauseRemoved: { cause: Schema.String, interventions: Schema.Array(Schema.String), fix: Schema.NonEmptyString },
  /** Who judged had a model of the family of an author, and the policy only warns of it. */
  IndependenceWaived: {
    role: Schema.String,
    model: Schema.String,
    family: Schema.String,
    /** The roles that wrote with that family. */
    authors: Schema.Array(Schema.String)
  },
  /** A signal of a kind that had not been seen before, and what it was judged as. `of` is the item that tells of it. */
  SignalJudged: {
    fingerprint: Digest.Digest,
    source: Schema.String,
    as: Schema.Literals(["reported", "known", "noise"]),
    of: Schema.NullOr(Schema.String),
    why: Schema.String
  },
  /** Signals of a source since the last count that nobody judged: `repeated` are of a kind that was judged, `held` went over a limit. */
  SignalsCounted: { source: Schema.String, repeated: Schema.Natural, held: Schema.Natural },
  ContractFrozen: { contract: Digest.Digest, assertions: Schema.Natural },
  /** A human changed what done means; the event's `contract` is in force from here on, in the place of `amends`. */
  ContractAmended: {
    amends: Digest.Digest,
    contract: Digest.Digest,
    by: Schema.String,
    why: Schema.String,
    added: Schema.Array(Schema.String),
    removed: Schema.Array(Schema.String),
    altered: Schema.Array(Schema.String)
  },
  VerdictGiven: { verdict: Verdict.Verdict },
  StampGiven: { stamp: Verdict.Stamp },
  /** An attempt of a part that is done again until it is good. `spent` is what its run had used up by then. */
  AttemptBegun: { part: Schema.String, attempt: Schema.Natural, spent: Spent },
  /** An attempt was not accepted. `failures` are fingerprints of what stood against it; `repeated` of them stood against the one before. */
  AttemptRefused: {
    part: Schema.String,
    attempt: Schema.Natural,
    failures: Schema.Array(Digest.Digest),
    repeated: Schema.Natural,
    spent: Spent
  },
  /**
   * An answer about holdouts crossed to where authors are: the `look`-th of the vault. `bits` is how much it can have told them of
   * each of these scenarios. `mark` is unique to the call that looked. It belongs to no run, so that it outlives `run`.
   */
  HoldoutLooked: {
    vault: Schema.String,
    run: Schema.NullOr(Schema.String),
    look: Schema.Natural,
    mark: Schema.String,
    bits: Schema.Finite,
    scenarios: Schema.Array(Schema.String)
  },
  /** Holdouts were found where authors are, in `places`. They are none any more, and `run` is void. It belongs to no run, as above. */
  ScenarioBurnt: {
    vault: Schema.String,
    run: Schema.NullOr(Schema.String),
    scenarios: Schema.Array(Schema.String),
    places: Schema.Array(Schema.String)
  },
  ChangeCommitted: { branch: Schema.String, commit: Schema.String, files: Schema.Natural, lines: Schema.Natural },
  ChangeClassified: { decision: PolicyDecision.Decision },
  ChangeDelivered: { pullRequest: PullRequest.PullRequest },
  /**
   * A change is part of what is used: `change` is the pull request, or the commit where there was none; `head` is what was judged,
   * `commit` what it became. Also of changes that no line made, so that they can be told from those that one did.
   */
  ChangeShipped: {
    change: Schema.NonEmptyString,
    into: Schema.String,
    head: Schema.String,
    commit: Schema.String,
    by: Actor.Actor,
    authors: Schema.Literals(["agent", "human", "mixed", "unknown"])
  },
  /** A change that will not ship. */
  ChangeDropped: { change: Schema.NonEmptyString, reason: Schema.String },
  /**
   * What shipped was wrong: a revert, a hot fix, a bug or an incident says so. `defect` is the name of that: of a revert or hot fix that
   * shipped, its change or `git:<commit>`. `change` is as above; `null`: nobody knows which.
   */
  DefectFound: {
    defect: Schema.NonEmptyString,
    kind: Schema.Literals(["revert", "hotfix", "bug", "incident"]),
    change: Schema.NullOr(Schema.String),
    what: Schema.String
  },
  Commented: { item: Schema.String, body: Schema.String },
  /** An item came into the backlog, or was changed there. `again`: also when it had ended. `created` is what age is counted from. */
  ItemQueued: {
    priority: Schema.Natural,
    after: Schema.Array(Schema.String),
    resources: Schema.Record(Schema.String, Schema.String),
    source: Schema.String,
    created: Milliseconds,
    again: Schema.Boolean,
    /** How many questions about it are open. Left out: as many as before. */
    openQuestions: Schema.optionalKey(Schema.Natural)
  },
  /** A dispatcher took an item. The event's `seq` is the fencing token; `from` is the token that it takes the claim over from. */
  ItemClaimed: { attempt: Schema.Natural, by: Schema.String, from: Schema.NullOr(Schema.Natural) },
  /** The claim's run is this event's `run`. */
  ItemStarted: { token: Schema.Natural },
  /**
   * A claim ended. `seen` is the last event that who ended it knew. `until` is the earliest time, in milliseconds since
   * 1970, at which the item is taken up again.
   */
  ItemReleased: {
    token: Schema.Natural,
    seen: Schema.Natural,
    end: Schema.Literals(["done", "again", "parked", "closed"]),
    reason: Schema.String,
    until: Schema.NullOr(Milliseconds)
  },
  /** Nobody wants the item any more; a run of it is to stop. */
  ItemClosed: { reason: Schema.String },
  /** A dispatcher lives; written only where no kernel lock says so. */
  DispatcherSeen: { dispatcher: Schema.String },
  BudgetHit: { dimension: Schema.String, limit: Schema.Finite, spent: Schema.Finite },
  /** The run is over and so many of its facts were taken out of the journal. It stands where the run's start stood. */
  RunPruned: {
    title: Schema.String,
    facts: Schema.Natural,
    /** The run that had started it. */
    parent: Schema.optionalKey(Schema.String),
    /** What its calls of models used and cost, added up by kind. */
    spent: Schema.optionalKey(Schema.Array(Charge.Charge)),
    /** When it began, and when it ended. */
    began: Schema.optionalKey(Milliseconds),
    ended: Schema.optionalKey(Milliseconds),
    /** How often people were needed in it, by kind and cause; without what they said. */
    interventions: Schema.optionalKey(Schema.Array(InterventionSum.InterventionSum))
  }
})
/** One thing that happened. */
export type Fact = typeof Fact.Type

/** Which run a fact belongs to. `stage` and `run` are `null` for facts outside of one. */
export const Origin = Schema.Struct({
  line: Schema.NullOr(Schema.String),
  run: Schema.NullOr(Schema.String),
  item: Schema.NullOr(Schema.String),
  stage: Schema.NullOr(Schema.String),
  actor: Actor.Actor
})
/** Which run a fact belongs to. */
export type Origin = typeof Origin.Type

/** A fact with its place in the journal. `seq` starts at 1 and grows; `at` is in milliseconds since 1970, UTC. */
export const FactoryEvent = Schema.Struct({
  version: Schema.Literal(version),
  seq: Schema.Natural,
  at: Schema.Natural,
  ...Origin.fields,
  fact: Fact
})
/** A fact with its place in the journal. */
export type FactoryEvent = typeof FactoryEvent.Type

/**
 * A fact before it has a place. Two entries with the same `key` are the same fact: the second append writes nothing and
 * answers with the first event.
 */
export interface Entry extends Origin {
  readonly at: number
  readonly fact: Fact
  readonly key?: string | undefined
}
