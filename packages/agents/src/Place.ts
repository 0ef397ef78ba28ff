/**
 * A **place** that skills and plugins are read from: a folder, a commit of a git repository, an installed package. Nothing in a
 * place is ever run, and nothing outside of it is read.
 *
 * An adapter gives what stands at one path, and `make` derives the rest: links are followed inside of the place, by the same
 * rules whatever the place is made of, so that a folder and a commit with the same content answer alike. A link that leads out
 * or in a circle is listed with its problem, and never followed. A folder has to be quiet while it is read.
 */
import * as Fault from "@millwright/core/Fault"
import * as Tainted from "@millwright/core/Tainted"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** A place, or something in it, can not be read. `message` names it, and how to mend it. */
export class PlaceError extends Fault.Class<PlaceError>()("PlaceError", {
  /** There is no such folder, repository, package or path. */
  NotFound: false,
  /** The repository has no such branch, tag or commit; `message` names some that it has. */
  NoSuchRef: false,
  /** A short object id stands for several. */
  Ambiguous: false,
  /** The path leads out of the place, or its links go in a circle. */
  Outside: false,
  /** It is there, and is not what is asked for, or may not be read. */
  Unreadable: false,
  /** The repository does not have the object: it is a shallow or partial clone. */
  Missing: false,
  /** What is stored is damaged. */
  Corrupt: false,
  TooLarge: false,
  /** A repository of a kind that is not read. */
  Unsupported: false
}) {}

/** Where a place is, exactly. What pins its content is in it, where there is such a thing. */
export const Address = Schema.TaggedUnion({
  Folder: { path: Schema.String },
  /** `folder` is the part of the tree that the place is; empty: all. */
  Git: { repository: Schema.String, ref: Schema.String, commit: Schema.String, folder: Schema.String },
  /** `integrity` is what the installer recorded of the archive. */
  Package: {
    name: Schema.String,
    version: Schema.String,
    integrity: Schema.NullOr(Schema.String),
    folder: Schema.String
  }
})
/** Where a place is, exactly. */
export type Address = typeof Address.Type

/** Whose words the place holds: `house` are instructions to an agent, `outside` are data. */
export type Trust = "house" | "outside"

/** What an entry is. `link`: one that is not followed. `other`: a device, a socket, or a name that no path here may have. */
export type Kind = "file" | "folder" | "link" | "submodule" | "other"

/** What stands in a folder of a place. */
export interface Entry {
  /** From the root of the place, with `/`. */
  readonly path: string
  /** Of what a link leads to, where it is followed. */
  readonly kind: Kind
  /** The path without links: two entries with one are the same thing. */
  readonly real: string
  /** Why it is not read. */
  readonly problem?: string
}

/** The start of a file. */
export interface Content {
  readonly bytes: Uint8Array
  /** Of the whole file, in bytes. */
  readonly size: number
}

/** Where skills and plugins are read from. */
export interface Place {
  /** For people: it names the commit, or the version. */
  readonly name: string
  readonly address: Address
  readonly trust: Trust
  /** What stands in a folder (default: the root), one level, in the order of paths. */
  readonly list: (folder?: string) => Effect.Effect<ReadonlyArray<Entry>, PlaceError>
  /** The first bytes of a file. */
  readonly read: (path: string, maxBytes: number) => Effect.Effect<Content, PlaceError>
  /** A folder of it as a place of its own: no path and no link leads above. */
  readonly within: (folder: string) => Effect.Effect<Place, PlaceError>
}

/** What stands at a path: `undefined` is nothing. */
export type Found = Kind | undefined

/** What an adapter gives. Paths are those of real folders: no part but the last is a link, and the empty one is the root. */
export interface Primitive extends Pick<Place, "name" | "address" | "trust"> {
  readonly look: (path: string) => Effect.Effect<Found, PlaceError>
  /** The names in a folder, in any order; one that is not UTF-8 with `\ufffd` in it. */
  readonly entries: (folder: string) => Effect.Effect<ReadonlyArray<readonly [name: string, kind: Kind]>, PlaceError>
  /** Where a link leads, as it is written. */
  readonly target: (path: string) => Effect.Effect<string, PlaceError>
  readonly content: (path: string, maxBytes: number) => Effect.Effect<Content, PlaceError>
}

/** The most links that one path leads through. */
export const maxLinks = 16

/** The longest text of a link that is read, in bytes. */
export const maxTargetBytes = 4_096

/** Derives a place. */
export const make = (primitive: Primitive): Place => {
  const { address, name, trust } = primitive
  const refuse = (reason: PlaceError["reason"], path: string, what: string) =>
    new PlaceError({ reason, message: `${quoted(path)} in ${name} can not be read: ${what}.` })

  const follow = Effect.fnUntraced(function* (path: string, asked: string) {
    // Each part of the path that is still to go, and whether a link led to it.
    const todo = parts(path).map((part) => ({ part, isOfLink: false }))
    const at: Array<string> = []
    let kind: Kind = "folder"
    let links = 0
    for (let next = todo.shift(); next !== undefined; next = todo.shift()) {
      const { isOfLink, part } = next
      if (part === ".." && kind === "folder") {
        if (at.pop() === undefined) return yield* refuse("Outside", asked, "a link in it leads out of the place")
        continue
      }
      if (!isName(part)) return yield* refuse("Outside", asked, "a link in it leads to what no name here may have")
      at.push(part)
      const found: Found = kind === "folder" ? yield* primitive.look(at.join("/")) : undefined
      if (found === undefined) {
        return yield* isOfLink
          ? refuse("Unreadable", asked, "a link in it leads to nothing")
          : refuse("NotFound", asked, "there is nothing of this name. List its folder")
      }
      kind = found
      if (found === "link") {
        if (++links > maxLinks) return yield* refuse("Outside", asked, "its links go in a circle")
        const target = yield* primitive.target(at.join("/"))
        if (/^(?:[/\\]|[A-Za-z]:)/.test(target) || target.length > maxTargetBytes) {
          return yield* refuse("Outside", asked, "a link in it leads out of the place")
        }
        at.pop()
        kind = "folder"
        todo.unshift(...parts(target).map((part) => ({ part, isOfLink: true })))
      }
    }
    return { real: at.join("/"), kind }
  })

  const resolve = (path: string) =>
    path === "" || isPath(path)
      ? follow(path, path)
      : refuse("Outside", path, "a path is relative, has `/` between its parts, and none of them is `..`")

  const folderAt = Effect.fnUntraced(function* (path: string) {
    const { kind, real } = yield* resolve(path)
    return kind === "folder" ? real : yield* refuse("Unreadable", path, `it is ${words[kind]}, and no folder`)
  })

  return {
    name,
    address,
    trust,
    list: Effect.fnUntraced(function* (folder = "") {
      const real = yield* folderAt(folder)
      const entries = yield* primitive.entries(real)
      const seen = entries.filter(([entry]) => entry.toLowerCase() !== ".git")
      const list = yield* Effect.forEach(seen, ([entry, kind]): Effect.Effect<Entry, PlaceError> => {
        const path = join(folder, entry)
        const here = { path, kind, real: join(real, entry) }
        if (!isName(entry)) {
          return Effect.succeed({ ...here, kind: "other", problem: "its name has what no name here may have" })
        }
        if (kind !== "link") return Effect.succeed(here)
        const isAround = (found: string) => found === "" || `${real}/`.startsWith(`${found}/`)
        return Effect.match(follow(here.real, path), {
          onFailure: ({ reason }): Entry => ({
            ...here,
            problem:
              reason === "Outside"
                ? "it is a link that leads out or in a circle"
                : "it is a link to nothing that can be read"
          }),
          onSuccess: (found): Entry =>
            found.kind === "folder" && isAround(found.real)
              ? { ...here, problem: "it is a link to a folder that holds it" }
              : { path, ...found }
        })
      })
      return list.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
    }),
    read: Effect.fnUntraced(function* (path, maxBytes) {
      const { kind, real } = yield* resolve(path)
      return kind === "file"
        ? yield* primitive.content(real, maxBytes)
        : yield* refuse("Unreadable", path, `it is ${words[kind]}, and no file`)
    }),
    within: Effect.fnUntraced(function* (folder) {
      const root = yield* folderAt(folder)
      return make({
        name: join(name, root),
        address:
          address._tag === "Folder"
            ? { ...address, path: join(address.path, root) }
            : { ...address, folder: join(address.folder, root) },
        trust,
        look: (path) => primitive.look(join(root, path)),
        entries: (path) => primitive.entries(join(root, path)),
        target: (path) => primitive.target(join(root, path)),
        content: (path, maxBytes) => primitive.content(join(root, path), maxBytes)
      })
    })
  }
}

const words: Readonly<Record<Kind, string>> = {
  file: "a file",
  folder: "a folder",
  link: "a link that is not followed",
  submodule: "a submodule, which is another repository",
  other: "neither a file nor a folder"
}

/** Puts paths together; an empty one is the root. */
export const join = (folder: string, path: string): string =>
  folder === "" ? path : path === "" ? folder : `${folder}/${path}`

const parts = (path: string): Array<string> => path.split("/").filter((part) => part !== "" && part !== ".")

const isPath = (path: string): boolean =>
  Result.isSuccess(Tainted.pass(Tainted.of("path", path), Tainted.path)) && !path.includes("\ufffd")

const isName = (name: string): boolean => isPath(name) && !name.includes("/")

/** A path of a stranger, for a message of ours. */
export const quoted = (path: string): string => JSON.stringify(path.replace(Tainted.hidden, "\ufffd").slice(0, 200))

/** How much of a place is looked at. */
export interface Limits {
  /** Entries of folders. Default 20,000. */
  readonly entries?: number
  /** Folders below the one that is walked. Default 12. */
  readonly depth?: number
}

/** Every file below a folder, and what was not read. */
export interface Walk {
  readonly files: ReadonlyArray<Entry>
  /** With the reason of each: links that lead out or in a circle, odd names, submodules, and what limits left out. */
  readonly problems: ReadonlyArray<Entry & { readonly problem: string }>
  /** There is more than was looked at. */
  readonly isPartial: boolean
}

/** Lists every file below a folder (default: the root), in the order of paths. A folder that a link leads back to is entered once. */
export const walk = Effect.fnUntraced(function* (place: Place, folder = "", limits: Limits = {}) {
  const { depth: deepest = 12, entries: most = 20_000 } = limits
  const files: Array<Entry> = []
  const problems: Array<Entry & { readonly problem: string }> = []
  let left = most
  let isPartial = false
  const enter = (path: string, above: ReadonlyArray<string>): Effect.Effect<void, PlaceError> =>
    Effect.gen(function* () {
      for (const entry of yield* place.list(path)) {
        if (--left < 0) {
          isPartial = true
          return
        }
        const problem = problemOf(entry, above)
        if (problem !== undefined) problems.push({ ...entry, problem })
        else if (entry.kind === "file") files.push(entry)
        else if (above.length > deepest) {
          isPartial = true
          problems.push({ ...entry, problem: `it is deeper than ${deepest} folders` })
        } else yield* enter(entry.path, [...above, entry.real])
      }
    })
  yield* enter(folder, [folder])
  const result: Walk = { files, problems, isPartial }
  return result
})

const problemOf = ({ kind, problem, real }: Entry, above: ReadonlyArray<string>): string | undefined =>
  problem ??
  (kind === "folder"
    ? above.includes(real)
      ? "it leads back to a folder around it"
      : undefined
    : kind === "file"
      ? undefined
      : `it is ${words[kind]}`)
