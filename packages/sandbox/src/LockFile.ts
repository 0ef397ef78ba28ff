/** What a lock file of npm or pnpm names: packages, versions, and the digests of what is fetched. Pure. */
import * as Yaml from "effect/encoding/Yaml"

/** Digests by version by name, as `integrity` has them; an empty text where the file says none. */
export type LockFile = ReadonlyMap<string, ReadonlyMap<string, string>>

/** Larger ones are not read, in characters. */
const largest = 64 * 1024 * 1024

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const textOf = (value: unknown): string => (typeof value === "string" ? value : "")

/** Reads a file by its name. Answers with why it can not be read as a text. */
export const parse = ({ name, text }: { readonly name: string; readonly text: string }): LockFile | string => {
  if (text.length > largest) return `${name} is larger than ${largest} characters`
  try {
    return name.endsWith(".yaml") ? pnpm(text) : npm(text)
  } catch (cause) {
    return `${name} can not be read: ${cause instanceof Error ? cause.message.slice(0, 300) : String(cause)}`
  }
}

const collect = (entries: Iterable<readonly [name: string, version: string, integrity: string]>): LockFile => {
  const all = new Map<string, Map<string, string>>()
  for (const [name, version, integrity] of entries) {
    if (name === "" || version === "") continue
    const versions = all.get(name) ?? new Map<string, string>()
    all.set(name, versions.set(version, integrity))
  }
  return all
}

const npm = (text: string): LockFile | string => {
  const file: unknown = JSON.parse(text)
  if (!isRecord(file) || !isRecord(file.packages)) {
    return "package-lock.json has no `packages`. Write it anew with `npm install --lockfile-version 3`"
  }
  return collect(
    Object.entries(file.packages).flatMap(([path, entry]) => {
      const at = path.lastIndexOf("node_modules/")
      if (at === -1 || !isRecord(entry) || entry.link === true) return []
      // Of an alias, `name` is what is fetched.
      const name = textOf(entry.name) || path.slice(at + "node_modules/".length)
      return [[name, textOf(entry.version), textOf(entry.integrity)] as const]
    })
  )
}

// `name@1.0.0` since 9, `/name@1.0.0(peers)` since 6, `/name/1.0.0_peers` before.
const key = /^\/?((?:@[^/@]+\/)?[^/@]+)[@/]([^@/(_]+)/

const pnpm = (text: string): LockFile | string => {
  const packages: Array<readonly [string, string, string]> = []
  let isOne = false
  // Newer versions put what they need for themselves into a document before the one of the workspace.
  for (const part of text.split(/^---(?:[ \t].*)?$/m)) {
    const file: unknown = part.trim() === "" ? undefined : Yaml.parse(part)
    if (!isRecord(file) || file.lockfileVersion === undefined) continue
    isOne = true
    for (const [id, entry] of Object.entries(isRecord(file.packages) ? file.packages : {})) {
      const [, name = "", version = ""] = key.exec(id) ?? []
      const resolution = isRecord(entry) && isRecord(entry.resolution) ? entry.resolution : {}
      packages.push([name, version, textOf(resolution.integrity)])
    }
  }
  return isOne ? collect(packages) : "pnpm-lock.yaml has no `lockfileVersion`. Write it anew with `pnpm install`"
}
