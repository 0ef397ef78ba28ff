/** Conversations in which waste is planted: each answer is billed what a provider with a cache would bill. */
import * as Digest from "@millwright/core/Digest"
import type * as Pricing from "@millwright/core/Pricing"
import * as Usage from "@millwright/core/Usage"
import type * as Transcript from "../src/Transcript.ts"

/** A call, and what it says. */
export interface Call {
  readonly tool?: string
  readonly doing?: Transcript.Doing
  readonly file?: string
  readonly range?: Transcript.Range
  readonly input?: string
  /** Characters of its result, of which four are a token; `null`: not told. Default 5,000. */
  readonly characters?: number | null
  /** What it says; `null`: not told. Default: the same for every call. */
  readonly output?: string | null
  readonly isError?: boolean
  readonly isRejected?: boolean
}

/** What happens in a conversation. */
export type Step =
  | { readonly is: "answer"; readonly calls: ReadonlyArray<Call>; readonly model?: string; readonly isLong?: boolean }
  | { readonly is: "pause"; readonly minutes: number }
  | { readonly is: "said"; readonly characters: number }
  | { readonly is: "compacted"; readonly to?: number }
  | { readonly is: "dropped"; readonly tokens: number }
  | { readonly is: "loaded"; readonly tools: ReadonlyArray<readonly [name: string, bytes: number | null]> }

/** An answer that calls these. */
export const answer = (...calls: ReadonlyArray<Call>): Step => ({ is: "answer", calls })
/** A read of a file. */
export const read = (file: string, more: Call = {}): Call => ({
  tool: "Read",
  doing: "read",
  file,
  input: file,
  ...more
})
/** An edit of a file. */
export const edit = (file: string, more: Call = {}): Call => ({
  tool: "Edit",
  doing: "edit",
  file,
  input: `edit ${file}`,
  characters: 40,
  ...more
})
/** A command. */
export const command = (input: string, more: Call = {}): Call => ({ tool: "Bash", doing: "command", input, ...more })
/** A pause. */
export const pause = (minutes: number): Step => ({ is: "pause", minutes })
/** A turn of a human. */
export const said: Step = { is: "said", characters: 400 }
/** Earlier turns gave way to a summary. */
export const compacted: Step = { is: "compacted" }

/** How long a cache keeps what was read. */
const lifetime = 5 * 60_000

/** The entries of a conversation. Its first prompt is of 10,000 tokens, each answer of 10. */
export const play = (
  steps: ReadonlyArray<Step>,
  session = "s",
  agent: string | null = null
): Array<Transcript.Entry> => {
  let now = 1_770_000_000_000
  let last = now
  let prompt = 0
  let next = 10_000
  let keeps = lifetime
  const entries: Array<Transcript.Entry> = []
  for (const [at, step] of steps.entries()) {
    now += 1_000
    const shared = { session, agent, at: now }
    const key = `${session}/${agent ?? ""}/${at}`
    switch (step.is) {
      case "pause":
        now += step.minutes * 60_000
        break
      case "said":
        next += Math.ceil(step.characters / 4)
        entries.push({ _tag: "Said", key: `said:${key}`, ...shared, speech: "prompt", characters: step.characters })
        break
      case "compacted":
        prompt = 0
        next = step.to ?? 10_000
        entries.push({
          _tag: "Compacted",
          key: `compacted:${key}`,
          ...shared,
          trigger: "auto",
          before: null,
          after: null
        })
        break
      case "dropped":
        next -= step.tokens
        break
      case "loaded": {
        const tools = step.tools.map(([name, bytes]) => ({ name, digest: null, bytes }))
        entries.push({ _tag: "Loaded", key: `loaded:${key}`, ...shared, tools })
        break
      }
      case "answer": {
        const all = Math.max(1_000, prompt + next)
        const cacheRead = now - last > keeps ? 0 : Math.min(prompt, all)
        entries.push({
          _tag: "Answered",
          key: `answer:${key}`,
          ...shared,
          provider: "anthropic",
          model: step.model ?? "m",
          request: null,
          usage: { input: 0, cacheRead, cacheWrite: all - cacheRead, output: 10 },
          longCacheWrite: step.isLong === true ? all - cacheRead : 0,
          purpose: "turn"
        })
        if (step.isLong === true) keeps = 60 * 60_000
        last = now
        prompt = all
        next = 10
        for (const [nth, call] of step.calls.entries()) {
          const { characters = 5_000, file, input = "", output = "said", range = { from: null, lines: null } } = call
          const called = { ...shared, key: `call:${key}/${nth}` }
          entries.push(
            {
              _tag: "Called",
              ...called,
              answer: `answer:${key}`,
              tool: call.tool ?? "other",
              doing: call.doing ?? "other",
              input: Digest.of(input),
              file: file === undefined ? null : Digest.of(file),
              range: call.doing === "read" ? range : null,
              command: call.doing === "command" ? Digest.of(input) : null
            },
            {
              _tag: "Returned",
              ...called,
              at: now + 100,
              characters,
              output: output === null ? null : Digest.of(output),
              isError: call.isError === true,
              isRejected: call.isRejected === true
            }
          )
          next += Math.ceil((characters ?? 0) / 4)
        }
      }
    }
  }
  return entries
}

/** Prices in US dollars for a million tokens: input 4, read 0.4, written 5, answered 20. The model `free` has none. */
export const prices: Pricing.Pricing["Service"] = {
  price: ({ model, usage }) =>
    model === "free"
      ? Usage.unknown("no price")
      : Usage.known((usage.input * 4 + usage.cacheRead * 0.4 + usage.cacheWrite * 5 + usage.output * 20) / 1e6)
}
