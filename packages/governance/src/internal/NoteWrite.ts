/** One commit on a notes ref, and the loop around it: whoever finds that the ref has moved reads again and tries again. */
import * as Git from "@millwright/core/Git"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Random from "effect/Random"
import * as NoteFault from "./NoteFault.ts"
import * as NoteTree from "./NoteTree.ts"
import * as NoteTurn from "./NoteTurn.ts"

/** What a path shall hold: bytes, a blob that is there, or nothing. */
export interface Put {
  readonly path: string
  readonly content: Uint8Array | { readonly blob: string } | undefined
}

/** A commit to make on a ref, on top of the one that it was planned for. */
export interface Change {
  readonly puts: ReadonlyArray<Put>
  /** A second parent. */
  readonly merges?: string
  /** No commit is made: the ref goes on to this one, which has all that it stood on. */
  readonly forwardTo?: string
  readonly message: string
}

/** How changes of notes are written. */
export interface Writing {
  /** Who the commit of the notes says it is by. Default: `millwright`. */
  readonly author?: Git.Author
  /** How often to try before `Contended`. Default: 60, which is some ten seconds. */
  readonly attempts?: number
}

/** A change, and where it is made. */
interface Placed extends Change, NoteTree.Tip {
  readonly ref: string
}

type Failure = Git.GitError | NoteFault.NotesError

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const data = (content: Uint8Array): ReadonlyArray<Uint8Array> => [
  bytes(`data ${content.length}\n`),
  content,
  bytes("\n")
]

/** A path is quoted as C does it. It is latin1, a byte a character. */
const quoted = (path: string): string =>
  `"${path.replace(/[^ !#-[\]-~]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`)}"`

const stream = (change: Placed, by: string): Uint8Array =>
  Buffer.concat([
    bytes(`commit ${change.ref}\ncommitter ${by}\n`),
    ...data(bytes(change.message)),
    ...(change.head === undefined ? [] : [bytes(`from ${change.head}\n`)]),
    ...(change.merges === undefined ? [] : [bytes(`merge ${change.merges}\n`)]),
    ...change.puts.flatMap(({ content, path }) => {
      if (content === undefined) return [bytes(`D ${quoted(path)}\n`)]
      if (!(content instanceof Uint8Array)) return [bytes(`M 100644 ${content.blob} ${quoted(path)}\n`)]
      return [bytes(`M 100644 inline ${quoted(path)}\n`), ...data(content)]
    }),
    bytes("done\n")
  ])

/** Git holds the lock of a ref for milliseconds. One that has lain there for so many is of a git that was killed, and nobody else removes it. */
const longestLock = 30_000

const lost = /Not updating|cannot lock ref|Unable to create '.*\.lock': File exists|reference already exists/i

const forward = Effect.fnUntraced(function* (
  dir: string,
  { forwardTo: to = "", head: from = "0".repeat(to.length), ref }: Placed
) {
  // Not through a symbolic ref, which could be any other ref.
  const call: Git.Call = { dir, args: ["update-ref", "--no-deref", "-m", "millwright: notes", ref, to, from] }
  const result = yield* Git.attempt(call)
  if (result.code === 0) return undefined
  return lost.test(result.stderr) ? result.stderr : yield* Git.failed(call, result)
})

/**
 * Makes the commit and moves the ref to it, if it still stands where it stood: `git fast-import` moves a ref only forward, and only
 * from where it last saw it. Answers with what git said where somebody else was first.
 */
const commit = Effect.fnUntraced(function* (
  dir: string,
  change: Placed & Writing
): Effect.fn.Return<string | undefined, Failure, ChildProcessSpawner> {
  if (change.forwardTo !== undefined) return yield* forward(dir, change)
  const { email, name } = change.author ?? { name: "millwright", email: "millwright@localhost" }
  const plain = (text: string) => text.replace(/[<>\p{Cc}]/gu, " ").trim()
  const by = `${plain(name)} <${plain(email)}> ${Math.floor((yield* Clock.currentTimeMillis) / 1_000)} +0000`
  const call: Git.Call = {
    dir,
    // Without "done" at its end the stream was cut off, and nothing is moved.
    args: ["fast-import", "--quiet", "--done"],
    config: [["core.filesRefLockTimeout", "1000"]],
    stdin: stream(change, by)
  }
  const result = yield* Git.attempt(call)
  if (result.code === 0) return undefined
  return lost.test(result.stderr) ? result.stderr : yield* Git.failed(call, result)
})

/**
 * Changes the notes of a ref. `plan` says what to change of the commit that the ref stands on, and is asked again each time that another
 * writer was first; `undefined`: nothing. Answers with whether something was written.
 */
export const change = Effect.fnUntraced(function* <E, R>(
  dir: string,
  writing: Writing & { readonly ref: string },
  plan: (head: string | undefined) => Effect.Effect<Change | undefined, E, R>
): Effect.fn.Return<boolean, Failure | E, ChildProcessSpawner | FileSystem.FileSystem | R> {
  const most = writing.attempts ?? 60
  const ref = yield* NoteFault.checkRef(writing.ref)
  const fs = yield* FileSystem.FileSystem
  const folder = yield* Git.commonDir(dir)
  const turn = NoteTurn.taken(`${folder}/millwright-${ref.replaceAll("/", "-")}.turn`)
  yield* NoteTree.tip(dir, ref)
  // In turn no process is started for what stands in a file; where it does not, git is asked.
  const now = Effect.flatMap(Effect.option(fs.readFileString(`${folder}/${ref}`)), (file) =>
    Option.isSome(file) && /^[0-9a-f]{40,64}\n$/.test(file.value)
      ? Effect.succeed(file.value.trim())
      : Effect.map(NoteTree.tip(dir, ref), ({ head }) => head)
  )
  const attempts = Effect.fnUntraced(function* () {
    let said = ""
    for (let attempt = 0; attempt < most; attempt++) {
      const head = yield* now
      const planned = yield* plan(head)
      if (planned === undefined) return false
      const refused = yield* commit(dir, { ...writing, ...planned, head })
      if (refused === undefined) return true
      said = refused.trim().slice(0, 500)
      yield* NoteTurn.clear(fs, `${folder}/${ref}.lock`, longestLock)
      yield* Effect.sleep((yield* Random.next) * Math.min(250, 10 * 2 ** attempt))
    }
    return yield* new NoteFault.NotesError({
      reason: "Contended",
      message: `Others moved ${ref} of ${dir} first, ${most} times: ${said}. Try again; if nobody else writes, remove the lock file that it names.`
    })
  })
  return yield* turn(attempts())
})
