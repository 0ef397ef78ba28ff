/**
 * Looks for **scenarios where authors can see them**: in folders with all that is in them, ignored files too; in every object of
 * every git repository there, of submodules and of what a linked working tree belongs to, whether a ref names it or not; in texts such as a transcript or a memory; in
 * the journal. What is packed (tar, gzip, zip), encoded (base64, hexadecimal, per cent) or laid out in another way is found too.
 *
 * A scenario is told by its canary, and by its words: ten in a row, or most of one thing that it says. What was said in other
 * words, or enciphered, is not found. What could not be looked into is in the report, and a scan that was not whole is no proof.
 */
import * as Journal from "@millwright/core/Journal"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as GitObjects from "./internal/GitObjects.ts"
import * as Layers from "./internal/Layers.ts"
import * as Shingles from "./internal/Shingles.ts"
import * as Scenario from "./Scenario.ts"

/** Something that authors can see. */
export type Visible =
  /** A folder, with repositories in it, or a bare repository. */
  | { readonly _tag: "Folder"; readonly path: string }
  /** A text that was shown, such as a prompt or a transcript, by a name for people. */
  | { readonly _tag: "Text"; readonly name: string; readonly content: string | Uint8Array }
  /** What the journal has, of one run or of all, what tools said included. */
  | { readonly _tag: "Journal"; readonly run?: string }

/** A scenario that was found. */
export const Leak = Schema.Struct({ scenario: Scenario.ScenarioId, place: Schema.String })
/** A scenario that was found. */
export type Leak = typeof Leak.Type

/** What a scan found. */
export interface Report {
  readonly leaks: ReadonlyArray<Leak>
  /** How many files, objects and texts were looked at, and how many bytes. */
  readonly documents: number
  readonly bytes: number
  /** What could not be looked into, and why; at most 100. */
  readonly unread: ReadonlyArray<{ readonly place: string; readonly why: string }>
}

/** Files that are read whole. */
const largest = 64 * 1024 * 1024

/** Named by git's own way of keeping objects, which git itself reads. */
const kept = /\/objects\/(?:[0-9a-f]{2}\/[0-9a-f]{38,62}|pack\/pack-[0-9a-f]{40,64}\.(?:pack|idx|rev|mtimes|bitmap))$/

/**
 * Looks for scenarios. `known` are texts that authors were given on purpose, such as the contract: what they say as well tells
 * nothing.
 */
export const scan = (options: {
  readonly scenarios: ReadonlyArray<Scenario.Scenario>
  readonly visible: ReadonlyArray<Visible>
  readonly known?: ReadonlyArray<string>
}): Effect.Effect<
  Report,
  Journal.JournalError,
  FileSystem.FileSystem | Path.Path | ChildProcessSpawner | Journal.Journal
> =>
  Effect.gen(function* () {
    const prints = Shingles.of(options.scenarios, options.known ?? [])
    const leaks = new Map<string, Leak>()
    const unread: Array<{ readonly place: string; readonly why: string }> = []
    let documents = 0
    let bytes = 0
    const miss = (place: string, why: string) => {
      if (unread.length < 100) unread.push({ place, why })
    }
    const look = (place: string, content: string | Uint8Array) => {
      const document = typeof content === "string" ? new TextEncoder().encode(content) : content
      documents++
      bytes += document.length
      Layers.read(document, {
        text: (text) => {
          for (const scenario of Shingles.find(prints, text)) leaks.set(`${scenario} ${place}`, { scenario, place })
        },
        unread: (why) => miss(place, why)
      })
    }
    for (const each of options.visible) {
      if (each._tag === "Text") look(each.name, each.content)
      else if (each._tag === "Folder") yield* folder(each.path, { look, miss })
      else {
        const journal = yield* Journal.Journal
        const range = { outputs: true, ...(each.run !== undefined && { run: each.run }) }
        yield* Stream.runForEach(journal.read(range), (event) =>
          Effect.map(Effect.orDie(Schema.encodeEffect(Journal.Json)(event)), (text) => look(`event ${event.seq}`, text))
        )
      }
    }
    return { leaks: [...leaks.values()], documents, bytes, unread }
  })

interface Looking {
  readonly look: (place: string, content: string | Uint8Array) => void
  readonly miss: (place: string, why: string) => void
}

const folder = Effect.fnUntraced(function* (
  root: string,
  { look, miss }: Looking
): Effect.fn.Return<void, never, FileSystem.FileSystem | Path.Path | ChildProcessSpawner> {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const open = [root]
  const seen = new Set<string>()
  /** Where a file of git's says that more of the repository is, as for a linked working tree, if there is any. */
  const follow = Effect.fnUntraced(function* (from: string, said: string) {
    const place = path.resolve(from, said.trim())
    if (yield* Effect.orElseSucceed(fs.exists(path.join(place, "HEAD")), () => false)) open.push(place)
  })
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const here = yield* Effect.orElseSucceed(fs.realPath(at), () => path.resolve(root))
    if (seen.has(here)) continue
    seen.add(here)
    const names = yield* Effect.option(fs.readDirectory(here))
    if (names._tag === "None") {
      miss(here, "the folder can not be read")
      continue
    }
    const has = new Set(names.value)
    if (has.has("HEAD") && has.has("objects") && has.has("refs")) yield* repository(here, { look, miss })
    if (has.has("HEAD") && has.has("commondir")) {
      const said = yield* Effect.orElseSucceed(fs.readFileString(path.join(here, "commondir")), () => "")
      yield* follow(here, said)
    }
    look(`the names in ${here}`, names.value.join("\n"))
    for (const name of names.value) {
      const place = path.join(here, name)
      const link = yield* Effect.option(fs.readLink(place))
      if (link._tag === "Some") {
        look(place, link.value)
        continue
      }
      const stat = yield* Effect.option(fs.stat(place))
      if (stat._tag === "None") miss(place, "it can not be read")
      else if (stat.value.type === "Directory") open.push(place)
      else if (stat.value.type === "File" && !kept.test(place)) {
        if (stat.value.size > largest) {
          miss(place, `the file has more than ${largest / 1024 / 1024} MiB`)
          continue
        }
        const content = yield* Effect.option(fs.readFile(place))
        if (content._tag === "None") miss(place, "the file can not be read")
        else {
          look(place, content.value)
          const linked = name === ".git" && /^gitdir: (.+)/.exec(Buffer.from(content.value).toString())
          if (linked) yield* follow(here, linked[1] ?? "")
        }
      }
    }
  }
})

const repository = Effect.fnUntraced(function* (place: string, { look, miss }: Looking) {
  const name = (id: string) => `${place} object ${id}`
  const code = yield* GitObjects.read(place, ({ content, id, kind, size }) =>
    content === undefined
      ? miss(name(id), size === undefined ? "git can not read it" : `the ${kind} has ${size} bytes`)
      : look(name(id), content)
  ).pipe(Effect.orElseSucceed(() => -1))
  if (code !== 0) miss(place, code === -1 ? "git could not be started" : "git can not read all objects of it")
})
