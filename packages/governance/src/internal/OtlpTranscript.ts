/**
 * What programs tell with OpenTelemetry: traces as JSON, a line for each batch or one object, with the conventions for generative AI.
 * Input counts what the cache read and wrote. A span of an agent tells the sum of its answers again, and is not counted.
 */
import * as Digest from "@millwright/core/Digest"
import type * as Transcript from "../Transcript.ts"
import type { JsonObject, Options, TranscriptReader } from "../TranscriptReader.ts"
import * as Call from "./TranscriptCall.ts"
import * as Field from "./TranscriptField.ts"

const lists = ["resourceSpans", "resourceLogs", "resourceMetrics"]

/** OpenTelemetry. */
export const reader: TranscriptReader = {
  format: "otlp",
  claims: (value) => lists.some((list) => Array.isArray(value[list])),
  open:
    (options) =>
    ({ value }) =>
      lists.some((list) => Array.isArray(value[list]))
        ? Field.objects(value["resourceSpans"]).flatMap((resource) => {
            const program = attributes(Field.object(resource["resource"]))("service.name")
            return Field.objects(resource["scopeSpans"])
              .flatMap(({ spans }) => Field.objects(spans))
              .flatMap((span) => entries(span, Field.name(program) ?? "otlp", options))
          })
        : undefined
}

type Attribute = (name: string) => unknown

const attributes = (owner: JsonObject): Attribute => {
  const found = new Map(
    Field.objects(owner["attributes"]).map(({ key, value }) => [key, valueOf(Field.object(value))] as const)
  )
  return (name) => found.get(name)
}

/** Whole numbers may be texts. */
const valueOf = ({ arrayValue, boolValue, doubleValue, intValue, stringValue }: JsonObject): unknown => {
  if (intValue !== undefined)
    return typeof intValue === "string" && /^\d{1,16}$/.test(intValue) ? Number(intValue) : intValue
  return stringValue ?? doubleValue ?? boolValue ?? arrayValue
}

interface Span {
  readonly span: JsonObject
  readonly of: Attribute
  readonly key: string
  readonly shared: { readonly session: string; readonly agent: null; readonly at: number | null }
  readonly options: Options
}

const entries = (span: JsonObject, program: string, options: Options): ReadonlyArray<Transcript.Entry> => {
  const of = attributes(span)
  const trace = Field.name(span["traceId"]) ?? "unknown"
  const session = Field.name(of("gen_ai.conversation.id")) ?? trace
  const key = `${trace}/${Field.id(span["spanId"]) ?? "unknown"}`
  const shared = { session, agent: null, at: nanoseconds(span["endTimeUnixNano"]) }
  const context: Span = { span, of, key, shared, options }
  switch (of("gen_ai.operation.name")) {
    case "chat":
    case "text_completion":
    case "generate_content":
      return answered(context)
    case "execute_tool":
      return called(context)
    case "invoke_agent":
    case "create_agent": {
      const at = nanoseconds(span["startTimeUnixNano"])
      const known = { event: "begun", program, version: null, from: null } as const
      return [{ _tag: "Session", key: `session:${session}`, session, agent: null, at, ...known }]
    }
    default:
      return []
  }
}

const nanoseconds = (value: unknown): number | null =>
  typeof value === "number" || (typeof value === "string" && /^\d{1,25}$/.test(value))
    ? Field.time(Math.floor(Number(value) / 1e6))
    : null

const hasFailed = ({ status }: JsonObject): boolean => {
  const { code } = Field.object(status)
  return code === 2 || code === "STATUS_CODE_ERROR"
}

const providers: Readonly<Record<string, string>> = {
  "gcp.gemini": "google",
  "gcp.gen_ai": "google",
  "gcp.vertex_ai": "google"
}

const answered = ({ key, of, shared, span }: Span): ReadonlyArray<Transcript.Entry> => {
  const provider = Field.name(of("gen_ai.provider.name") ?? of("gen_ai.system"))
  const input = of("gen_ai.usage.input_tokens") ?? of("gen_ai.usage.prompt_tokens")
  const output = of("gen_ai.usage.output_tokens") ?? of("gen_ai.usage.completion_tokens")
  if (hasFailed(span) && input === undefined && output === undefined) {
    return [{ _tag: "Unanswered", key: `unanswered:${key}`, ...shared, isFailure: true }]
  }
  return [
    {
      _tag: "Answered",
      key: `answer:${Field.unique(of("gen_ai.response.id"), shared.session) ?? key}`,
      ...shared,
      provider: provider === null ? null : (providers[provider] ?? provider),
      model: Field.name(of("gen_ai.response.model") ?? of("gen_ai.request.model")),
      request: null,
      usage: Field.usageWithin({
        input,
        output,
        cacheRead: of("gen_ai.usage.cache_read.input_tokens") ?? of("gen_ai.usage.cache_read_input_tokens"),
        cacheWrite: of("gen_ai.usage.cache_creation.input_tokens") ?? of("gen_ai.usage.cache_creation_input_tokens")
      }),
      longCacheWrite: 0,
      purpose: "turn"
    },
    ...loaded(shared, of("gen_ai.tool.definitions"))
  ]
}

/** The tools of a request, where the program tells them. */
const loaded = (shared: Span["shared"], definitions: unknown): ReadonlyArray<Transcript.Entry> => {
  if (typeof definitions !== "string") return []
  const tools = Field.objects(parsed(definitions)).map((tool) => ({
    name: Field.name(tool["name"] ?? Field.object(tool["function"])["name"]) ?? "unknown",
    digest: Digest.ofJson(tool),
    bytes: Buffer.byteLength(JSON.stringify(tool))
  }))
  return [{ _tag: "Loaded", key: `loaded:${shared.session}/${Digest.short(Digest.of(definitions))}`, ...shared, tools }]
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const called = ({ key, of, options, shared, span }: Span): ReadonlyArray<Transcript.Entry> => {
  const name = `call:${Field.unique(of("gen_ai.tool.call.id"), shared.session) ?? key}`
  const output = of("gen_ai.tool.call.result")
  const isText = typeof output === "string"
  return [
    {
      _tag: "Called",
      key: name,
      ...shared,
      at: nanoseconds(span["startTimeUnixNano"]) ?? shared.at,
      answer: null,
      ...Call.make(of("gen_ai.tool.name"), of("gen_ai.tool.call.arguments"), options)
    },
    {
      _tag: "Returned",
      key: name,
      ...shared,
      characters: isText ? output.length : null,
      output: isText ? Digest.of(output) : null,
      isError: hasFailed(span),
      isRejected: false
    }
  ]
}
