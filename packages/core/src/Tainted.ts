/**
 * **Tainted** text came from outside: an issue, a comment, a tool's output, a web page, a model that read one of them. The type
 * keeps it apart from text that somebody of the house wrote: it is no string, so it can not become an instruction, the argument of
 * a command or a path by being passed on.
 *
 * There are two ways out. A {@link Check} takes what it accepts, for one use, under a name that a reader can look for; and
 * {@link reveal} says what the text is needed for, where it stays data.
 */
import * as Equal from "effect/Equal"
import * as Hash from "effect/Hash"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as Digest from "./Digest.ts"
import * as Fault from "./Fault.ts"

/**
 * Characters that can hide, reorder or smuggle text: controls, lone surrogates, what Unicode lets a reader ignore (bidi marks, zero
 * width, tags, fillers) and the two separators; but line feed, tab, and the joiners and selectors that scripts and emoji need stay
 * as they are.
 */
export const hidden: RegExp = /(?!\t|\n|\u200c|\u200d|\ufe0e|\ufe0f)[\p{Cc}\p{Cs}\p{DI}\p{Zl}\p{Zp}\ufff9-\ufffb]/gu

/** A text from outside is not what it would have to be for this use. */
export class TaintedError extends Fault.Class<TaintedError>()("TaintedError", {
  /** The check of this use does not accept it. `message` names the check and the origin, and not the text. */
  Refused: false
}) {}

const content: unique symbol = Symbol("@millwright/core/Tainted/content")

/** Text from outside, and where it came from. */
export class Tainted implements Equal.Equal {
  /** Where it came from, for a reader: `issue 12, comment of somebody`. It is not trusted either. */
  readonly origin: string
  /** Read it with {@link pass} or {@link reveal}. */
  readonly [content]: string

  constructor(origin: string, text: string) {
    this.origin = origin
    this[content] = text
  }

  /** So that one that slips into a template shows that it did, and not what it holds. */
  toString(): string {
    return `[tainted: ${this.origin.replace(hidden, " ").slice(0, 100)}]`
  }

  toJSON(): string {
    return this.toString()
  }

  [Equal.symbol](that: Equal.Equal): boolean {
    return that instanceof Tainted && that.origin === this.origin && that[content] === this[content]
  }

  [Hash.symbol](): number {
    return Hash.string(this[content])
  }
}

/** Marks a text with its origin. */
export const of = (origin: string, text: string): Tainted => new Tainted(origin, text)

/** What a text may be needed for while it stays data. Whoever adds a use says here what keeps it from being more. */
export type Use =
  /** A data block of a prompt: delimited, escaped, and named as data. */
  | "data-block"
  /** It is stored or sent on as it came, to where it is tainted again. */
  | "stored"
  /** A person reads it, with what could steer a terminal or hide text made visible. */
  | "shown"
  /** It is counted, compared, searched or digested, and only that is used. */
  | "measured"

/** The text, for a use in which it stays data. */
export const reveal = (tainted: Tainted, _use: Use): string => tainted[content]

/** Another text made of one, from the same origin. */
export const map = (tainted: Tainted, change: (text: string) => string): Tainted =>
  new Tainted(tainted.origin, change(tainted[content]))

/** The digest of the text. */
export const digest = (tainted: Tainted): Digest.Digest => Digest.of(tainted[content])

/** Decides whether a text from outside may be used for one purpose, and as what. */
export interface Check<A> {
  /** What it makes sure of, as messages name it: `a path inside the workspace`. */
  readonly name: string
  /** What is to be used; on failure why not, without the text. */
  readonly accept: (text: string) => Result.Result<A, string>
}

/** Makes a check. */
export const check = <A>(name: string, accept: Check<A>["accept"]): Check<A> => ({ name, accept })

/** What a check accepts. */
export const pass = <A>(tainted: Tainted, { accept, name }: Check<A>): Result.Result<A, TaintedError> =>
  Result.mapError(
    accept(tainted[content]),
    (why) =>
      new TaintedError({
        reason: "Refused",
        message: `${tainted} can not be used as ${name}: ${why}. Mend it where it comes from, or leave it out.`
      })
  )

/** One line of text for people, of at most `longest` characters, with nothing in it that hides, reorders or steers. */
export const line = (longest = 200): Check<string> =>
  check(`one line of at most ${longest} characters`, (text) => {
    const plain = text.replace(hidden, " ").replace(/\s+/g, " ").trim()
    return plain === ""
      ? Result.fail("nothing of it can be seen")
      : Result.succeed([...plain].slice(0, longest).join("").trim())
  })

/** A word that is a name of something: letters, digits, `.`, `_` and `-`, and no `-` or `.` in front; at most 100 characters. */
export const word: Check<string> = check("a name", (text) =>
  /^[\p{L}\p{N}_][\p{L}\p{N}._-]{0,99}$/u.test(text)
    ? Result.succeed(text)
    : Result.fail("it has characters that a name has not, or too many")
)

/** One of a closed list. */
export const oneOf = <const A extends string>(name: string, allowed: ReadonlyArray<A>): Check<A> =>
  check(name, (text) => {
    const found = allowed.find((each) => each === text)
    return found === undefined ? Result.fail("it is none of those that are known") : Result.succeed(found)
  })

/** A relative path with `/` that stays below where it is resolved. It says nothing of links on the disk. */
export const path: Check<string> = check("a path inside the workspace", (text) => {
  if (text === "" || text.length > 4_000) return Result.fail("it is empty or too long")
  if (text.search(hidden) !== -1 || /[\n\t\\]/.test(text))
    return Result.fail("it has characters that a path here has not")
  const parts = text.split("/")
  if (parts.some((part) => part === "" || part === "." || part === ".."))
    return Result.fail("it does not stay inside, or has empty parts")
  if (/^[A-Za-z]:/.test(text)) return Result.fail("it names a drive")
  if (parts.some((part) => part.toLowerCase() === ".git")) return Result.fail("it leads into git's own folder")
  return Result.succeed(text)
})

/** A field of tainted text. It is stored as a plain text; what is read is tainted, with this origin. */
export const text = (origin: string) =>
  Schema.String.pipe(
    Schema.decodeTo(Schema.instanceOf(Tainted, { expected: "a Tainted text: Tainted.of(origin, text)" }), {
      decode: SchemaGetter.transform((plain) => of(origin, plain)),
      encode: SchemaGetter.transform((tainted) => reveal(tainted, "stored"))
    })
  )
