/**
 * **Sessions as numbers, as entries of transcripts**: what is mined for waste. They do not tell what a result said, so repeats are found
 * only where nothing stands between, and not when a result came, so pauses are those before a turn of a human or an answer.
 */
import * as Digest from "@millwright/core/Digest"
import type * as Transcript from "@millwright/governance/Transcript"
import type * as SessionShape from "./SessionShape.ts"

/** The entries of a session. */
export const of = ({ human, msgs, s, tools }: SessionShape.Session): ReadonlyArray<Transcript.Entry> => {
  const shared = (t: string | null) => ({ session: s, agent: null, at: natural(Date.parse(t ?? "")) })
  const counts = new Map<string, number>()
  return [
    ...msgs.map(({ id, max: [input, cacheWrite, cacheRead, output], model, t }): Transcript.Entry =>
      model === "<synthetic>"
        ? { _tag: "Unanswered", key: `unanswered:${id}`, ...shared(t), isFailure: false }
        : {
            _tag: "Answered",
            key: `answer:${id}`,
            ...shared(t),
            provider: "anthropic",
            model,
            request: null,
            usage: { input, cacheWrite, cacheRead, output },
            longCacheWrite: 0,
            purpose: "turn"
          }
    ),
    ...tools.flatMap((tool): ReadonlyArray<Transcript.Entry> => {
      const nth = counts.get(tool.msg) ?? 0
      counts.set(tool.msg, nth + 1)
      return called(tool, { key: `call:${tool.msg}/${nth}`, ...shared(tool.t) })
    }),
    ...human.map(([t, kind, characters], at): Transcript.Entry => {
      const key = `${t}/${kind}/${characters}/${at}`
      return kind === "compaction"
        ? { _tag: "Compacted", key: `compacted:${key}`, ...shared(t), trigger: null, before: null, after: null }
        : { _tag: "Said", key: `said:${key}`, ...shared(t), speech: speeches[kind] ?? "system", characters }
    })
  ]
}

const speeches: Readonly<Record<string, Transcript.Speech>> = {
  prompt: "prompt",
  command: "command",
  interrupt: "interrupt",
  meta: "meta"
}

const doings: Readonly<Record<string, Transcript.Doing>> = {
  Read: "read",
  Edit: "edit",
  Write: "edit",
  Grep: "search",
  Glob: "search",
  LSP: "search",
  WebSearch: "search",
  Bash: "command",
  Task: "delegate",
  AskUserQuestion: "ask",
  ExitPlanMode: "ask"
}

const natural = (value: unknown): number | null =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null

const called = (
  { chars, err, ih, msg, name, path, rej, rng }: SessionShape.Tool,
  shared: { readonly key: string; readonly session: string; readonly agent: null; readonly at: number | null }
): ReadonlyArray<Transcript.Entry> => {
  const doing = doings[name] ?? "other"
  const input = Digest.of(ih)
  return [
    {
      _tag: "Called",
      ...shared,
      answer: `answer:${msg}`,
      tool: name,
      doing,
      input,
      file: path === null ? null : Digest.of(path),
      range:
        doing === "read" && path !== null
          ? { from: natural(rng?.[0] ?? null), lines: natural(rng?.[1] ?? null) }
          : null,
      command: doing === "command" ? input : null
    },
    ...(err === undefined || err === null
      ? []
      : [
          {
            _tag: "Returned",
            ...shared,
            at: null,
            characters: chars ?? null,
            output: null,
            isError: err,
            isRejected: rej === true
          } as const
        ])
  ]
}
