/**
 * The **repository context**: what a role gets to read of a repository before it begins, under a token budget.
 *
 * In this order: `AGENTS.md` (at most 40 % of the budget), the scripts and checks (10 %), the README (25 %), the tree (what is
 * left, also of the others). A part that is too long is cut at a line and says how much is missing. Everything comes from
 * the objects of one commit, so the same commit and budget give the same text, and a provider can cache it.
 *
 * What it says is the repository's, not ours: give it to a model as untrusted text. Each part ends with a digest that the
 * part can not hold of itself, so that a README can not pose as `AGENTS.md`.
 */
import * as Digest from "@millwright/core/Digest"
import * as Effect from "effect/Effect"
import * as Checks from "./Checks.ts"
import * as CommittedTree from "./CommittedTree.ts"
import * as FileTree from "./FileTree.ts"
import * as Plain from "./Plain.ts"
import * as TokenBudget from "./TokenBudget.ts"

/** How much is read, and of which commit. */
export interface Options extends CommittedTree.At {
  /** Tokens, estimated at 4 bytes each. */
  readonly budget: number
}

/** What a role gets to read. `tokens` is an estimate and never more than the budget. */
export interface RepositoryContext {
  readonly commit: string
  readonly text: string
  readonly tokens: number
  /** What did not fit or could not be read, for people. */
  readonly leftOut: ReadonlyArray<string>
}

/** What the text is made of. */
export interface Facts extends CommittedTree.CommittedTree {
  readonly documents: ReadonlyArray<Document>
  readonly scripts: ReadonlyMap<string, string>
  readonly checks: ReadonlyArray<Checks.Check>
}

/** A file that is read as a text. `text` is missing where there is a reason why not. */
export interface Document {
  readonly path: string
  readonly role: "agents" | "readme"
  readonly text?: string
  readonly size: number
  readonly problem?: string
}

// No part needs more than this, whatever the budget.
const readLimit = 256 * 1024
const maxLinks = 4

const isFile = ({ mode }: CommittedTree.Entry): boolean => mode === "100644" || mode === "100755"

const readDocument = Effect.fnUntraced(function* (
  at: CommittedTree.At,
  tree: CommittedTree.CommittedTree,
  wanted: Pick<Document, "path" | "role">
) {
  const byPath = new Map(tree.entries.map((entry) => [entry.path, entry]))
  let entry = byPath.get(wanted.path)
  for (let links = 0; entry?.mode === "120000" && links < maxLinks; links++) {
    const { bytes } = yield* CommittedTree.content(at, entry.object, 4_000)
    entry = byPath.get(inTree(entry.path, Buffer.from(bytes).toString()))
  }
  if (entry === undefined || !isFile(entry)) {
    return { ...wanted, size: 0, problem: "is a symbolic link to no file of this commit and was not followed" }
  }
  const { bytes, size } = yield* CommittedTree.content(at, entry.object, readLimit)
  const text = Plain.decode(bytes)
  const document: Document =
    text === undefined ? { ...wanted, size, problem: "is not text" } : { ...wanted, size, text }
  return document
})

// Where a relative link leads inside the commit; one that leads out names no path of it.
const inTree = (from: string, target: string): string => {
  if (target.startsWith("/")) return ""
  const parts = from.split("/").slice(0, -1)
  for (const part of target.split("/")) {
    if (part === "..") {
      if (parts.pop() === undefined) return ""
    } else if (part !== "." && part !== "") parts.push(part)
  }
  return parts.join("/")
}

const readRoot = Effect.fnUntraced(function* (at: CommittedTree.At, tree: CommittedTree.CommittedTree) {
  const root = new Map<string, string | undefined>()
  for (const entry of tree.entries) {
    if (entry.path.includes("/") || !isFile(entry)) continue
    const text = Checks.files.includes(entry.path)
      ? Plain.decode((yield* CommittedTree.content(at, entry.object, readLimit)).bytes)
      : undefined
    root.set(entry.path, text)
  }
  return root
})

/** The repository's own test, type check and lint commands, as the commit has them. */
export const checks = Effect.fnUntraced(function* (at: CommittedTree.At = {}) {
  const tree = yield* CommittedTree.list(at)
  return Checks.detect(yield* readRoot(at, tree))
})

/** Reads what {@link render} makes a text of. */
export const read = Effect.fnUntraced(function* (at: CommittedTree.At = {}) {
  const tree = yield* CommittedTree.list(at)
  const root = yield* readRoot(at, tree)
  const first = (pattern: RegExp): ReadonlyArray<string> =>
    tree.entries
      .map(({ path }) => path)
      .filter((path) => pattern.test(path))
      .sort()
      .slice(0, 1)
  const wanted = [
    ...first(/^AGENTS\.md$/).map((path) => ({ path, role: "agents" as const })),
    ...first(/^readme(?:\.(?:md|markdown|rst|txt|adoc))?$/i).map((path) => ({ path, role: "readme" as const }))
  ]
  const documents = yield* Effect.forEach(wanted, (document) => readDocument(at, tree, document))
  const facts: Facts = {
    ...tree,
    documents,
    scripts: Checks.manifest(root.get("package.json")).scripts,
    checks: Checks.detect(root)
  }
  return facts
})

/** Reads a repository's context. */
export const gather = (options: Options) => Effect.map(read(options), (facts) => render(facts, options.budget))

interface Part {
  readonly title: string
  readonly share: number
  /** The body in at most so many bytes. Nothing: there is nothing to say. */
  readonly body: (maxBytes: number) => string
  /** The size of the whole, where a cut has to be noted. */
  readonly size: number
}

const noteRoom = 60

/** Makes the text. Pure, and never more than the budget: one that is too small for a part leaves it out. */
export const render = (facts: Facts, budget: number): RepositoryContext => {
  const head = `Repository at commit ${facts.commit}\n`
  const leftOut = facts.documents.flatMap(({ path, problem }) =>
    problem === undefined ? [] : [`${Plain.name(path)} ${problem}`]
  )
  let left = Math.max(0, Math.floor(budget)) * TokenBudget.bytesPerToken
  const whole = left
  if (TokenBudget.bytes(head) > left) {
    return { commit: facts.commit, text: "", tokens: 0, leftOut: ["everything: the budget is too small"] }
  }
  left -= TokenBudget.bytes(head)
  const texts = [head]
  for (const part of partsOf(facts)) {
    const frame = TokenBudget.bytes(fence(part.title, ""))
    const room = Math.min(left, Math.floor(whole * part.share)) - frame - noteRoom
    if (room <= 0) {
      leftOut.push(`${part.title}: no room`)
      continue
    }
    const body = part.body(room)
    if (body === "") continue
    const dropped = Math.max(0, part.size - TokenBudget.bytes(body))
    if (dropped > 0) leftOut.push(`${part.title}: ${dropped} bytes`)
    const text = fence(
      part.title,
      dropped > 0 ? `${body.replace(/\n?$/, "\n")}[… cut here, ${dropped} bytes left out]` : body
    )
    texts.push(text)
    left -= TokenBudget.bytes(text)
  }
  const text = texts.join("")
  return { commit: facts.commit, text, tokens: TokenBudget.estimate(text), leftOut }
}

const fence = (title: string, body: string): string => {
  const mark = Digest.of(`${title}\n${body}`).slice(0, 32)
  return `\n[begin ${title} ${mark}]\n${body.replace(/\n$/, "")}\n[end ${mark}]\n`
}

const partsOf = (facts: Facts): ReadonlyArray<Part> => {
  const [agents, readme] = (["agents", "readme"] as const).map((role) =>
    facts.documents.find((each) => each.role === role)
  )
  const nested = facts.entries
    .map(({ path }) => path)
    .filter((path) => path.endsWith("/AGENTS.md"))
    .sort()
  return [
    ...documentPart(agents, 0.4),
    ...textPart({
      title: "further AGENTS.md, for the folders they stand in",
      text: nested.map(Plain.name).join("\n"),
      share: 0.05
    }),
    ...textPart({ title: "scripts and checks", text: scriptsOf(facts), share: 0.1 }),
    ...documentPart(readme, 0.25),
    { title: "tree", share: 1, size: 0, body: (maxBytes) => treeOf(facts, maxBytes) }
  ]
}

const documentPart = (document: Document | undefined, share: number): ReadonlyArray<Part> =>
  document?.text === undefined
    ? []
    : textPart({ title: Plain.name(document.path), text: document.text, share, size: document.size })

interface TextPart extends Pick<Part, "title" | "share"> {
  readonly text: string
  /** The size of the file, of which only the start may have been read. */
  readonly size?: number
}

const textPart = ({ share, size = 0, text, title }: TextPart): ReadonlyArray<Part> =>
  text.trim() === ""
    ? []
    : [
        {
          title,
          share,
          size: Math.max(TokenBudget.bytes(text), size > readLimit ? size : 0),
          body: (maxBytes) => TokenBudget.cut(text, maxBytes).text
        }
      ]

const scriptsOf = ({ checks, scripts }: Facts): string => {
  const line = (text: string): string => Plain.text(text).replace(/\s+/g, " ").slice(0, 200)
  return [
    ...checks.map(({ command, name }) => `check ${name}: ${command}`),
    ...[...scripts].map(([name, command]) => `package.json script ${Plain.name(name)}: ${line(command)}`)
  ].join("\n")
}

const treeOf = ({ entries, isPartial }: Facts, maxBytes: number): string => {
  const room = maxBytes - 120
  const { listed, text, total } = FileTree.render(entries, { maxBytes: room })
  if (room <= 0 || text === "") return ""
  const unlisted = total - listed
  const note =
    unlisted > 0 ? `[${unlisted} of ${isPartial ? "more than " : ""}${total} files are not listed one by one]` : ""
  return `${text}${note}`
}
