/** JSON with comments, with the places in the text that its values come from. */
import { getNodeValue, type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser"

/** A value, and where it stands. */
export interface Value {
  readonly value: unknown
  /** As in `3:14`: line and column, from 1. */
  readonly at: string
  /** Of an object, in its order; the last of those that have the same name. */
  readonly properties: ReadonlyMap<string, Value>
  readonly items: ReadonlyArray<Value>
}

/** Reads a text. Answers with what is wrong with it as a text. */
export const parse = (text: string): Value | string => {
  const errors: Array<ParseError> = []
  try {
    const root = parseTree(text, errors, { allowTrailingComma: true })
    const [first] = errors
    if (first !== undefined) return `${place(text, first.offset)}: ${sentence(printParseErrorCode(first.error))}`
    return root === undefined ? "1:1: there is nothing in it" : read(text, root)
  } catch (cause) {
    if (cause instanceof RangeError) return "1:1: it is nested too deeply"
    throw cause
  }
}

// Asked for when it is looked at: a file may have a hundred thousand values of which nobody wants to know.
const read = (text: string, node: Node): Value => ({
  get value() {
    return getNodeValue(node)
  },
  get at() {
    return place(text, node.offset)
  },
  get items() {
    return node.type === "array" ? (node.children ?? []).map((child) => read(text, child)) : []
  },
  get properties() {
    const all = node.type === "object" ? (node.children ?? []) : []
    return new Map(
      all.flatMap(({ children: [name, value] = [] }) =>
        name === undefined || value === undefined ? [] : [[String(name.value), read(text, value)] as const]
      )
    )
  }
})

const place = (text: string, offset: number): string => {
  const before = text.slice(0, offset).split("\n")
  return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`
}

/** `CommaExpected` as words. */
const sentence = (code: string): string => code.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter}`).toLowerCase()
