/**
 * **Facts of a change**: what git's objects say of it, file by file, and nothing that anybody says about it. `Policy` decides over
 * them.
 *
 * A fact beside paths, modes and counts is a **trait**: something that the file shows on either side, such as a new endpoint, a
 * step of a migration, a test that asks for less. It is read from the text by its shape, so it can be wrong in both directions. That
 * is why a trait only ever raises what is asked of a change, and why what nobody knows is a matter for a human anyway.
 *
 * Texts are only matched, never run, and time is bounded: a file above {@link limits} is not read and shows `Unread`.
 */
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Schema from "effect/Schema"
import * as Change from "./Change.ts"
import type * as Git from "./Git.ts"
import * as FactObjects from "./internal/FactObjects.ts"
import type * as FileView from "./internal/FileView.ts"
import * as PathForm from "./internal/PathForm.ts"
import * as Traits from "./internal/Trait.ts"
import * as TraitReading from "./internal/TraitReading.ts"

export {
  /** A trait, and the line (of the file after, from 1) that shows it, where it is one line. */
  Found,
  /** What a changed file can show beside its path. Each of them only ever raises what is asked of a change. */
  Trait
} from "./internal/Trait.ts"
export type {
  /** What stands on one side of a change. A link is the text that it holds; of a submodule nothing can be read. */
  Content,
  /** What git says of one file, and what stands on both sides of it. */
  Source
} from "./internal/FileView.ts"

/** What is known of one changed file. */
export const FileFacts = Schema.Struct({
  ...Change.FileChange.fields,
  /** The mode before, where there was one. */
  previousMode: Schema.optionalKey(Schema.String),
  /** Each at most once, sorted. */
  traits: Schema.Array(Traits.Found)
})
/** What is known of one changed file. */
export type FileFacts = typeof FileFacts.Type

/** What is known of a change. `traits` are those of the whole. */
export const ChangeFacts = Schema.Struct({
  files: Schema.Array(FileFacts),
  traits: Schema.Array(Traits.Trait)
})
/** What is known of a change. */
export type ChangeFacts = typeof ChangeFacts.Type

/** Facts of what a head has that its base has not. Ids are full; `from` is the commit that both have in common. */
export interface ReadFacts extends ChangeFacts {
  readonly base: string
  readonly head: string
  readonly from: string
}

/** What is read at most: bytes of one side of a file, bytes in all, and files. What is more shows `Unread`. */
export const limits = FactObjects.limits

/** Revert, in the words that git and forges write into messages. A message can only raise. */
const reverting =
  /^\s*(?:fixup! |squash! )?(?:revert|rollback|roll back|back out|backout|undo)\b|\bthis reverts (?:commit|pull|merge|pr)\b|\breverts? [\w./-]{0,100}[#!]?\w{1,40}\b/im

/** The facts of some files, of both sides of each, and of the messages of the commits. Pure. */
export const of = (sources: ReadonlyArray<FileView.Source>, messages: ReadonlyArray<string> = []): ChangeFacts => {
  const spellings = new Map<string, Set<string>>()
  for (const { file } of sources) {
    const folded = PathForm.fold(file.path)
    spellings.set(folded, (spellings.get(folded) ?? new Set()).add(file.path))
  }
  const files = sources.map((source): FileFacts => {
    const { file, previousMode } = source
    const traits = TraitReading.read(source)
    const isTwice =
      (spellings.get(PathForm.fold(file.path))?.size ?? 0) > 1 && !traits.some(({ trait }) => trait === "CaseRename")
    return {
      ...file,
      ...(previousMode === undefined ? {} : { previousMode }),
      traits: isTwice
        ? [...traits, { trait: "CaseRename" as const }].sort((a, b) => (a.trait < b.trait ? -1 : 1))
        : traits
    }
  })
  return { files, traits: messages.some((message) => reverting.test(message)) ? ["Revert"] : [] }
}

/**
 * Reads the facts of what `head` has and `base` has not, from objects alone, as `Git` does: from the commit that both have in
 * common, or from `base` itself where there is none to be found (or more than one).
 *
 * Fails with `UnknownRevision` where one of them is no commit, and with `Failed` where there is more to list than 64 MiB.
 */
export const read = Effect.fnUntraced(function* (
  dir: string,
  range: { readonly base: string; readonly head: string }
): Effect.fn.Return<ReadFacts, Git.GitError, ChildProcessSpawner> {
  const { base, from, head, messages, sources } = yield* FactObjects.read(dir, range)
  return { ...of(sources, messages), base, head, from }
})
