/**
 * A **table** of a twin's state: values by key, in the order in which they came. It is a value: what writes to it gives
 * another table, and the old one stays as it was, so that a twin goes back to its seed at once.
 */
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"

interface Row<A> {
  readonly place: number
  readonly value: A
}

/** Values by key. As JSON it is its entries in order. */
export class Table<out A> {
  private readonly rows: HashMap.HashMap<string, Row<A>>
  private readonly next: number
  private ordered: ReadonlyArray<readonly [string, A]> | undefined

  /** For {@link empty} and what is made of it. */
  constructor(rows: HashMap.HashMap<string, Row<A>>, next: number) {
    this.rows = rows
    this.next = next
  }

  /** How many there are. */
  get size(): number {
    return HashMap.size(this.rows)
  }

  /** The value under a key. */
  get(key: string | number): A | undefined {
    return Option.getOrUndefined(HashMap.get(this.rows, String(key)))?.value
  }

  /** Whether there is one under the key. */
  has(key: string | number): boolean {
    return HashMap.has(this.rows, String(key))
  }

  /** Puts a value under a key: at the end, or in the place of the one that was there. */
  set<B>(this: Table<A | B>, key: string | number, value: B): Table<A | B> {
    const old = Option.getOrUndefined(HashMap.get(this.rows, String(key)))
    const place = old?.place ?? this.next
    return new Table<A | B>(HashMap.set(this.rows, String(key), { place, value }), this.next + 1)
  }

  /** Takes out what is under a key. */
  delete(key: string | number): Table<A> {
    return new Table(HashMap.remove(this.rows, String(key)), this.next)
  }

  /** All of them with their keys, in order. */
  get entries(): ReadonlyArray<readonly [string, A]> {
    this.ordered ??= HashMap.toEntries(this.rows)
      .sort(([, a], [, b]) => a.place - b.place)
      .map(([key, { value }]) => [key, value] as const)
    return this.ordered
  }

  /** All of them, in order. */
  get values(): ReadonlyArray<A> {
    return this.entries.map(([, value]) => value)
  }

  toJSON(): unknown {
    return this.entries
  }
}

/** A table with nothing in it. */
export const empty = <A>(): Table<A> => new Table(HashMap.empty(), 0)

/** A table of values, each under the key that it is given. */
export const from = <A>(values: Iterable<A>, key: (value: A) => string | number): Table<A> => {
  let table = empty<A>()
  for (const value of values) table = table.set(key(value), value)
  return table
}
