/**
 * A **contract by hand**: a YAML file that a person writes, read into a draft that `Contract.seal` freezes. Whatever is wrong is told
 * with its line. A byte order mark and other line ends make no other contract.
 *
 * ```yaml
 * item: issue-12
 * assertions:
 *   - id: VAL-LIST-001 # in all, or in none: then they are counted, in each `area`
 *     statement: Deleting an entry takes it out of the list.
 *     kind: ui
 *   - id: VAL-LIST-002
 *     statement: The tests pass.
 *     run: pnpm test
 *   - id: VAL-DOCS-001
 *     statement: The change says how to go back.
 *     file: { path: docs/change.md, sections: [Going back] }
 *   - id: VAL-CODE-001
 *     statement: The code is changed, and not only its documents.
 *     changed: { paths: ["src/**"] }
 * ```
 *
 * Beside these, an assertion takes `from`, `weight`, `essential` and `scenario`, the file `acceptAt` and `base`.
 */
import * as Contract from "@millwright/core/Contract"
import * as Tainted from "@millwright/core/Tainted"
import * as Yaml from "effect/encoding/Yaml"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as YamlLines from "./internal/YamlLines.ts"

/** One thing that is wrong with a file. `line` counts from 1. */
export interface Complaint {
  readonly line: number
  readonly message: string
}

/** The largest file that is read, in bytes. */
export const maxBytes = 4 * 1024 * 1024

const Fields = Schema.Struct({
  item: Schema.NonEmptyString,
  base: Contract.Draft.fields.base,
  acceptAt: Contract.Draft.fields.acceptAt,
  assertions: Schema.NonEmptyArray(Schema.Unknown)
})

const Entry = Schema.Struct({
  id: Schema.optionalKey(Contract.AssertionId),
  area: Schema.optionalKey(Contract.Area),
  statement: Schema.NonEmptyString,
  kind: Contract.Assertion.fields.kind,
  from: Contract.Assertion.fields.from,
  weight: Contract.Assertion.fields.weight,
  essential: Schema.optionalKey(Schema.Boolean),
  run: Schema.optionalKey(Schema.NonEmptyString),
  changed: Schema.optionalKey(
    Schema.Struct({ paths: Schema.NonEmptyArray(Schema.NonEmptyString), least: Schema.optionalKey(Schema.Int) })
  ),
  file: Schema.optionalKey(
    Schema.Struct({
      path: Schema.NonEmptyString,
      /** `true`, or a JSON Schema. */
      json: Schema.optionalKey(Schema.Union([Schema.Literal(true), Schema.Record(Schema.String, Schema.Json)])),
      sections: Schema.optionalKey(Schema.NonEmptyArray(Schema.NonEmptyString))
    })
  ),
  scenario: Schema.optionalKey(Schema.NonEmptyString)
})
type Entry = typeof Entry.Type

/** Reads a file. On failure everything that is wrong, at most 100 complaints, in the order of its lines. */
export const parse = (
  file: string | Uint8Array,
  known: Contract.Known = {}
): Result.Result<Contract.Draft, ReadonlyArray<Complaint>> =>
  Result.mapError(
    Result.flatMap(readable(file), (text) =>
      Result.flatMap(parsed(text), (value) => drafted(new YamlLines.YamlLines(text), value, known))
    ),
    (complaints) => complaints.toSorted((a, b) => a.line - b.line).slice(0, 100)
  )

type Read<A> = Result.Result<A, ReadonlyArray<Complaint>>

const refuse = (line: number, message: string): Result.Result<never, ReadonlyArray<Complaint>> =>
  Result.fail([{ line, message }])

const readable = (file: string | Uint8Array): Read<string> => {
  const size = Buffer.byteLength(file)
  if (size > maxBytes) return refuse(1, `The file has ${size} bytes, and at most ${maxBytes} are read. Split the item`)
  const text = Predicate.isString(file) ? file : Buffer.from(file).toString("utf8")
  if (!Predicate.isString(file) && !Buffer.from(text).equals(Buffer.from(file))) {
    return refuse(1, "The file is not text in UTF-8. Save it as UTF-8")
  }
  const plain = text.replace(/^\ufeff/, "").replaceAll(/\r\n?/g, "\n")
  const complaints = plain.split("\n").flatMap((line, at): ReadonlyArray<Complaint> => {
    const hidden = line.match(Tainted.hidden)?.[0]?.codePointAt(0)
    if (hidden !== undefined) {
      return [
        { line: at + 1, message: `The line holds the character U+${hex(hidden)}, which nobody sees. Take it out` }
      ]
    }
    return anchor.test(line)
      ? [
          {
            line: at + 1,
            message:
              "The line has an anchor or a merge key of YAML. Write every value out, and a text with `&` in quotes"
          }
        ]
      : []
  })
  return complaints.length === 0 ? Result.succeed(plain) : Result.fail(complaints)
}

const hex = (point: number): string => point.toString(16).toUpperCase().padStart(4, "0")

// With neither, a file can not say more than it holds. Where a value begins: a line, a key's value, an item, a part of a list.
const anchor = /(?:^\s*|[-?:]\s+|["'\]}]:|[[{,]\s*)(?:&[^\s&]|<<\s{0,8}:)/

const parsed = (text: string): Read<unknown> =>
  Result.try({
    try: () => Yaml.parse(text),
    catch: (error): ReadonlyArray<Complaint> => {
      const message = error instanceof Error ? error.message : String(error)
      const line = /at line (\d+)/.exec(message)?.[1]
      const said = message.replace(/ at line \d+$/, "").slice(0, 300)
      return [
        {
          line: Number(line ?? 1),
          message: `It is not YAML: ${said}. Put a text with \`: \` or \`#\` in it into quotes`
        }
      ]
    }
  })

const decode = <A>(schema: Schema.ConstraintDecoder<A>, value: unknown) =>
  Result.mapError(
    Schema.decodeUnknownResult(schema)(value, { errors: "all", onExcessProperty: "error" }),
    ({ issue }) =>
      SchemaIssue.makeFormatterStandardSchemaV1()(issue).issues.map(({ message, path = [] }) => ({
        path: path.map((part) => String(typeof part === "object" ? part.key : part)),
        message: message.slice(0, 300)
      }))
  )

const drafted = (lines: YamlLines.YamlLines, value: unknown, known: Contract.Known): Read<Contract.Draft> => {
  const top = Result.mapError(decode(Fields, value), (wrong) =>
    wrong.map(({ message, path }) => ({ line: lines.ofKey(path[0] ?? ""), message: named(path, message) }))
  )
  if (Result.isFailure(top)) return Result.fail(top.failure)
  const { assertions: entries, ...terms } = top.success
  if (lines.items !== entries.length) {
    return refuse(
      lines.ofKey("assertions"),
      "Write each assertion in lines of its own, the first of which begins with `- `"
    )
  }
  const read = entries.map((entry, at) =>
    Result.mapError(decode(Entry, entry), (wrong) =>
      wrong.map(({ message, path }) => ({ line: lines.ofItem(at, path[0]), message: named(path, message) }))
    )
  )
  const wrong = read.flatMap((one) => (Result.isFailure(one) ? one.failure : []))
  const all = read.flatMap((one) => (Result.isSuccess(one) ? [one.success] : []))
  const misfits =
    all.length === entries.length
      ? [...all.flatMap((entry, at) => misfit(lines, entry, at)), ...addresses(lines, all)]
      : []
  const [first, ...rest] = all.map(clauseOf)
  if (wrong.length + misfits.length > 0 || first === undefined) return Result.fail([...wrong, ...misfits])
  const draft: Contract.Draft = { ...terms, assertions: withIds(all, [first, ...rest]) }
  const problems = Contract.problems(draft, known)
  return problems.length === 0
    ? Result.succeed(draft)
    : Result.fail(problems.map(({ at, message }) => ({ line: lineOf(lines, at), message })))
}

const named = (path: ReadonlyArray<string>, message: string): string =>
  path.length === 0 ? message : `${path.join(".")}: ${message}`

const checks = ["run", "changed", "file", "scenario"] as const

const misfit = (lines: YamlLines.YamlLines, entry: Entry, at: number): ReadonlyArray<Complaint> => {
  const [, second] = checks.filter((key) => entry[key] !== undefined)
  return [
    ...(second === undefined
      ? []
      : [
          {
            line: lines.ofItem(at, second),
            message: `An assertion has one check, and this one has \`${second}\` as well. Make two of it`
          }
        ]),
    ...(entry.file?.json !== undefined && entry.file.sections !== undefined
      ? [{ line: lines.ofItem(at, "file"), message: "A file is JSON or has sections, and not both" }]
      : []),
    ...(entry.id !== undefined && entry.area !== undefined
      ? [
          {
            line: lines.ofItem(at, "area"),
            message: `The address ${entry.id} names the area already. Leave one of them out`
          }
        ]
      : [])
  ]
}

const addresses = (lines: YamlLines.YamlLines, entries: ReadonlyArray<Entry>): ReadonlyArray<Complaint> => {
  const without = entries.findIndex(({ id }) => id === undefined)
  return without === -1 || entries.every(({ id }) => id === undefined)
    ? []
    : [
        {
          line: lines.ofItem(without),
          message: "This assertion has no `id`, and others have. Give all of them one, or none"
        }
      ]
}

const clauseOf = ({
  area,
  changed,
  essential,
  file,
  from,
  kind,
  run,
  scenario,
  statement,
  weight
}: Entry): Contract.Clause => ({
  statement: statement.trim(),
  ...(area !== undefined && { area }),
  ...(kind !== undefined && { kind }),
  ...(from !== undefined && { from }),
  ...(weight !== undefined && { weight }),
  ...(essential === true && { essential }),
  ...(run !== undefined && { check: { _tag: "Command", run: run.trim() } }),
  ...(changed !== undefined && { check: { _tag: "Changed", paths: changed.paths, least: changed.least ?? 1 } }),
  ...(file !== undefined && { check: { _tag: "File", path: file.path, is: ruleOf(file) } }),
  ...(scenario !== undefined && { check: { _tag: "Scenario", scenario } })
})

const ruleOf = ({ json, sections }: NonNullable<Entry["file"]>): Contract.FileRule => {
  if (sections !== undefined) return { _tag: "Markdown", sections }
  if (json === undefined) return { _tag: "NotEmpty" }
  return json === true ? { _tag: "Json" } : { _tag: "Json", schema: json }
}

const withIds = (
  entries: ReadonlyArray<Entry>,
  clauses: readonly [Contract.Clause, ...ReadonlyArray<Contract.Clause>]
): Contract.Draft["assertions"] => {
  const [first, ...rest] = Contract.addressed(clauses)
  const own = (assertion: Contract.Assertion, at: number) => ({ ...assertion, id: entries[at]?.id ?? assertion.id })
  return [own(first, 0), ...rest.map((assertion, at) => own(assertion, at + 1))]
}

/** The key in the file for a part of an assertion. */
const keys: Readonly<Record<string, string>> = { paths: "changed", least: "changed", path: "file", is: "file" }

const lineOf = (lines: YamlLines.YamlLines, at: string): number => {
  const [top = "", item, field, part = ""] = at.split(".")
  if (top !== "assertions" || item === undefined) return lines.ofKey(top)
  return lines.ofItem(Number(item), field === "check" ? (keys[part] ?? part) : field)
}
