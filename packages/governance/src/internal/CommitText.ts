/** A commit as git stores it, taken apart: headers with their continued lines, message, and what its signature is made over. */

/** A commit, taken apart. */
export interface CommitText {
  readonly author: Person
  readonly committer: Person
  readonly tree: string
  readonly parents: ReadonlyArray<string>
  readonly message: string
  /** Everything but the signatures, byte by byte. */
  readonly payload: Uint8Array
  /** What the headers of signatures hold, with their names. */
  readonly signatures: ReadonlyArray<{ readonly header: string; readonly text: string }>
}

/** Whom a commit names, and when: milliseconds since 1970, UTC. */
export interface Person {
  readonly name: string
  readonly email: string
  readonly at: number
}

interface Header {
  readonly name: string
  /** Its bytes in the commit, as latin1. */
  readonly raw: string
}

const placed: ReadonlySet<string> = new Set(["tree", "parent", "author", "committer"])

/** Takes a commit apart; nothing where it is not as git writes one: it then means one thing to git and another to somebody else. */
export const parse = (bytes: Uint8Array): CommitText | undefined => {
  // As latin1 each byte is one character, so nothing is lost and places are the same.
  const whole = Buffer.from(bytes).toString("latin1")
  const end = whole.indexOf("\n\n")
  if (end === -1 || whole.slice(0, end).includes("\0")) return undefined
  const headers = headersOf(whole.slice(0, end + 1))
  const parents = headers.filter(({ name }) => name === "parent").map(valueOf)
  const names = ["tree", ...parents.map(() => "parent"), "author", "committer"]
  // Git reads each where it has to stand, and what stands elsewhere not at all.
  if (headers.some(({ name }, at) => (at < names.length ? name !== names[at] : placed.has(name)))) return undefined
  const [tree = "", ...others] = headers.slice(0, names.length).map(valueOf)
  const [author, committer] = others.slice(parents.length).map(person)
  if (author === undefined || committer === undefined) return undefined
  if (![tree, ...parents].every((id) => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(id))) return undefined
  const isSignature = ({ name }: Header) => name.startsWith("gpgsig")
  const rest = headers.filter((header) => !isSignature(header)).map(({ raw }) => raw)
  return {
    author,
    committer,
    tree,
    parents,
    message: utf8(whole.slice(end + 2)),
    payload: Buffer.from(`${rest.join("")}${whole.slice(end + 1)}`, "latin1"),
    signatures: headers.filter(isSignature).map((header) => ({ header: header.name, text: `${valueOf(header)}\n` }))
  }
}

/** A line that begins with a space goes on with the header before it. A pattern over millions of them would need a stack as deep. */
const headersOf = (text: string): ReadonlyArray<Header> => {
  const begins = [0, ...Array.from(text.matchAll(/\n(?! )/g), ({ index }) => index + 1)].slice(0, -1)
  return begins.map((at, index) => {
    const raw = text.slice(at, begins[index + 1] ?? text.length)
    const space = raw.search(/[ \n]/)
    return { name: raw.slice(0, space), raw }
  })
}

const valueOf = ({ name, raw }: Header): string => raw.slice(name.length + 1, -1).replaceAll("\n ", "\n")

const person = (value: string): Person | undefined => {
  const [, name, email, seconds] = /^([^<>]*?) ?<([^<>]*)> (\d{1,12}) [+-]\d{4}$/.exec(value) ?? []
  if (name === undefined || email === undefined) return undefined
  return { name: utf8(name), email: utf8(email), at: Number(seconds) * 1_000 }
}

const utf8 = (latin1: string): string => Buffer.from(latin1, "latin1").toString("utf8")
