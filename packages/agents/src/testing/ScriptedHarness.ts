/**
 * The **scripted harness**: a fake that plays turns in the place of a model. Its tools are the real ones and run in the real
 * workplace of the call; only what the agent decides is written down beforehand. It fails on demand, and keeps what it
 * was asked.
 */
import * as Journal from "@millwright/core/Journal"
import * as Usage from "@millwright/core/Usage"
import type * as Tool from "effect/ai/Tool"
import type * as Toolkit from "effect/ai/Toolkit"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Harness from "../Harness.ts"
import * as Hooking from "../loop/Hooking.ts"
import * as ToolTurn from "../loop/ToolTurn.ts"
import * as Tools from "../Tools.ts"

/** A tool that the agent asks for. */
export interface Call {
  readonly tool: string
  readonly arguments: Schema.Json
}

/** What the agent does in one turn. A turn with an `outcome`, also a `null` one, is its last. */
export interface Turn {
  readonly text?: string
  readonly calls?: ReadonlyArray<Call>
  readonly outcome?: Schema.Json
}

/** The turns of a conversation. A session that goes on does so at the turn at which it ended. */
export type Script = (request: Harness.Request) => ReadonlyArray<Turn>

/** A scripted harness, and what a test can do to it. */
export interface ScriptedHarness {
  readonly harness: Harness.Harness["Service"]
  /** What it was asked so far, in order. */
  readonly requests: Effect.Effect<ReadonlyArray<Harness.Request>>
  /** Makes the next turns fail, one each, in the place of what the script says. */
  readonly failNext: (errors: ReadonlyArray<Harness.Failure>) => Effect.Effect<void>
}

const name = "scripted"

/** Makes a harness that plays the script, with the controls of a fake. */
export const make = Effect.fnUntraced(function* (
  script: Script
): Effect.fn.Return<ScriptedHarness, never, Journal.Journal> {
  const journal = yield* Journal.Journal
  const toolkit = yield* Effect.provide(Tools.toolkit, Tools.layer)
  const requests: Array<Harness.Request> = []
  const failures: Array<Harness.Failure> = []
  const harness = Harness.make({
    name,
    supports: { subAgents: false, sessions: false, toolHooks: true },
    run: (request) =>
      Stream.callback<Harness.HarnessEvent, Harness.Failure, Harness.Workplace>((queue) => {
        requests.push(request)
        const stage: Stage = {
          turns: script(request),
          failures,
          toolkit: toolkit as unknown as Stage["toolkit"], // tools by name, whichever they are
          emit: (event) => Effect.asVoid(Queue.offer(queue, event))
        }
        return play(request, stage).pipe(
          Effect.andThen(Queue.end(queue)),
          Effect.provideService(Journal.Journal, journal)
        )
      })
  })
  return {
    harness,
    requests: Effect.sync(() => [...requests]),
    failNext: (errors) => Effect.sync(() => void failures.push(...errors))
  }
})

/** A harness that plays the script. */
export const layer = (script: Script): Layer.Layer<Harness.Harness, never, Journal.Journal> =>
  Layer.effect(
    Harness.Harness,
    Effect.map(make(script), ({ harness }) => harness)
  )

interface Stage {
  readonly turns: ReadonlyArray<Turn>
  readonly failures: Array<Harness.Failure>
  readonly toolkit: Toolkit.WithHandler<Record<string, Tool.Any>>
  readonly emit: (event: Harness.HarnessEvent) => Effect.Effect<void>
}

const play = (
  request: Harness.Request,
  { emit, failures, toolkit, turns }: Stage
): Effect.Effect<void, Harness.Failure, Journal.Journal | Harness.Workplace> =>
  Effect.gen(function* () {
    const first = yield* begin(request)
    const granted = request.grants.flatMap((grant) => {
      const tool = toolkit.tools[grant]
      return tool === undefined ? [] : [[grant, tool] as const]
    })
    const bench: ToolTurn.Bench = {
      toolkit: { ...toolkit, tools: Object.fromEntries(granted) },
      emit,
      hooking: Hooking.of(request),
      // The same script gives the same journal.
      conversation: `${name}/${request.role}`
    }
    let isReminded = false
    for (let number = 1; number <= request.maxTurns; number++) {
      const failure = failures.shift()
      if (failure !== undefined) return yield* Effect.fail(failure)
      const at = first + number - 1
      const turn = turns[at] ?? {}
      if (turn.text !== undefined) yield* emit({ _tag: "Text", text: turn.text })
      yield* emit({ _tag: "Turn", number, usage: Usage.zero })
      const calls = (turn.calls ?? []).map((call, index) => ({
        id: `${at}-${index}`,
        name: call.tool,
        params: call.arguments
      }))
      yield* ToolTurn.run(calls, bench)
      if (turn.outcome !== undefined) {
        return yield* emit({ _tag: "Ended", outcome: turn.outcome, session: { harness: name, data: { turn: at + 1 } } })
      }
      if (calls.length > 0) continue
      if (isReminded) {
        return yield* new Harness.HarnessError({
          reason: "NoOutcome",
          message: `The script for the role ${request.role} has no outcome at turn ${at + 1}. Give one of its turns an outcome.`
        })
      }
      isReminded = true
    }
    return yield* new Harness.HarnessError({
      reason: "TooManyTurns",
      message: `The script for the role ${request.role} takes more than the ${request.maxTurns} turns that the request allows.`
    })
  })

const Played = Schema.Struct({ turn: Schema.Natural })

/** The turn that a request begins at. */
const begin = ({ session }: Harness.Request): Effect.Effect<number, Harness.HarnessError> =>
  Effect.gen(function* () {
    if (session === undefined) return 0
    const earlier =
      session.harness === name ? Schema.decodeUnknownOption(Played)(session.data) : Option.none<typeof Played.Type>()
    if (Option.isSome(earlier)) return earlier.value.turn
    return yield* new Harness.HarnessError({
      reason: "Broken",
      message: `The session to go on with is one of the harness "${session.harness}", or is damaged. Start the role anew.`
    })
  })
