/** The files that an agent reads and writes through us: of the workplace, inside of the workspace, and only as it was granted. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type * as Grant from "../Grant.ts"
import type * as Harness from "../Harness.ts"
import * as Target from "../tools/Target.ts"
import * as ToolFailure from "../tools/ToolFailure.ts"
import * as AcpRefusal from "./AcpRefusal.ts"

/** Reading a text, or so many lines of it from one on, counted from 1. */
export interface Reading {
  readonly path: string
  readonly line?: number | null
  readonly limit?: number | null
}

/** Writing a whole text. */
export interface Writing {
  readonly path: string
  readonly content: string
}

/** What is there of it. */
export interface AcpFiles {
  readonly read:
    | ((request: Reading) => Effect.Effect<{ readonly content: string }, AcpRefusal.Refusal, Harness.Workplace>)
    | undefined
  readonly write: ((request: Writing) => Effect.Effect<object, AcpRefusal.Refusal, Harness.Workplace>) | undefined
}

/** The largest file that goes through here, in bytes. */
const largest = 16 * 1024 * 1024

/** What the grants let an agent do. */
export const make = (grants: ReadonlyArray<Grant.Grant>): AcpFiles => ({
  read: grants.includes("read") ? read : undefined,
  write: grants.includes("write") || grants.includes("edit") ? write(grants) : undefined
})

const read = Effect.fnUntraced(function* ({ limit, line, path }: Reading) {
  const content = yield* Target.text(yield* Target.inside(path), largest)
  const from = Math.max(0, (line ?? 1) - 1)
  const lines = content.split(/(?<=\n)/)
  return { content: lines.slice(from, from + (limit ?? lines.length)).join("") }
}, Effect.mapError(AcpRefusal.ofTool))

const write = (grants: ReadonlyArray<Grant.Grant>) =>
  Effect.fnUntraced(function* ({ content, path }: Writing) {
    const relative = yield* Target.writable(path)
    const fs = yield* FileSystem.FileSystem
    if (!grants.includes("write") && !(yield* Effect.orElseSucceed(fs.exists(relative), () => false))) {
      return yield* ToolFailure.fail(
        "Denied",
        `${ToolFailure.quote(path)} is not there, and you may only change files that are.`
      )
    }
    const bytes = Buffer.from(content)
    if (bytes.length > largest) {
      return yield* ToolFailure.fail("TooLarge", `The content has more than ${largest} bytes. Write less at a time.`)
    }
    yield* Target.replace(relative, bytes)
    return {}
  }, Effect.mapError(AcpRefusal.ofTool))
