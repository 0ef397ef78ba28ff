/** Beginning a conversation with an agent that speaks ACP, or going on with one, as far as the agent can. */
import {
  type AgentCapabilities,
  type ClientContext,
  type InitializeResponse,
  type McpServer,
  methods,
  type NewSessionResponse,
  PROTOCOL_VERSION,
  type SessionConfigOption
} from "@agentclientprotocol/sdk/unstable"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Harness from "../Harness.ts"
import type * as AcpConnection from "./AcpConnection.ts"
import * as AcpFault from "./AcpFault.ts"

/** What a session holds: the name that the agent has for it. The conversation itself is kept by the agent. */
export const Data = Schema.Struct({ id: Schema.NonEmptyString })

/** How a session is begun. */
export interface Opening {
  readonly cwd: string
  readonly mcpServers: Array<McpServer>
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

/** Says who we are, and opens the session. */
export const open = Effect.fnUntraced(function* (
  { ask, capabilities: clientCapabilities }: AcpConnection.AcpConnection,
  opening: Opening,
  run: AcpFault.Run
) {
  const asked = <A>(what: string, call: (agent: ClientContext) => Promise<A>) =>
    Effect.mapError(ask(call), (refusal) => AcpFault.refused(refusal, what, run))

  const hello: InitializeResponse = yield* asked("begin", (agent) =>
    agent.request(methods.agent.initialize, {
      protocolVersion: PROTOCOL_VERSION,
      clientInfo: { name: "millwright", version: "1" },
      clientCapabilities
    })
  )
  if (hello.protocolVersion !== PROTOCOL_VERSION) {
    return yield* AcpFault.version(hello.protocolVersion, PROTOCOL_VERSION, run)
  }
  const capabilities = hello.agentCapabilities ?? {}
  const takesSystem = Predicate.isNotNullish(capabilities.sessionCapabilities?.systemPrompt)
  const { cwd, mcpServers, meta, system } = opening
  const common = {
    cwd,
    mcpServers,
    ...(takesSystem && {
      systemPrompt: { mode: "append" as const, content: [{ type: "text" as const, text: system }] }
    }),
    ...(meta !== undefined && { _meta: meta })
  }
  const session: NewSessionResponse =
    opening.earlier === undefined
      ? yield* asked<NewSessionResponse>("begin a session", (agent) => agent.request(methods.agent.session.new, common))
      : yield* goOn(opening.earlier, capabilities)

  function goOn(sessionId: string, { loadSession, sessionCapabilities }: AgentCapabilities) {
    const params = { ...common, sessionId }
    const again = "go on with its session"
    // What is gone on with in a copy can be gone on with again from the same place.
    if (Predicate.isNotNullish(sessionCapabilities?.fork)) {
      return asked<NewSessionResponse>(again, (agent) => agent.request(methods.agent.session.fork, params))
    }
    if (Predicate.isNotNullish(sessionCapabilities?.resume)) {
      return asked<NewSessionResponse>(again, async (agent) =>
        Object.assign({ sessionId }, await agent.request(methods.agent.session.resume, params))
      )
    }
    if (loadSession === true) {
      return asked<NewSessionResponse>(again, async (agent) =>
        Object.assign({ sessionId }, await agent.request(methods.agent.session.load, params))
      )
    }
    return Effect.fail(AcpFault.unsupported("it can not go on with a session. Start the role anew.", run))
  }

  const { sessionId } = session
  const choose = Effect.fnUntraced(function* (category: "model" | "mode", value: string) {
    const option = (session.configOptions ?? []).find((each) => each.category === category || each.id === category)
    if (option !== undefined && valuesOf(option).includes(value)) {
      yield* asked(`take the ${category} ${value}`, (agent) =>
        agent.request(methods.agent.session.setConfigOption, { sessionId, configId: option.id, value })
      )
    } else if (category === "mode" && session.modes?.availableModes.some(({ id }) => id === value) === true) {
      yield* asked(`take the mode ${value}`, (agent) =>
        agent.request(methods.agent.session.setMode, { sessionId, modeId: value })
      )
    } else {
      const has = option === undefined ? "none to choose" : valuesOf(option).slice(0, 20).join(", ")
      return yield* AcpFault.unsupported(`it has no ${category} "${value}" (it has ${has}).`, run)
    }
  })
  if (opening.mode !== undefined) yield* choose("mode", opening.mode)
  if (opening.model !== undefined) yield* choose("model", opening.model)
  const opened: Opened = { id: sessionId, preface: takesSystem ? undefined : system }
  return opened
})

const valuesOf = (option: SessionConfigOption): ReadonlyArray<string> =>
  option.type === "select"
    ? option.options.flatMap((each) => ("options" in each ? each.options.map(({ value }) => value) : [each.value]))
    : []
