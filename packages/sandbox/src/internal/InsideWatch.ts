/**
 * Watches by looking again and again: one command inside that tells twice a second what is there, compared here. What
 * comes and goes between two looks is not seen.
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type { PlatformError } from "effect/PlatformError"
import * as Stream from "effect/Stream"
import { typeOf } from "./FileInfo.ts"
import { type Inside, tooLarge } from "./InsideCommand.ts"

/** Between two looks, in seconds. */
const interval = "0.5"

/** How much one look may tell, in characters. */
const largest = 16 * 1024 ** 2

type Seen = ReadonlyMap<string, string>

const isFolder = (state: string): boolean => typeOf(Number.parseInt(state, 16)) === "Directory"

const changes = (before: Seen, after: Seen): ReadonlyArray<FileSystem.WatchEvent> => {
  const events: Array<FileSystem.WatchEvent> = []
  for (const path of before.keys()) if (!after.has(path)) events.push({ _tag: "Remove", path })
  for (const [path, state] of after) {
    const was = before.get(path)
    if (was === undefined) events.push({ _tag: "Create", path })
    else if (was !== state && !isFolder(state)) events.push({ _tag: "Update", path })
  }
  return events
}

/** Puts together what comes in pieces: `N`, N names, and N lines of `stat` in one word, all ended by NUL; `0` ends a look. */
const looks = () => {
  let names: Array<string> = []
  let missing = -1
  let seen = new Map<string, string>()
  return (word: string): ReadonlyArray<Seen> => {
    if (missing < 0) {
      const count = Number(word)
      if (count === 0) {
        const done = seen
        seen = new Map()
        return [done]
      }
      missing = count
      names = []
    } else if (missing > 0) {
      names.push(word)
      missing--
    } else {
      for (const [index, state] of word.split("\n").entries()) {
        const name = (names[index] ?? "").replace(/^\.\//, "")
        if (name !== "" && name !== ".") seen.set(name, state)
      }
      missing = -1
    }
    return []
  }
}

/** The changes of a file, or below a folder. */
export const make = (
  inside: Inside,
  path: string,
  options?: FileSystem.WatchOptions
): Stream.Stream<FileSystem.WatchEvent, PlatformError> =>
  Stream.suspend(() => {
    const look = looks()
    let before: Seen | undefined
    let partial = ""
    let size = 0
    return inside
      .stream({
        operation: "watch",
        method: "watch",
        path,
        args: [inside.absolute(path), options?.recursive === true ? "all" : "", interval]
      })
      .pipe(
        Stream.decodeText,
        Stream.flatMap((text) => {
          size += text.length
          if (size > largest) {
            const why = `There is more below it than can be watched: ${largest} characters of names. Watch the folders in it.`
            return Stream.fromEffect(tooLarge({ method: "watch", path }, why))
          }
          const words = `${partial}${text}`.split("\0")
          partial = words.pop() ?? ""
          return Stream.fromIterable(words.flatMap(look))
        }),
        Stream.mapEffect((after) =>
          Effect.sync(() => {
            const events = before === undefined ? [] : changes(before, after)
            if (before === undefined) options?.onReady?.()
            before = after
            size = partial.length
            return events
          })
        ),
        Stream.flatMap((events) => Stream.fromIterable(events))
      )
  })
