/**
 * A forge that needs no server: issues are Markdown files, branches are the repository's, comments and pull requests are
 * facts in the journal. It does not merge; a person does, with git.
 */
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type * as PlatformError from "effect/PlatformError"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import type * as FactoryEvent from "../FactoryEvent.ts"
import * as Forge from "../Forge.ts"
import * as Git from "../Git.ts"
import * as Journal from "../Journal.ts"
import type * as PullRequest from "../PullRequest.ts"
import * as WorkItem from "../WorkItem.ts"

/** Where the forge's branches are, and against which folder references to issues are read. */
export interface Options {
  /** The path of a git repository, or of a folder inside one. */
  readonly repository: string
  /**
   * The folder whose Markdown files are the open issues, from the repository's folder on. An issue is closed by moving its
   * file away; one whose text is changed is another one. Default: none, and the forge can not say what is open.
   */
  readonly issues?: string
}

/** The forge of one repository. References to issues are paths, from the repository's folder on. */
export const layer = ({
  issues,
  repository
}: Options): Layer.Layer<
  Forge.Forge,
  never,
  Journal.Journal | ChildProcessSpawner | FileSystem.FileSystem | Path.Path
> =>
  Layer.effect(
    Forge.Forge,
    Effect.gen(function* () {
      const journal = yield* Journal.Journal
      const paths = yield* Path.Path
      const files = yield* FileSystem.FileSystem
      const spawner = yield* ChildProcessSpawner
      const dir = paths.resolve(repository)

      const record = (fact: FactoryEvent.Fact, key: string) =>
        Journal.record(fact, key).pipe(Effect.provideService(Journal.Journal, journal), Effect.mapError(journalFailed))

      const state = Stream.runFold(journal.read(), empty, see).pipe(Effect.mapError(journalFailed))

      const checkBranches = Effect.fnUntraced(
        function* ({ change, into }: Forge.Delivery) {
          const [head, target] = yield* Effect.all([Git.branchHead(dir, change.branch), Git.branchHead(dir, into)])
          if (Option.isNone(head))
            return yield* refused(
              `There is no branch ${change.branch} in ${dir}. Commit the change before it is delivered.`
            )
          if (head.value !== change.head) {
            return yield* refused(
              `The branch ${change.branch} in ${dir} stands on ${head.value}, and the change says ${change.head}. ` +
                "Somebody moved it; read the change again and judge it again."
            )
          }
          if (Option.isNone(target))
            return yield* refused(`There is no branch ${into} in ${dir} to merge into. Name one that exists.`)
        },
        Effect.provideService(ChildProcessSpawner, spawner),
        Effect.catchTag("GitError", gitFailed)
      )

      const open = (delivery: Forge.Delivery): Effect.Effect<PullRequest.PullRequest, Forge.ForgeError> =>
        Effect.gen(function* () {
          const { last, pullRequests } = yield* state
          const { body, change, into, item, key, title } = delivery
          const standing = [...pullRequests.values()].find((each) => each.key === key)
          if (standing !== undefined) return standing
          yield* checkBranches(delivery)
          const id = String(last + 1)
          const pullRequest: PullRequest.PullRequest = {
            id,
            item: item.id,
            key,
            title,
            body,
            branch: change.branch,
            into,
            base: change.base,
            head: change.head,
            state: "open",
            view: Git.viewCommand(dir, change.base, change.branch)
          }
          const { fact } = yield* record({ _tag: "ChangeDelivered", pullRequest }, `LocalForge/pull/${id}`)
          if (fact._tag === "ChangeDelivered" && fact.pullRequest.key === key) return fact.pullRequest
          // Another delivery, perhaps of another process, took the number first. One more is taken each time.
          return yield* open(delivery)
        })

      const issue = Effect.fnUntraced(function* (reference: string) {
        const markdown = yield* readText(files, paths.resolve(dir, reference), reference)
        return yield* WorkItem.fromMarkdown(markdown, reference)
      })

      const openIn = (folder: string) =>
        Stream.fromIterableEffect(
          Effect.mapBoth(files.readDirectory(paths.resolve(dir, folder)), {
            onFailure: (cause) =>
              new Forge.ForgeError({
                reason: "NotFound",
                message: `The folder of issues ${folder} in ${dir} can not be read. Make it, or name another one.`,
                cause
              }),
            onSuccess: (names) => names.filter((name) => name.endsWith(".md")).toSorted()
          })
        ).pipe(
          Stream.mapEffect((name) =>
            issue(paths.join(folder, name)).pipe(
              Effect.map(Option.some),
              // One that went away since is closed, and one that is no work item is none. Any other can not be told.
              Effect.catchIf(
                (error) => error._tag === "WorkItemError" || error.reason === "NotFound",
                (error) =>
                  Effect.as(
                    Effect.logWarning(`${name} is not taken as an issue: ${error.message}`),
                    Option.none<WorkItem.WorkItem>()
                  )
              ),
              Effect.mapError((error) => (error._tag === "ForgeError" ? error : refused(error.message)))
            )
          ),
          Stream.flatMap(Option.match({ onNone: () => Stream.empty, onSome: Stream.succeed }))
        )

      return Forge.Forge.of({
        name: "local",
        supports: { comments: true, merge: false, open: issues !== undefined },
        issue,
        open:
          issues === undefined
            ? Stream.fail(refused("This forge has no folder of issues. Name it where the forge is made."))
            : openIn(issues),
        comment: (item, { body, key }) =>
          Effect.asVoid(record({ _tag: "Commented", item: item.id, body }, `LocalForge/comment/${item.id}/${key}`)),
        comments: (item) =>
          Effect.map(state, ({ comments }) => comments.flatMap((each) => (each.item === item.id ? [each.body] : []))),
        deliver: open,
        pullRequests: Effect.map(state, ({ pullRequests }) => [...pullRequests.values()]),
        changes: Stream.unwrap(Effect.map(state, ({ seq }) => journal.follow({ after: seq }))).pipe(
          Stream.flatMap(({ fact }) =>
            fact._tag === "ChangeDelivered" ? Stream.succeed(fact.pullRequest) : Stream.empty
          ),
          Stream.mapError((error) => (error instanceof Forge.ForgeError ? error : journalFailed(error)))
        )
      })
    })
  )

/** What the journal holds of the forge. Built anew for each question, so it may be filled in place. */
interface State {
  seq: number
  /** The highest number that a pull request has. */
  last: number
  readonly comments: Array<{ readonly item: string; readonly body: string }>
  readonly pullRequests: Map<string, PullRequest.PullRequest>
}

const empty = (): State => ({ seq: 0, last: 0, comments: [], pullRequests: new Map() })

const see = (state: State, { fact, seq }: FactoryEvent.FactoryEvent): State => {
  state.seq = seq
  if (fact._tag === "Commented") state.comments.push(fact)
  if (fact._tag === "ChangeDelivered") {
    const { pullRequest } = fact
    state.last = Math.max(state.last, Number.parseInt(pullRequest.id, 10) || 0)
    state.pullRequests.set(pullRequest.id, pullRequest)
  }
  return state
}

const refused = (message: string): Forge.ForgeError => new Forge.ForgeError({ reason: "Refused", message })

const journalFailed = (error: Journal.JournalError): Forge.ForgeError =>
  new Forge.ForgeError({
    reason: error.isRetryable ? "Unavailable" : "Refused",
    message: `The journal, which holds comments and pull requests: ${error.message}`,
    cause: error
  })

const gitFailed = (error: Git.GitError): Effect.Effect<never, Forge.ForgeError> =>
  Effect.fail(
    new Forge.ForgeError({
      reason: error.isRetryable ? "Unavailable" : "Refused",
      message: error.message,
      cause: error
    })
  )

/** More bytes than this are more code units than a work item may have. */
const maxBytes = WorkItem.maxBodyLength * 3

const readText = Effect.fnUntraced(function* (files: FileSystem.FileSystem, path: string, reference: string) {
  const notFound = (cause?: PlatformError.PlatformError) => {
    const denied = cause?.reason._tag === "PermissionDenied"
    return new Forge.ForgeError({
      reason: denied ? "Refused" : "NotFound",
      message: `${denied ? "May not read" : "There is no file"} ${reference} (looked for ${path}). Give the path of a Markdown file that you may read.`,
      ...(cause === undefined ? {} : { cause })
    })
  }
  const info = yield* Effect.mapError(files.stat(path), notFound)
  if (info.type !== "File") return yield* notFound()
  // One byte more than is taken: a file can grow, or have no size, as those of `/proc`.
  const chunks = yield* Stream.runCollect(files.stream(path, { bytesToRead: maxBytes + 1 })).pipe(
    Effect.mapError(notFound)
  )
  const bytes = Buffer.concat(chunks)
  if (Number(info.size) > maxBytes || bytes.length > maxBytes) {
    return yield* new WorkItem.WorkItemError({
      reason: "TooLarge",
      message: `The issue ${reference} has more than ${maxBytes / 1024} KiB. Put logs and dumps in files of the repository and name them in the issue.`
    })
  }
  return yield* Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
    catch: () =>
      new WorkItem.WorkItemError({
        reason: "NotText",
        message: `The issue ${reference} is not text in UTF-8. Save it as UTF-8.`
      })
  })
})
