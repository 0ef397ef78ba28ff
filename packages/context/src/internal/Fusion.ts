/** What a program adds to the order of words: nearness in meaning, fused by rank, and a last look at the best. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { Entry } from "../ToolEntry.ts"

/** Ways to order what was found. Each may fail: then the order of words stands, and the failure is logged. */
export interface Hooks {
  /** A vector for each text, all of one length. Texts of tools are asked for once, until they change. */
  readonly embed?: (texts: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<ArrayLike<number>>, unknown>
  /** The ids of the best, in another order. Those that it leaves out come after. */
  readonly rerank?: (query: string, entries: ReadonlyArray<Entry>) => Effect.Effect<ReadonlyArray<string>, unknown>
}

/** How many of the best by words take part. */
const depth = 50
/** How many texts are embedded at once. */
const batch = 100
/** The usual constant of reciprocal rank fusion. */
const constant = 60

/** Makes the order of words and of the hooks one. */
export const make = ({ embed, rerank }: Hooks) => {
  const vectors = new Map<string, ArrayLike<number>>()

  const embedAll = Effect.fnUntraced(function* (entries: ReadonlyArray<Entry>, ask: NonNullable<Hooks["embed"]>) {
    const asked = entries.filter(({ hash }) => !vectors.has(hash))
    for (let at = 0; at < asked.length; at += batch) {
      const some = asked.slice(at, at + batch)
      const found = yield* ask(some.map(({ description, id }) => `${id}: ${description.slice(0, 1_000)}`))
      some.forEach(({ hash }, index) => {
        const vector = found[index]
        if (vector !== undefined) vectors.set(hash, vector)
      })
    }
  })

  const byMeaning = Effect.fnUntraced(function* (
    query: string,
    { all, ask }: { readonly all: ReadonlyArray<Entry>; readonly ask: NonNullable<Hooks["embed"]> }
  ) {
    yield* embedAll(all, ask)
    const [asked] = yield* ask([query])
    if (asked === undefined) return []
    return all
      .flatMap((entry) => {
        const vector = vectors.get(entry.hash)
        return vector === undefined ? [] : [{ entry, near: cosine(asked, vector) }]
      })
      .sort((a, b) => b.near - a.near)
      .slice(0, depth)
      .map(({ entry }) => entry)
  })

  return {
    /** How many hits by words are needed for this many answers. */
    depth: (limit: number): number => (embed === undefined && rerank === undefined ? limit : Math.max(limit, depth)),
    order: Effect.fnUntraced(function* (query: string, byWords: ReadonlyArray<Entry>, all: () => ReadonlyArray<Entry>) {
      let ordered = byWords
      if (embed !== undefined) {
        const near = yield* orElse(byMeaning(query, { all: all(), ask: embed }), [])
        ordered = fused([byWords, near])
      }
      if (rerank !== undefined) {
        const known = new Map(ordered.map((entry) => [entry.id, entry]))
        const best = (yield* orElse(rerank(query, ordered), [])).flatMap((id) => known.get(id) ?? [])
        ordered = [...new Set([...best, ...ordered])]
      }
      return ordered
    })
  }
}

const orElse = <A>(asked: Effect.Effect<A, unknown>, otherwise: A): Effect.Effect<A> =>
  Effect.catchCause(asked, (cause) =>
    Cause.hasInterruptsOnly(cause)
      ? Effect.interrupt
      : Effect.as(Effect.logWarning("A hook of the tool index failed; the order of words stands.", cause), otherwise)
  )

const fused = (orders: ReadonlyArray<ReadonlyArray<Entry>>): ReadonlyArray<Entry> => {
  const scores = new Map<Entry, number>()
  for (const order of orders) {
    order.forEach((entry, rank) => scores.set(entry, (scores.get(entry) ?? 0) + 1 / (constant + rank)))
  }
  return [...scores].sort(([, a], [, b]) => b - a).map(([entry]) => entry)
}

const cosine = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let [dot, ofA, ofB] = [0, 0, 0]
  for (let at = 0; at < a.length; at++) {
    const [x, y] = [a[at] ?? 0, b[at] ?? 0]
    dot += x * y
    ofA += x * x
    ofB += y * y
  }
  return ofA === 0 || ofB === 0 ? 0 : dot / Math.sqrt(ofA * ofB)
}
