/** A tree of paths that fits into a number of bytes: what is most useful first, level by level, and what is left out is said. */
import type { Entry } from "./CommittedTree.ts"
import * as Plain from "./Plain.ts"

interface Node {
  readonly name: string
  /** How many files lie in it; 1 for a file. */
  files: number
  /** Folders only. */
  readonly children: Map<string, Node> | undefined
  readonly mode: string
  shown: ReadonlyArray<Node>
}

/** How much of a tree is shown. */
export interface Options {
  readonly maxBytes: number
  /** How many levels. Default 4. */
  readonly depth?: number
}

/** A rendered tree. `listed` counts the files that have a line of their own. */
export interface FileTree {
  readonly text: string
  readonly listed: number
  readonly total: number
}

const source = /^(?:src|lib|app|apps|packages|crates|cmd|internal|pkg|server|client|api|core|modules|services)$/
const tests = /^(?:tests?|specs?|__tests__|e2e)$/
const made =
  /^(?:node_modules|vendor|third_party|dist|build|out|target|coverage|__snapshots__|fixtures?|testdata|generated)$/
const manifest =
  /^(?:package\.json|Cargo\.toml|go\.mod|pyproject\.toml|Makefile|pom\.xml|build\.gradle|Gemfile|composer\.json|AGENTS\.md|README.*)$/i
const perFolder = 60

const rank = ({ children, name }: Node): number => {
  if (children === undefined) return manifest.test(name) ? 2 : name.startsWith(".") ? 7 : 5
  return made.test(name) ? 9 : name.startsWith(".") ? 8 : source.test(name) ? 0 : tests.test(name) ? 3 : 1
}

// By code units and not by locale, so that the order is the same on every machine.
const byUse = (a: Node, b: Node): number => rank(a) - rank(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)

const grow = (entries: ReadonlyArray<Entry>, depth: number): Node => {
  const root: Node = { name: "", files: 0, children: new Map(), mode: "", shown: [] }
  for (const { mode, path } of entries) {
    const parts = path.split("/")
    let at = root
    at.files++
    for (let level = 0; level < parts.length && level < depth; level++) {
      const name = parts[level] ?? ""
      const isFile = level === parts.length - 1
      const next: Node = at.children?.get(name) ?? {
        name,
        files: 0,
        children: isFile ? undefined : new Map(),
        mode: isFile ? mode : "",
        shown: []
      }
      at.children?.set(name, next)
      next.files++
      at = next
    }
  }
  return root
}

const label = ({ children, files, mode, name }: Node): string => {
  const shown = Plain.name(name)
  if (children !== undefined) return `${shown}/ (${files} ${files === 1 ? "file" : "files"})`
  return mode === "120000" ? `${shown} (symbolic link)` : mode === "160000" ? `${shown} (submodule)` : shown
}

const more = (level: number, count: number): string => `${"  ".repeat(level)}… ${count} more\n`

/** Renders paths. The same paths and options give the same text. */
export const render = (entries: ReadonlyArray<Entry>, { depth = 4, maxBytes }: Options): FileTree => {
  const root = grow(entries, depth)
  let left = maxBytes
  let listed = 0
  const queue: Array<readonly [node: Node, level: number]> = [[root, 0]]
  for (const [node, level] of queue) {
    const children = [...(node.children?.values() ?? [])].sort(byUse)
    const reserve = children.length > 0 ? Buffer.byteLength(more(level, children.length)) : 0
    const shown: Array<Node> = []
    left -= reserve
    for (const child of children.slice(0, perFolder)) {
      const cost = 2 * level + Buffer.byteLength(label(child)) + 1
      if (cost > left) break
      left -= cost
      shown.push(child)
      if (child.children === undefined) listed++
      else if (!made.test(child.name)) queue.push([child, level + 1])
    }
    if (shown.length === children.length || shown.length === 0) left += reserve
    node.shown = shown
  }
  const lines = (node: Node, level: number): string => {
    const own = node.shown.map((child) => `${"  ".repeat(level)}${label(child)}\n${lines(child, level + 1)}`).join("")
    const hidden = (node.children?.size ?? 0) - node.shown.length
    return hidden > 0 && node.shown.length > 0 ? own + more(level, hidden) : own
  }
  return { text: lines(root, 0), listed, total: root.files }
}
