import { assert, describe, it } from "@effect/vitest"
import * as Bench from "../Bench.ts"
import * as Types from "../import/Types.ts"
import * as Answers from "../loop/Answers.ts"
import * as Comparison from "../loop/Comparison.ts"
import * as Participant from "../loop/Participant.ts"

const script = { turns: 2, tool: "note" } as const

const said = (answer: Answers.Answer | undefined): string => answer?.bytes.toString() ?? ""

/** The JSON of each event of a stream. */
const events = (text: string): ReadonlyArray<Record<string, unknown>> =>
  text
    .split("\n")
    .filter((line) => line.startsWith("data: {"))
    .map((line) => JSON.parse(line.slice("data: ".length)))

describe("the answers of the model on loopback", () => {
  it("are one call for each turn and then the end, in both protocols, streamed and in one piece", () => {
    for (const api of ["openai", "anthropic"] as const) {
      for (const mode of ["stream", "generate"]) {
        const all = Answers.all({ ...script, api, mode })
        assert.strictEqual(all.length, 3, `${api} ${mode}: two turns and the end`)
        assert.include(said(all[0]), "000001", "the first call has no id of its own")
        assert.match(said(all[1]), /number\\?"\s*:\s*2/, "the second turn does not ask for the second note")
        assert.include(said(all[2]), "There are no more notes.", `${api} ${mode} does not end with a text`)
        assert.strictEqual(all[0]?.type, mode === "stream" ? "text/event-stream" : "application/json")
      }
    }
  })

  it("end with a call where a call ends the loop", () => {
    const ending = { tool: "outcome", arguments: { outcome: { _tag: "Done" } } }
    const end = said(Answers.all({ ...script, api: "anthropic", mode: "stream", ending }).at(-1))
    const started = events(end).find(({ type }) => type === "content_block_start")
    assert.deepInclude(started?.["content_block"], { type: "tool_use", name: "outcome" })
    assert.notInclude(end, "There are no more notes.")
  })

  it("give the arguments of a call in pieces that join to JSON", () => {
    const [first] = Answers.all({ ...script, api: "openai", mode: "stream" })
    const pieces = [...said(first).matchAll(/"arguments":("(?:[^"\\]|\\.)*")/g)].map(([, text]) =>
      JSON.parse(text ?? "")
    )
    assert.deepStrictEqual(JSON.parse(pieces.join("")), { number: 1 })
  })
})

const line = (ms: number) => ({
  first: { ms, cpu: 2, bytes: 3_000 },
  middle: { ms, cpu: 2, bytes: 3_000 },
  last: { ms, cpu: 2, bytes: 3_000 },
  heap: { first: 10_000_000, last: 19_000_000 },
  rss: 100_000_000
})

const participant = (name: string, key: Participant.Participant["key"]): Participant.Participant => ({
  name,
  key,
  api: "openai",
  mode: "stream"
})

describe("the figures of the loop bench", () => {
  const figures = Comparison.figures(
    [
      {
        participant: participant("Millwright", "own"),
        runs: [4, 2, 3].map((ms) => Participant.read(line(ms))),
        missing: undefined
      },
      { participant: participant("SDK", "raw"), runs: [Participant.read(line(1))], missing: undefined },
      { participant: participant("pi", "pi"), runs: [Participant.read(line(5))], missing: undefined },
      { participant: participant("AI SDK", "ai"), runs: [Participant.read(line(6))], missing: undefined },
      { participant: participant("Mastra", "mastra"), runs: [], missing: "it did not start" }
    ],
    1_000
  ).map(Bench.judge)
  const find = (name: string, peer?: string) =>
    figures.find((figure) => figure.name.includes(name) && figure.peer === peer)

  it("hold ours, the median of its runs, to the best peer, and not to a loop without a framework", () => {
    const own = find("time, last tenth")
    assert.strictEqual(own?.value, 3)
    assert.deepStrictEqual(own?.goal, { op: "<=", value: 5 })
    assert.isTrue(own?.holds)
    assert.isUndefined(find("time, last tenth", "SDK")?.goal, "what is no framework has a goal")
  })

  it("say of memory what each further turn adds, and of who did not run why", () => {
    assert.strictEqual(find("heap for each further turn")?.value, 10)
    assert.strictEqual(find("time, first tenth", "Mastra")?.missing, "it did not start")
  })
})

describe("what a bench is asked for", () => {
  it("is refused with what there is", () => {
    assert.throws(() => Participant.chosen("langgraph", "all"), /ai,mastra,pi,openai-agents/)
    assert.throws(() => Participant.chosen("all", "gemini"), /openai or anthropic/)
    const names = Participant.chosen("pi", "anthropic").map(({ key }) => key)
    assert.deepStrictEqual([...new Set(names)], ["own", "raw", "pi"])
  })

  it("takes from the compiler what it counts, and not silence", () => {
    const printed = "Files:             196\nInstantiations:   8437\nMemory used:    49162K\n"
    assert.deepStrictEqual(Types.read(printed), { instantiations: 8_437, memory: 49_162_000 })
    assert.throws(() => Types.read("nothing"), /prints no "Instantiations"/)
  })
})
