/**
 * A toolkit of this program as a tool source. Its handlers run in the fiber of the call, and get the services that the source
 * was made with and no others.
 *
 * This file is the package's seam to `effect/ai`, which is marked unstable.
 */
import * as Redaction from "@millwright/core/Redaction"
import type * as AiError from "effect/ai/AiError"
import type * as Prompt from "effect/ai/Prompt"
import * as Tool from "effect/ai/Tool"
import type * as Toolkit from "effect/ai/Toolkit"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Stream from "effect/Stream"
import * as StrangerText from "../internal/StrangerText.ts"
import { type Answer, type Content, type ToolSource, ToolSourceError } from "../ToolSource.ts"

/** What the source is made of. `services` are needed when a handler needs some. */
export type Options<R> = { readonly name: string } & ([R] extends [never]
  ? { readonly services?: Context.Context<never> }
  : { readonly services: Context.Context<R> })

/** What handlers of tools need. */
export type Needs<Tools extends Record<string, Tool.Any>> = Tool.HandlerServices<Tools[keyof Tools]>

/** Makes the source. Tools that a provider defines and runs by itself are left out. */
export const make = <Tools extends Record<string, Tool.Any>>(
  toolkit: Toolkit.WithHandler<Tools>,
  options: Options<Needs<Tools>>
): ToolSource => {
  const { name, services = Context.empty() } = options
  // Names and arguments come from a model: `handle` looks at both while it runs, whatever their types say.
  const handle = toolkit.handle as unknown as (
    name: string,
    args: unknown
  ) => Effect.Effect<Stream.Stream<Tool.HandlerResult<Tool.Any>, unknown>, AiError.AiError>
  const own = Object.values<Tool.Any>(toolkit.tools).filter((tool) => !Tool.isProviderDefined(tool))
  return {
    name,
    kind: "tool",
    list: Effect.sync(() => ({ tools: own.map(listed) })),
    call: (asked, args) =>
      own.some((tool) => tool.name === asked)
        ? Redaction.sealed(handle(asked, args)).pipe(
            Effect.flatMap(Stream.runLast),
            Effect.map(Option.match({ onNone: () => failure("It gave no answer."), onSome: answer })),
            Effect.catch((error) => Effect.succeed(failure(messageOf(error)))),
            Effect.provideContext(services)
          )
        : Effect.fail(
            new ToolSourceError({
              reason: "NoSuchTool",
              message: `The toolkit ${name} has no tool ${StrangerText.line(asked)}. It has ${own.length}: list them.`
            })
          ),
    changes: Stream.empty
  }
}

const listed = (tool: Tool.Any) => ({
  name: tool.name,
  // Both are read with the tool: a schema that can not be said in JSON Schema costs this tool and no other.
  get description() {
    return Tool.getDescription(tool)
  },
  get inputSchema() {
    return Tool.getJsonSchema(tool)
  },
  annotations: {
    readOnlyHint: Context.get(tool.annotations, Tool.Readonly),
    destructiveHint: Context.get(tool.annotations, Tool.Destructive),
    idempotentHint: Context.get(tool.annotations, Tool.Idempotent),
    openWorldHint: Context.get(tool.annotations, Tool.OpenWorld)
  },
  _meta: Option.getOrUndefined(Context.getOption(tool.annotations, Tool.Meta))
})

const answer = ({ encodedResult, isFailure, modelOutput }: Tool.HandlerResult<Tool.Any>): Answer => ({
  content: modelOutput === undefined ? [text(written(encodedResult))] : modelOutput.map(part),
  isError: isFailure
})

const failure = (said: string): Answer => ({ content: [text(said)], isError: true })

const text = (text: string): Content => ({ type: "text", text })

const written = (value: unknown): string =>
  typeof value === "string" ? value : (JSON.stringify(value ?? null) ?? String(value))

const part = (output: Prompt.ToolModelOutputPart): Content => {
  if (output.type === "text") return text(output.text)
  const { data, mediaType } = output
  return mediaType.startsWith("image/") && !(data instanceof URL)
    ? { type: "image", mediaType, data: typeof data === "string" ? data : Buffer.from(data).toString("base64") }
    : text(`[${mediaType}: not passed on]`)
}

const messageOf = (error: unknown): string =>
  Predicate.hasProperty(error, "message") && Predicate.isString(error.message) && error.message !== ""
    ? error.message
    : written(error)
