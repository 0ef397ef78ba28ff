/** Which packages and versions a registry may show, and what of its answers is left then. Pure. */
import * as Order from "effect/Order"
import * as Result from "effect/Result"
import * as SemVer from "effect/SemVer"
import type { LockFile } from "./LockFile.ts"
import type { Registry } from "./SandboxSpec.ts"

/** Rules. */
export interface RegistryRules {
  readonly packages: ReadonlyArray<string> | undefined
  /** In milliseconds. */
  readonly minimumAge: number | undefined
  readonly lock: LockFile | undefined
}

/** What a registry answers about a package, as far as it is looked at. */
type Packument = Readonly<Record<string, unknown>>

/** What is left of it. */
export interface Kept {
  readonly document: Packument
  /** The URLs that versions that are left are fetched from, as the registry named them. */
  readonly tarballs: ReadonlyArray<string>
}

const name = /^(?:@[a-z0-9~._-]+\/)?[a-z0-9~_-][a-z0-9~._-]*$/i

/** Whether a text is the name of a package. */
export const isName = (text: string): boolean => text.length <= 214 && name.test(text) && !text.includes("..")

/** Makes the rules of a spec. Answers with why they are none as a text. */
export const make = (
  { lockFileOnly, minimumAge, packages }: Registry,
  lock: LockFile | undefined
): RegistryRules | string => {
  const wrong = packages?.find((entry) => !isName(entry.endsWith("/*") ? `${entry.slice(0, -1)}x` : entry))
  if (wrong !== undefined) return `${JSON.stringify(wrong)} is neither the name of a package nor \`@scope/*\``
  if (lockFileOnly === true && lock === undefined) return "`lockFileOnly` asks for a lock file, and there is none"
  return { packages, minimumAge, lock: lockFileOnly === true ? lock : undefined }
}

/** Why a package is not shown at all. */
export const judge = ({ lock, packages }: RegistryRules, name: string): string | undefined => {
  const isListed = packages?.some((entry) =>
    entry.endsWith("/*") ? name.startsWith(entry.slice(0, -1)) : entry === name
  )
  if (isListed === false) return `${name} is not among the \`packages\` of the sandbox's \`registry\``
  return lock?.has(name) === false ? `${name} is not in the lock file, and \`lockFileOnly\` holds` : undefined
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const recordOf = (value: unknown): Readonly<Record<string, unknown>> => (isRecord(value) ? value : {})

/** Leaves of a packument what may be shown at a time. `local` says how a URL is reached from inside. */
export const keep = (
  rules: RegistryRules,
  packument: Packument,
  { local, now }: { readonly now: number; readonly local: (url: string) => string }
): Kept => {
  const times = recordOf(packument.time)
  const locked = rules.lock?.get(String(packument.name))
  const isOld = (version: string): boolean => {
    if (rules.minimumAge === undefined) return true
    const time = Object.hasOwn(times, version) ? Date.parse(String(times[version])) : Number.NaN
    // One whose age nobody knows may be new.
    return now - time >= rules.minimumAge
  }
  const isLocked = (version: string, manifest: Readonly<Record<string, unknown>>): boolean => {
    if (rules.lock === undefined) return true
    const integrity = locked?.get(version)
    return integrity !== undefined && isSame(integrity, String(recordOf(manifest.dist).integrity ?? ""))
  }
  const tarballs: Array<string> = []
  const versions = Object.entries(recordOf(packument.versions)).flatMap(([version, manifest]) => {
    if (!isRecord(manifest) || !isOld(version) || !isLocked(version, manifest)) return []
    const dist = recordOf(manifest.dist)
    const tarball = String(dist.tarball ?? "")
    tarballs.push(tarball)
    return [[version, { ...manifest, dist: { ...dist, tarball: local(tarball) } }] as const]
  })
  const left = new Set(versions.map(([version]) => version))
  return {
    tarballs,
    document: {
      ...packument,
      versions: Object.fromEntries(versions),
      "dist-tags": tags(recordOf(packument["dist-tags"]), left),
      ...(packument.time === undefined ? {} : { time: timesOf(times, left) })
    }
  }
}

const timesOf = (times: Readonly<Record<string, unknown>>, left: ReadonlySet<string>) =>
  Object.fromEntries(Object.entries(times).filter(([key]) => key === "created" || key === "modified" || left.has(key)))

/** Tags whose version is not left point to the newest one before it that is; a stable one where they pointed to one. */
const tags = (all: Readonly<Record<string, unknown>>, left: ReadonlySet<string>) => {
  const parsed = [...left].flatMap((text) =>
    Result.match(SemVer.parse(text), { onFailure: () => [], onSuccess: (version) => [{ text, version }] })
  )
  const newest = Order.flip(Order.mapInput(SemVer.Order, ({ version }: (typeof parsed)[number]) => version))
  parsed.sort(newest)
  const before = (tagged: string): string | undefined => {
    const bound = Result.getOrUndefined(SemVer.parse(tagged))
    return parsed.find(
      ({ version }) =>
        bound === undefined ||
        (SemVer.isLessThan(version, bound) && (SemVer.isPrerelease(bound) || !SemVer.isPrerelease(version)))
    )?.text
  }
  const kept = Object.entries(all).flatMap(([tag, version]) => {
    const to = left.has(String(version)) ? String(version) : before(String(version))
    return to === undefined ? [] : [[tag, to] as const]
  })
  // Installers take a package without `latest` for a broken one.
  const [latest] = parsed
  return { ...(latest === undefined ? {} : { latest: latest.text }), ...Object.fromEntries(kept) }
}

/** Digests agree when one of the same kind does, or when they have no kind in common. */
const isSame = (one: string, other: string): boolean => {
  const digests = (text: string) => text.split(/\s+/).filter((digest) => digest !== "")
  const kind = (digest: string) => digest.split("-", 1)[0]
  const comparable = digests(one).filter((digest) => digests(other).some((two) => kind(two) === kind(digest)))
  return comparable.length === 0 || comparable.some((digest) => digests(other).includes(digest))
}
