/** The repository of a small program, the people who work on it with their keys, and git as they use it. */
import * as Fault from "@millwright/core/Fault"
import * as AuthorshipNote from "@millwright/governance/AuthorshipNote"
import type * as LineOwners from "@millwright/governance/LineOwners"
import * as Notes from "@millwright/governance/Notes"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import { execFileSync } from "node:child_process"

/** Somebody who commits. `key` is the file of a private key. */
export interface Person {
  readonly name: string
  readonly email: string
  readonly key?: string
}

/** The author of what the agent of this factory does. */
export const agent = { name: "Implement", email: "factory@example.org" } as const satisfies Person

/** Git or ssh-keygen is missing, or did not do what a person asked of it. */
export class ProgramError extends Fault.Class<ProgramError>()("ProgramError", { Failed: false }) {}

/** Without what tells git of another repository, as in a hook. */
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_")))

const program = (name: string, args: ReadonlyArray<string>, env: Record<string, string> = {}) =>
  Effect.try({
    try: () => execFileSync(name, args, { encoding: "utf8", stdio: "pipe", env: { ...environment, ...env } }).trimEnd(),
    catch: (cause) =>
      new ProgramError({
        reason: "Failed",
        message: `${name} ${args.join(" ")} failed: ${String(cause)}. This example takes git 2.34 or newer, and ssh-keygen.`,
        cause
      })
  })

/** Runs git as somebody, at the time that it is; it signs where they have a key. Nothing that this machine configures counts. */
export const git = Effect.fnUntraced(function* (dir: string, who: Person, ...args: ReadonlyArray<string>) {
  const at = `@${Math.floor((yield* Clock.currentTimeMillis) / 1_000)} +0000`
  const signing =
    who.key === undefined
      ? ["commit.gpgSign=false"]
      : ["commit.gpgSign=true", "gpg.format=ssh", `user.signingKey=${who.key}`]
  const config = [`user.name=${who.name}`, `user.email=${who.email}`, ...signing].flatMap((each) => ["-c", each])
  const env = { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1", GIT_AUTHOR_DATE: at, GIT_COMMITTER_DATE: at }
  return yield* program("git", ["-C", dir, ...config, ...args], env)
})

/** Files by their paths. */
export type Files = Readonly<Record<string, string>>

export const write = Effect.fnUntraced(function* (dir: string, files: Files) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(dir, name)
    yield* fs.makeDirectory(path.dirname(file), { recursive: true })
    yield* fs.writeFileString(file, text)
  }
}, Effect.orDie)

/** Commits files to a branch as somebody does at a terminal. Answers with the commit. */
export const commit = Effect.fnUntraced(function* (
  dir: string,
  { branch, files, message, who }: { branch: string; files: Files; message: string; who: Person }
) {
  yield* git(dir, who, "checkout", "-q", "-B", branch)
  yield* write(dir, files)
  yield* git(dir, who, "add", "--all")
  yield* git(dir, who, "commit", "-q", "-m", message)
  return yield* git(dir, who, "rev-parse", "HEAD")
})

/** Says in the note of a commit whose its lines are. Of a line that another commit left as it is, nobody asks this note. */
export const claim = Effect.fnUntraced(function* (
  dir: string,
  { commit, files, owner }: { commit: string; files: Files; owner: LineOwners.Owner }
) {
  const owners = Object.entries(files).map(([path, text]) => ({
    path,
    ranges: [{ first: 1, last: text.trimEnd().split("\n").length, owner }]
  }))
  const note = AuthorshipNote.make({ files: owners }, { base: commit })
  const text = yield* Effect.fromResult(AuthorshipNote.write(note))
  yield* Notes.update(dir, { ref: AuthorshipNote.ref, commit, merge: () => text })
})

/** The repository at the beginning of the week. */
export interface Repository {
  readonly dir: string
  /** The commit that everything of the week stands on; the roster and the policy are from there. */
  readonly base: string
  readonly ada: Person
  readonly bo: Person
  /** Has a key that nobody in the roster has. */
  readonly stranger: Person
}

const policy = `extends: careful
rules:
  - { name: code of the reader, paths: ["src/**"], class: HumanReview, reviewers: 1 }
`

const member = (name: string, email: string, key: string) =>
  `  - { name: ${name}, kind: human, logins: [${name}], emails: [${email}], keys: ["${key}"] }\n`

/** Makes the repository and the keys below a folder. */
export const make = Effect.fnUntraced(function* (folder: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const dir = path.join(folder, "reader")
  yield* fs.makeDirectory(dir, { recursive: true })
  const person = Effect.fnUntraced(function* (name: string) {
    const key = path.join(folder, `key-of-${name}`)
    yield* program("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key])
    return { name, email: `${name}@example.org`, key, public: (yield* fs.readFileString(`${key}.pub`)).trim() }
  })
  const [ada, bo, stranger] = [yield* person("ada"), yield* person("bo"), yield* person("stranger")]
  yield* git(dir, ada, "init", "-q", "-b", "main", ".")
  const roster =
    `members:\n${member("ada", ada.email, ada.public)}${member("bo", bo.email, bo.public)}` +
    `  - { name: ${agent.name}, kind: agent, logins: [factory-bot], emails: [${agent.email}], keys: [] }\n`
  const files = {
    ".millwright/roster.yaml": roster,
    ".millwright/policy.yaml": policy,
    "README.md": "# Reader\n",
    "src/reading.js": 'export const minutes = (text) =>\n  text.split(" ").length / 200\n'
  }
  const base = yield* commit(dir, { branch: "main", files, message: "The reader", who: ada })
  const made: Repository = { dir, base, ada, bo, stranger }
  return made
})
