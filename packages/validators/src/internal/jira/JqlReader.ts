/** Reads JQL: clauses with `AND`, `OR`, `NOT` and brackets, and an order. What it does not know is refused by its name. */

/** A comparison of a field with values. */
export interface Clause {
  readonly _tag: "Clause"
  readonly field: string
  readonly operator: string
  readonly values: ReadonlyArray<Value>
}

/** What a field is compared with. */
export type Value =
  | { readonly _tag: "Text"; readonly text: string }
  | { readonly _tag: "Empty" }
  | { readonly _tag: "Function"; readonly name: string }

/** A condition. */
export type Condition =
  | Clause
  | { readonly _tag: "And" | "Or"; readonly all: ReadonlyArray<Condition> }
  | { readonly _tag: "Not"; readonly inner: Condition }

/** A query. */
export interface Query {
  readonly condition: Condition | undefined
  readonly order: ReadonlyArray<{ readonly field: string; readonly isDescending: boolean }>
}

/** What is wrong with a query, for people. */
export class JqlProblem extends Error {}

const pattern = /\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(!=|!~|<=|>=|[=~<>(),])|([^\s=!~<>(),"']+))/y

interface Token {
  readonly text: string
  readonly kind: "quoted" | "sign" | "word"
}

/** More is refused, in tokens. */
const maxTokens = 1_000

const tokens = (jql: string): ReadonlyArray<Token> => {
  const all: Array<Token> = []
  const text = jql.trimEnd()
  pattern.lastIndex = 0
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex
    const found = pattern.exec(text)
    if (found === null)
      throw new JqlProblem(`Error in the JQL Query: '${text.slice(at, at + 20)}' is not expected here.`)
    const [, double, single, sign, word] = found
    const quoted = double ?? single
    if (quoted !== undefined) all.push({ kind: "quoted", text: quoted.replace(/\\(.)/g, "$1") })
    else all.push({ kind: sign === undefined ? "word" : "sign", text: sign ?? word ?? "" })
    if (all.length > maxTokens) throw new JqlProblem("Error in the JQL Query: The query is too long.")
  }
  return all
}

/** Reads a query. Throws a `JqlProblem`. */
export const read = (jql: string): Query => {
  const all = tokens(jql)
  let place = 0
  const word = (...names: ReadonlyArray<string>): boolean => {
    const token = all[place]
    return token?.kind === "word" && names.includes(token.text.toLowerCase())
  }
  const sign = (text: string): boolean => all[place]?.kind === "sign" && all[place]?.text === text
  const next = (what: string): Token => {
    const token = all[place++]
    if (token === undefined)
      throw new JqlProblem(`Error in the JQL Query: Expecting ${what} but got the end of the query.`)
    return token
  }
  const expect = (text: string): void => {
    const token = next(`'${text}'`)
    if (token.kind !== "sign" || token.text !== text) {
      throw new JqlProblem(`Error in the JQL Query: Expecting '${text}' but got '${token.text}'.`)
    }
  }
  const value = (): Value => {
    const token = next("a value")
    if (token.kind === "sign")
      throw new JqlProblem(`Error in the JQL Query: Expecting a value but got '${token.text}'.`)
    if (token.kind === "word" && sign("(")) {
      expect("(")
      expect(")")
      return { _tag: "Function", name: token.text }
    }
    const isEmpty = token.kind === "word" && ["empty", "null"].includes(token.text.toLowerCase())
    return isEmpty ? { _tag: "Empty" } : { _tag: "Text", text: token.text }
  }
  const list = (): ReadonlyArray<Value> => {
    expect("(")
    const values = [value()]
    while (sign(",")) {
      place++
      values.push(value())
    }
    expect(")")
    return values
  }
  const clause = (): Clause => {
    const token = next("a field")
    if (token.kind === "sign")
      throw new JqlProblem(`Error in the JQL Query: Expecting a field but got '${token.text}'.`)
    const field = token.text.toLowerCase()
    const operator = next("an operator").text.toLowerCase()
    const isNot = (operator === "not" || operator === "is") && word(operator === "not" ? "in" : "not")
    if (isNot) place++
    const full = operator === "not" ? "not in" : isNot ? "is not" : operator
    if (!["=", "!=", "~", "!~", "<", "<=", ">", ">=", "in", "not in", "is", "is not"].includes(full)) {
      throw new JqlProblem(
        `Error in the JQL Query: Expecting operator but got '${full}'. The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'.`
      )
    }
    return { _tag: "Clause", field, operator: full, values: full.endsWith("in") ? list() : [value()] }
  }
  const one = (): Condition => {
    if (word("not")) {
      place++
      return { _tag: "Not", inner: one() }
    }
    if (!sign("(")) return clause()
    expect("(")
    const inner = either()
    expect(")")
    return inner
  }
  const joined = (name: "and" | "or", part: () => Condition): Condition => {
    const parts = [part()]
    while (word(name)) {
      place++
      parts.push(part())
    }
    const [first] = parts
    return parts.length === 1 && first !== undefined ? first : { _tag: name === "and" ? "And" : "Or", all: parts }
  }
  const either = (): Condition => joined("or", () => joined("and", one))
  const condition = all.length === 0 || word("order") ? undefined : either()
  const order: Array<Query["order"][number]> = []
  if (word("order")) {
    place++
    if (!word("by")) throw new JqlProblem("Error in the JQL Query: Expecting 'by' after 'order'.")
    do {
      place++
      const field = next("a field").text.toLowerCase()
      const isDescending = word("desc")
      if (word("asc", "desc")) place++
      order.push({ field, isDescending })
    } while (sign(","))
  }
  const left = all[place]
  if (left !== undefined)
    throw new JqlProblem(`Error in the JQL Query: Expecting either 'OR' or 'AND' but got '${left.text}'.`)
  return { condition, order }
}
