/**
 * What a **plugin** says of itself: the key `millwright` of its `package.json`, or a file `millwright.json` with a `name` and a
 * `version` of its own. It is data: nothing of it is run to be read. A key that is not known is refused, since it could be a
 * misspelt limit.
 */
import { Pattern } from "@millwright/context/ToolScope"
import * as Fault from "@millwright/core/Fault"
import * as Redaction from "@millwright/core/Redaction"
import * as Tainted from "@millwright/core/Tainted"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Grant from "./Grant.ts"
import * as Untrusted from "./Untrusted.ts"
import * as WriteSurface from "./WriteSurface.ts"

/** A plugin can not be used. `message` names it, says what is wrong, and how to mend it. */
export class PluginError extends Fault.Class<PluginError>()("PluginError", {
  /** There is no manifest. */
  NotFound: false,
  /** The manifest, or what it names, is not what it has to be. */
  Malformed: false,
  TooLarge: false,
  /** Nobody has accepted it. */
  NotAccepted: false,
  /** It is not what was accepted. */
  Changed: false,
  /** It wants to do more than was accepted. */
  Wider: false,
  /** Another plugin has its name. */
  SameName: false,
  /** Two roles, or two skills, have one name. */
  Collision: false,
  /** One of its roles may do more than the manifest says. */
  TooMuch: false,
  /** Its entry module can not be loaded, or does not export what it has to. */
  BadEntry: false,
  /** The lock file, or the folder for copies, can not be read or written. */
  Unwritable: false
}) {}

/** The largest manifest that is read, in bytes. */
export const maxBytes = 256 * 1024

const isPlain = (text: string): boolean => text.search(Tainted.hidden) === -1 && !text.includes("\n")

const text = (longest: number) =>
  Schema.String.check(
    Schema.isMaxLength(longest),
    Schema.makeFilter((text: string) =>
      isPlain(text) ? undefined : "it has characters that can not be seen, or several lines"
    )
  )

const path = text(1_000).check(Tainted.filter(Tainted.path))

const glob = text(1_000).check(Schema.makeFilter((glob: string) => WriteSurface.problem(glob)))

/** Only these characters: one that looks like another, or that can not be seen, could be the name of somebody else's. */
const name = Schema.String.check(
  Schema.isPattern(/^(?=.{1,100}$)(?:@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*$/, {
    expected: "a name as npm has it, of a-z, 0-9, `.`, `_` and `-`, with or without an @scope/, at most 100 characters"
  })
)

const version = Schema.String.check(
  Schema.isPattern(/^\d{1,9}\.\d{1,9}\.\d{1,9}(?:[-+][0-9A-Za-z.+-]{1,100})?$/, { expected: "a version, as 1.2.3" })
)

/** A program that speaks MCP, as it would be started in the folder of the plugin. */
export const Server = Schema.Struct({
  command: text(1_000).check(Schema.isMinLength(1)),
  args: Schema.optionalKey(
    Schema.Array(
      text(2_000).check(
        Schema.makeFilter((arg: string) =>
          Redaction.scrub(arg) === arg ? undefined : "it looks like a secret; name a variable in `env` for it"
        )
      )
    ).check(Schema.isMaxLength(100))
  ),
  /** The names of variables whose values it wants. */
  env: Schema.optionalKey(
    Schema.Array(
      Schema.String.check(
        Schema.isPattern(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/, { expected: "the name of a variable, without a value" })
      )
    ).check(Schema.isMaxLength(100))
  )
})
/** A program that speaks MCP, as it would be started in the folder of the plugin. */
export type Server = typeof Server.Type

const serverName = Schema.String.check(Schema.isPattern(/^[a-z0-9][a-z0-9_-]{0,39}$/))

const listOf = <S extends Schema.Constraint>(item: S) =>
  Schema.optionalKey(Schema.Array(item).check(Schema.isMaxLength(1_000)))

const declared = {
  /** The version of this format. */
  manifest: Schema.Literal(1).pipe(
    Schema.annotateKey({ messageMissingKey: 'it has no version of its format: `"manifest": 1`' })
  ),
  description: Schema.optionalKey(text(1_024)),
  /** Folders, each with a `SKILL.md`. */
  skills: listOf(path),
  servers: Schema.optionalKey(Schema.Record(serverName, Server)),
  /** A module that exports `roles` and `hooks`. It needs nothing but its own files and what the project has. */
  entry: Schema.optionalKey(path),
  /** The paths of a workspace that its roles may change. Left out: none. */
  writes: listOf(glob),
  /** The most that any of its roles may have. Left out: none. */
  grants: listOf(Grant.Grant),
  /** The most that any of its roles may use of the tool index. Left out: nothing. */
  tools: listOf(Pattern)
}

/** All else in it is npm's. */
const InPackage = Schema.StructWithRest(Schema.Struct({ name, version, millwright: Schema.Unknown }), [
  Schema.Record(Schema.String, Schema.Unknown)
])
const Declared = Schema.Struct(declared)
const Alone = Schema.Struct({ name, version, ...declared })

/** What a plugin says of itself. */
export type PluginManifest = Omit<Required<typeof Alone.Type>, "manifest" | "entry" | "description"> & {
  readonly description: string
  readonly entry: string | undefined
}

/** The texts that a manifest may stand in. */
export interface Texts {
  /** For people. */
  readonly source: string
  /** `package.json` */
  readonly package?: string | undefined
  /** `millwright.json` */
  readonly alone?: string | undefined
}

const strict = { errors: "all", onExcessProperty: "error" } as const

/** Reads a manifest. */
export const parse = Effect.fnUntraced(function* (texts: Texts): Effect.fn.Return<PluginManifest, PluginError> {
  const { source } = texts
  const pack = texts.package === undefined ? undefined : yield* json(texts.package, `${source}/package.json`)
  const isInPackage = typeof pack === "object" && pack !== null && Object.hasOwn(pack, "millwright")
  if (isInPackage && texts.alone !== undefined) {
    return yield* malformed(
      source,
      "it has two manifests",
      "Keep millwright.json, or the key `millwright` of package.json"
    )
  }
  if (texts.alone !== undefined) {
    const file = `${source}/millwright.json`
    return filled(yield* decoded(Alone, yield* json(texts.alone, file), file))
  }
  if (!isInPackage) {
    return yield* new PluginError({
      reason: "NotFound",
      message: `${shown(source)} is no plugin: it has no millwright.json, and no key \`millwright\` in a package.json. Name the folder of one.`
    })
  }
  const file = `${source}/package.json`
  const { millwright, name, version } = yield* decoded(InPackage, pack, file)
  return filled({ name, version, ...(yield* decoded(Declared, millwright, file)) })
})

const filled = ({ manifest: _, ...given }: typeof Alone.Type): PluginManifest => ({
  description: "",
  entry: undefined,
  skills: [],
  servers: {},
  writes: [],
  grants: [],
  tools: [],
  ...given
})

const json = (text: string, file: string): Effect.Effect<unknown, PluginError> =>
  Buffer.byteLength(text) > maxBytes
    ? Effect.fail(
        new PluginError({
          reason: "TooLarge",
          message: `${shown(file)} has more than ${maxBytes} bytes, which no manifest needs. Look at what it is.`
        })
      )
    : Effect.try({
        try: () => JSON.parse(text.replace(/^\ufeff/, "")),
        catch: (error) => malformed(file, `it is not JSON (${error instanceof Error ? error.message : ""})`, "Mend it")
      })

const decoded = <S extends Schema.ConstraintDecoder<unknown>>(
  schema: S,
  value: unknown,
  file: string
): Effect.Effect<S["Type"], PluginError> =>
  Effect.mapError(Schema.decodeUnknownEffect(schema, strict)(value), (error) =>
    malformed(file, error.message, "Mend what is named")
  )

const malformed = (file: string, what: string, mend: string): PluginError =>
  new PluginError({
    reason: "Malformed",
    message: `${shown(file)} is no manifest of a plugin: ${Untrusted.visible(what).slice(0, 2_000).toWellFormed()}. ${mend}.`
  })

/** A name or a path of a stranger, in a sentence of ours. */
export const shown = (text: string): string =>
  Untrusted.visible(text).replaceAll("\n", " ").slice(0, 300).toWellFormed()
