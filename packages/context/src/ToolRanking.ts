/** **Ranking**: which tools fit a need that a model wrote down, by words, in typed arrays. */
import type * as Effect from "effect/Effect"

/** What is indexed of a tool. */
export interface Document {
  /** `server/name`. */
  readonly id: string
  readonly name: string
  readonly description: string
  /** The JSON Schema of its arguments: names and descriptions of the parameters are read. */
  readonly schema: Readonly<Record<string, unknown>>
}

/** The documents of one source, and what it says about itself. */
export interface Shelf {
  readonly server: string
  readonly description: string
  readonly documents: Iterable<Document>
}

/** What is asked. */
export interface Question {
  readonly query: string
  /** Only of this source. */
  readonly server?: string | undefined
  /** Only those that it allows. */
  readonly allows?: ((id: string) => boolean) | undefined
  readonly limit: number
}

/** One that fits, best first. */
export interface Hit {
  readonly id: string
  readonly score: number
}

/** An index of words. */
export interface ToolRanking {
  /** Puts a source in the place of itself. Lets others run in between. */
  readonly replace: (shelf: Shelf) => Effect.Effect<void>
  readonly remove: (server: string) => void
  /** The best, and how many fit at all. Words alone: names that are written out are found by the index. */
  readonly search: (question: Question) => { readonly hits: ReadonlyArray<Hit>; readonly total: number }
  /** Ids whose name is spelled nearly like this, nearest first. */
  readonly near: (name: string, limit: number) => ReadonlyArray<string>
  /** Of documents. */
  readonly size: () => number
  /** What the arrays take, in bytes. */
  readonly bytes: () => number
}

/** An empty one. */
export declare const make: () => ToolRanking
