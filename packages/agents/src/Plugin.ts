/**
 * A **plugin**: skills, roles, hooks and MCP servers in one package, from any {@link Place.Place}. It is looked at before it is
 * accepted, accepted before it is loaded, and refused when it is not what was accepted.
 *
 * - {@link inspect} reads it and shows all that it is and may do. Nothing of it runs.
 * - {@link accept} writes that down in the lock of the project.
 * - {@link load} takes what the lock has, and nothing else. What runs is a copy of the bytes that were looked at.
 *
 * Its roles are held to the grants and the write surface of its manifest. The code of its entry module is not: it runs in this
 * process and may do what this process may, as any dependency.
 */
import type { Digest } from "@millwright/core/Digest"
import * as Redaction from "@millwright/core/Redaction"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as FolderPlace from "./FolderPlace.ts"
import type * as Hook from "./Hook.ts"
import * as PluginCopy from "./internal/PluginCopy.ts"
import * as PluginEntry from "./internal/PluginEntry.ts"
import * as PluginFiles from "./internal/PluginFiles.ts"
import * as PluginRole from "./internal/PluginRole.ts"
import type * as Place from "./Place.ts"
import * as PluginLock from "./PluginLock.ts"
import * as PluginManifest from "./PluginManifest.ts"
import * as Skill from "./Skill.ts"
import type * as SkillSet from "./SkillSet.ts"
import type * as WriteSurface from "./WriteSurface.ts"

const { PluginError, shown } = PluginManifest

/** What a plugin is, and may do. */
export interface Inspection {
  readonly manifest: PluginManifest.PluginManifest
  /** For people: it names the commit, or the version. */
  readonly source: string
  readonly address: Place.Address
  readonly trust: Place.Trust
  /** Of all its files. */
  readonly digest: Digest
  readonly files: number
  readonly bytes: number
  readonly skills: ReadonlyArray<Skill.Skill>
  /** What is wrong with it. With any, it can not be accepted. */
  readonly problems: ReadonlyArray<string>
  /** Its files, by path. */
  readonly contents: ReadonlyMap<string, Uint8Array>
}

/** Reads all of a plugin, and runs nothing of it. */
export const inspect = Effect.fnUntraced(function* (
  place: Place.Place
): Effect.fn.Return<Inspection, PluginManifest.PluginError | Place.PlaceError> {
  const { bytes, contents, digest, problems } = yield* PluginFiles.read(place)
  const source = place.name
  const textOf = (path: string) => {
    const content = contents.get(path)
    return content && Buffer.from(content).toString()
  }
  const manifest = yield* PluginManifest.parse({
    source,
    package: textOf("package.json"),
    alone: textOf("millwright.json")
  })
  const { address, trust } = place
  const read = yield* Effect.forEach(manifest.skills, (folder) => Effect.result(skillOf(contents, source, folder)))
  const skills = read.filter(Result.isSuccess).map(({ success }) => success)
  const { entry, name, version } = manifest
  return {
    manifest,
    source,
    address,
    trust,
    digest,
    files: contents.size,
    bytes,
    skills,
    contents,
    problems: [
      ...problems.map(shown),
      ...read.filter(Result.isFailure).map(({ failure }) => failure.message),
      ...twice(skills.map((skill) => skill.name)).map((skill) => `Two of its skills are called ${skill}.`),
      ...(entry !== undefined && !contents.has(entry) ? [`Its entry module ${shown(entry)} is not there.`] : []),
      ...(address._tag === "Package" && (address.name !== name || address.version !== version)
        ? [`It is installed as ${shown(address.name)} ${shown(address.version)}, and calls itself ${name} ${version}.`]
        : [])
    ]
  }
})

const skillOf = (
  contents: Inspection["contents"],
  source: string,
  folder: string
): Effect.Effect<Skill.Skill, Skill.SkillError> => {
  const path = `${folder}/SKILL.md`
  const bytes = contents.get(path)
  const named = `${source}/${path}`
  return bytes === undefined
    ? Effect.fail(new Skill.SkillError({ reason: "NotFound", message: `There is no skill ${shown(named)}.` }))
    : Skill.fromBytes(bytes, named)
}

const twice = (names: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...new Set(names.filter((name, at) => names.indexOf(name) < at))
]

/** What a person reads before accepting it: everything that it is, wants and may do. */
export const text = ({ bytes, digest, files, manifest, problems, skills, source }: Inspection): string => {
  const { description, entry, grants, name, servers, tools, version, writes } = manifest
  const list = (title: string, items: ReadonlyArray<string>) =>
    items.length === 0 ? [] : [`${title}:`, ...items.map((item) => `- ${shown(item)}`)]
  return [
    `${name} ${version}, from ${shown(source)}`,
    `${files} files, ${bytes} bytes, digest ${digest}`,
    ...(description === "" ? [] : [shown(description)]),
    `May write in a workspace: ${writes.map(shown).join(", ") || "nothing"}`,
    `Its roles may: ${[...grants, ...tools].map(shown).join(", ") || "nothing but answer"}`,
    ...list(
      "Skills",
      skills.map((skill) => `${skill.name} (${skill.digest.slice(0, 12)}): ${skill.description}`)
    ),
    ...list(
      "Programs that it wants started",
      Object.entries(servers).map(
        ([server, { args = [], command, env = [] }]) =>
          `${server}: ${PluginLock.told([command, ...args])}${env.length > 0 ? `, with your ${env.join(", ")}` : ""}`
      )
    ),
    ...(entry === undefined
      ? ["No code of its own."]
      : [`Code that runs in your process, with all that it may do: ${shown(entry)}`]),
    ...list("Wrong with it", problems)
  ].join("\n")
}

/** Where a project keeps its lock, and which of its plugins gives way to another one. */
export interface AcceptOptions {
  /** A file for version control. */
  readonly lock: string
  /** The digest of the one that was accepted under this name before, and that this one takes the place of. */
  readonly replaces?: string
}

/** Accepts a plugin as it was shown. The same once more changes nothing. */
export const accept = Effect.fnUntraced(function* (
  { address, digest, manifest, problems }: Inspection,
  { lock: file, replaces }: AcceptOptions
): Effect.fn.Return<PluginLock.Entry, PluginManifest.PluginError, FileSystem.FileSystem | Path.Path> {
  const { name } = manifest
  if (problems.length > 0) {
    return yield* new PluginError({
      reason: "Malformed",
      message: `The plugin ${name} can not be accepted: ${problems.slice(0, 10).map(shown).join(" ")} Ask who wrote it.`
    })
  }
  const entry = PluginLock.entryOf(manifest, digest, PluginLock.sourceOf(address))
  return yield* PluginLock.update(
    file,
    Effect.fnUntraced(function* (lock) {
      const before = PluginLock.own(lock.plugins, name)
      if (before?.digest === digest && PluginLock.wider(entry, before).length === 0) return [before, lock]
      if (before !== undefined && before.digest !== digest && before.digest !== replaces) {
        return yield* new PluginError({
          reason: "SameName",
          message:
            `Another plugin ${name} is accepted, ${differences(before, entry)} ` +
            `If this one shall take its place, accept it with \`replaces: "${before.digest}"\`; otherwise rename one.`
        })
      }
      return [entry, { ...lock, plugins: { ...lock.plugins, [name]: entry } }]
    })
  )
})

const differences = (before: PluginLock.Entry, found: PluginLock.Entry): string => {
  const more = PluginLock.wider(found, before)
  return (
    `version ${shown(before.version)} (${before.digest.slice(0, 12)}), and this is ${shown(found.version)} (${found.digest.slice(0, 12)}).` +
    (more.length === 0 ? " It may do no more." : ` What it wants beyond that: ${more.map(shown).join("; ")}.`)
  )
}

/** A plugin that is loaded. */
export interface Plugin {
  readonly name: string
  readonly version: string
  readonly digest: Digest
  readonly skills: ReadonlyArray<Skill.Skill>
  /** The same to be found and read when they are needed, by `SkillSource`; with the trust of the place that it was loaded from. */
  readonly set: SkillSet.SkillSet
  /** Held to its grants and its surface. {@link role} gives one with its types. */
  readonly roles: ReadonlyArray<PluginRole.PluginRole>
  /** In force nowhere by themselves: `Hook.around(...plugin.hooks)`. */
  readonly hooks: ReadonlyArray<Hook.Anywhere>
  readonly servers: Readonly<Record<string, PluginManifest.Server>>
  /** The copy that it is run from. */
  readonly folder: string
}

/** Where a project keeps its lock and its copies, and what it has itself. */
export interface LoadOptions {
  readonly lock: string
  /** A folder of the project, so that the modules of a plugin find what the project has: `.millwright/plugins`. */
  readonly copies: string
  /** Names of roles and skills that are taken. */
  readonly taken?: { readonly roles?: ReadonlyArray<string>; readonly skills?: ReadonlyArray<string> }
  /** How long an entry module may take to load. Default: 30 seconds. */
  readonly time?: Duration.Input
}

/** Loads plugins that were accepted, all or none. Before code of any runs, all are compared with the lock. */
export const load = Effect.fnUntraced(function* (
  places: ReadonlyArray<Place.Place>,
  { copies, lock: file, taken = {}, time = "30 seconds" }: LoadOptions
): Effect.fn.Return<
  ReadonlyArray<Plugin>,
  PluginManifest.PluginError | Place.PlaceError,
  FileSystem.FileSystem | Path.Path
> {
  const paths = yield* Path.Path
  const lock = yield* PluginLock.read(file)
  const found = new Map<string, Inspection>()
  for (const place of places) {
    const inspection = yield* inspect(place)
    const { name } = inspection.manifest
    const other = found.get(name)
    if (other !== undefined && other.digest !== inspection.digest) {
      return yield* new PluginError({
        reason: "SameName",
        message: `Two plugins are called ${name}: ${shown(other.source)} and ${shown(inspection.source)}. Take one of them.`
      })
    }
    yield* check(inspection, PluginLock.own(lock.plugins, name))
    found.set(name, inspection)
  }
  const all = [...found.values()]
  yield* distinct("skills", [...(taken.skills ?? []), ...all.flatMap(({ skills }) => skills.map(({ name }) => name))])
  const folders = yield* Effect.forEach(all, (inspection) => PluginCopy.of(inspection, copies))
  const plugins = yield* Effect.forEach(
    all,
    Effect.fnUntraced(function* ({ address, digest, manifest, skills, source, trust }, at) {
      const { entry, name, servers, version } = manifest
      const folder = folders[at] ?? ""
      const copy = yield* FolderPlace.openAs({ folder, trust, name: source, address })
      const { hooks, roles } =
        entry === undefined
          ? { roles: [], hooks: [] }
          : yield* PluginEntry.load(name, paths.join(folder, ...entry.split("/")), time)
      for (const role of roles) yield* within(manifest, role)
      const plugin: Plugin = {
        name,
        version,
        digest,
        skills,
        set: {
          skills: skills
            // Each stands where the manifest says: with a skill that does not, nothing is loaded.
            .map((skill, at) => ({ ...skill, place: copy, folder: manifest.skills[at] ?? "" }))
            .sort((a, b) => (a.name < b.name ? -1 : 1)),
          problems: []
        },
        roles: roles.map((role) => PluginRole.make(role, manifest, { name, version, digest })),
        hooks: hooks.map((hook) => ({ ...hook, name: `${name}/${hook.name}` })),
        servers,
        folder
      }
      return plugin
    })
  )
  yield* distinct("roles", [...(taken.roles ?? []), ...plugins.flatMap(({ roles }) => roles.map(({ name }) => name))])
  return plugins
})

/** Whether it is what was accepted. */
const check = (
  { address, digest, manifest, problems, source }: Inspection,
  accepted: PluginLock.Entry | undefined
): Effect.Effect<void, PluginManifest.PluginError> => {
  const refuse = (reason: PluginManifest.PluginError["reason"], what: string, mend: string) =>
    Effect.fail(new PluginError({ reason, message: `The plugin ${manifest.name} (${shown(source)}) ${what} ${mend}` }))
  const mend = "Look at it with Plugin.inspect, and accept it, or take the one that was accepted."
  if (accepted === undefined) return refuse("NotAccepted", "was accepted by nobody.", mend)
  const entry = PluginLock.entryOf(manifest, digest, PluginLock.sourceOf(address))
  const more = PluginLock.wider(entry, accepted)
  if (more.length > 0) return refuse("Wider", `wants more than was accepted: ${more.map(shown).join("; ")}.`, mend)
  if (accepted.digest !== digest) {
    return refuse("Changed", `is not what was accepted: that was ${differences(accepted, entry)}`, mend)
  }
  return problems.length > 0 ? refuse("Malformed", problems.map(shown).join(" "), "Ask who wrote it.") : Effect.void
}

const distinct = (what: string, names: ReadonlyArray<string>): Effect.Effect<void, PluginManifest.PluginError> => {
  // The stage of a role has its name in small letters.
  const same = twice(names.map((name) => name.toLowerCase()))
  return same.length === 0
    ? Effect.void
    : Effect.fail(
        new PluginError({
          reason: "Collision",
          message: `Several ${what} are called ${same.map(shown).join(", ")}. Leave out one of the plugins, or rename yours.`
        })
      )
}

const within = ({ grants, name }: PluginManifest.PluginManifest, role: PluginEntry.AnyRole) => {
  const more = role.grants.filter((grant) => !grants.includes(grant))
  return more.length === 0
    ? Effect.void
    : Effect.fail(
        new PluginError({
          reason: "TooMuch",
          message: `The role ${role.name} of the plugin ${name} may ${more.join(", ")}, and its manifest does not say so. Ask who wrote it.`
        })
      )
}

/** A role as the module of a plugin types it. */
interface Typed {
  readonly name: string
  readonly run: (input: never) => Effect.Effect<unknown, unknown, unknown>
}

/** A role of a plugin with its types: what it can fail with, beside what any role can, is that it left its surface. */
export type Held<R extends Typed> = Omit<R, "run"> & {
  readonly run: (
    ...input: Parameters<R["run"]>
  ) => Effect.Effect<
    Effect.Success<ReturnType<R["run"]>>,
    Effect.Error<ReturnType<R["run"]>> | WriteSurface.SurfaceError,
    Effect.Services<ReturnType<R["run"]>>
  >
}

/** A role by its name: `Plugin.role<typeof Namer>(acme, "Namer")`, with an `import type { Namer }` of the plugin, which runs nothing. */
export const role = <R extends Typed>(
  plugin: Plugin,
  name: R["name"]
): Effect.Effect<Held<R>, PluginManifest.PluginError> => {
  const found = plugin.roles.find((role) => role.name === name)
  return found === undefined
    ? Effect.fail(
        new PluginError({
          reason: "NotFound",
          message: `The plugin ${plugin.name} has no role ${shown(name)}. It has: ${plugin.roles.map((role) => role.name).join(", ") || "none"}.`
        })
      )
    : Effect.succeed(found as unknown as Held<R>) // the types are those of the package whose bytes are pinned
}

/** A server as `McpSource.stdio` takes it. */
export interface ServerOptions {
  readonly name: string
  readonly command: string
  readonly args: ReadonlyArray<string>
  readonly env: Readonly<Record<string, Redacted.Redacted<string>>>
  readonly cwd: string
}

/** A server with the values of the variables that it was accepted with: all of those, and no other. */
export const server = (
  plugin: Plugin,
  name: string,
  values: Readonly<Record<string, Redacted.Redacted<string>>> = {}
): Effect.Effect<ServerOptions, PluginManifest.PluginError> => {
  const found = PluginLock.own(plugin.servers, name)
  const wanted = found?.env ?? []
  const missing = wanted.filter((variable) => !Object.hasOwn(values, variable))
  const foreign = Object.keys(values).filter((variable) => !wanted.includes(variable))
  if (found !== undefined && missing.length === 0 && foreign.length === 0) {
    const { args = [], command } = found
    return Effect.succeed({ name, command, args, env: values, cwd: plugin.folder })
  }
  const what =
    found === undefined
      ? `there is none. It has: ${Object.keys(plugin.servers).join(", ") || "none"}`
      : missing.length > 0
        ? `it wants ${missing.join(", ")}, and has no value for it`
        : `it was not accepted with ${foreign.map(shown).join(", ")}`
  return Effect.fail(
    new PluginError({
      reason: "NotAccepted",
      message: `The server ${shown(name)} of the plugin ${plugin.name} can not be started: ${Redaction.scrub(what)}. Give it the values of what it was accepted with.`
    })
  )
}
