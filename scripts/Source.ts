/** A TypeScript **source** file as the gates read it: what it imports, what it exports and how long it is. */
import { readFileSync, globSync } from "node:fs"
import { basename, join, relative, sep } from "node:path"
import { parseAst } from "vitest/node"

/** An import or re-export of another module. `kind` is `type` when nothing of it is left at run time. */
export interface Import {
  readonly from: string
  readonly kind: "type" | "value"
  readonly line: number
}

/** An exported name. `doc` is the text of the JSDoc block before it, without its stars. */
export interface Export {
  readonly name: string
  readonly line: number
  readonly doc: string | undefined
}

/** A parsed source file. `path` is relative to the root, with `/`. */
export interface Source {
  readonly path: string
  readonly text: string
  /** The text with every comment blanked out; offsets and lines stay. */
  readonly code: string
  /** The JSDoc block that the file starts with. */
  readonly doc: string | undefined
  readonly imports: ReadonlyArray<Import>
  readonly exports: ReadonlyArray<Export>
  /** Lines that hold more than blanks and comments. */
  readonly codeLines: number
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string" && "start" in value

const children = (node: Node): ReadonlyArray<Node> => Object.values(node).flat().filter(isNode)

const visit = (node: Node, see: (node: Node) => void): void => {
  see(node)
  for (const child of children(node)) visit(child, see)
}

const text = (value: unknown): string => (isNode(value) ? String(value["value"] ?? value["name"] ?? "") : "")

const blank = (part: string): string => part.replace(/[^\n]/g, " ")

/** Blanks comments out. Literals are masked first, so that a `//` in a string or pattern is not taken for one. */
const withoutComments = (source: string, program: Node): string => {
  let masked = source
  visit(program, (node) => {
    if (node.type === "Literal" || node.type === "TemplateElement") {
      masked = masked.slice(0, node.start) + "x".repeat(node.end - node.start) + masked.slice(node.end)
    }
  })
  let code = source
  for (const comment of masked.matchAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g)) {
    const end = comment.index + comment[0].length
    code = code.slice(0, comment.index) + blank(code.slice(comment.index, end)) + code.slice(end)
  }
  return code
}

const docText = (block: string): string =>
  block
    .replace(/^\/\*\*|\*\/$/g, "")
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, ""))
    .join("\n")
    .trim()

const docBefore = (source: string, at: number): string | undefined => {
  const before = source.slice(0, at).trimEnd()
  if (!before.endsWith("*/")) return undefined
  const block = before.slice(before.lastIndexOf("/*"))
  return block.startsWith("/**") ? docText(block) : undefined
}

const importKind = (node: Node): "type" | "value" => {
  if (node["importKind"] === "type" || node["exportKind"] === "type") return "type"
  const specifiers = Array.isArray(node["specifiers"]) ? node["specifiers"].filter(isNode) : []
  const areTypes = specifiers.every((one) => one["importKind"] === "type" || one["exportKind"] === "type")
  return specifiers.length > 0 && areTypes ? "type" : "value"
}

const importOf = (node: Node): Omit<Import, "line"> | undefined => {
  switch (node.type) {
    case "ImportDeclaration":
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration":
      return isNode(node["source"]) ? { from: text(node["source"]), kind: importKind(node) } : undefined
    case "ImportExpression":
      return { from: text(node["source"]), kind: "value" }
    case "TSImportType":
      return { from: text(node["source"] ?? node["argument"]), kind: "type" }
    default:
      return undefined
  }
}

const declared = (node: Node): ReadonlyArray<string> =>
  node.type === "VariableDeclaration" && Array.isArray(node["declarations"])
    ? node["declarations"].filter(isNode).map((one) => text(one["id"]))
    : [text(node["id"])]

const exportsOf = (program: Node, source: string, lineAt: (at: number) => number): ReadonlyArray<Export> => {
  const body = children(program)
  const local = new Map(
    body.flatMap((node) =>
      (isNode(node["id"]) || node["declarations"] ? declared(node) : []).map((name) => [name, node])
    )
  )
  const found: Array<Export> = []
  for (const node of body) {
    const line = lineAt(node.start)
    if (node.type === "ExportAllDeclaration") {
      found.push({ name: text(node["exported"]) || "*", line, doc: docBefore(source, node.start) })
    }
    if (node.type !== "ExportNamedDeclaration") continue
    if (isNode(node["declaration"])) {
      const doc = docBefore(source, node.start)
      for (const name of declared(node["declaration"])) found.push({ name, line, doc })
    }
    for (const one of Array.isArray(node["specifiers"]) ? node["specifiers"].filter(isNode) : []) {
      const declaration = local.get(text(one["local"]))
      const doc = docBefore(source, one.start) ?? (declaration && docBefore(source, declaration.start))
      found.push({ name: text(one["exported"]), line: lineAt(one.start), doc })
    }
  }
  return found
}

/** Parses a text as TypeScript. Throws where it is not. */
export const parse = (path: string, source: string): Source => {
  const program: unknown = parseAst(source, { lang: "ts", astType: "ts" }, path)
  if (!isNode(program)) throw new Error(`${path} could not be parsed`)
  const lineAt = (at: number): number => source.slice(0, at).split("\n").length
  const imports: Array<Import> = []
  visit(program, (node) => {
    const found = importOf(node)
    if (found !== undefined) imports.push({ ...found, line: lineAt(node.start) })
  })
  const code = withoutComments(source, program)
  const first = /^\s*(\/\*\*[\s\S]*?\*\/)/.exec(source.replace(/^#![^\n]*\n/, ""))
  return {
    path,
    text: source,
    code,
    doc: first?.[1] === undefined ? undefined : docText(first[1]),
    imports,
    exports: exportsOf(program, source, lineAt),
    codeLines: code.split("\n").filter((line) => line.trim() !== "").length
  }
}

/** The paths below `root` that match the globs, sorted, with `/`; nothing below `node_modules`, `dist` or `fixtures`. */
export const find = (root: string, ...globs: ReadonlyArray<string>): ReadonlyArray<string> =>
  globSync([...globs], {
    cwd: root,
    exclude: (name) => ["node_modules", "dist", "fixtures", ".git"].includes(basename(String(name)))
  })
    .map((path) => path.split(sep).join("/"))
    .sort()

/** Reads and parses every source that matches the globs. */
export const read = (root: string, ...globs: ReadonlyArray<string>): ReadonlyArray<Source> =>
  find(root, ...globs).map((path) => parse(path, readFileSync(join(root, path), "utf8")))

/** `packages/core/src/adapters/X.ts` as package `core`, floor folder `adapters` and noun `X`. */
export const placeOf = (path: string): { readonly pack: string; readonly folder: string; readonly noun: string } => {
  const [, pack = "", , ...rest] = path.split("/")
  return { pack, folder: rest.slice(0, -1).join("/"), noun: basename(path, ".ts") }
}

/** The path from `root`, with `/`. */
export const fromRoot = (root: string, path: string): string => relative(root, path).split(sep).join("/")
