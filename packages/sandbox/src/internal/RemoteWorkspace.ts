/** The workspace and the companions of a sandbox on another machine: locked here, made there. */
import * as Digest from "@millwright/core/Digest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import { SandboxError } from "../Sandbox.ts"
import type { Companion, SandboxSpec, Snapshot } from "../SandboxSpec.ts"
import * as WorkspaceLock from "../WorkspaceLock.ts"
import type { HostFiles } from "./HostFiles.ts"
import type { Inside } from "./InsideCall.ts"
import * as OwnFolder from "./OwnFolder.ts"
import * as RemoteCheckout from "./RemoteCheckout.ts"
import * as Repository from "./Repository.ts"
import * as SnapshotStore from "./SnapshotStore.ts"

/** What is open there. */
export interface Opened extends Omit<RemoteCheckout.Part, "directory"> {
  readonly directory: string
  readonly directories: Readonly<Record<string, string>>
}

/** A workspace that was found here, and is neither locked nor made. */
export interface Place {
  readonly key: string
  /** Takes the locks of all its parts. */
  readonly lock: Effect.Effect<void, SandboxError, Scope.Scope>
  /** Makes or finds it in a folder there. */
  readonly prepare: (inside: Inside, folder: string) => Effect.Effect<Opened, SandboxError, Scope.Scope>
}

type Prepare = (inside: Inside, folder: string) => Effect.Effect<RemoteCheckout.Part, SandboxError, Scope.Scope>

interface Found {
  readonly lock: string
  readonly prepare: Prepare
}

/** What can be done with them. */
export const make = (host: HostFiles, sandbox: string) => {
  const { fs, path, read, remove, rename, write } = host
  const snapshots = SnapshotStore.make(host)

  /** A word that this folder alone has. It is written once, and its text is what tells the keys of two machines apart. */
  const wordOf = Effect.fnUntraced(function* (folder: string) {
    const file = path.join(folder, "word")
    // Whoever is interrupted or killed leaves it whole or not at all; an empty one was left by who wrote it in place.
    const mine = `${file}~${randomUUID()}`
    const made = Effect.gen(function* () {
      yield* write(mine, randomUUID())
      yield* Effect.ignore(fs.link(mine, file))
      if ((yield* read(file)) === "") yield* rename(mine, file)
    })
    if (((yield* read(file)) ?? "") === "") {
      yield* made.pipe(Effect.ensuring(Effect.ignore(remove(mine))), Effect.ignore, Effect.uninterruptible)
    }
    const word = yield* read(file)
    if (word !== undefined && word !== "") return Digest.short(Digest.of(word))
    return yield* new SandboxError({
      reason: "SetupFailed",
      message: `${file} can not be written or read. Mend the rights of its folder.`
    })
  })

  const findRepository = Repository.finder(host)
  const repository = Effect.fnUntraced(function* (asked: string) {
    const found = yield* findRepository(asked)
    const own = yield* OwnFolder.make(host, found, ["locks", "snapshots", "origins"])
    return { found, own }
  })

  const checkout = Effect.fnUntraced(function* (name: string, spec: Companion) {
    const { found, own } = yield* repository(spec.repository)
    const prepare: Prepare = (inside, folder) =>
      RemoteCheckout.prepare(host, { inside, folder, repository: found, own, name, spec, sandbox, snapshots })
    return { lock: path.join(own, "locks", name), own, prepare }
  })

  const empty = Effect.fnUntraced(function* (id: string, from: Snapshot | undefined) {
    const state = yield* OwnFolder.state(host)
    const kept = path.join(state, "snapshots")
    const prepare: Prepare = Effect.fnUntraced(function* (inside, folder) {
      const directory = `${folder}/workspace`
      const run = (doing: string, text: string) =>
        RemoteCheckout.script(inside, { directory: "/", doing: `${doing} ${directory}`, text, args: [folder] })
      const isNew = (yield* run("Looking at", '[ -e "$1/ready" ] || echo new')) === "new"
      let isFinished = !isNew
      yield* Effect.addFinalizer(() =>
        Effect.suspend(() => (isFinished ? Effect.void : Effect.ignore(RemoteCheckout.remove(inside, folder))))
      )
      if (isNew) {
        yield* run("Making", 'rm -rf -- "$1" && mkdir -p -- "$1/workspace"')
        if (from !== undefined) {
          yield* snapshots.restore(inside, { folder: kept, snapshot: from, sandbox, directory })
        }
      }
      return {
        directory,
        isNew,
        finish: Effect.map(isFinished ? Effect.succeed("") : run("Finishing", ': > "$1/ready"'), () => {
          isFinished = true
        }),
        deliver: Effect.void,
        snapshot: snapshots.save(inside, { folder: kept, sandbox, directory, isGit: false })
      }
    })
    return { lock: path.join(state, "locks", `remote-${sandbox}-${id}`), own: state, prepare }
  })

  const main = ({ id, workspace }: Pick<SandboxSpec, "id" | "workspace">) => {
    if (workspace._tag === "Checkout") return checkout(id, workspace)
    if (workspace._tag === "Empty") return empty(id, workspace.from)
    return Effect.fail(
      new SandboxError({
        reason: "Unsupported",
        message: `The folder ${workspace.path} is on this machine, and ${sandbox} works on another. Give a repository.`
      })
    )
  }

  /** Finds it. */
  const find = Effect.fnUntraced(function* (spec: Pick<SandboxSpec, "id" | "workspace" | "companions">) {
    const first = yield* main(spec)
    const key = `${spec.id}-${yield* wordOf(first.own)}`
    const companions = yield* Effect.forEach(Object.entries(spec.companions ?? {}), ([name, companion]) =>
      Effect.map(checkout(`${spec.id}+${name}+${Digest.short(Digest.of(first.lock))}`, companion), (found) => ({
        ...found,
        name
      }))
    )
    const lock = Effect.forEach(
      [first, ...companions].map(({ lock }: Found) => lock).sort(),
      (file) =>
        WorkspaceLock.take(
          file,
          `The workspace ${spec.id} or a companion of it is open, in this process or another. Wait until it is closed, or use another id.`
        ),
      { discard: true }
    )
    const prepare: Place["prepare"] = Effect.fnUntraced(function* (inside, folder) {
      const part = yield* first.prepare(inside, `${folder}/main`)
      const others = yield* Effect.forEach(companions, ({ name, prepare }) =>
        Effect.map(prepare(inside, `${folder}/with/${name}`), (part) => ({ name, part }))
      )
      const parts = [part, ...others.map(({ part }) => part)]
      /** Does it for all, also when one fails; fails with the first error. */
      const each = (run: (one: RemoteCheckout.Part) => Effect.Effect<void, SandboxError>) =>
        Effect.flatMap(
          Effect.forEach(parts, (one) => Effect.exit(run(one)), { concurrency: "unbounded" }),
          (exits) => Effect.forEach(exits, (exit) => exit, { discard: true })
        )
      return {
        directory: part.directory,
        directories: Object.fromEntries(others.map(({ name, part }) => [name, part.directory])),
        isNew: part.isNew,
        finish: each(({ finish }) => finish),
        deliver: each(({ deliver }) => deliver),
        snapshot: part.snapshot
      }
    })
    return { key, lock, prepare } satisfies Place
  })

  return { find }
}
