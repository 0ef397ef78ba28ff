/**
 * What every peer's program does alike: reads the request, warms up, runs the load, checks the sums and prints one line
 * of JSON. So the peers differ in nothing but their own means.
 */
import { randomBytes } from "node:crypto"

/** What is asked: `{ variant, folder, url, lines, stages, concurrency, warm: { lines, stages }, bytes }`. */
export const request = JSON.parse(process.argv[2])

// Whoever started this program is gone when its end of the pipe is.
process.stdin.on("end", () => process.exit(1)).resume()

/** The result of a stage: its number, or, where outputs are measured, that many bytes that can not be compressed. */
export const output = (at) =>
  request.bytes === 0
    ? at
    : randomBytes(Math.ceil((request.bytes * 3) / 4))
        .toString("base64")
        .slice(0, request.bytes)

/** What a stage adds to the sum of its line. */
export const weight = (value) => (typeof value === "number" ? value : 1)

const expected = (stages) => (request.bytes === 0 ? (stages * (stages - 1)) / 2 : stages)

const each = async (count, concurrency, work) => {
  let next = 0
  const worker = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, worker))
}

/**
 * Measures a peer. `line(id, stages)` runs a line of stages and answers with their sum. `lines(count, stages)`, for a
 * peer that has its own workers, runs them all and answers with their sums. `policy` says what a commit promises.
 */
export const measure = async ({ close = async () => {}, line, lines, policy, size }) => {
  const pass = async (name, load) => {
    const sums = []
    if (lines !== undefined) sums.push(...(await lines(name, load)))
    else await each(load.lines, load.concurrency, async (at) => sums.push(await line(`${name}-${at}`, load.stages)))
    const wrong = sums.find((sum) => sum !== expected(load.stages))
    if (sums.length !== load.lines || wrong !== undefined) {
      throw new Error(`${sums.length} of ${load.lines} lines ended; one of ${load.stages} stages with ${wrong}`)
    }
  }
  const { concurrency, stages, warm } = request
  if (warm.lines > 0) await pass("warm", { ...warm, concurrency: warm.lines })
  const before = size === undefined ? undefined : await size()
  const start = performance.now()
  await pass("line", { lines: request.lines, stages, concurrency })
  const ms = performance.now() - start
  const disk = size === undefined ? undefined : (await size()) - before
  await close()
  process.stdout.write(`${JSON.stringify({ ms, policy, disk })}\n`, () => process.exit(0))
}
