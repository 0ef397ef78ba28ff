/**
 * A clone of a repository as a folder to work in: made, found again after a crash, and removed.
 *
 * It lives in `millwright/clones/<name>` of the repository's `.git`: `workspace` is what commands see, the rest are our notes. It is made
 * beside its place and renamed, and is not taken for finished before `finish` was called: until then the next opening makes
 * it anew. Whoever has the lock of the name may touch it, and nobody else.
 */
import * as Effect from "effect/Effect"
import { SandboxError } from "../Sandbox.ts"
import type { Companion } from "../SandboxSpec.ts"
import type { Overlay } from "../Workspaces.ts"
import * as Deliver from "./Deliver.ts"
import * as DotGit from "./DotGit.ts"
import type { HostFiles } from "./HostFiles.ts"
import * as Origin from "./Origin.ts"
import * as OwnFolder from "./OwnFolder.ts"
import type { Found, Part } from "./Part.ts"
import * as Repository from "./Repository.ts"
import * as Settle from "./Settle.ts"
import * as Skeleton from "./Skeleton.ts"
import type { SnapshotStore } from "./SnapshotStore.ts"
import * as Start from "./Start.ts"
import * as Template from "./Template.ts"

/** What a clone is made of. */
export interface Options {
  /** Of its folder. */
  readonly name: string
  readonly spec: Companion
  /** The name of the adapter. */
  readonly sandbox: string
  readonly overlay: boolean
}

interface Place {
  readonly name: string
  readonly repository: Repository.Repository
  /** The folder that all of it lies in. */
  readonly own: string
  readonly folder: string
  readonly directory: string
}

// The kernel takes these for the ends of a path when it is told what to mount.
const isMountable = (path: string): boolean => !/[,:\\"']/.test(path)

/** What can be done with clones. */
export const make = (host: HostFiles, snapshots: SnapshotStore) => {
  const { kind, list, makeFolder, path, program, read, remove, rename, replace, write } = host
  const copies = new Map<string, boolean>()
  const findRepository = Repository.finder(host)

  /** The commit of the template that a clone was put together of. */
  const templateOf = Effect.fnUntraced(function* (folder: string) {
    const file = path.join(folder, "template")
    yield* OwnFolder.check(host, [[file, "File"]])
    const commit = (yield* read(file))?.trim()
    if (commit === undefined || Repository.isId(commit)) return commit
    return yield* new SandboxError({
      reason: "SetupFailed",
      message: `${file} names no commit. Discard the workspace, after you have taken what you need from ${folder}.`
    })
  })
  const templates = Template.make(host, (own) =>
    Effect.gen(function* () {
      const clones = path.join(own, "clones")
      const needed = yield* Effect.forEach(yield* list(clones), (name) =>
        Effect.orElseSucceed(templateOf(path.join(clones, name)), () => undefined)
      )
      return new Set(needed.filter((commit) => commit !== undefined))
    })
  )

  /** Finds the repository, and makes the folders that locks and clones live in. */
  const locate = Effect.fnUntraced(function* (repository: string, name: string) {
    const found = yield* findRepository(repository)
    const own = yield* OwnFolder.make(host, found, ["clones", "locks", "templates", "snapshots", "origins"])
    const folder = path.join(own, "clones", name)
    const directory = path.join(folder, "workspace")
    yield* OwnFolder.check(host, [
      [path.join(own, "locks", name), "File"],
      [path.join(own, "locks", "+templates"), "File"],
      [path.join(own, "origins", name), "File"],
      [folder, "Directory"],
      [directory, "Directory"],
      ...["upper", "work"].map((part) => [path.join(folder, part), "Directory"] as const),
      [path.join(folder, "ready"), "File"]
    ])
    return { name, repository: found, own, folder, directory } satisfies Place
  })

  const overlayOf = (place: Place, commit: string): Overlay => ({
    lower: path.join(place.own, "templates", commit),
    upper: path.join(place.folder, "upper"),
    work: path.join(place.folder, "work"),
    target: place.directory
  })

  /** Whether files can be copied without copying what is in them. */
  const copiesOnWrite = Effect.fnUntraced(function* ({ name, own }: Place) {
    const known = copies.get(own)
    if (known !== undefined) return known
    const [from, to] = [path.join(own, "origins", `${name}~from`), path.join(own, "origins", `${name}~to`)]
    yield* write(from, "copy")
    const can = (yield* program("cp", ["--reflink=always", "--", from, to])) === 0
    yield* remove(from)
    yield* remove(to)
    copies.set(own, can)
    return can
  })

  /** Makes the clone. Answers with the commit whose files it has. */
  const build = Effect.fnUntraced(function* (
    place: Place,
    { commit, branch }: Start.Start,
    { overlay, spec }: Options
  ) {
    const { own, repository } = place
    const draft = `${place.folder}~`
    yield* remove(draft)
    yield* remove(place.folder)
    const directory = path.join(draft, "workspace")
    yield* makeFolder(directory)
    const point = (parent: string) => Skeleton.point(host, path.join(parent, ".git"), { branch, commit })
    const publish = rename(draft, place.folder)
    if (spec.from !== undefined) {
      yield* Skeleton.write(host, repository, directory)
      yield* point(directory)
      yield* publish
      return undefined
    }
    if (overlay && isMountable(place.folder)) {
      yield* makeFolder(path.join(draft, "upper"))
      yield* makeFolder(path.join(draft, "work"))
      yield* point(path.join(draft, "upper"))
      return yield* templates.near({ own, repository, commit }, (template) =>
        Effect.as(Effect.andThen(write(path.join(draft, "template"), template.commit), publish), template.commit)
      )
    }
    if (yield* copiesOnWrite(place)) {
      const copied = yield* templates.near({ own, repository, commit }, (template) =>
        Effect.map(program("cp", ["-a", "--reflink=always", "--", `${template.directory}/.`, directory]), (code) =>
          code === 0 ? template.commit : undefined
        )
      )
      if (copied !== undefined) {
        yield* point(directory)
        yield* publish
        return copied
      }
      yield* remove(directory)
      yield* makeFolder(directory)
    }
    yield* Skeleton.write(host, repository, directory)
    yield* Skeleton.fill(host, repository, { directory, commit })
    yield* point(directory)
    yield* publish
    return commit
  })

  /** Gives a copied clone a `.git` again, when it was taken away. */
  const mend = Effect.fnUntraced(function* (place: Place, start: Start.Start) {
    const folder = path.join(place.directory, ".git")
    const isThere = (yield* kind(folder)) === "Directory"
    if (!isThere) yield* remove(folder)
    if (yield* Skeleton.isWhole(host, place.repository, place.directory)) return
    yield* Skeleton.write(host, place.repository, place.directory)
    if (!isThere) yield* Skeleton.point(host, folder, start)
  })

  const prepare = Effect.fnUntraced(function* (place: Place, options: Options) {
    const { overlay, sandbox, spec } = options
    const ready = path.join(place.folder, "ready")
    const isNew = (yield* kind(ready)) === undefined
    let isFinished = !isNew
    let started: Start.Start | undefined
    yield* Effect.addFinalizer(() =>
      Effect.suspend(() =>
        isFinished
          ? Effect.void
          : Effect.ignore(
              Effect.gen(function* () {
                yield* remove(place.folder)
                yield* remove(`${place.folder}~`)
                yield* remove(path.join(place.own, "origins", place.name))
                if (started?.isMade === true) yield* Start.withdraw(host, place.repository, started)
              })
            )
      )
    )
    // The branch is either not made, or known to the finalizer.
    const begun = yield* Effect.uninterruptible(
      Effect.tap(Start.make(host, place.repository, spec), (is) => Effect.sync(() => (started = is)))
    )
    const has = isNew ? yield* build(place, begun, options) : undefined
    const origin = yield* Origin.note(host, { own: place.own, name: place.name, ...begun, isNew })
    const template = yield* templateOf(place.folder)
    if (template !== undefined && !overlay) {
      return yield* new SandboxError({
        reason: "Unsupported",
        message: `The workspace ${place.directory} is put together by mounting, which the sandbox ${sandbox} does not do. Discard it, or open it with an adapter that does.`
      })
    }
    if (template !== undefined) yield* templates.restore({ ...place, commit: template })
    else if (!isNew) yield* mend(place, begun)

    const { directory } = place
    const dotGit = path.join(template === undefined ? directory : overlayOf(place, template).upper, ".git")
    const target = Settle.targetOf(directory, spec, begun)
    const { from } = spec
    let wasBrought = false
    const bring = Deliver.make(host, {
      directory,
      repository: place.repository,
      name: place.name,
      spec,
      origin,
      known: begun.commit
    })
    const part: Part = {
      directory,
      overlays: template === undefined ? [] : [overlayOf(place, template)],
      readable: place.repository.objects,
      protect: Skeleton.guarded.map((guarded) => path.join(directory, guarded)),
      isNew,
      settle: (inside) => {
        if (!isNew) {
          const settled = target.fresh
            ? Effect.succeed(false)
            : DotGit.isSettled(host, dotGit, { ...begun, hasIndexBelow: template !== undefined })
          return Effect.flatMap(settled, (is) => (is ? Effect.void : Settle.reused(inside, target)))
        }
        if (from !== undefined) {
          const restored = snapshots.restore(inside, {
            folder: path.join(place.own, "snapshots"),
            snapshot: from,
            sandbox,
            directory
          })
          return Effect.andThen(restored, Settle.restored(inside, { target, commit: from.commit ?? "" }))
        }
        return has === undefined || has === begun.commit
          ? Effect.void
          : Settle.difference(inside, { directory, from: has, to: begun.commit })
      },
      deliver: (inside) =>
        Effect.gen(function* () {
          // What a set-up that failed has committed goes with it.
          if (!isFinished) return
          const stands = yield* DotGit.standsOn(host, dotGit, begun)
          if (stands === "yes" && spec.deliver !== "Merge" && !wasBrought) return
          if (stands === "odd") {
            return yield* new SandboxError({
              reason: "SetupFailed",
              message: `The branch ${spec.branch} of ${directory} is no file, so no commits were brought to the repository. Open the workspace again to have it mended.`
            })
          }
          wasBrought = true
          yield* bring(inside)
        }),
      snapshot: (inside) =>
        snapshots.save(inside, { folder: path.join(place.own, "snapshots"), sandbox, directory, isGit: true }),
      finish: Effect.suspend(() => {
        if (isFinished) return Effect.void
        isFinished = true
        return replace(ready, "ready\n")
      }),
      remove: removeAll(place)
    }
    return part
  })

  const removeAll = (place: Place) =>
    Effect.gen(function* () {
      // Without it the folder is not taken for a workspace any more, wherever removing it ends.
      yield* remove(path.join(place.folder, "ready"))
      yield* remove(place.folder)
      yield* remove(`${place.folder}~`)
      yield* remove(OwnFolder.incoming(host, place.repository, place.name))
      yield* remove(path.join(place.own, "origins", place.name))
    })

  return {
    /** Finds the clone of a name. */
    find: (options: Options) =>
      Effect.map(locate(options.spec.repository, options.name), (place): Found => ({
        directory: place.directory,
        notes: place.folder,
        lock: path.join(place.own, "locks", place.name),
        prepare: prepare(place, options),
        remove: removeAll(place)
      }))
  }
}
