/**
 * Writers of one notes ref take turns where they can. It is a courtesy and no lock: who takes no turn, or is robbed of it, writes
 * nothing wrong, since compare-and-swap decides. But twenty that try at once make each other try again twenty times.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Random from "effect/Random"

/** Who holds a turn for longer, in milliseconds, is taken for dead. */
const longest = 2_000

/**
 * Takes away a file that somebody left behind: one that is as old as this, in milliseconds, or from a time that is yet to come, which it
 * would take as long to grow old from.
 */
export const clear = Effect.fnUntraced(function* (fs: FileSystem.FileSystem, file: string, age: number) {
  const since = Option.flatMap(yield* Effect.option(fs.stat(file)), ({ mtime }) => mtime)
  if (Option.isNone(since) || Math.abs((yield* Clock.currentTimeMillis) - since.value.getTime()) <= age) return
  yield* Effect.ignore(fs.remove(file))
})

/** How often somebody looks whether it is its turn; some ten seconds, and then it writes out of turn. */
const looks = 600

const wait = Effect.fnUntraced(function* (fs: FileSystem.FileSystem, file: string) {
  for (let look = 0; look < looks; look++) {
    const refused = yield* Effect.flip(fs.writeFileString(file, "", { flag: "wx" })).pipe(Effect.option)
    if (Option.isNone(refused)) return true
    // A folder that can not be written in gives no turns.
    if (refused.value.reason._tag !== "AlreadyExists") return false
    if (look % 10 === 9) yield* clear(fs, file, longest)
    // Who has waited for long looks more often, so that nobody is passed over for ever.
    yield* Effect.sleep(Math.max(10, 60 - look) * (0.5 + (yield* Random.next)))
  }
  return false
})

/** Does something in turn with all others that name the same file. */
export const taken =
  (file: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R | FileSystem.FileSystem> =>
    Effect.flatMap(FileSystem.FileSystem, (fs) =>
      Effect.acquireUseRelease(
        Effect.interruptible(wait(fs, file)),
        () => effect,
        (hasTurn) => (hasTurn ? Effect.ignore(fs.remove(file)) : Effect.void)
      )
    )
