/**
 * The handover validator: judges what git's objects decide alone, at the head of the change. No program runs but git, and nothing in
 * the working tree has a say.
 *
 * - `Changed`: so many files, of those that its globs match, have another content than before. A new name, a new mode and an empty
 *   file are no change of content.
 * - `File`: the file is there, is a plain one, and is what its rule says.
 * - `RULE-CONTRACT`, where the contract has a `base`, or files of it are named: the contract was frozen before the work began, and the
 *   change leaves those files alone. Whoever wants another contract asks a human for an amendment.
 */
import * as Change from "@millwright/core/Change"
import type * as Contract from "@millwright/core/Contract"
import * as Git from "@millwright/core/Git"
import * as Tainted from "@millwright/core/Tainted"
import * as Validator from "@millwright/core/Validator"
import * as Verdict from "@millwright/core/Verdict"
import * as Effect from "effect/Effect"
import * as Glob from "effect/Glob"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Result from "effect/Result"
import * as FileRules from "../internal/FileRules.ts"
import * as KeptEvidence from "../internal/KeptEvidence.ts"

/** Where the change is, and what of the repository is the contract. */
export interface Options {
  /** A folder of the repository. */
  readonly dir: string
  /** Where contracts are kept in the repository, as globs from its root: no change may touch them, in whatever case they are written. */
  readonly contracts?: ReadonlyArray<string>
}

/** The rule that the contract was there before the work, and stays what it was. */
export const rule = "RULE-CONTRACT"

/** Judges the assertions that git alone decides. The others are `blocked` here. */
export const make = (options: Options): Validator.Validator<ChildProcessSpawner> =>
  Validator.make({
    name: "handover",
    findings: ({ change, contract }) =>
      Effect.gen(function* () {
        const files = yield* Git.diff(options.dir, change.base, change.head)
        const findings = yield* Effect.forEach(contract.assertions, ({ check, id }) => {
          if (check?._tag === "Changed") return Effect.succeed([changed(id, check, files)])
          if (check?._tag === "File") return Effect.map(file(options.dir, change.head, { id, check }), (one) => [one])
          return Effect.succeed([])
        })
        const all = [...findings.flat(), ...(yield* frozen(options, { change, contract, files }))]
        return yield* Effect.forEach(all, KeptEvidence.keep)
      }).pipe(
        Effect.mapError(
          (cause) =>
            new Validator.ValidatorError({
              reason: "SubjectUnavailable",
              message: `The change ${change.branch} can not be read. ${cause.message}`,
              cause
            })
        )
      )
  })

type CheckOf<Tag extends Contract.Check["_tag"]> = Extract<Contract.Check, { readonly _tag: Tag }>

const shown = 4_000

const visible = (text: string): string => text.replaceAll("\r\n", "\n").replace(Tainted.hidden, "\ufffd")

/** A finding that stands on what git says. */
const told = (finding: Omit<Verdict.Finding, "evidence">, summary: string, content: string): KeptEvidence.Judged => ({
  finding: {
    ...finding,
    evidence: [
      Verdict.evidence({ kind: "artifact", summary, content, excerpt: visible(content).slice(0, shown).toWellFormed() })
    ]
  },
  contents: [content]
})

const hasOtherContent = ({ additions, deletions }: Change.FileChange): boolean =>
  additions === null || additions + (deletions ?? 0) > 0

const changed = (
  assertion: string,
  { least, paths }: CheckOf<"Changed">,
  files: ReadonlyArray<Change.FileChange>
): KeptEvidence.Judged => {
  const globs = paths.map((path) => Glob.make(path, { dot: true }))
  const matching = files.filter((file) =>
    Change.paths(file).some((path) => globs.some((glob) => Glob.match(glob, path)))
  )
  const counted = matching.filter(hasOtherContent)
  const lines = matching.map(({ additions, deletions, path, status }) =>
    additions === null ? `${status} ${path} (binary)` : `${status} ${path} (+${additions} -${deletions ?? 0})`
  )
  const among = paths.map((path) => `\`${path}\``).join(", ")
  const reason = `the change alters the content of ${counted.length} files of ${among}, and at least ${least} have to be`
  return told(
    { assertion, status: counted.length >= least ? "pass" : "fail", reason },
    `what git says of ${among}`,
    lines.length === 0 ? "nothing changed" : lines.join("\n")
  )
}

const file = Effect.fnUntraced(function* (
  dir: string,
  head: string,
  { check: { is, path }, id }: { readonly id: string; readonly check: CheckOf<"File"> }
) {
  const judged = (
    status: Verdict.Status,
    reason: string,
    more: Partial<Verdict.Finding> = {}
  ): KeptEvidence.Judged => ({ finding: { assertion: id, status, reason, evidence: [], ...more }, contents: [] })
  const { entries, truncated } = yield* Git.tree(dir, head)
  const entry = entries.find((each) => each.path === path)
  const problem = (rule: string, message: string) => ({ problems: [{ rule, message, path, line: null }] })
  if (entry === undefined) {
    return truncated
      ? judged("error", `the repository has more paths than are read, and ${path} is not among the first`)
      : judged("fail", `there is no file ${path} at the head of the change`, problem("file-missing", "It is not there"))
  }
  if (!entry.mode.startsWith("100")) {
    const what = entry.mode === "120000" ? "a symbolic link" : "a submodule"
    return judged("fail", `${path} is ${what}, and no file`, problem("file-not-plain", `It is ${what}`))
  }
  const content = yield* Git.content(dir, { object: entry.object, maxBytes: FileRules.maxBytes })
  const excerpt = visible(Buffer.from(content.bytes.subarray(0, shown)).toString("utf8"))
  const whole = content.size === content.bytes.byteLength ? `the content of ${path}` : `the beginning of ${path}`
  const evidence = [Verdict.evidence({ kind: "artifact", summary: whole, content: content.bytes, excerpt })]
  const ruled = Result.match(FileRules.wrong(is, content), {
    onFailure: (why) => judged("error", `${path} can not be judged: ${why}`, { evidence }),
    onSuccess: (wrong) =>
      wrong.length === 0
        ? judged("pass", `${path} is what it has to be`, { evidence })
        : judged("fail", `${path} is not what it has to be: ${wrong.map(({ message }) => message).join("; ")}`, {
            evidence,
            problems: wrong.map((each) => ({ ...each, path }))
          })
  })
  return { ...ruled, contents: [content.bytes] }
})

interface Standing extends Validator.Subject {
  readonly files: ReadonlyArray<Change.FileChange>
}

const frozen = Effect.fnUntraced(function* (
  { contracts = [], dir }: Options,
  { change, contract, files }: Standing
): Effect.fn.Return<ReadonlyArray<KeptEvidence.Judged>, Git.GitError, ChildProcessSpawner> {
  if (contract.base === undefined && contracts.length === 0) return []
  // What a disk that is not exact about case would take for it, too.
  const globs = contracts.map((glob) => Glob.make(glob.toLowerCase(), { dot: true }))
  const touched = files
    .flatMap(Change.paths)
    .filter((path) => globs.some((glob) => Glob.match(glob, path.toLowerCase())))
  const late = contract.base === undefined ? undefined : yield* lateness(dir, contract.base, change)
  const lines = [
    ...(contract.base === undefined ? [] : [`frozen at ${contract.base}`]),
    `the work begins at ${change.base} and ends at ${change.head}`,
    touched.length === 0 ? "it touches no contract" : `it touches ${touched.join(", ")}`
  ]
  const named = touched.slice(0, 5).join(", ")
  const reasons = [
    ...(late === undefined ? [] : [late.reason]),
    ...(touched.length === 0
      ? []
      : [`the change touches the contract (${named}), which only a human amends. Leave it alone, and ask`])
  ]
  const finding = {
    assertion: rule,
    status: touched.length > 0 ? "fail" : (late?.status ?? "pass"),
    reason: reasons.join("; ") || "the contract was frozen before the work began, and the change leaves it alone",
    ...(touched.length > 0 && {
      problems: touched.map((path) => ({
        rule: "contract-touched",
        message: "The change touches it",
        path,
        line: null
      }))
    })
  }
  return [told(finding, "what git says of the contract", lines.join("\n"))]
})

/** Why a contract was not frozen before the work, if so. */
const lateness = Effect.fnUntraced(function* (
  dir: string,
  base: string,
  change: Change.Change
): Effect.fn.Return<
  { readonly status: Verdict.Status; readonly reason: string } | undefined,
  Git.GitError,
  ChildProcessSpawner
> {
  const known = yield* Effect.catch(Effect.as(Git.resolve(dir, base), true), (error) =>
    error.reason === "UnknownRevision" ? Effect.succeed(false) : Effect.fail(error)
  )
  const short = base.slice(0, 12)
  if (!known) {
    return {
      status: "error",
      reason: `the repository has no commit ${short}, which the contract was frozen at. Fetch all of its history`
    }
  }
  if (!(yield* isAncestor(dir, base, change.head))) {
    return {
      status: "fail",
      reason: `the change does not descend from ${short}, which the contract was frozen at. Base it on that`
    }
  }
  return (yield* isAncestor(dir, base, change.base))
    ? undefined
    : {
        status: "fail",
        reason: `the contract was frozen at ${short}, which is a commit of the work itself. Freeze it before the work`
      }
})

const isAncestor = (dir: string, commit: string, of: string) =>
  Effect.map(Git.log(dir, { base: of, head: commit, limit: 1 }), (missing) => missing.length === 0)
