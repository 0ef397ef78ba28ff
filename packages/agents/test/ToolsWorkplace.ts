/** A workspace of its own for a test: a git repository in a temporary folder, which is the current folder meanwhile. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import * as Tools from "../src/Tools.ts"

export const workspace = (
  files: Readonly<Record<string, string | Uint8Array>>,
  options: { readonly git?: boolean } = {}
) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const before = process.cwd()
      const directory = realpathSync(mkdtempSync(join(tmpdir(), "millwright-tools-")))
      process.chdir(directory)
      if (options.git !== false) execFileSync("git", ["init", "--quiet"])
      for (const [path, content] of Object.entries(files)) {
        mkdirSync(dirname(path), { recursive: true })
        writeFileSync(path, content)
      }
      return { before, directory }
    }),
    ({ before, directory }) =>
      Effect.sync(() => {
        process.chdir(before)
        rmSync(directory, { recursive: true, force: true })
      })
  ).pipe(Effect.map(({ directory }) => directory))

export interface Answer {
  readonly ok: boolean
  readonly text: string
  readonly reason: string | undefined
}

type Names = keyof typeof Tools.toolkit.tools

/** Calls a tool the way a loop does: by its name, with what a model wrote. */
export const call = Effect.fnUntraced(function* (name: Names, input: unknown) {
  const toolkit = yield* Tools.toolkit
  // What a model wrote has no type; the toolkit checks it.
  const results = yield* Stream.runCollect(yield* toolkit.handle(name, input as never))
  const last = results.at(-1)
  const result: unknown = last?.encodedResult
  const text = typeof result === "string" ? result : JSON.stringify(result)
  const failure = typeof result === "object" && result !== null ? result : {}
  const answer: Answer = {
    ok: last?.isFailure === false,
    text: "message" in failure && typeof failure.message === "string" ? failure.message : text,
    reason: "reason" in failure && typeof failure.reason === "string" ? failure.reason : undefined
  }
  return answer
})

export const Services = Layer.mergeAll(NodeServices.layer, Tools.layer)
