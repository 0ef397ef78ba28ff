/**
 * How notes cross to another repository: from a scratch repository that has the real one's objects and nothing else of it. So a remote
 * is reached with the git configuration of whoever runs this process, as by hand (credential helpers, SSH, proxies), while what the
 * repository itself configures, which an agent may have written, has no say: no `url.*.insteadOf`, `core.sshCommand` or hook of it.
 */
import * as Git from "@millwright/core/Git"
import * as Redaction from "@millwright/core/Redaction"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as NoteFault from "./NoteFault.ts"

type Failure = Git.GitError | NoteFault.NotesError

/** A repository to go through, the remote at its other end, and the name of the notes below `refs/notes/`. */
export interface Transport {
  readonly remote: string
  readonly name: string
  readonly ask: (...args: ReadonlyArray<string>) => Effect.Effect<Git.Result, Git.GitError, ChildProcessSpawner>
}

const url = /^(?:https?|ssh|file):\/\/[^\s\p{Cc}]+$/u
const scp = /^(?:[\w.-]+@)?[\w.-]+:[^:\s\p{Cc}][^\s\p{Cc}]*$/u

/** A remote as a path or a URL. A name (`origin`) would ask the repository's configuration what it means. */
export const checkRemote = (remote: string): Effect.Effect<string, NoteFault.NotesError> => {
  const isPath = remote.startsWith("/") && !/\p{Cc}/u.test(remote)
  const hasSecret = /^[a-z+]+:\/\/[^/]*:[^/]*@/i.test(remote) || Redaction.scrub(remote) !== remote
  if (!hasSecret && (isPath || url.test(remote) || scp.test(remote))) return Effect.succeed(remote)
  return Effect.fail(
    new NoteFault.NotesError({
      reason: "BadRemote",
      message: hasSecret
        ? "The URL of the remote has a secret in it, which every process of this machine could read. Give it without, and let a credential helper of git have the secret."
        : `${JSON.stringify(remote.slice(0, 200))} is no remote. Give an absolute path, or a URL with https, ssh or file; not the name of one, which the repository could redirect.`
    })
  )
}

/** What of this process a user's git listens to. */
const users = [
  "GIT_CONFIG_GLOBAL",
  "GIT_CONFIG_SYSTEM",
  "GIT_CONFIG_NOSYSTEM",
  "GIT_SSH_COMMAND",
  "GIT_SSH",
  "GIT_ASKPASS"
]

/**
 * Makes the scratch repository; it goes away with the scope. `head` is what the notes stand on here.
 *
 * What crosses is named by patterns, which git matches with whole names. A name without one it completes, and where the other end has no such
 * notes, a branch called `refs/notes/review` would be taken for them: who may push branches could write notes.
 */
export const open = Effect.fnUntraced(function* (
  dir: string,
  options: { readonly remote: string; readonly ref: string; readonly head: string | undefined }
) {
  const name = (yield* NoteFault.checkRef(options.ref)).replace(/^refs\/notes\//, "")
  const remote = yield* checkRemote(options.remote)
  const fs = yield* FileSystem.FileSystem
  const said = yield* Git.run({
    dir,
    args: [
      "rev-parse",
      "--path-format=absolute",
      "--show-object-format",
      "--git-path",
      "objects",
      "--git-path",
      "shallow"
    ]
  })
  const [format = "", objects = "", shallow = ""] = new TextDecoder().decode(said).split("\n")
  const scratch = yield* fs.makeTempDirectoryScoped({ prefix: "millwright-transport-" }).pipe(
    Effect.mapError(
      (cause) =>
        new NoteFault.NotesError({
          reason: "Unreachable",
          message: `No temporary folder could be made for talking to a remote: ${cause.message}. Make room there.`,
          cause
        })
    )
  )
  yield* Git.run({ dir: scratch, args: ["init", "--quiet", "--bare", "--template=", `--object-format=${format}`, "."] })
  yield* Effect.ignore(fs.copyFile(shallow, `${scratch}/shallow`))
  const ask: Transport["ask"] = (...args) =>
    Git.attempt({
      dir: scratch,
      args,
      env: {
        ...Object.fromEntries(users.map((name) => [name, globalThis.process.env[name]])),
        GIT_DIR: scratch,
        GIT_OBJECT_DIRECTORY: objects,
        GIT_ALLOW_PROTOCOL: "file:http:https:ssh"
      }
    })
  if (options.head !== undefined) yield* ask("update-ref", `refs/ours/${name}`, options.head)
  return { remote, name, ask } satisfies Transport
})

/** What it means that the other end gave or took nothing. */
export const failed = (remote: string, { code, stderr, stdout }: Git.Result): NoteFault.NotesError => {
  const said = Redaction.scrub(`${stderr}\n${new TextDecoder().decode(stdout)}`.trim().slice(0, 1_000))
  const isRefused =
    /denied|authentication|could not read (?:username|password)|not allowed|declined|rejected|unsafe/i.test(said)
  return new NoteFault.NotesError({
    reason: isRefused ? "Refused" : "Unreachable",
    message: `${remote} did not answer as it should: ${said || `exit code ${code}`}. Try \`git ls-remote ${remote}\` by hand.`
  })
}

/** The commit that the ref stands on at the other end, with all that belongs to it brought here; none where there is no such ref. */
export const fetch = Effect.fnUntraced(function* ({
  ask,
  name,
  remote
}: Transport): Effect.fn.Return<string | undefined, Failure, ChildProcessSpawner> {
  const options = ["--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules"]
  const pattern = `+refs/notes/${name}*:refs/theirs/${name}*`
  const result = yield* ask("-c", "fetch.fsckObjects=true", "fetch", ...options, remote, pattern)
  if (result.code !== 0) return yield* failed(remote, result)
  const found = yield* ask("rev-parse", "--verify", "--quiet", `refs/theirs/${name}^{commit}`)
  return found.code === 0 ? new TextDecoder().decode(found.stdout).trim() : undefined
})

/** Pushes what the notes stand on here to the other end, which only goes forward. `moved`: it stands on what is not known here. */
export const push = Effect.fnUntraced(function* ({
  ask,
  remote
}: Transport): Effect.fn.Return<"pushed" | "same" | "moved", Failure, ChildProcessSpawner> {
  const options = ["--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no"]
  const result = yield* ask("push", ...options, remote, "refs/ours/*:refs/notes/*")
  const said = new TextDecoder().decode(result.stdout)
  if (result.code === 0) return /^=\t/m.test(said) ? "same" : "pushed"
  const moved =
    /^!\t.*(?:\[rejected\]|fetch first|non-fast-forward|cannot lock|failed to update ref|old value|already exists)/m
  return moved.test(said) ? "moved" : yield* failed(remote, result)
})
