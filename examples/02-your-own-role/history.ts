/** The repository whose release is written about: the demo program of the quickstart, and what was done since its release. */
import * as Git from "@millwright/core/Git"
import * as GitCommit from "@millwright/core/GitCommit"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Demo from "../01-issue-to-change/demo.ts"

const author = { name: "Ada", email: "ada@localhost" }

interface Step {
  readonly message: string
  readonly file: string
  readonly from: string
  readonly to: string
}

const steps: ReadonlyArray<Step> = [
  {
    message: "Keep the remainder when a duration is written",
    file: "src/duration.js",
    from: '    if (milliseconds >= size) return `${Math.floor(milliseconds / size)}${unit}`\n  }\n  return "0ms"',
    to:
      "    const count = Math.floor(rest / size)\n    rest -= count * size\n    if (count > 0) parts.push(`${count}${unit}`)\n" +
      '  }\n  return parts.length === 0 ? "0ms" : parts.join(" ")'
  },
  {
    message: "Declare what format works with",
    file: "src/duration.js",
    from: "export const format = (milliseconds) => {\n",
    to: "export const format = (milliseconds) => {\n  const parts = []\n  let rest = milliseconds\n"
  },
  {
    message: "Say in the readme where to report bugs",
    file: "README.md",
    from: "",
    to: "\nReport bugs to the issue tracker.\n"
  },
  { message: "Rename --ms to --milliseconds", file: "src/cli.js", from: "--ms", to: "--milliseconds" }
]

/** Makes the repository in a folder and answers with the commits between which the release lies. */
export const make = Effect.fnUntraced(function* (source: string, target: string) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  yield* Demo.repository(source, target)
  const base = yield* Git.resolve(target, "HEAD")
  let head = base
  for (const { file, from, message, to } of steps) {
    const at = path.join(target, file)
    const before = yield* files.readFileString(at)
    if (!before.includes(from)) return yield* Effect.die(new Error(`${file} of the demo does not hold ${from}`))
    yield* files.writeFileString(at, from === "" ? before + to : before.replaceAll(from, to))
    const commit = yield* GitCommit.commitAll(target, { branch: "main", base: head, message, author })
    if (commit._tag === "Some") head = commit.value
  }
  return { base, head }
})
