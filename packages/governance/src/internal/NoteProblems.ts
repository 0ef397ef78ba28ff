/** What in an authorship note is not as the standard says, counted by kind. */

/** A kind of thing that is wrong, in how many places, and the first line it is in, where it has one. */
export interface Problem {
  readonly kind: Kind
  readonly count: number
  /** From 1. */
  readonly line: number | null
}

/** What can be wrong with a note. */
export type Kind =
  /** It is larger than is read; nothing of it was. */
  | "TooLarge"
  /** Bytes that are not UTF-8 stand as U+FFFD. */
  | "NotUtf8"
  | "CarriageReturn"
  /** No line `---`: all of it was read as claims. */
  | "NoDivider"
  /** More than one line `---`: the last one counts. */
  | "SecondDivider"
  | "InvalidJson"
  /** Of another version of the standard; what could be understood was read. */
  | "UnknownVersion"
  /** The commit that it was made for is not named, or in no such way. */
  | "BadBase"
  /** A record that is not as the standard has it was left out. */
  | "BadRecord"
  /** Something in a record that the standard does not name, or forbids, such as messages, was left out. */
  | "UnknownField"
  /** A quote that does not end. */
  | "BadPath"
  /** A path is written with the escapes of git, and was read so. */
  | "EscapedPath"
  | "UnquotedPath"
  | "RepeatedFile"
  /** Claims of which nobody can say the file, before any path or behind a second `---`, were left out. */
  | "NoFile"
  /** A line that is no claim was left out. */
  | "BadEntry"
  | "Spacing"
  /** A key as older versions made them: of 5, 7, 8, 36, … characters. */
  | "OldKey"
  | "BadKey"
  /** The note has no record of the key. */
  | "DanglingKey"
  /** Something that is no range of lines was left out. */
  | "BadRange"
  | "UnsortedRanges"
  /** A line is claimed more than once. */
  | "OverlappingRanges"

/** Counts problems. However many there are, it stays small. */
export class Tally {
  readonly #counted = new Map<Kind, { readonly count: number; readonly line: number | null }>()

  /** One more, in a line from 1. */
  add(kind: Kind, line: number | null): void {
    const known = this.#counted.get(kind)
    this.#counted.set(kind, { count: (known?.count ?? 0) + 1, line: known === undefined ? line : known.line })
  }

  /** All kinds that were met, in that order. */
  get all(): ReadonlyArray<Problem> {
    return [...this.#counted].map(([kind, { count, line }]) => ({ kind, count, line }))
  }
}
