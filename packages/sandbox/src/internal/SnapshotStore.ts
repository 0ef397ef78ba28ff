/**
 * Copies of workspaces as tar files of the host, made and unpacked inside: what a hostile workspace puts into one is only
 * ever counted here. What the host wrote into `.git` is not in it; the workspace that it is restored to has its own.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { createHash, randomUUID } from "node:crypto"
import { SandboxError } from "../Sandbox.ts"
import type { Snapshot } from "../SandboxSpec.ts"
import * as SnapshotSize from "../SnapshotSize.ts"
import type { HostFiles } from "./HostFiles.ts"
import * as InsideCall from "./InsideCall.ts"
import * as Skeleton from "./Skeleton.ts"
import * as TarCount from "./TarCount.ts"

/** Saves and restores. */
export type SnapshotStore = ReturnType<typeof make>

/** Where copies are, and of what. */
export interface Place {
  /** Where snapshots are kept. */
  readonly folder: string
  /** The name of the adapter. */
  readonly sandbox: string
  /** The workspace. */
  readonly directory: string
}

/**
 * Holes are not written where tar can leave them out, in a way that any tar of that kind reads. What a folder of the host has
 * handed down, set-group-id, could not be given back inside.
 */
const packing = `
case $(tar --version 2> /dev/null) in
  *"GNU tar"*)
    set -- --format=posix --pax-option=delete=atime,delete=ctime,delete=mtime --sparse --mode=u-s,g-s "$@" ;;
esac
exec tar "$@"`
const patience = 1_800_000

/** Makes the store. */
export const make = (host: HostFiles) => {
  const { attempt, fs, kind, makeFolder, path, read, remove, rename } = host
  const files = (folder: string, id: string) => ({
    tar: path.join(folder, `${id}.tar`),
    manifest: path.join(folder, `${id}.json`)
  })

  const commitOf = Effect.fnUntraced(function* (inside: InsideCall.Inside, directory: string) {
    const args = ["-C", directory, "rev-parse", "-q", "--verify", "HEAD^{commit}"]
    const call = { doing: `Looking at ${directory}`, directory, command: "git", args }
    const { code, stdout } = yield* InsideCall.run(inside, call)
    return code === 0 ? stdout : null
  })

  /** Saves the workspace. */
  const save = Effect.fnUntraced(function* (inside: InsideCall.Inside, place: Place & { readonly isGit: boolean }) {
    const { directory, folder, isGit, sandbox } = place
    const id = `snapshot-${randomUUID()}`
    const doing = `Copying the workspace ${directory}`
    const { manifest, tar } = files(folder, id)
    // Named after the workspace, whose lock we have: the next copy of it takes the place of one that was never finished.
    const draft = path.join(folder, `${path.basename(path.dirname(directory))}~`)
    const largest = yield* SnapshotSize.Largest
    const commit = isGit ? yield* commitOf(inside, directory) : null
    yield* makeFolder(folder)
    yield* remove(draft)
    const hash = createHash("sha256")
    const count = TarCount.make()
    const excluded = isGit ? Skeleton.guarded.map((guarded) => `--exclude=./${guarded}`) : []
    yield* InsideCall.bounded(
      { doing, timeout: patience },
      Effect.gen(function* () {
        const args = ["-c", "-f", "-", "-C", directory, ...excluded, "."]
        const call = { doing, directory, command: "/bin/sh", args: ["-c", packing, "sh", ...args] }
        const handle = yield* InsideCall.spawn(inside, call)
        const said = yield* Effect.forkScoped(InsideCall.beginning(handle.stderr))
        const file = yield* attempt(doing, fs.open(draft, { flag: "wx", mode: 0o600 }))
        let size = 0
        yield* Stream.runForEach(handle.stdout, (chunk) => {
          size += chunk.length
          if (size > largest) {
            const message = `${doing} was stopped at ${largest} bytes. Remove what need not be in it, or provide another \`SnapshotSize.Largest\`.`
            return Effect.fail(new SandboxError({ reason: "SetupFailed", message }))
          }
          hash.update(chunk)
          count.take(chunk)
          return attempt(doing, file.writeAll(chunk))
        })
        const code = yield* handle.exitCode
        const error = yield* Fiber.join(said)
        if (code !== 0) {
          const message = `${doing} failed with exit code ${code}: ${error.slice(0, 2_000)}. No command may be writing to it.`
          return yield* new SandboxError({ reason: "SetupFailed", message })
        }
        yield* attempt(doing, file.sync)
      })
    ).pipe(Effect.onError(() => Effect.ignore(remove(draft))))
    const snapshot: Snapshot = {
      id,
      sandbox,
      commit,
      files: count.files(),
      bytes: count.bytes(),
      digest: hash.digest("hex")
    }
    yield* rename(draft, tar)
    yield* host.replace(manifest, `${JSON.stringify(snapshot)}\n`)
    return snapshot
  })

  /** Unpacks a copy in an empty workspace. */
  const restore = Effect.fnUntraced(function* (
    inside: InsideCall.Inside,
    place: Place & { readonly snapshot: Snapshot }
  ) {
    const { directory, folder, snapshot } = place
    const { manifest, tar } = files(folder, snapshot.id)
    const refuse = (reason: "NoSuchSource" | "RestoreIncomplete", why: string) =>
      new SandboxError({
        reason,
        message: `The snapshot ${snapshot.id} of ${folder} can not be restored: ${why}. Make a new one, or leave \`from\` out.`
      })
    if (snapshot.sandbox !== place.sandbox) {
      return yield* refuse("RestoreIncomplete", `the adapter ${snapshot.sandbox} made it, and this is ${place.sandbox}`)
    }
    if ((yield* kind(tar)) !== "File") return yield* refuse("NoSuchSource", "it is not there")
    if ((yield* read(manifest)) !== `${JSON.stringify(snapshot)}\n`) {
      return yield* refuse("RestoreIncomplete", "its manifest is another one, or not there")
    }
    const doing = `Restoring ${directory}`
    const hash = createHash("sha256")
    const { code, stderr } = yield* InsideCall.run(inside, {
      doing,
      directory,
      command: "tar",
      args: ["-x", "-p", "-o", "-f", "-", "-C", directory],
      stdin: Stream.tap(fs.stream(tar), (chunk) => Effect.sync(() => hash.update(chunk))),
      timeout: patience
    })
    if (hash.digest("hex") !== snapshot.digest) {
      return yield* refuse("RestoreIncomplete", "it is truncated, or was altered")
    }
    if (code !== 0) return yield* refuse("RestoreIncomplete", `unpacking it failed: ${stderr.slice(0, 2_000)}`)
  })

  return { save, restore }
}
