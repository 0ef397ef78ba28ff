/** A map that keeps the order in which its keys came, and of which a changed one can be made without a copy. */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"

type Entries<A> = HashMap.HashMap<string, { readonly place: number; readonly value: A }>

/** A map that is never changed. One in order is made when it is first gone through. */
export class OrderedMap<A> implements ReadonlyMap<string, A> {
  readonly #entries: Entries<A>
  readonly #next: number
  #inOrder: ReadonlyArray<[string, A]> | undefined

  constructor(entries: Entries<A> = HashMap.empty(), next = 0) {
    this.#entries = entries
    this.#next = next
  }

  /** The same with another value under a key; one that is new comes last. */
  with(key: string, value: A): OrderedMap<A> {
    const known = HashMap.get(this.#entries, key)
    const place = Option.isSome(known) ? known.value.place : this.#next
    return new OrderedMap(HashMap.set(this.#entries, key, { place, value }), Math.max(this.#next, place + 1))
  }

  get size(): number {
    return HashMap.size(this.#entries)
  }
  get(key: string): A | undefined {
    const found = HashMap.get(this.#entries, key)
    return Option.isSome(found) ? found.value.value : undefined
  }
  has(key: string): boolean {
    return HashMap.has(this.#entries, key)
  }
  entries(): MapIterator<[string, A]> {
    this.#inOrder ??= [...this.#entries]
      .toSorted(([, a], [, b]) => a.place - b.place)
      .map(([key, { value }]) => [key, value])
    return this.#inOrder.values()
  }
  *keys(): MapIterator<string> {
    for (const [key] of this.entries()) yield key
  }
  *values(): MapIterator<A> {
    for (const [, value] of this.entries()) yield value
  }
  [Symbol.iterator](): MapIterator<[string, A]> {
    return this.entries()
  }
  forEach(use: (value: A, key: string, map: ReadonlyMap<string, A>) => void): void {
    for (const [key, value] of this.entries()) use(value, key, this)
  }
}

/** Any map as one of these. */
export const from = <A>(map: ReadonlyMap<string, A>): OrderedMap<A> =>
  map instanceof OrderedMap ? map : [...map].reduce((all, [key, value]) => all.with(key, value), new OrderedMap<A>())
