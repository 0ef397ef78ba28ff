/**
 * **Tainted** text came from outside: an issue, a comment, a tool's output, a web page, a model that read one of them. The type
 * keeps it apart from text that somebody of the house wrote: it is no string, so it can not become an instruction, the argument of
 * a command or a path by being passed on. Where it is printed, logged, put into a template or into JSON all the same, its origin
 * shows and the text does not.
 *
 * There are two ways out. A {@link Check} takes what it accepts, for one use, under a name that a reader can look for; and
 * {@link reveal} says what the text is needed for, where it stays data.
 *
 * ```ts
 * import * as Tainted from "@millwright/core/Tainted"
 *
 * const file = Tainted.pass(Tainted.of("comment of ada", "src/index.ts"), Tainted.path)
 * ```
 */
import * as Equal from "effect/Equal"
import * as Hash from "effect/Hash"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as Digest from "./Digest.ts"
import * as Fault from "./Fault.ts"

/**
 * Characters that can hide, reorder or smuggle text: controls, lone surrogates, what Unicode lets a reader ignore (bidi marks, zero
 * width, tags, fillers) and the two separators; but line feed, tab, and the joiners and selectors that scripts and emoji need stay
 * as they are. It is global, to replace with; {@link hides} tells whether there are any.
 */
export const hidden: RegExp = /(?!\t|\n|\u200c|\u200d|\ufe0e|\ufe0f)[\p{Cc}\p{Cs}\p{DI}\p{Zl}\p{Zp}\ufff9-\ufffb]/gu

/** Whether a text has characters that could hide, reorder or smuggle text. */
export const hides = (text: string): boolean => text.search(hidden) !== -1

/** A text in one line, with nothing in it that hides, cut to so many characters. */
const inOneLine = (text: string, longest: number): string =>
  [...text.replace(hidden, " ").replace(/\s+/g, " ").trim()].slice(0, longest).join("").trim()

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
    return `[tainted: ${inOneLine(this.origin, 100)}]`
  }

  toJSON(): string {
    return this.toString()
  }

  [NodeInspectSymbol](): string {
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

/** Another text made of one, from the same origin. What `change` is shown stays inside of it. */
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

/** What a check accepts. Fails with `Refused`. */
export const pass = <A>(tainted: Tainted, { accept, name }: Check<A>): Result.Result<A, TaintedError> =>
  Result.mapError(
    accept(tainted[content]),
    (why) =>
      new TaintedError({
        reason: "Refused",
        message: `${tainted} can not be used as ${name}: ${why}. Mend it where it comes from, or leave it out.`
      })
  )

/** A character that can be seen: no space, no joiner, and nothing that hides. */
const seen = /[^\s\p{C}\p{DI}]/u

/** One line of text for people, of at most `longest` characters, with nothing in it that hides, reorders or steers. */
export const line = (longest = 200): Check<string> =>
  check(`one line of at most ${longest} characters`, (text) => {
    const plain = inOneLine(text, longest)
    return seen.test(plain) ? Result.succeed(plain) : Result.fail("nothing of it can be seen")
  })

/**
 * What forges act on in a text that somebody only wrote, and how it is written apart: markup, pictures and links with another name than
 * their address, numbers of issues, names of people, words that skip checks, trailers of a commit.
 */
const acts: ReadonlyArray<readonly [RegExp, string]> = [
  [/<(?=[!/?A-Za-z])/g, "‹"],
  [/!(?=\[)/g, ""],
  [/\](?=[([])/g, "] "],
  [/^([ \t]*\[[^\]\n]{1,200}\])[ \t]*:/gm, "$1 -"],
  [/#(?=\d)/g, "# "],
  [/\bGH-(?=\d)/gi, "GH "],
  [/\b(issues|pull|merge_requests|work_items)\/(?=\d)/gi, "$1/ "],
  [/@(?=[\p{L}\p{N}])/gu, "@ "],
  [/\[(?=\s{0,4}(?:(?:skip|no)[\s_-]{1,4}[\w-]{1,30}|[\w-]{1,30}?[\s_-]{1,4}skip)\s{0,4}\\?\])/gi, "("],
  [/\*{3}(?=NO_CI)/gi, ""],
  [/^([ \t]*(?:[a-z\d]{1,40}-[a-z\d-]{1,40}|cc|fixes|closes|resolves))[ \t]*:/gim, "$1 -"]
]

/**
 * Paragraphs for people, of at most `longest` characters, for a pull request, a comment or the message of a commit: they hide nothing,
 * and no forge acts on them. What it would act on is written apart: `# 12`, `@ ada`.
 */
export const prose = (longest = 10_000): Check<string> =>
  check(`paragraphs of at most ${longest} characters`, (text) => {
    const cut = (whole: string) => [...whole].slice(0, longest).join("").trim()
    const plain = cut(text.replace(/\r\n?/g, "\n").replace(hidden, " ").trim())
    const apart = cut(acts.reduce((rest, [pattern, by]) => rest.replace(pattern, by), plain))
    return seen.test(apart) ? Result.succeed(apart) : Result.fail("nothing of it can be seen")
  })

/**
 * A word that can name something, in a path, a branch or a list: letters, digits, `.`, `_` and `-`, no `-` or `.` in front, no `.` at
 * the end, no `..` and no `.lock`, and nothing that hides; at most 100 characters.
 */
export const word: Check<string> = check("a name", (text) =>
  /^[\p{L}\p{N}_][\p{L}\p{N}._-]{0,99}$/u.test(text) && !hides(text) && !/\.\.|\.$|\.lock$/i.test(text)
    ? Result.succeed(text)
    : Result.fail("it has what a name has not, or is too long")
)

/**
 * One line of a shell, as a person can read it: what it does is not judged. It is for a command that is run where the sandbox and not
 * the text decides what it can reach.
 */
export const command: Check<string> = check("a command of one line", (text) => {
  if (text.length > 2_000) return Result.fail("it is too long to be read")
  if (!seen.test(text)) return Result.fail("nothing of it can be seen")
  return /[\p{C}\p{DI}]|[^\S ]| {20}/u.test(text)
    ? Result.fail("it has characters that hide what it does, or more than one line")
    : Result.succeed(text)
})

/** One of a closed list. */
export const oneOf = <const A extends string>(name: string, allowed: ReadonlyArray<A>): Check<A> =>
  check(name, (text) => {
    const found = allowed.find((each) => each === text)
    return found === undefined ? Result.fail("it is none of those that are known") : Result.succeed(found)
  })

/**
 * A relative path with `/` that stays below where it is resolved, on any disk, and is no option of a command. It says nothing of links
 * on the disk.
 */
export const path: Check<string> = check("a path inside the workspace", (text) => {
  if (text === "" || text.length > 4_000) return Result.fail("it is empty or too long")
  if (/[\p{C}\p{DI}\p{Zl}\p{Zp}\ufffd\\:"<>|?*]/u.test(text) || text !== text.normalize("NFC"))
    return Result.fail("it has characters that mean something else on another disk, or hide")
  if (/^[-~]/.test(text)) return Result.fail("it begins with what commands take for something else")
  const parts = text.split("/")
  // Some disks drop dots and blanks at the end of a name; so `..` and `.` go here too.
  if (parts.some((part) => part === "" || /[. ]$/.test(part)))
    return Result.fail("it does not stay inside, or has parts that are no names")
  if (parts.some((part) => /^\.git$|^git~\d+$/i.test(part))) return Result.fail("it leads into git's own folder")
  return Result.succeed(text)
})

/** A check as a filter of a schema: a text that it would have to change, or that it refuses, does not fit. So a model hears of it in time. */
export const filter = ({ accept, name }: Check<string>) =>
  Schema.makeFilter(
    (text: string) => Result.match(accept(text), { onFailure: () => false, onSuccess: (to) => to === text }),
    {
      expected: name
    }
  )

/** A field of tainted text. It is stored as a plain text; what is read is tainted, with this origin. */
export const text = (origin: string) =>
  Schema.String.pipe(
    Schema.decodeTo(Schema.instanceOf(Tainted, { expected: "a Tainted text: Tainted.of(origin, text)" }), {
      decode: SchemaGetter.transform((plain) => of(origin, plain)),
      encode: SchemaGetter.transform((tainted) => reveal(tainted, "stored"))
    })
  )
