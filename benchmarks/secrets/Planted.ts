/** Texts with a secret in each, one JSON object a line, in base64 so that no scanner of a forge takes them for leaked. */
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import * as Bench from "../Bench.ts"

const Row = Schema.fromJsonString(
  Schema.Struct({
    rule: Schema.NonEmptyString,
    seed: Schema.optionalKey(Schema.Finite),
    sample_b64: Schema.NonEmptyString,
    secret_b64: Schema.NonEmptyString,
    pathRule: Schema.optionalKey(Schema.Boolean)
  })
)

/** A text, and the secret in it. */
export interface Planted {
  readonly rule: string
  readonly text: string
  readonly secret: string
  /** Whether its rule looks at some paths only. */
  readonly isOfPath: boolean
}

const text = (base64: string): string => Buffer.from(base64, "base64").toString()

/** Reads a file of them. */
export const load = (path: string): ReadonlyArray<Planted> => {
  const lines = readFileSync(path, "utf8")
    .replace(/^\u{feff}/u, "")
    .split(/\r?\n/)
  const planted = lines.flatMap((line, at): ReadonlyArray<Planted> => {
    if (line.trim() === "") return []
    const read = Schema.decodeUnknownExit(Row)(line)
    if (read._tag === "Failure") {
      throw new Bench.BadInput(
        `${path}:${at + 1} is no planted secret. Each line is a JSON object with rule, sample_b64 and secret_b64.`
      )
    }
    const { pathRule = false, rule, sample_b64, secret_b64 } = read.value
    const one = { rule, text: text(sample_b64), secret: text(secret_b64), isOfPath: pathRule }
    if (one.text.includes(one.secret) && one.secret !== "") return [one]
    throw new Bench.BadInput(`${path}:${at + 1} (${rule}): its sample does not hold its secret. Both are in base64.`)
  })
  if (planted.length > 0) return planted
  throw new Bench.BadInput(`${path} holds no planted secret. Give it one JSON object a line.`)
}
