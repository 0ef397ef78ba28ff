/** What a `package.json` asks to be installed and run. */
import * as Result from "effect/Result"

/** One thing that is asked for: `kind` is the field, `name` the package, or the way to it in `overrides`. */
export interface Asked {
  readonly kind: string
  readonly name: string
  readonly spec: string
}

/** A manifest, as far as it is looked at. */
export interface Manifest {
  readonly asked: ReadonlyArray<Asked>
  /** The scripts that installers run by themselves. */
  readonly scripts: Readonly<Record<string, string>>
}

/** None: what there was before a file was added. */
export const none: Manifest = { asked: [], scripts: {} }

const kinds = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"]
const redirections = ["overrides", "resolutions"]
const automatic = new Set([
  "preinstall",
  "install",
  "postinstall",
  "preprepare",
  "prepare",
  "postprepare",
  "prepublish"
])

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const flattened = (kind: string, value: unknown, way: ReadonlyArray<string> = []): ReadonlyArray<Asked> => {
  if (typeof value === "string") return [{ kind, name: way.join(" > "), spec: value }]
  if (!isRecord(value) || way.length > 20) return []
  return Object.entries(value).flatMap(([name, inner]) => flattened(kind, inner, name === "." ? way : [...way, name]))
}

/** Reads one. Fails with why it is none. */
export const parse = (text: string): Result.Result<Manifest, string> =>
  Result.try({
    try: (): Manifest => {
      const json: unknown = JSON.parse(text.replace(/^\ufeff/, ""))
      if (!isRecord(json)) throw new Error("it is no object")
      const pnpm = isRecord(json["pnpm"]) ? json["pnpm"] : {}
      const scripts = isRecord(json["scripts"]) ? json["scripts"] : {}
      return {
        asked: [
          ...kinds.flatMap((kind) => flattened(kind, json[kind])),
          ...redirections.flatMap((kind) => flattened(kind, json[kind])),
          ...flattened("pnpm.overrides", pnpm["overrides"])
        ],
        scripts: Object.fromEntries(
          Object.entries(scripts).flatMap(([name, run]) =>
            automatic.has(name) && typeof run === "string" ? [[name, run] as const] : []
          )
        )
      }
    },
    catch: (cause) => (cause instanceof Error ? cause.message : String(cause))
  })

/** Whether a redirection says where others get a package from. */
export const isRedirection = ({ kind }: Asked): boolean => kind.endsWith("overrides") || kind === "resolutions"

/** What comes from elsewhere than a registry: git, an address, a file. A workspace's own packages do not. */
export const isElsewhere = (spec: string): boolean =>
  /^(?:git\b|git[+:@]|github:|gitlab:|bitbucket:|gist:|https?:|ssh:|file:|link:|portal:|exec:|patch:)/i.test(
    spec.trim()
  ) ||
  /^[.~]?\.?\//.test(spec.trim()) ||
  /^[\w.-]+\/[\w.-]+(?:#.*)?$/.test(spec.trim())

/** What is installed under another name than its own. */
export const aliased = (spec: string): string | undefined => /^npm:(@?[^@]+)/.exec(spec.trim())?.[1]

/** How much a range lets in, from one version to any. Nothing where it is no range. */
export const width = (spec: string): number | undefined => {
  const text = spec.trim().replace(/^npm:@?[^@]+@/, "")
  // A workspace's own, or what is said elsewhere.
  if (/^(?:workspace|catalog):/.test(text)) return undefined
  if (text === "" || text === "*" || /^[xX](?:\.|$)/.test(text) || /^(?:latest|next)$/.test(text)) return 5
  if (text.includes("||")) return 4
  if (/^=?v?\d+\.\d+\.\d+/.test(text) && !/\s/.test(text)) return 0
  if (text.startsWith("~")) return 1
  if (text.startsWith("^") || /^\d+(?:\.\d+)?(?:\.[xX*])*$/.test(text)) return 2
  if (/^>=?/.test(text)) return text.includes("<") ? 3 : 5
  return text.startsWith("<") ? 4 : undefined
}
