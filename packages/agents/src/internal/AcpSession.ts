/** Beginning a conversation with an agent that speaks ACP, or going on with one, as far as the agent can. */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Harness from "../Harness.ts"
import * as AcpAnswer from "./AcpAnswer.ts"
import type * as AcpBridge from "./AcpBridge.ts"
import type * as AcpConnection from "./AcpConnection.ts"
import * as AcpFault from "./AcpFault.ts"

/** What a session holds: the name that the agent has for it. The conversation itself is kept by the agent. */
export const Data = Schema.Struct({ id: Schema.NonEmptyString })

/** How a session is begun. */
export interface Opening {
  readonly cwd: string
  readonly mcpServers: ReadonlyArray<AcpBridge.Server>
  readonly system: string
  /** What only this agent understands. */
  readonly meta: Readonly<Record<string, unknown>> | undefined
  readonly model: string | undefined
  readonly mode: string | undefined
  /** The session to go on with. */
  readonly earlier: string | undefined
}

/** A session that is open. */
export interface Opened {
  readonly id: string
  /** What has to stand before the task, where the agent takes no system prompt. */
  readonly preface: string | undefined
}

/** The name of the session to go on with. */
export const earlier = (session: Harness.Session | undefined, harness: string) =>
  session === undefined
    ? Effect.undefined
    : session.harness !== harness
      ? Effect.fail(AcpFault.foreign(session.harness))
      : Effect.mapBoth(Schema.decodeUnknownEffect(Data)(session.data), {
          onFailure: () => AcpFault.foreign(session.harness),
          onSuccess: ({ id }) => id
        })

type Asking = readonly [method: string, params: object]

/** The version of the protocol that is spoken here. */
const version = 1

/** Says who we are, and opens the session. */
export const open = Effect.fnUntraced(function* (
  { ask, capabilities: clientCapabilities }: Pick<AcpConnection.AcpConnection, "ask" | "capabilities">,
  { cwd, earlier, mcpServers, meta, mode, model, system }: Opening,
  run: AcpFault.Run
) {
  const asked = <S extends Schema.Codec<unknown, unknown>>(what: string, schema: S, [method, params]: Asking) =>
    Effect.mapError(ask(schema, method, params), (refusal) => AcpFault.refused(refusal, what, run))

  const hello = yield* asked("begin", AcpAnswer.Hello, [
    "initialize",
    {
      protocolVersion: version,
      clientInfo: { name: "millwright", version: "1" },
      clientCapabilities
    }
  ])
  if (hello.protocolVersion !== version) {
    return yield* AcpFault.version(hello.protocolVersion, version, run)
  }
  const { loadSession, sessionCapabilities } = hello.agentCapabilities ?? {}
  const takesSystem = Predicate.isNotNullish(sessionCapabilities?.systemPrompt)
  const params = {
    cwd,
    mcpServers,
    ...(takesSystem && {
      systemPrompt: { mode: "append" as const, content: [{ type: "text" as const, text: system }] }
    }),
    ...(meta !== undefined && { _meta: meta })
  }

  const goneOnWith = Effect.fnUntraced(function* (sessionId: string) {
    const what = "go on with its session"
    const old = { ...params, sessionId }
    // What is gone on with in a copy can be gone on with again from the same place.
    if (Predicate.isNotNullish(sessionCapabilities?.fork)) {
      return yield* asked(what, AcpAnswer.Begun, ["session/fork", old])
    }
    const canResume = Predicate.isNotNullish(sessionCapabilities?.resume)
    if (!canResume && loadSession !== true) {
      return yield* AcpFault.unsupported("it can not go on with a session. Start the role anew.", run)
    }
    const answer = yield* asked(what, AcpAnswer.Resumed, [canResume ? "session/resume" : "session/load", old])
    return { ...answer, sessionId }
  })
  const session =
    earlier === undefined
      ? yield* asked("begin a session", AcpAnswer.Begun, ["session/new", params])
      : yield* goneOnWith(earlier)
  const { sessionId } = session

  const choose = Effect.fnUntraced(function* (category: "model" | "mode", value: string) {
    const choice = AcpAnswer.choice(session, category)
    const what = `take the ${category} ${value}`
    if (choice?.values.includes(value) === true) {
      return yield* asked(what, AcpAnswer.Anything, [
        "session/set_config_option",
        { sessionId, configId: choice.id, value }
      ])
    }
    if (category === "mode" && session.modes?.availableModes.some(({ id }) => id === value) === true) {
      return yield* asked(what, AcpAnswer.Anything, ["session/set_mode", { sessionId, modeId: value }])
    }
    const has = choice?.values.slice(0, 20).join(", ") ?? "none to choose"
    return yield* AcpFault.unsupported(`it has no ${category} "${value}" (it has ${has}).`, run)
  })
  if (mode !== undefined) yield* choose("mode", mode)
  if (model !== undefined) yield* choose("model", model)
  const opened: Opened = { id: sessionId, preface: takesSystem ? undefined : system }
  return opened
})
