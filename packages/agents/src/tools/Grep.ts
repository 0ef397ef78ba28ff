/** The tool `grep`: searches what git tracks and what it does not ignore. */
import * as Redaction from "@millwright/core/Redaction"
import * as Effect from "effect/Effect"
import * as ChildProcess from "effect/process/ChildProcess"
import * as Schema from "effect/Schema"
import * as Output from "./Output.ts"
import * as Process from "./Process.ts"
import * as Target from "./Target.ts"
import * as ToolFailure from "./ToolFailure.ts"
import * as Truncation from "./Truncation.ts"

/** What the model is told about it. */
export const description = [
  "Searches the text files of the workspace with a Perl-compatible regular expression, line by line, and answers with",
  "path:line:text. Ignored and binary files are left out. What is too much is left out and said: narrow the pattern or the path",
  "then. To find a file by its name, use bash with `git ls-files`."
].join(" ")

/** What the model gives. */
export const Parameters = Schema.Struct({
  pattern: Schema.NonEmptyString.annotate({
    description: "The regular expression, such as \\bparseDate\\( or TODO|FIXME"
  }),
  path: Schema.optionalKey(
    Schema.String.annotate({ description: "A file, a folder or a glob such as src/**/*.ts. Default: everything" })
  ),
  ignoreCase: Schema.optionalKey(Schema.Boolean.annotate({ description: "Whether upper and lower case are the same" }))
})

const longestLine = 400
const keep: Output.Keep = { head: 256 * 1024, tail: 0 }

type Flavour = "--perl-regexp" | "--extended-regexp"
type Place = "--untracked" | "--no-index"

const search =
  ({ ignoreCase, path, pattern }: typeof Parameters.Type) =>
  (flavour: Flavour, place: Place) =>
    Process.run(
      ChildProcess.make(
        "git",
        [
          // What git would run for the repository: nothing of it.
          "--no-optional-locks",
          "-c",
          "core.fsmonitor=false",
          "-c",
          "core.quotePath=false",
          "-c",
          "color.ui=false",
          "grep",
          "--no-textconv",
          "--line-number",
          "--full-name",
          "-I",
          flavour,
          place,
          ...(place === "--no-index" ? ["--exclude-standard"] : []),
          ...(ignoreCase === true ? ["--ignore-case"] : []),
          "-e",
          pattern,
          "--",
          ...(path === undefined || path === "." ? ["."] : [`:(glob)${path}`])
        ],
        Process.quiet
      ),
      { keep, timeout: "30 seconds" }
    ).pipe(Effect.mapError(ToolFailure.fromPlatform("git")))

/** Searches. */
export const run = Effect.fnUntraced(function* (parameters: typeof Parameters.Type) {
  const { path, pattern } = parameters
  if (pattern.includes("\0") || /[\r\n]/.test(pattern)) {
    return yield* ToolFailure.fail(
      "BadPattern",
      "The pattern holds a line end or a NUL, and the search is line by line. Search for one line of it."
    )
  }
  if (path !== undefined) yield* Target.inside(path)
  const attempt = search(parameters)
  let flavour: Flavour = "--perl-regexp"
  let place: Place = "--untracked"
  let found = yield* attempt(flavour, place)
  if (/not a git repository/i.test(found.errors.text())) {
    place = "--no-index"
    found = yield* attempt(flavour, place)
  }
  if (/USE_LIBPCRE/.test(found.errors.text())) {
    flavour = "--extended-regexp"
    found = yield* attempt(flavour, place)
  }
  const { end } = found
  const said = Output.clean(found.errors.text()).trim().slice(0, 600)
  if (end._tag === "TimedOut" && found.output.total() === 0) {
    return yield* ToolFailure.fail(
      "TimedOut",
      "The search took more than 30 seconds and was stopped. Give a `path` or a simpler pattern."
    )
  }
  if (end._tag === "Exited" && end.code > 1) {
    const isPattern = /-e option|command line|regular expression|invalid regex/i.test(said)
    return yield* ToolFailure.fail(
      isPattern ? "BadPattern" : "Unavailable",
      isPattern
        ? `\`pattern\` is not a regular expression that git understands: ${said}. Escape what is meant literally with a backslash.`
        : `The search did not work: ${said}. Use bash instead.`
    )
  }
  return yield* render(found, flavour)
})

const render = Effect.fnUntraced(function* ({ end, output }: Process.Finished, flavour: Flavour) {
  const lines = output.text().split("\n")
  const last = lines.pop() ?? ""
  // The part of a line that did not fit is no match to show; but a line longer than everything that fits is.
  const whole = end._tag === "Exited" || lines.length === 0 ? [...lines, last].filter((line) => line !== "") : lines
  const limits = yield* Truncation.Limits
  const secrets = yield* Redaction.Secrets
  const flat = whole.map((line) => Output.clean(line.replace(/\r+$/, "")).replaceAll("\n", " "))
  const all = Redaction.scrub(flat.join("\n"), secrets)
  const found = all === "" ? [] : all.split("\n")
  const most = limits.grep.lines ?? Infinity
  const cut = found.map((line) => (line.length > longestLine ? `${line.slice(0, longestLine)}… [line cut]` : line))
  let room = limits.grep.bytes - 500
  const shown = cut.slice(0, most).filter((line) => (room -= Buffer.byteLength(line) + 1) >= 0)
  if (shown.join("\n") !== all) (yield* Truncation.Sink)?.(Truncation.of(all, limits))
  const notes = [
    shown.length === 0 ? "[no line matches]" : `[${shown.length} ${shown.length === 1 ? "line" : "lines"}]`,
    ...(shown.length < found.length || end._tag !== "Exited"
      ? ["[there are more: narrow the pattern or the path]"]
      : []),
    ...(flavour === "--extended-regexp"
      ? ["[this git knows POSIX extended regular expressions only: no \\d, no lookaround]"]
      : [])
  ]
  return [...shown, ...notes].join("\n")
})
