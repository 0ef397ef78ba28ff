/** The packages that a lock file holds: npm's, pnpm's and yarn's. Each writes its own in one way only, which is read here line by line. */
import * as Result from "effect/Result"

/** One package as it is installed. */
export interface LockEntry {
  /** `name@version`. */
  readonly id: string
  /** Where it is fetched from, where the file says so. */
  readonly resolved: string | undefined
  readonly integrity: string | undefined
  /** Whether it runs a script when it is installed, where the file says so. */
  readonly hasInstallScript: boolean
}

/** The names of lock files. */
export const names: ReadonlyArray<string> = ["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock"]

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined)

const npmEntry = (name: string, value: Readonly<Record<string, unknown>>): LockEntry => ({
  id: `${textOf(value["name"]) ?? name}@${textOf(value["version"]) ?? ""}`,
  resolved: textOf(value["resolved"]),
  integrity: textOf(value["integrity"]),
  hasInstallScript: value["hasInstallScript"] === true
})

const npmOld = (dependencies: unknown, depth = 0): ReadonlyArray<LockEntry> =>
  isRecord(dependencies) && depth < 50
    ? Object.entries(dependencies).flatMap(([name, value]) =>
        isRecord(value) ? [npmEntry(name, value), ...npmOld(value["dependencies"], depth + 1)] : []
      )
    : []

const npm = (text: string): ReadonlyArray<LockEntry> => {
  const json: unknown = JSON.parse(text)
  if (!isRecord(json)) throw new Error("it is no object")
  const { packages } = json
  if (!isRecord(packages)) return npmOld(json["dependencies"])
  return Object.entries(packages).flatMap(([key, value]) => {
    const at = key.lastIndexOf("node_modules/")
    return at < 0 || !isRecord(value) || value["link"] === true
      ? []
      : [npmEntry(key.slice(at + "node_modules/".length), value)]
  })
}

const unquoted = (text: string): string => text.trim().replace(/^(['"])(.*)\1$/, "$2")

const pnpm = (text: string): ReadonlyArray<LockEntry> => {
  if (!/^lockfileVersion:/m.test(text)) throw new Error("it has no lockfileVersion")
  const entries: Array<{ -readonly [K in keyof LockEntry]: LockEntry[K] }> = []
  let isInside = false
  for (const line of text.split(/\r?\n/)) {
    if (/^\S/.test(line)) isInside = line.startsWith("packages:")
    if (!isInside) continue
    const key = /^ {2}(\S.*):\s*$/.exec(line)?.[1]
    const last = entries.at(-1)
    if (key !== undefined) {
      const id = unquoted(key).replace(/^\//, "").replace(/\(.*$/, "")
      entries.push({ id, resolved: undefined, integrity: undefined, hasInstallScript: false })
    } else if (last !== undefined && /^ {4}resolution:/.test(line)) {
      last.integrity = /integrity: ([^,}\s]+)/.exec(line)?.[1]
      last.resolved = /(?:tarball|repo): ([^,}\s]+)/.exec(line)?.[1]
    } else if (last !== undefined && /^ {4}requiresBuild: true/.test(line)) last.hasInstallScript = true
  }
  return entries
}

const yarn = (text: string): ReadonlyArray<LockEntry> => {
  const entries: Array<{ -readonly [K in keyof LockEntry]: LockEntry[K] }> = []
  let name: string | undefined
  for (const line of text.split(/\r?\n/)) {
    const key = /^("?@?[^\s#@"][^@"]*@.*):\s*$/.exec(line)?.[1]
    if (key !== undefined) name = /^(@?[^@]+)@/.exec(unquoted(key.split(",")[0] ?? ""))?.[1]
    const [, field, value = ""] = /^ {2}(version|resolved|resolution|integrity|checksum):? (.*)$/.exec(line) ?? []
    const last = entries.at(-1)
    if (field === "version" && name !== undefined) {
      entries.push({
        id: `${name}@${unquoted(value)}`,
        resolved: undefined,
        integrity: undefined,
        hasInstallScript: false
      })
    } else if (last !== undefined && field === "resolved") last.resolved = unquoted(value)
    else if (last !== undefined && (field === "integrity" || field === "checksum")) last.integrity = unquoted(value)
    else if (last !== undefined && field === "resolution" && !/@npm:/.test(value))
      last.resolved = unquoted(value).replace(/^@?[^@]+@/, "")
  }
  return entries
}

/** Reads a lock file by its name. Fails with why it is none. */
export const parse = (name: string, text: string): Result.Result<ReadonlyArray<LockEntry>, string> =>
  Result.try({
    try: () => (name.endsWith(".json") ? npm(text) : name === "yarn.lock" ? yarn(text) : pnpm(text)),
    catch: (cause) => (cause instanceof Error ? cause.message : String(cause))
  })

/** The host that a package is fetched from; what is no address of a registry as it is. */
export const sourceOf = ({ resolved }: LockEntry): string | undefined => {
  if (resolved === undefined) return undefined
  const url = URL.canParse(resolved) ? new URL(resolved) : undefined
  return url?.protocol === "https:" ? url.host : resolved.split("#")[0]
}
