/** The tool `write`: gives a file its whole content. */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Schema from "effect/Schema"
import * as Target from "./Target.ts"
import * as ToolFailure from "./ToolFailure.ts"

/** What the model is told about it. */
export const description = [
  "Writes a whole file, new or in the place of what was there; missing folders are made.",
  "To change a part of a file use edit, which can not lose the rest of it."
].join(" ")

/** What the model gives. */
export const Parameters = Schema.Struct({
  path: Schema.String.annotate({ description: "The file, relative to the workspace" }),
  content: Schema.String.annotate({ description: "Everything that shall stand in it, with a line feed at the end" })
})

/** Writes. */
export const run = Effect.fnUntraced(function* ({ content, path }: typeof Parameters.Type) {
  const fs = yield* FileSystem.FileSystem
  const relative = yield* Target.writable(path)
  const before = yield* Effect.orElseSucceed(
    Effect.map(fs.stat(relative), ({ type }) => type),
    () => undefined
  )
  if (before !== undefined && before !== "File") {
    return yield* ToolFailure.fail(
      "NotAFile",
      `${ToolFailure.quote(path)} is a ${before === "Directory" ? "folder" : before}. Name a file.`
    )
  }
  const bytes = new TextEncoder().encode(content)
  yield* Target.replace(relative, bytes)
  return `${before === undefined ? "Made" : "Replaced"} ${ToolFailure.quote(relative)}, ${bytes.length} bytes.`
})
