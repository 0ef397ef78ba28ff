/** The tool `grep`: searches what git tracks and what it does not ignore. */
import * as Effect from "effect/Effect"
import * as ChildProcess from "effect/process/ChildProcess"
import * as Schema from "effect/Schema"
import * as Output from "./Output.ts"
import * as Process from "./Process.ts"
import * as Target from "./Target.ts"
import * as ToolFailure from "./ToolFailure.ts"

/** What the model is told about it. */
export const description = [
  "Searches the text files of the workspace with a Perl-compatible regular expression, line by line, and answers with",
  "path:line:text. Ignored and binary files are left out. At most 200 lines come back: narrow the pattern or the path",
  "when there are more. To find a file by its name, use bash with `git ls-files`."
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

const maxLines = 200
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
  return render(found, flavour)
})

const render = ({ end, output }: Process.Finished, flavour: Flavour): string => {
  const lines = output.text().split("\n")
  const last = lines.pop() ?? ""
  // The part of a line that did not fit is no match to show; but a line longer than everything that fits is.
  const whole = end._tag === "Exited" || lines.length === 0 ? [...lines, last].filter((line) => line !== "") : lines
  const shown = whole.slice(0, maxLines).map((line) => {
    const text = Output.clean(line)
    return text.length > longestLine ? `${text.slice(0, longestLine)}… [line cut]` : text
  })
  const notes = [
    shown.length === 0 ? "[no line matches]" : `[${shown.length} ${shown.length === 1 ? "line" : "lines"}]`,
    ...(whole.length > maxLines || end._tag !== "Exited" ? ["[there are more: narrow the pattern or the path]"] : []),
    ...(flavour === "--extended-regexp"
      ? ["[this git knows POSIX extended regular expressions only: no \\d, no lookaround]"]
      : [])
  ]
  return Output.bounded([...shown, ...notes].join("\n"), { head: Output.limit - 1_000, tail: 500 })
}
