/**
 * A **vault**: scenarios in one sealed file (AES-256-GCM), outside of all that a worker can see. Everybody may know its name,
 * its digest, the kinds of people in it and the ids of its scenarios, which are drawn; the key is the host's.
 *
 * A vault is no data: printed, logged or made JSON it shows what everybody may know.
 */
import * as Digest from "@millwright/core/Digest"
import * as Fault from "@millwright/core/Fault"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import { NodeInspectSymbol } from "effect/Inspectable"
import * as Path from "effect/Path"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { randomBytes } from "node:crypto"
import * as SealedBox from "./internal/SealedBox.ts"
import * as Scenario from "./Scenario.ts"

/** A vault can not be made or opened. */
export class VaultError extends Fault.Class<VaultError>()("VaultError", {
  /** The key is not 64 hexadecimal characters. */
  KeyInvalid: false,
  /** It was sealed with another key, or changed since. */
  NotOpened: false,
  /** It is no vault, or one of a newer version. */
  NotAVault: false,
  /** Its scenarios can not be used together. */
  ScenariosInvalid: false,
  /** It lies where workers can see it. */
  InSight: false,
  /** The file can not be read or written. */
  Unavailable: true
}) {}

/** What everybody may know of a vault. */
export const Label = Schema.Struct({
  format: Schema.Literal("millwright-vault"),
  version: Schema.Literal(1),
  name: Schema.String.check(Schema.isPattern(/^[a-z0-9][a-z0-9-]{0,63}$/)),
  personas: Schema.Array(Scenario.Persona),
  /** In the order of ids, which says nothing. */
  scenarios: Schema.Array(Scenario.ScenarioId)
})
/** What everybody may know of a vault. */
export type Label = typeof Label.Type

const File = Schema.fromJsonString(Schema.Struct({ label: Label, sealed: Schema.String }))
const Scenarios = Schema.fromJsonString(Schema.Array(Scenario.Scenario))

interface Content {
  readonly key: Uint8Array
  readonly scenarios: readonly [Scenario.Scenario, ...ReadonlyArray<Scenario.Scenario>]
}

/** Not in the vault itself, so that no way of printing or comparing one shows it. */
const contents = new WeakMap<Vault, Content>()

const contentOf = (vault: Vault): Content => {
  const content = contents.get(vault)
  if (content === undefined) throw new Error("A vault is made by `Vault.open`, `Vault.load` or `Vault.save` alone")
  return content
}

/** An open vault. */
export class Vault {
  readonly label: Label
  /** Of the file. */
  readonly digest: Digest.Digest

  constructor(label: Label, digest: Digest.Digest) {
    this.label = label
    this.digest = digest
  }

  toJSON(): { readonly label: Label; readonly digest: Digest.Digest } {
    return { label: this.label, digest: this.digest }
  }

  toString(): string {
    return `[vault ${this.label.name} ${Digest.short(this.digest)}]`
  }

  [NodeInspectSymbol](): string {
    return this.toString()
  }
}

/** A new key. */
export const newKey: Effect.Effect<Redacted.Redacted<string>> = Effect.sync(() =>
  Redacted.make(randomBytes(32).toString("hex"), { label: "vault key" })
)

const keyOf = Effect.fnUntraced(function* (key: Redacted.Redacted<string>) {
  const bytes = SealedBox.keyOf(Redacted.value(key))
  if (bytes !== undefined) return bytes
  return yield* new VaultError({
    reason: "KeyInvalid",
    message:
      "The key of a vault is 64 hexadecimal characters. Make one with `Vault.newKey`, and keep it with the host's secrets."
  })
})

const invalid = (name: string, cause: Scenario.ScenarioError) =>
  new VaultError({
    reason: "ScenariosInvalid",
    message: `The vault ${name} can not hold these scenarios: ${cause.message}`,
    cause
  })

/** Seals scenarios. The same ones twice give two different files. */
export const seal = Effect.fnUntraced(function* (options: {
  /** Small letters, digits and `-`, 64 at most. It stays the same when scenarios are replaced. */
  readonly name: string
  readonly scenarios: ReadonlyArray<Scenario.Scenario>
  readonly key: Redacted.Redacted<string>
}): Effect.fn.Return<Uint8Array, VaultError> {
  const { name } = options
  const key = yield* keyOf(options.key)
  const scenarios = yield* Effect.fromResult(Scenario.checked(options.scenarios)).pipe(
    Effect.mapError((cause) => invalid(name, cause))
  )
  const label = {
    format: "millwright-vault",
    version: 1,
    name,
    personas: [...new Set(scenarios.map(({ persona }) => persona))].sort(),
    scenarios: scenarios.map(({ id }) => id).sort()
  } as const
  if (!Schema.is(Label)(label)) {
    return yield* new VaultError({
      reason: "ScenariosInvalid",
      message: `${JSON.stringify(name)} can not name a vault. Take small letters, digits and "-", 64 at most.`
    })
  }
  const sealed = Buffer.from(SealedBox.seal(key, JSON.stringify(scenarios), { label: Digest.ofJson(label) })).toString(
    "base64"
  )
  return new TextEncoder().encode(`${JSON.stringify({ label, sealed })}\n`)
})

/** Opens a vault that was sealed. */
export const open = Effect.fnUntraced(function* (
  file: Uint8Array,
  secret: Redacted.Redacted<string>
): Effect.fn.Return<Vault, VaultError> {
  const key = yield* keyOf(secret)
  const { label, sealed } = yield* Schema.decodeUnknownEffect(File)(Buffer.from(file).toString()).pipe(
    Effect.mapError(
      () =>
        new VaultError({
          reason: "NotAVault",
          message: "This file is no vault, or one that a newer version sealed. Look whether it is the right file."
        })
    )
  )
  const content = SealedBox.open(key, Digest.ofJson(label), Buffer.from(sealed, "base64"))
  if (content === undefined) {
    return yield* new VaultError({
      reason: "NotOpened",
      message: `The vault ${label.name} can not be opened: it was sealed with another key, or changed since. Take the key that it was sealed with, or the file as it was.`
    })
  }
  const decoded = Schema.decodeUnknownResult(Scenarios)(content)
  const scenarios = Result.flatMap(
    // The message of a schema shows what it met, which is what is hidden here.
    Result.mapError(
      decoded,
      () =>
        new Scenario.ScenarioError({ reason: "Malformed", message: "what was sealed are no scenarios. Seal it anew." })
    ),
    Scenario.checked
  )
  if (Result.isFailure(scenarios)) return yield* invalid(label.name, scenarios.failure)
  const vault = new Vault(label, Digest.of(file))
  contents.set(vault, { key, scenarios: scenarios.success })
  return vault
})

/** The scenarios. Whoever asks for them must not be where an author is. */
export const scenarios = (vault: Vault): readonly [Scenario.Scenario, ...ReadonlyArray<Scenario.Scenario>] =>
  contentOf(vault).scenarios

/** A report is seldom longer, whatever it says; a size near the end of a smaller block would tell how long a number in it is. */
const reportBlock = 65_536

/** Seals a text with the key of a vault, such as a report on its scenarios. */
export const sealText = (vault: Vault, text: string): Uint8Array =>
  SealedBox.seal(contentOf(vault).key, text, { label: "text", block: reportBlock })

/** Opens what {@link sealText} sealed. `undefined` where it was not this key's. */
export const openText = (vault: Vault, sealed: Uint8Array): string | undefined =>
  SealedBox.open(contentOf(vault).key, "text", sealed)

/** Where a vault lies. */
export interface Place {
  readonly file: string
  /** Folders that workers can see. The vault must lie in none of them, links followed. */
  readonly visible: ReadonlyArray<string>
}

const outOfSight = Effect.fnUntraced(function* ({ file, visible }: Place) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const real = (name: string) => Effect.orElseSucceed(fs.realPath(name), () => path.resolve(name))
  const folder = yield* real(path.dirname(file))
  const place = yield* real(path.join(folder, path.basename(file)))
  for (const each of visible) {
    const relative = path.relative(yield* real(each), place)
    const isOutside = relative === ".." || relative.startsWith(`..${path.sep}`) || path.isAbsolute(relative)
    if (!isOutside) {
      return yield* new VaultError({
        reason: "InSight",
        message: `The vault ${file} lies in ${each}, where workers can see it. Keep it in a folder of the host's that no sandbox mounts.`
      })
    }
  }
})

const unavailable = (file: string) => (cause: { readonly message: string }) =>
  new VaultError({
    reason: "Unavailable",
    message: `The vault ${file} can not be read or written: ${cause.message}. Look at the path and its rights.`,
    cause
  })

/** Opens the vault of a file. */
export const load = Effect.fnUntraced(function* (
  place: Place,
  key: Redacted.Redacted<string>
): Effect.fn.Return<Vault, VaultError, FileSystem.FileSystem | Path.Path> {
  yield* outOfSight(place)
  const fs = yield* FileSystem.FileSystem
  return yield* open(yield* Effect.mapError(fs.readFile(place.file), unavailable(place.file)), key)
})

/** Seals scenarios into a file that only its owner can read. What was there before is replaced in one step. */
export const save = Effect.fnUntraced(function* (
  place: Place,
  options: Parameters<typeof seal>[0]
): Effect.fn.Return<Vault, VaultError, FileSystem.FileSystem | Path.Path> {
  yield* outOfSight(place)
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const sealed = yield* seal(options)
  const write = Effect.gen(function* () {
    const part = yield* fs.makeTempFileScoped({ directory: path.dirname(place.file), prefix: "part-" })
    yield* fs.writeFile(part, sealed)
    yield* fs.chmod(part, 0o600)
    yield* fs.rename(part, place.file)
  })
  yield* Effect.mapError(Effect.scoped(write), unavailable(place.file))
  return yield* open(sealed, options.key)
})

/** The same scenarios, those that leaked moved to the ones that authors may see: for {@link save}. */
export const burn = (vault: Vault, leaked: ReadonlySet<string>): ReadonlyArray<Scenario.Scenario> =>
  scenarios(vault).map((each) => (leaked.has(each.id) && each.part === "holdout" ? { ...each, part: "burnt" } : each))
