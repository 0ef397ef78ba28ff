/**
 * What every participant of the loop bench does alike: it takes the request, gives each turn's tool its text, looks at
 * the clock there, and prints one line of JSON at the end. So they differ in nothing but their loops.
 */
import { GCProfiler } from "node:v8"

/** What is asked: `{ api, url, mode, turns, tool }`. `api` is `openai` or `anthropic`, `mode` is `stream` or `generate`. */
export const request = JSON.parse(process.argv[2])

// Whoever started this program is gone when its end of the pipe is.
process.stdin.on("end", () => process.exit(1)).resume()

/** What the model is told before the first turn, the same for all. */
export const system = "You read notes, one after the other, until you are told that there are no more."
export const prompt = "Read the notes."
export const description = "Reads a note by its number."
/** The server on loopback takes any key. */
export const key = "loopback-key"
export const model = "m"

const { turns } = request
/** Three stretches of turns: the first, the middle and the last tenth, each by its first and last turn. */
const tenth = Math.max(1, Math.floor(turns / 10))
const middle = Math.max(1, Math.floor(turns / 2 - tenth / 2))
const stretches = [
  { name: "first", from: 1, to: tenth },
  { name: "middle", from: middle, to: middle + tenth },
  { name: "last", from: turns - tenth + 1, to: turns }
]
const times = new Float64Array(turns + 1)
const figures = {}
const heap = {}
let turn = 0
let open

const cpu = () => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1_000
}

/** Bytes that V8's heap was given in a stretch: what it grew by between its collections. */
const allocated = ({ before, profiler }) => {
  let bytes = 0
  let last = before
  for (const { afterGC, beforeGC } of profiler.stop().statistics) {
    bytes += Math.max(0, beforeGC.heapStatistics.usedHeapSize - last)
    last = afterGC.heapStatistics.usedHeapSize
  }
  return bytes + Math.max(0, process.memoryUsage().heapUsed - last)
}

const begin = (stretch) => {
  const profiler = new GCProfiler()
  profiler.start()
  open = { stretch, cpu: cpu(), before: process.memoryUsage().heapUsed, profiler }
}

const end = () => {
  const { stretch } = open
  const count = stretch.to - stretch.from + 1
  const used = cpu() - open.cpu
  const bytes = allocated(open)
  const each = Array.from({ length: count }, (_, at) => times[stretch.from + at] - times[stretch.from + at - 1])
  figures[stretch.name] = {
    ms: each.sort((a, b) => a - b)[Math.floor(count / 2)],
    cpu: used / count,
    bytes: bytes / count
  }
  open = undefined
}

const settled = () => {
  globalThis.gc()
  return process.memoryUsage().heapUsed
}

/** What the tool of a turn answers with. */
export const note = (number) => {
  times[++turn] = performance.now()
  if (open?.stretch.to === turn) {
    end()
    // The collection is part of the turn after the stretch, which no stretch holds.
    if (turn === tenth) heap.first = settled()
    if (turn === turns) heap.last = settled()
  }
  const next = stretches.find(({ from }) => from === turn + 1)
  if (next !== undefined && open === undefined) begin(next)
  return `Note ${number}: nothing to do here.`
}

/** Runs a participant's loop to its end, and prints what it took. */
export const measure = async (loop) => {
  begin(stretches[0])
  times[0] = performance.now()
  await loop()
  if (turn !== turns) throw new Error(`The loop ended after ${turn} of ${turns} turns.`)
  const rss = process.resourceUsage().maxRSS * 1_024
  process.stdout.write(`${JSON.stringify({ ...figures, heap, rss, overall: times[turns] - times[0] })}\n`, () =>
    process.exit(0)
  )
}
