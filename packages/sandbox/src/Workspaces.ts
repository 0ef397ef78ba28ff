/**
 * The folders that local sandboxes which isolate work in: made, found again after a crash, brought back, and removed. What a
 * workspace holds is never asked by git on the host once something has run in it: git runs inside.
 */
import * as Digest from "@millwright/core/Digest"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Path from "effect/Path"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Clone from "./internal/Clone.ts"
import * as Folders from "./internal/Folders.ts"
import * as HostFiles from "./internal/HostFiles.ts"
import type { Found } from "./internal/Part.ts"
import * as SnapshotStore from "./internal/SnapshotStore.ts"
import type { SandboxError } from "./Sandbox.ts"
import type { SandboxSpec, Snapshot } from "./SandboxSpec.ts"
import * as WorkspaceLock from "./WorkspaceLock.ts"

/** A folder that is put together when the sandbox opens: `lower` as it is, with what was changed in `upper`. */
export interface Overlay {
  readonly lower: string
  readonly upper: string
  /** An empty folder beside `upper`, for the kernel. */
  readonly work: string
  /** Where it is to be seen; a folder that is there. */
  readonly target: string
}

/** A workspace that is locked and ready to be entered. All paths are real paths of the host. */
export interface Prepared {
  /** Seen inside under the same path. */
  readonly directory: string
  /** The companions, by name. */
  readonly directories: Readonly<Record<string, string>>
  /** To be mounted before anything else, inside of the sandbox's own mount namespace. None when it was copied. */
  readonly overlays: ReadonlyArray<Overlay>
  /** What else has to be seen inside, read only: the objects of the repository. */
  readonly readable: ReadonlyArray<string>
  /** Absolute paths below the workspaces that commands may read but not write: what git would run on the host. */
  readonly protect: ReadonlyArray<string>
  /** Whether it was made just now. It stays new, and is made anew by the next opening, until `finish` was called. */
  readonly isNew: boolean
  /** Says that it is set up. Without it, what was made is removed when the scope closes. */
  readonly finish: Effect.Effect<void, SandboxError>
  /** Brings the workspace to its branch, with the git inside. Run once, before any command of the caller. */
  readonly settle: (inside: ChildProcessSpawner["Service"]) => Effect.Effect<void, SandboxError>
  /** Brings commits to the repository. What it finds in the workspace is data, and never run. */
  readonly deliver: (inside: ChildProcessSpawner["Service"]) => Effect.Effect<void, SandboxError>
  readonly snapshot: (inside: ChildProcessSpawner["Service"]) => Effect.Effect<Snapshot, SandboxError>
  /** Removes it, when everything in it has ended. */
  readonly remove: Effect.Effect<void, SandboxError>
}

/** What can be done with workspaces, with the services of the host. */
export interface Workspaces {
  /** Locks and makes or finds the workspace of a spec. With `overlay`, a checkout is put together and not copied. */
  readonly prepare: (
    spec: SandboxSpec,
    options: { readonly name: string; readonly overlay: boolean }
  ) => Effect.Effect<Prepared, SandboxError, Scope.Scope>
  /** Removes a workspace that nobody has open. */
  readonly discard: (spec: Pick<SandboxSpec, "id" | "workspace">) => Effect.Effect<void, SandboxError>
}

const Names = Schema.fromJsonString(Schema.Array(Schema.Struct({ repository: Schema.String, name: Schema.String })))

/** Makes them of the services of the host. */
export const make: Effect.Effect<Workspaces, never, FileSystem.FileSystem | Path.Path | ChildProcessSpawner> =
  Effect.gen(function* () {
    const host = yield* HostFiles.make
    const snapshots = SnapshotStore.make(host)
    const clones = Clone.make(host, snapshots)
    const folders = Folders.make(host, snapshots)
    const { path, read, replace } = host

    const find = (
      { id, setup = [], workspace }: Pick<SandboxSpec, "id" | "workspace" | "setup">,
      { name: sandbox, overlay }: { readonly name: string; readonly overlay: boolean }
    ): Effect.Effect<Found, SandboxError> => {
      if (workspace._tag === "Folder") return folders.folder(workspace.path, { sandbox, isNoted: setup.length > 0 })
      if (workspace._tag === "Empty") return folders.empty(id, { from: workspace.from, sandbox })
      return clones.find({ name: id, spec: workspace, sandbox, overlay })
    }

    /** Takes the locks of all, in the same order everywhere: of two that want the same, one gets them all. */
    const lock = (all: ReadonlyArray<Found>) =>
      Effect.forEach(
        [...all].sort((a, b) => (a.lock < b.lock ? -1 : 1)),
        ({ directory, lock }) =>
          WorkspaceLock.take(
            lock,
            `The workspace ${directory} is open, in this process or another. Wait until it is closed, or use another id.`
          ),
        { discard: true }
      )

    const companionsFile = ({ notes }: Found) => path.join(notes, "companions.json")
    const noted = (main: Found) =>
      Effect.flatMap(read(companionsFile(main)), (text) =>
        Effect.orElseSucceed(Schema.decodeUnknownEffect(Names)(text ?? "[]"), () => [])
      )

    const prepare: Workspaces["prepare"] = Effect.fnUntraced(function* (spec, options) {
      const { name: sandbox, overlay } = options
      const main = yield* find(spec, options)
      // The folder is named after the workspace that it belongs to: another one of the same id has another companion.
      const owner = Digest.short(Digest.of(main.directory))
      const wanted = Object.entries(spec.companions ?? {}).map(([key, companion]) => ({
        key,
        companion,
        name: `${spec.id}+${key}+${owner}`
      }))
      const companions = yield* Effect.forEach(wanted, ({ companion, name }) =>
        clones.find({ name, spec: companion, sandbox, overlay })
      )
      yield* lock([main, ...companions])
      const before = yield* noted(main)
      const part = yield* main.prepare
      if (wanted.length > 0) {
        const names = new Map(before.map((entry) => [entry.name, entry]))
        for (const { companion, name } of wanted) names.set(name, { name, repository: companion.repository })
        yield* host.makeFolder(main.notes)
        yield* replace(companionsFile(main), JSON.stringify([...names.values()]))
      }
      const others = yield* Effect.forEach(companions, (companion) => companion.prepare)
      const parts = [part, ...others]
      /** Does it for all, also when one fails; fails with the first error. */
      const each = (run: (one: typeof part) => Effect.Effect<void, SandboxError>) =>
        Effect.flatMap(
          // At once: none waits for another whose workspace holds git up.
          Effect.forEach(parts, (one) => Effect.exit(run(one)), { concurrency: "unbounded" }),
          (exits) => Effect.forEach(exits, (exit) => exit, { discard: true })
        )
      return {
        directory: part.directory,
        directories: Object.fromEntries(wanted.map(({ key }, index) => [key, others[index]?.directory ?? ""])),
        overlays: parts.flatMap(({ overlays }) => overlays),
        readable: [...new Set(parts.flatMap(({ readable }) => readable))],
        protect: parts.flatMap(({ protect }) => protect),
        isNew: part.isNew,
        finish: each(({ finish }) => finish),
        settle: (inside) => Effect.forEach(parts, (one) => one.settle(inside), { discard: true }),
        deliver: (inside) => each((one) => one.deliver(inside)),
        snapshot: part.snapshot,
        remove: Effect.forEach([...others, part], ({ remove }) => remove, { discard: true })
      }
    })

    const discard: Workspaces["discard"] = (spec) =>
      Effect.scoped(
        Effect.gen(function* () {
          const options = { name: "", overlay: false }
          const main = yield* find(spec, options)
          yield* lock([main])
          // A repository that is gone took its clones with it.
          const companions = yield* Effect.forEach(yield* noted(main), ({ name, repository }) =>
            Effect.option(
              clones.find({ sandbox: "", overlay: false, name, spec: { repository, base: "", branch: "" } })
            )
          )
          const there = companions.flatMap((found) => (found._tag === "Some" ? [found.value] : []))
          yield* lock(there)
          for (const { remove } of [...there, main]) yield* remove
        })
      )

    return { prepare, discard }
  })
