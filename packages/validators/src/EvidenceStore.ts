/**
 * Where the contents of **evidence** are kept, by digest: screenshots, recorded steps, reports. A verdict names them, and
 * carries an excerpt only.
 */
import * as Digest from "@millwright/core/Digest"
import * as Fault from "@millwright/core/Fault"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"

/** A content can not be kept or given back. */
export class EvidenceStoreError extends Fault.Class<EvidenceStoreError>()("EvidenceStoreError", {
  /** Nothing was kept under this digest. */
  NotKept: false,
  /** What is there is not what was kept: the digest does not cover it. */
  Altered: false,
  /** The folder can not be written or read. */
  StoreUnavailable: true
}) {}

/** Keeps contents by digest. The same content twice is kept once. */
export class EvidenceStore extends Context.Service<
  EvidenceStore,
  {
    readonly keep: (content: string | Uint8Array) => Effect.Effect<Digest.Digest, EvidenceStoreError>
    /** The content, checked against its digest. */
    readonly read: (digest: Digest.Digest) => Effect.Effect<Uint8Array, EvidenceStoreError>
  }
>()("@millwright/validators/EvidenceStore") {}

const notKept = (digest: Digest.Digest) =>
  new EvidenceStoreError({
    reason: "NotKept",
    message: `Nothing was kept under ${Digest.short(digest)}. Look whether the store is the one that the verdict was made with.`
  })

/** Keeps contents for as long as the layer. */
export const layerMemory: Layer.Layer<EvidenceStore> = Layer.sync(EvidenceStore, () => {
  const kept = new Map<Digest.Digest, Uint8Array>()
  return EvidenceStore.of({
    keep: (content) =>
      Effect.sync(() => {
        const digest = Digest.of(content)
        kept.set(digest, Buffer.from(content))
        return digest
      }),
    read: (digest) =>
      Effect.suspend(() => {
        const content = kept.get(digest)
        return content === undefined ? Effect.fail(notKept(digest)) : Effect.succeed(content)
      })
  })
})

/** Keeps contents as files of a folder, named by their digests. The folder is made where it is missing. */
export const layerFolder = (
  folder: string
): Layer.Layer<EvidenceStore, EvidenceStoreError, FileSystem.FileSystem | Path.Path> =>
  Layer.effect(
    EvidenceStore,
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const path = yield* Path.Path
      const unavailable = (cause: { readonly message: string }) =>
        new EvidenceStoreError({
          reason: "StoreUnavailable",
          message: `Evidence can not be kept in ${folder}: ${cause.message}. Look at the folder's rights and at the free space.`,
          cause
        })
      yield* Effect.mapError(fs.makeDirectory(folder, { recursive: true }), unavailable)
      return EvidenceStore.of({
        keep: (content) => {
          const digest = Digest.of(content)
          const file = path.join(folder, digest)
          // First beside its place, so that no reader meets a half of it.
          const write = Effect.gen(function* () {
            if (yield* fs.exists(file)) return
            const part = yield* fs.makeTempFile({ directory: folder, prefix: "part-" })
            yield* Effect.andThen(fs.writeFile(part, Buffer.from(content)), fs.rename(part, file)).pipe(
              // What a full disk took half of is no evidence of anything.
              Effect.onError(() => Effect.ignore(fs.remove(part)))
            )
          })
          return Effect.mapError(Effect.as(write, digest), unavailable)
        },
        read: (digest) =>
          Effect.gen(function* () {
            const file = path.join(folder, digest)
            if (!(yield* Effect.mapError(fs.exists(file), unavailable))) return yield* notKept(digest)
            const content = yield* Effect.mapError(fs.readFile(file), unavailable)
            if (Digest.of(content) === digest) return content
            return yield* new EvidenceStoreError({
              reason: "Altered",
              message: `${file} is not what was kept under its name. What rests on it has to be judged again.`
            })
          })
      })
    })
  )
