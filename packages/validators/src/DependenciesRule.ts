/**
 * The rule `RULE-DEPENDENCIES`: what a change does to what is installed, from the manifests (`package.json`) and lock files (npm,
 * pnpm, yarn) of base and head, as git's objects have them. Nothing is installed for it, and no registry is asked.
 *
 * Another dependency is no problem; one of {@link kinds} is. What is meant so is allowed by its kind.
 */
import * as Git from "@millwright/core/Git"
import type * as Verdict from "@millwright/core/Verdict"
import * as Effect from "effect/Effect"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Result from "effect/Result"
import * as CheckRun from "./internal/CheckRun.ts"
import * as KnownNames from "./internal/KnownNames.ts"
import * as LockEntries from "./internal/LockEntries.ts"
import * as Manifest from "./internal/Manifest.ts"
import * as PlainText from "./internal/PlainText.ts"
import type * as Rule from "./Rule.ts"

/** What is found, by the name that it has as the rule of a problem. */
export const kinds = {
  "lock-alone": "a lock file changed, and no manifest that it is of",
  "manifest-alone": "dependencies changed, and not the lock file that is there",
  "install-script": "a script that installers run by themselves was added or changed",
  "dependency-script": "a package that is new in the lock file runs a script when it is installed",
  "installer-settings": "a file that tells an installer what to fetch, where, and what to run changed",
  "not-a-registry": "a dependency comes from git, an address or a file",
  "other-name": "a package is installed under the name of another one",
  "other-host": "a package is fetched from a host that none was fetched from",
  "other-content": "a version that was locked has other content",
  "no-digest": "a package that is new in the lock file has no digest",
  "wider-range": "a range lets in more than before",
  "installed-files":
    "what an installer puts there is in the commit: a program in it runs in the place of the installed one",
  "name-like-another": "a new dependency has nearly the name of a package that everybody knows"
} as const

/** The name of what is found. */
export type Kind = keyof typeof kinds

/** What is left out. */
export interface Options {
  /** Kinds that are no problem here. */
  readonly allow?: ReadonlyArray<Kind>
  /** Folders whose manifests nobody installs, such as fixtures. Paths of the repository. */
  readonly ignore?: ReadonlyArray<string>
}

const settingsOf = new Set([".npmrc", ".yarnrc", ".yarnrc.yml", ".pnpmfile.cjs", ".pnpmfile.mjs"])

/** A file is no larger, in bytes. */
const largest = 32 * 1024 ** 2

type Content = Result.Result<string | undefined, string>

interface Side {
  readonly paths: ReadonlySet<string>
  /** With links and submodules. */
  readonly all: ReadonlySet<string>
  readonly read: (path: string) => Effect.Effect<Content, Git.GitError, ChildProcessSpawner>
}

const side = Effect.fnUntraced(function* (repository: string, commit: string) {
  const { entries } = yield* Git.tree(repository, commit)
  const objects = new Map(
    entries.filter(({ mode }) => mode.startsWith("100")).map((entry) => [entry.path, entry.object])
  )
  const read: Side["read"] = (path) => {
    const object = objects.get(path)
    if (object === undefined) return Effect.succeed(Result.succeed(undefined))
    return Effect.map(Git.content(repository, { object, maxBytes: largest }), ({ bytes, size }) =>
      size > largest
        ? Result.fail(`it has more than ${largest} bytes`)
        : Result.succeed(new TextDecoder().decode(bytes))
    )
  }
  return { paths: new Set(objects.keys()), all: new Set(entries.map(({ path }) => path)), read } satisfies Side
})

const folderOf = (path: string) => path.slice(0, path.lastIndexOf("/") + 1)
const nameOf = (path: string) => path.slice(path.lastIndexOf("/") + 1)

/** Collects what is found. */
interface Found {
  readonly problems: Array<Verdict.Problem>
  readonly said: Array<string>
  readonly unreadable: Array<string>
}

/** Adds to what was found of one path. */
const adder =
  ({ problems }: Found, path: string) =>
  (kind: Kind, what: string): void =>
    void problems.push({ rule: kind, message: PlainText.line(`${what}: ${kinds[kind]}`, 500), path, line: null })

const key = ({ kind, name }: Manifest.Asked) => `${kind} ${name}`

/** What a manifest asks for otherwise. Answers whether anything that is installed is. */
const compareManifests = (
  path: string,
  [before, after]: readonly [Manifest.Manifest, Manifest.Manifest],
  found: Found
) => {
  const add = adder(found, path)
  const old = new Map(before.asked.map((asked) => [key(asked), asked.spec]))
  const oldNames = new Set(before.asked.map(({ name }) => name))
  const changed = after.asked.filter((asked) => old.get(key(asked)) !== asked.spec)
  const now = new Set(after.asked.map(key))
  const removed = before.asked.filter((asked) => !now.has(key(asked)))
  for (const asked of changed) {
    const { kind, name, spec } = asked
    const previous = old.get(key(asked))
    const what = `${kind} ${name} ${JSON.stringify(spec)}`
    found.said.push(`${path}: ${what}${previous === undefined ? "" : `, was ${JSON.stringify(previous)}`}`)
    if (Manifest.isElsewhere(spec)) add("not-a-registry", what)
    const alias = Manifest.aliased(spec)
    if (
      alias !== undefined &&
      alias !==
        name
          .split(" > ")
          .at(-1)
          ?.replace(/(?<=.)@.*$/, "")
    ) {
      add("other-name", what)
    }
    const [from, to] = [previous === undefined ? undefined : Manifest.width(previous), Manifest.width(spec)]
    if (from !== undefined && to !== undefined && to > from) {
      add("wider-range", `${what}, was ${JSON.stringify(previous)}`)
    }
    const like = oldNames.has(name) || Manifest.isRedirection(asked) ? undefined : KnownNames.like(name)
    if (like !== undefined) add("name-like-another", `${what}, like ${like}`)
  }
  for (const asked of removed) found.said.push(`${path}: ${asked.kind} ${asked.name} is gone`)
  for (const [name, run] of Object.entries(after.scripts)) {
    if (before.scripts[name] !== run) add("install-script", `${name} ${JSON.stringify(run)}`)
  }
  return [...changed, ...removed].some(({ kind }) => kind !== "peerDependencies")
}

const compareLocks = (
  path: string,
  [before, after]: readonly [ReadonlyArray<LockEntries.LockEntry>, ReadonlyArray<LockEntries.LockEntry>],
  found: Found
) => {
  const add = adder(found, path)
  const old = new Map(before.map((entry) => [entry.id, entry]))
  const hosts = new Set(before.map(LockEntries.sourceOf))
  let added = 0
  for (const entry of after) {
    const { hasInstallScript, id, integrity } = entry
    const previous = old.get(id)
    const source = LockEntries.sourceOf(entry)
    if (previous === undefined) added++
    if (previous?.integrity !== undefined && integrity !== previous.integrity) add("other-content", id)
    if (hasInstallScript && previous?.hasInstallScript !== true) add("dependency-script", id)
    const isNewSource = source !== undefined && (previous === undefined || LockEntries.sourceOf(previous) !== source)
    if (isNewSource && before.length > 0 && !hosts.has(source)) add("other-host", `${id} from ${source}`)
    if (isNewSource && !LockEntries.isHost(source)) add("not-a-registry", `${id} from ${source}`)
    if (previous === undefined && integrity === undefined && before.some((one) => one.integrity !== undefined)) {
      add("no-digest", id)
    }
  }
  found.said.push(`${path}: ${added} packages are new, of ${after.length}`)
}

/** Reads a path on both sides with one reader. */
const both = Effect.fnUntraced(function* <A>(
  path: string,
  { base, found, head }: { readonly base: Side; readonly head: Side; readonly found: Found },
  parse: (text: string | undefined) => Result.Result<A, string>
) {
  const read = (at: Side) => Effect.map(at.read(path), Result.flatMap(parse))
  const [before, after] = [yield* read(base), yield* read(head)]
  if (Result.isSuccess(after)) {
    // What the base has wrong, the change did not break.
    return [Result.getOrElse(before, () => undefined), after.success] as const
  }
  found.unreadable.push(`${path} can not be read: ${PlainText.line(after.failure)}`)
  return undefined
})

const isInstalled = (path: string) => /(?:^|\/)node_modules\//i.test(path)

const look = Effect.fnUntraced(function* ({ change, repository }: Rule.Context, ignore: ReadonlyArray<string>) {
  const [base, head] = [yield* side(repository, change.base), yield* side(repository, change.head)]
  const isIgnored = (path: string) => ignore.some((folder) => path.startsWith(`${folder.replace(/\/$/, "")}/`))
  const isLookedAt = (path: string) => !isInstalled(path) && !isIgnored(path)
  const files = (yield* Git.diff(repository, change.base, change.head)).flatMap(({ path, previousPath }) =>
    previousPath === undefined ? [path] : [path, previousPath]
  )
  const paths = [...new Set(files)].filter(isLookedAt).sort()
  const found: Found = { problems: [], said: [], unreadable: [] }
  const sides = { base, head, found }
  for (const path of files.filter((path) => isInstalled(path) && !isIgnored(path) && head.all.has(path)).sort()) {
    found.said.push(`${path} changed`)
    adder(found, path)("installed-files", nameOf(path))
  }
  const asking: Array<string> = []
  for (const path of paths.filter((path) => nameOf(path) === "package.json")) {
    const read = yield* both(path, sides, (text) =>
      text === undefined ? Result.succeed(Manifest.none) : Manifest.parse(text)
    )
    if (read !== undefined && compareManifests(path, [read[0] ?? Manifest.none, read[1]], found)) asking.push(path)
  }
  for (const path of paths.filter((path) => settingsOf.has(nameOf(path)))) {
    found.said.push(`${path} changed`)
    adder(found, path)("installer-settings", nameOf(path))
  }
  const isLock = (path: string) => LockEntries.names.includes(nameOf(path))
  const locks = paths.filter(isLock)
  for (const path of locks) {
    const read = yield* both(path, sides, (text) =>
      text === undefined ? Result.succeed([]) : LockEntries.parse(nameOf(path), text)
    )
    if (read !== undefined) compareLocks(path, [read[0] ?? [], read[1]], found)
    const settings = [`${folderOf(path)}pnpm-workspace.yaml`, `${folderOf(path)}.npmrc`, `${folderOf(path)}.yarnrc.yml`]
    const isAsked = [...asking, ...paths.filter((other) => settings.includes(other))].some((other) =>
      other.startsWith(folderOf(path))
    )
    if (!isAsked && base.paths.has(path) && head.paths.has(path)) adder(found, path)("lock-alone", nameOf(path))
  }
  const standing = [...head.paths].filter((path) => isLock(path) && isLookedAt(path))
  for (const path of asking.filter((path) => head.paths.has(path))) {
    const above = standing.filter((lock) => folderOf(path).startsWith(folderOf(lock)))
    if (above.length > 0 && !above.some((lock) => locks.includes(lock)))
      adder(found, path)("manifest-alone", above.join(", "))
  }
  return found
})

/** Makes the rule. */
export const make = ({ allow = [], ignore = [] }: Options = {}): Rule.Rule<ChildProcessSpawner> => ({
  id: "RULE-DEPENDENCIES",
  statement: "What is installed changes as its manifests say, and in no way that hides something.",
  judge: Effect.fnUntraced(function* (context) {
    const looked = yield* Effect.result(look(context, ignore))
    if (Result.isFailure(looked)) {
      return { status: "error", reason: looked.failure.message, evidence: [] } satisfies Rule.Judgement
    }
    const { problems, said, unreadable } = looked.success
    const allowed = new Set<string>(allow)
    const against = problems.filter(({ rule }) => !allowed.has(rule))
    const content = [...said, ...unreadable, ...problems.map(({ message, path }) => `${path}: ${message}`)].join("\n")
    const summary =
      said.length === 0 ? "no manifest and no lock file changed" : `${said.length} changes of manifests and lock files`
    const evidence = [CheckRun.evidence(Buffer.from(content), { summary, excerpt: PlainText.harmless(content) })]
    return {
      status: unreadable.length > 0 ? "error" : against.length > 0 ? "fail" : "pass",
      reason: [summary, ...unreadable, ...(against.length === 0 ? [] : [`${against.length} problems`])].join("; "),
      evidence,
      problems: CheckRun.listed(against)
    } satisfies Rule.Judgement
  })
})
