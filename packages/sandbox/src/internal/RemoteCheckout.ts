/**
 * A checkout on another machine: what it needs of the repository is sent as a pack, and what is committed there comes back as
 * `Deliver` takes it. It lies in a folder of its own, `workspace` in it is what commands see. It is made beside its place
 * and renamed, and is not taken for finished before there is a file `ready` in it.
 */
import * as Effect from "effect/Effect"
import * as ChildProcess from "effect/process/ChildProcess"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { minimumEnvironment } from "../CleanSpawner.ts"
import * as Origin from "./Origin.ts"
import { SandboxError } from "../Sandbox.ts"
import type { Companion, Snapshot } from "../SandboxSpec.ts"
import * as Deliver from "./Deliver.ts"
import type { HostFiles } from "./HostFiles.ts"
import * as InsideCall from "./InsideCall.ts"
import { isId, type Repository, resolve } from "./Repository.ts"
import * as Settle from "./Settle.ts"
import type { SnapshotStore } from "./SnapshotStore.ts"
import * as Start from "./Start.ts"

/** What a checkout is made of. */
export interface Options {
  readonly inside: InsideCall.Inside
  /** Its folder on the other machine. */
  readonly folder: string
  readonly repository: Repository
  /** Where what is noted about the repository's workspaces lies. */
  readonly own: string
  /** Names it among the checkouts of the repository. */
  readonly name: string
  readonly spec: Companion
  /** The name of the adapter. */
  readonly sandbox: string
  readonly snapshots: SnapshotStore
}

/** A workspace on another machine. */
export interface Part {
  readonly directory: string
  readonly isNew: boolean
  /** Says that it is set up. Without it, what was made is removed when the scope closes. */
  readonly finish: Effect.Effect<void, SandboxError>
  readonly deliver: Effect.Effect<void, SandboxError>
  readonly snapshot: Effect.Effect<Snapshot, SandboxError>
}

const patience = 1_800_000

const looking = `
[ -e "$1/ready" ] || { echo new; exit 0; }
git cat-file -e "$2^{commit}" 2> /dev/null && echo whole || echo lacking
git for-each-ref --count=20 --format="%(objectname)" refs/heads
exit 0
`

// Git's own variables would let `git init` write the folder's place into its configuration.
const making = `
set -e
folder=$1 branch=$2 commit=$3 format=$4 fill=$5 shallow=$6
rm -rf -- "$folder~" "$folder"
mkdir -p -- "$folder~/workspace"
cd -- "$folder~/workspace"
(unset GIT_DIR GIT_WORK_TREE; git init -q --template= --object-format="$format" .)
mkdir -p .git/info .git/hooks
echo /.millwright/ > .git/info/exclude
[ -z "$shallow" ] || printf %s "$shallow" > .git/shallow
git config gc.auto 0
git index-pack --stdin > /dev/null
git update-ref "refs/heads/$branch" "$commit"
git symbolic-ref HEAD "refs/heads/$branch"
[ -z "$fill" ] || git reset -q --hard
cd /
mv -- "$folder~" "$folder"
`

/** Runs a script of ours on the other machine, and fails when it does. */
export const script = Effect.fnUntraced(function* (
  inside: InsideCall.Inside,
  call: Pick<InsideCall.Call, "doing" | "directory" | "args" | "timeout"> & {
    readonly text: string
    readonly stdin?: InsideCall.Call["stdin"] | undefined
  }
) {
  const { args, stdin, text, ...rest } = call
  const { code, stderr, stdout } = yield* InsideCall.run(inside, {
    ...rest,
    command: "/bin/sh",
    args: ["-c", text, "sh", ...args],
    ...(stdin && { stdin })
  })
  if (code === 0) return stdout
  return yield* new SandboxError({
    reason: "SetupFailed",
    message: `${call.doing} failed there with exit code ${code}: ${stderr.slice(0, 2_000)}. It needs git 2.29 or newer, and room on the disk.`
  })
})

/** The objects of commits, without those that others reach, as a pack. */
const packOf = (host: HostFiles, { common }: Repository, revisions: ReadonlyArray<string>) =>
  Stream.unwrap(
    Effect.map(
      host.spawner.spawn(
        ChildProcess.make(
          "git",
          [`--git-dir=${common}`, "pack-objects", "--revs", "--thin", "--stdout", "--delta-base-offset", "-q"],
          {
            env: { ...minimumEnvironment(process.env), LC_ALL: "C" },
            stdin: Stream.make(new TextEncoder().encode(revisions.map((revision) => `${revision}\n`).join(""))),
            stderr: "ignore",
            forceKillAfter: 200
          }
        )
      ),
      (handle) => handle.stdout
    )
  )

/** Makes it, or finds it again and brings it to its branch. */
export const prepare = Effect.fnUntraced(function* (
  host: HostFiles,
  options: Options
): Effect.fn.Return<Part, SandboxError, Scope.Scope> {
  const { folder, inside, name, own, repository, sandbox, snapshots, spec } = options
  const { path } = host
  const directory = `${folder}/workspace`
  const call = { directory, doing: `Opening ${directory}` }
  let isFinished = false
  let isOurs = false
  let started: Start.Start | undefined
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      if (isFinished) return Effect.void
      const undo = started?.isMade === true ? Start.withdraw(host, repository, started) : Effect.void
      return isOurs ? Effect.andThen(Effect.ignore(remove(inside, folder)), undo) : undo
    })
  )
  // The branch is either not made, or known to the finalizer.
  const begun = yield* Effect.uninterruptible(
    Effect.tap(Start.make(host, repository, spec), (is) => Effect.sync(() => (started = is)))
  )
  const answer = yield* script(inside, { ...call, text: looking, args: [folder, begun.commit] })
  const [state, ...there] = answer.split("\n")
  const isNew = state === "new"
  const origin = yield* Origin.note(host, { own, name, ...begun, isNew })
  const { from } = spec
  if (isNew) {
    isOurs = true
    yield* script(inside, {
      directory: `${folder}~/workspace`,
      doing: `Making ${directory}`,
      text: making,
      args: [
        folder,
        spec.branch,
        begun.commit,
        repository.format,
        from === undefined ? "fill" : "",
        repository.shallow ?? ""
      ],
      stdin: packOf(host, repository, [begun.commit]),
      timeout: patience
    })
    if (from !== undefined) {
      yield* snapshots.restore(inside, { folder: path.join(own, "snapshots"), snapshot: from, sandbox, directory })
    }
  } else {
    isFinished = true
    if (state === "lacking") {
      const known = yield* Effect.filter(there.filter(isId), (id) =>
        Effect.map(resolve(host, repository, id), (found) => found !== undefined)
      )
      yield* script(inside, {
        ...call,
        text: "git index-pack --stdin --fix-thin > /dev/null",
        args: [],
        stdin: packOf(host, repository, [begun.commit, ...known.map((id) => `^${id}`)]),
        timeout: patience
      })
    }
  }
  const target = Settle.targetOf(directory, spec, begun)
  if (!isNew) yield* Settle.reused(inside, target)
  else if (from !== undefined) yield* Settle.restored(inside, { target, commit: from.commit ?? "" })
  const deliver = Deliver.make(host, {
    directory,
    repository,
    name,
    spec,
    origin,
    known: begun.commit
  })(inside)
  return {
    directory,
    isNew,
    finish: Effect.suspend(() => {
      if (isFinished) return Effect.void
      return Effect.map(
        script(inside, { ...call, text: ': > "$1/ready"', args: [folder] }),
        () => void (isFinished = true)
      )
    }),
    // What a set-up that failed has committed goes with it.
    deliver: Effect.suspend(() => (isFinished ? deliver : Effect.void)),
    snapshot: snapshots.save(inside, { folder: path.join(own, "snapshots"), sandbox, directory, isGit: true })
  }
})

/** Removes a folder on the other machine, also where commands took the rights to enter it away. */
export const remove = (inside: InsideCall.Inside, folder: string): Effect.Effect<void, SandboxError> =>
  Effect.asVoid(
    script(inside, {
      directory: "/",
      doing: `Removing ${folder}`,
      text: 'rm -rf -- "$1/ready" "$1" "$1~" 2> /dev/null || { chmod -R u+rwX -- "$1"; rm -rf -- "$1" "$1~"; }',
      args: [folder],
      timeout: patience
    })
  )
