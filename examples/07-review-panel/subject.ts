/** What is reviewed: a patch of a file, the last commits of a repository, or a change that is made on the spot. */
import * as Fault from "@millwright/core/Fault"
import * as Git from "@millwright/core/Git"
import * as GitCommit from "@millwright/core/GitCommit"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import { fileURLToPath } from "node:url"
import * as Demo from "../01-issue-to-change/demo.ts"

/** There is nothing that could be reviewed. */
export class SubjectError extends Fault.Class<SubjectError>()("SubjectError", {
  BadFile: false,
  BadRange: false,
  TooLarge: false
}) {}

/** What was asked for. */
export interface Asked {
  readonly diff: Option.Option<string>
  readonly repo: Option.Option<string>
  readonly from: Option.Option<string>
}

/** The task of the change that is made on the spot. */
export const issue = `# Remind me after a while

\`remind("tea", "5m")\` shows the text as a notification of the desktop when the time is over. The text is what a user typed.
`

const files = {
  "src/remind.js": `import { execSync } from "node:child_process"
import { parse } from "./duration.js"

/** Shows a text after a while. */
export const remind = (text, after) => {
  const milliseconds = parse(after)
  return setTimeout(() => execSync(\`notify-send "\${text}"\`), milliseconds)
}
`,
  "test/remind.test.js": `import assert from "node:assert/strict"
import { test } from "node:test"
import { remind } from "../src/remind.js"

test("remind reminds", () => {
  assert.ok(remind)
})
`
}

/** A small repository with a change on top, made in a folder. */
const made = Effect.fnUntraced(function* (dir: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  yield* Demo.repository(fileURLToPath(new URL("../01-issue-to-change/demo", import.meta.url)), dir)
  const base = yield* Git.resolve(dir, "HEAD")
  for (const [name, content] of Object.entries(files)) yield* fs.writeFileString(path.join(dir, name), content)
  const author = { name: "Ada", email: "ada@localhost" }
  const message = "Remind somebody after a while"
  const commit = yield* GitCommit.commitAll(dir, { branch: "main", base, message, author })
  return { base, head: Option.getOrElse(commit, () => base) }
})

/** The largest patch that is reviewed, in bytes. */
const maxBytes = 400_000

const tooLarge = () =>
  new SubjectError({
    reason: "TooLarge",
    message: `The difference has more than ${maxBytes} bytes, and a panel reviews at most that. Review it in parts.`
  })

/** The patch, the folder that reviewers read in, and whether it is the change of this example. */
export const find = Effect.fnUntraced(function* ({ diff, from, repo }: Asked) {
  if (Option.isSome(from) && (Option.isNone(repo) || Option.isSome(diff))) {
    return yield* new SubjectError({
      reason: "BadRange",
      message: "--from is a revision of --repo, and no part of a --diff. Give --repo with it, or leave it out."
    })
  }
  const fs = yield* FileSystem.FileSystem
  const scratch = yield* fs.makeTempDirectoryScoped({ prefix: "millwright-panel-" })
  if (Option.isSome(diff)) {
    const file = diff.value
    const { size } = yield* Effect.mapError(fs.stat(file), () => unreadable(file))
    if (size > BigInt(maxBytes)) return yield* tooLarge()
    const patch = yield* Effect.mapError(fs.readFileString(file), () => unreadable(file))
    const dir = Option.isSome(repo) ? yield* Git.root(repo.value) : scratch
    return { patch, dir, isOurs: false }
  }
  const dir = Option.isSome(repo) ? yield* Git.root(repo.value) : `${scratch}/repository`
  const range = Option.isSome(repo) ? { base: Option.getOrElse(from, () => "HEAD~1"), head: "HEAD" } : yield* made(dir)
  const { text: patch, truncated } = yield* Git.patch(dir, { ...range, maxBytes })
  return truncated ? yield* tooLarge() : { patch, dir, isOurs: Option.isNone(repo) }
})

const unreadable = (file: string) =>
  new SubjectError({
    reason: "BadFile",
    message: `${file} is no file that can be read. Give what \`git diff\` printed.`
  })
