/**
 * A **role**: a typed agent with an input, an outcome, a skill, grants and a model tier. It reads, works and answers with
 * one case of its outcome; what follows from that is the host's to decide and to do.
 *
 * ```ts
 * import * as Role from "@millwright/agents/Role"
 * import * as Skill from "@millwright/agents/Skill"
 * import * as Schema from "effect/Schema"
 *
 * const Namer = Role.make("Namer", {
 *   input: Schema.Struct({ text: Schema.String }),
 *   outcome: Schema.TaggedUnion({ Named: { name: Schema.String }, Unclear: { why: Schema.String } }),
 *   skill: Skill.parse("---\nname: namer\ndescription: Names things.\n---\nGive the text a short name.", "inline"),
 *   grants: [],
 *   tier: "small"
 * })
 * ```
 */
import type { ToolScope } from "@millwright/context/ToolScope"
import * as Fault from "@millwright/core/Fault"
import * as Journal from "@millwright/core/Journal"
import type * as Model from "@millwright/core/Model"
import * as Stage from "@millwright/core/Stage"
import * as Tainted from "@millwright/core/Tainted"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import type * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type * as Grant from "./Grant.ts"
import * as Harness from "./Harness.ts"
import * as Briefing from "./Briefing.ts"
import * as Hook from "./Hook.ts"
import * as Ending from "./internal/Ending.ts"
import * as HouseRules from "./internal/HouseRules.ts"
import * as PluginOrigin from "./internal/PluginOrigin.ts"
import * as RoleHooks from "./internal/RoleHooks.ts"
import * as Session from "./Session.ts"
import type * as Skill from "./Skill.ts"
import type * as SubAgent from "./SubAgent.ts"
import * as Untrusted from "./Untrusted.ts"

/** A role did not come to an outcome that can be used. */
export class RoleError extends Fault.Class<RoleError>()("RoleError", {
  /** The answer did not fit the outcome, and neither did the repaired one. */
  MalformedOutcome: false,
  /** The input can not be written down for the model. */
  BadInput: false
}) {}

/** What can stop a role. Every one is a fault: in a line, it stalls the line. */
export type Failure = RoleError | Harness.Failure | Skill.SkillError

/** What is found in an outcome that has its shape, when it is held against the input. */
export type Looked<Input extends Schema.Constraint, Outcome extends Schema.Constraint> = (
  outcome: Outcome["Type"],
  input: Input["Type"]
) => ReadonlyArray<string>

/** How a role is made. */
export interface Options<
  Input extends Schema.Constraint,
  Outcome extends Schema.Constraint,
  G extends Grant.Grant = Grant.Grant
> {
  readonly input: Input
  /** The cases that the role can end in, as a tagged union. */
  readonly outcome: Outcome
  /**
   * What of an outcome does not fit its input, one sentence each: an id that nobody gave, say. The agent hears of it with all other
   * mistakes, and may mend it once. Then it is `MalformedOutcome`.
   */
  readonly problems?: Looked<NoInfer<Input>, NoInfer<Outcome>>
  /** As `problems`, of what can be taken all the same: what the agent does not mend then, stands. */
  readonly objections?: Looked<NoInfer<Input>, NoInfer<Outcome>>
  /** How the role works. */
  readonly skill: Effect.Effect<Skill.Skill, Skill.SkillError>
  readonly grants: ReadonlyArray<G>
  /** What it may use of the tool index, as `["github/*", "!github/delete_*"]`. Default: nothing. */
  readonly tools?: ToolScope
  /** Whom the role may give tasks to. One with a grant that the role has not does not compile. */
  readonly agents?: SubAgent.Agents<NoInfer<G>>
  readonly tier: Model.Tier
  /** The task as the model reads it. Default: each field of the input in a data block, as untrusted text. */
  readonly prompt?: (input: Input["Type"]) => Briefing.Briefing
  /**
   * What stands between the role and its harness in each run, and sees what is asked and answered. It may refuse, say something to
   * the agent, or look on.
   */
  readonly between?: (
    harness: Harness.Harness["Service"],
    input: Input["Type"]
  ) => Effect.Effect<Harness.Harness["Service"], Failure, Journal.Journal>
  /** Default 60. */
  readonly maxTurns?: number
  /**
   * After a crash or a fault, the stage of the role goes on with the conversation where it broke off, and no tool that finished runs
   * again. For a harness that keeps conversations, and a workplace that is as the agent left it. Default `false`: a new
   * conversation.
   */
  readonly resumes?: boolean
  /** What the agent is told when it gives its outcome, one after the other: to go over its own work again, say. The last outcome counts. */
  readonly followUps?: ReadonlyArray<string>
  /** What has a say at its points, in order; those around it (`Hook.around`) follow. */
  readonly hooks?: ReadonlyArray<Hook.Hook<NoInfer<Outcome["Type"]>, NoInfer<Outcome["Type"]>>>
  /** How faults are tried again before a line stalls. Default: not; the harness retries model calls by itself. */
  readonly retry?: Schedule.Schedule<unknown>
}

/** What a host may have otherwise of a role that comes with its skill and its tier. */
export interface Tuning extends Partial<
  Pick<Options<Schema.Top, Schema.Top>, "maxTurns" | "resumes" | "retry" | "skill" | "tier" | "tools">
> {}

/** A typed agent. */
export interface Role<Name extends string, Input extends Schema.Constraint, Outcome extends Schema.Constraint> {
  readonly name: Name
  readonly outcome: Outcome
  readonly grants: ReadonlyArray<Grant.Grant>
  /** Runs the role: a stage when it stands in a line, a plain effect elsewhere. */
  readonly run: (
    input: Input["Type"]
  ) => Effect.Effect<Outcome["Type"], Failure, Harness.Harness | Journal.Journal | Harness.Workplace>
}

/** Makes a role. */
export const make = <
  const Name extends string,
  Input extends Schema.Constraint,
  Outcome extends Schema.Constraint,
  const G extends Grant.Grant
>(
  name: Name,
  options: Options<Input, Outcome, G>
): Role<Name, Input, Outcome> => {
  // The schemas of a role are data and need no services; the constraint can not say so.
  const plain = Schema.toCodecJson(options.outcome) as unknown as Schema.Codec<Outcome["Type"], unknown>
  const input = Schema.toCodecJson(options.input) as unknown as Schema.Codec<Input["Type"], unknown>
  const prompt = (value: Input["Type"]): Effect.Effect<string, Error> =>
    options.prompt === undefined
      ? Effect.map(Schema.encodeEffect(input)(value), (encoded) => asBlocks(value, encoded))
      : Effect.try({
          try: () => options.prompt?.(value).text ?? "",
          catch: (error) => (error instanceof Error ? error : new Error(String(error)))
        })
  const { between = Effect.succeed, objections, problems } = options
  // What was accepted once stays readable when the rules have changed: a line stores it without them.
  const held = (rules: Options<Input, Outcome>["problems"], to: typeof plain, value: Input["Type"]) =>
    rules === undefined ? to : to.check(Schema.makeFilter((given) => rules(given, value)))
  return {
    name,
    outcome: options.outcome,
    grants: options.grants,
    run: (value) =>
      Stage.run<Outcome, Failure, Harness.Harness | Journal.Journal | Harness.Workplace>(
        { name: name.toLowerCase(), success: options.outcome, ...(options.retry && { retry: options.retry }) },
        Effect.flatMap(Hook.Around, (around) => {
          const outcome = held(problems, plain, value)
          const shapes = { first: held(objections, outcome, value), last: outcome }
          const hooks = { role: name, outcome, hooks: [...(options.hooks ?? []), ...around] }
          return Effect.gen(function* () {
            const harness = yield* between(yield* Harness.Harness, value)
            const skill = yield* options.skill
            const plugin = yield* PluginOrigin.PluginOrigin
            yield* Journal.record({
              _tag: "RoleStarted",
              role: name,
              skill: skill.name,
              skillDigest: skill.digest,
              harness: harness.name,
              tier: options.tier,
              skillSource: skill.source,
              ...(plugin && { plugin })
            })
            const task = yield* prompt(value).pipe(
              Effect.mapError(
                (error) =>
                  new RoleError({
                    reason: "BadInput",
                    message: `The input of the role ${name} is not what its schema says: ${error.message}. Mend the input that it is run with.`
                  })
              )
            )
            const request = yield* RoleHooks.asking(hooks, {
              role: name,
              tier: options.tier,
              system: `Role: ${name}\n\n${skill.instructions}\n\n${HouseRules.text}`,
              prompt: task,
              grants: options.grants,
              ...(options.tools && { tools: options.tools }),
              ...(options.agents && { agents: options.agents }),
              ...(options.followUps && { followUps: options.followUps }),
              ...(yield* conversationOf(name, options.resumes === true)),
              outcome,
              maxTurns: options.maxTurns ?? 60
            })
            let given = yield* fitting(harness, request, shapes)
            for (let vetoes = 0; ; vetoes++) {
              const judged = yield* RoleHooks.judged(hooks, given.value)
              if (judged._tag === "Taken") return judged.value
              if (vetoes >= Hook.mostVetoes) return yield* RoleHooks.exhausted(name, judged.hook)
              const prompt = RoleHooks.goingOn(judged.why)
              given = yield* fitting(harness, { ...request, followUps: [], session: given.session, prompt }, shapes)
            }
          }).pipe(RoleHooks.observed(hooks), Journal.as({ _tag: "Agent", role: name }))
        })
      )
  }
}

/** Asks for an outcome that fits. There is one turn to mend it in, so the agent has to hear of all its mistakes at once. */
const fitting = Effect.fnUntraced(function* <A>(
  harness: Harness.Harness["Service"],
  request: Harness.Request,
  shapes: { readonly first: Schema.Codec<A, unknown>; readonly last: Schema.Codec<A, unknown> }
) {
  const first = yield* Ending.of(harness, request)
  const decoded = yield* Effect.result(Schema.decodeUnknownEffect(shapes.first, { errors: "all" })(first.outcome))
  if (Result.isSuccess(decoded)) return { value: decoded.success, session: first.session }
  const { outcome: mended, session } = yield* Ending.of(harness, {
    ...request,
    followUps: [],
    session: first.session,
    prompt: mending(decoded.failure.message)
  })
  const value = yield* Schema.decodeUnknownEffect(shapes.last)(mended).pipe(
    Effect.mapError(
      (error) =>
        new RoleError({
          reason: "MalformedOutcome",
          message:
            `The role ${request.role} answered twice with an outcome that does not fit its schema: ${error.message.slice(0, mostMistakes)}. ` +
            `Say in its skill what each field holds, or give it a larger tier.`
        })
    )
  )
  return { value, session }
})

/** What is wrong with an outcome names its fields, which may be called whatever the agent has read. */
const mending = (mistakes: string): string =>
  Briefing.make`Your outcome can not be taken as it is:${Tainted.of("what is wrong with the outcome", mistakes.slice(0, mostMistakes))}Call the outcome tool once more, with all fields as its schema says. Do nothing else.`
    .text

/** How much an agent hears of what is wrong with its outcome, in characters: a list may be wrong a thousand times. */
const mostMistakes = 8_000

/** The conversation that a role goes on with. */
const Conversation = Context.Reference<string | undefined>("@millwright/agents/Role/Conversation", {
  defaultValue: () => undefined
})

/**
 * Makes a role go on with a conversation that broke off, by its name: one that ran out of its budget, say, when somebody gave it
 * more. One that is not there, or that was asked for something else (another skill, another input), is `SessionError`, and no
 * model is called. One that has ended answers with its outcome.
 */
export const goingOn =
  (session: string) =>
  <A, E, R>(run: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.provideService(run, Conversation, session)

/** The name of the conversation of a stage. A stage that its run went back to begins another one. */
const conversationOf = Effect.fnUntraced(function* (role: string, resumes: boolean) {
  const given = yield* Conversation
  if (given !== undefined) return { id: given, resumeOnly: true }
  const { run, stage } = yield* Journal.Origin
  if (!resumes || run === null || stage === null) return {}
  const rewound = yield* Journal.fold(
    0,
    (times, { fact }) => times + (fact._tag === "LineRewound" && fact.dropped.includes(stage) ? 1 : 0),
    run
  )
  return { id: Session.nameOf([run, stage, role, ...(rewound > 0 ? [`${rewound}`] : [])]) }
})

/** Each field in a block of its own. One that is tainted as a whole says where it came from. */
const asBlocks = (value: unknown, encoded: unknown): string =>
  Predicate.isObject(encoded) && !Array.isArray(encoded)
    ? Object.entries(encoded)
        .map(([field, written]) => {
          const given = Predicate.hasProperty(value, field) ? value[field] : undefined
          const origin = given instanceof Tainted.Tainted ? `${field}: ${given.origin}` : field
          return Untrusted.block(Tainted.of(origin, textOf(written)))
        })
        .join("\n\n")
    : Untrusted.block(value instanceof Tainted.Tainted ? value : Tainted.of("input", textOf(encoded)))

const textOf = (written: unknown): string => (typeof written === "string" ? written : JSON.stringify(written, null, 2))
