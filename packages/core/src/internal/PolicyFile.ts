/** A policy as a file of a commit: read as data, strictly, with the place of each complaint. */
import * as Effect from "effect/Effect"
import * as Yaml from "effect/encoding/Yaml"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as Fault from "../Fault.ts"
import * as Git from "../Git.ts"
import * as GitCall from "./GitCall.ts"
import * as GitProcess from "./GitProcess.ts"

/** A file does not hold what it shall. */
export class PolicyError extends Fault.Class<PolicyError>()("PolicyError", {
  /** It is too large, a link, or there are several. */
  NotReadable: false,
  /** It is no YAML or JSON, or not what the schema asks for. */
  NotValid: false
}) {}

/** Where a policy is looked for, if nobody says where. */
export const places = [".millwright/policy.yaml", ".millwright/policy.yml", ".millwright/policy.json"] as const

/** A larger file is refused, in bytes. */
export const maxBytes = 64 * 1024

/** The text of the first of some paths that a commit has, and which it is; nothing where it has none. */
export const textAt = Effect.fnUntraced(function* (
  dir: string,
  options: { readonly base: string; readonly paths: ReadonlyArray<string> }
): Effect.fn.Return<
  { readonly commit: string; readonly found: { readonly path: string; readonly text: string } | undefined },
  Git.GitError | PolicyError,
  ChildProcessSpawner
> {
  const { base, paths } = options
  const commit = yield* Git.resolve(dir, base)
  const args = ["ls-tree", "-z", "--full-tree", commit, "--", ...paths]
  const listed = GitProcess.fields(yield* GitCall.run({ dir, args, env: { GIT_LITERAL_PATHSPECS: "1" } }))
  const [entry, second] = listed
  if (entry === undefined) return { commit, found: undefined }
  const path = entry.slice(entry.indexOf("\t") + 1)
  const unreadable = (what: string, mend: string) =>
    new PolicyError({ reason: "NotReadable", message: `${path} at ${commit.slice(0, 12)} ${what}. ${mend}` })
  if (second !== undefined) return yield* unreadable("is not the only policy", `Keep one of ${paths.join(", ")}.`)
  const [mode = "", , object = ""] = entry.slice(0, entry.indexOf("\t")).split(" ")
  if (!mode.startsWith("100"))
    return yield* unreadable("is no plain file", "Commit the policy itself, not a link to it.")
  const { bytes, size } = yield* Git.content(dir, { object, maxBytes })
  if (size > maxBytes)
    return yield* unreadable(`has ${size} bytes`, `Keep it below ${maxBytes}: use globs for many paths.`)
  return { commit, found: { path, text: GitProcess.text(bytes) } }
})

// With neither, a file can not say more than it holds: a few lines of references could be read as very many.
const reference = /(?:^\s*|[-?:]\s+|["'\]}]:|[[{,]\s*)(?:&[^\s&]|<<\s{0,8}:)/m

/** Reads a text of a commit by a schema. JSON is YAML, too. */
export const parse = <A>(
  schema: Schema.ConstraintDecoder<A>,
  { commit, path, text }: { readonly text: string; readonly path: string; readonly commit: string }
): Result.Result<A, PolicyError> => {
  const refuse = (said: string) =>
    new PolicyError({ reason: "NotValid", message: `${path} at ${commit.slice(0, 12)} ${said}` })
  const anchor = text.search(reference)
  if (anchor !== -1) {
    const line = text.slice(0, anchor).split("\n").length
    return Result.fail(refuse(`has an anchor or a merge key in line ${line} or the one below. Write every value out.`))
  }
  return Result.try({
    try: (): unknown => (path.endsWith(".json") ? JSON.parse(text) : Yaml.parse(text)),
    catch: (error) =>
      refuse(
        `can not be read: ${(error instanceof Error ? error.message : String(error)).slice(0, 300)}. Put globs into quotes: "**/*.md".`
      )
  }).pipe(
    Result.flatMap((value) =>
      Result.mapError(
        Schema.decodeUnknownResult(schema)(value, { errors: "all", onExcessProperty: "error" }),
        ({ issue }) =>
          refuse(
            `is no policy:\n${SchemaIssue.makeFormatterStandardSchemaV1()(issue)
              .issues.slice(0, 20)
              .map(({ message, path: place = [] }) => {
                const at = place.map((part) => String(typeof part === "object" ? part.key : part)).join(".")
                return `- ${at === "" ? "the file" : at}: ${message.slice(0, 300)}`
              })
              .join("\n")}`
          )
      )
    )
  )
}
