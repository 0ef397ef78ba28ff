/**
 * A **skill set**: the skills of some places by name, each with its one line; what a skill says is read when it is used.
 *
 * A skill stands in a folder of its own, in one of the {@link roots} of a place: those that Claude Code, Codex, pi and others
 * read already. The first of a name has it, in the order of the places and their roots. What can not be used is reported with its
 * reason, and hides nothing else.
 */
import * as Effect from "effect/Effect"
import * as FrontMatter from "./internal/FrontMatter.ts"
import { fromPlace, SkillError } from "./internal/SkillFailure.ts"
import * as Place from "./Place.ts"
import * as Skill from "./Skill.ts"

/** A skill that was found. */
export interface Entry extends Pick<Skill.Skill, "name" | "description" | "metadata"> {
  readonly place: Place.Place
  /** Its folder in the place. */
  readonly folder: string
}

/** Something that looks like a skill and is none, or a part of a place that was not looked at. */
export interface Problem {
  readonly place: Place.Place
  readonly path: string
  readonly error: SkillError
}

/** The skills of some places. */
export interface SkillSet {
  /** In the order of names, of which each is there once. */
  readonly skills: ReadonlyArray<Entry>
  readonly problems: ReadonlyArray<Problem>
}

/** Where skills are looked for, and how much is looked at. */
export interface Options {
  /** The folders of a place that hold folders of skills; empty is its root. Default: {@link roots}. */
  readonly roots?: ReadonlyArray<string>
  /** Names in the roots of one place. Default 5,000. */
  readonly entries?: number
  /** Bytes that are read of one place, of at most 65 KiB a skill. Default 32 MiB. */
  readonly bytes?: number
}

/** Where skills stand in a repository, a package or a folder of them. */
export const roots: ReadonlyArray<string> = [".agents/skills", ".claude/skills", "skills", ""]

/** As much of a skill as is read to list it: the longest front matter, and its fences. */
const headBytes = FrontMatter.maxBytes + 1024

/** Finds the skills of places. What is wrong with any of them is in the answer. */
export const find = Effect.fnUntraced(function* (places: ReadonlyArray<Place.Place>, options: Options = {}) {
  const skills = new Map<string, Entry>()
  const problems: Array<Problem> = []
  for (const place of places) {
    const found = yield* inPlace(place, options)
    problems.push(...found.problems)
    for (const entry of found.skills) {
      const first = skills.get(entry.name)
      if (first === undefined) skills.set(entry.name, entry)
      else problems.push(duplicate(entry, first))
    }
  }
  const set: SkillSet = { skills: [...skills.values()].sort((a, b) => (a.name < b.name ? -1 : 1)), problems }
  return set
})

const inPlace = Effect.fnUntraced(function* (place: Place.Place, options: Options) {
  const { bytes: mostBytes = 32 * 1024 * 1024, entries: mostEntries = 5_000, roots: searched = roots } = options
  const skills: Array<Entry> = []
  const problems: Array<Problem> = []
  const report = (path: string, error: SkillError) => problems.push({ place, path, error })
  const seen = new Set<string>()
  let bytesLeft = mostBytes
  let entriesLeft = mostEntries
  for (const root of searched) {
    const listed = yield* Effect.result(place.list(root))
    if (listed._tag === "Failure") {
      // The usual roots are in no place all of them; one that was asked for is missed.
      const isUsual = options.roots === undefined && listed.failure.reason === "NotFound"
      if (!isUsual) report(root, unlisted(place, root, listed.failure))
      continue
    }
    for (const { kind, path, problem, real } of listed.success) {
      if (entriesLeft-- <= 0 || bytesLeft <= 0) {
        report(path, notLookedAt(place, path, bytesLeft <= 0 ? `${mostBytes} bytes` : `${mostEntries} names`))
        break
      }
      if (kind !== "folder") {
        if (kind !== "file") report(path, unusable(place, path, problem ?? `it is a ${kind}`))
        else if (root !== "" && isFlat(path)) report(path, flat(place, path))
        continue
      }
      // A link to a skill that was seen is that skill, where its folder has the same name.
      const same = `${real}/${path.split("/").at(-1)}`
      if (seen.has(same)) continue
      seen.add(same)
      const head = yield* Effect.result(readHead(place, path))
      if (head._tag === "Failure") {
        // Most folders of a repository are no skills.
        if (head.failure.reason !== "NotFound") report(path, head.failure)
        else if (yield* isMisnamed(place, path)) report(path, misnamed(place, path))
        continue
      }
      bytesLeft -= head.success.bytes
      skills.push(head.success.entry)
    }
  }
  return { skills, problems }
})

const readHead = Effect.fnUntraced(function* (place: Place.Place, folder: string) {
  const source = `${place.name}/${folder}/SKILL.md`
  const { bytes, size } = yield* Effect.catch(place.read(`${folder}/SKILL.md`, headBytes), fromPlace(source))
  const skill = yield* Skill.head({ bytes, size }, source)
  return { bytes: bytes.length, entry: { ...skill, place, folder } satisfies Entry }
})

/** A file that could be a skill by its name. In the root of a place, as in that of a repository, Markdown is all sorts of things. */
const isFlat = (path: string): boolean => /\/[a-z0-9-]+\.md$/.test(`/${path}`) && !path.endsWith("/readme.md")

/** Whether a folder without a `SKILL.md` has one in other letters. */
const isMisnamed = (place: Place.Place, folder: string): Effect.Effect<boolean> =>
  Effect.map(
    Effect.forEach(["skill.md", "Skill.md"], (name) => Effect.isSuccess(place.read(`${folder}/${name}`, 1))),
    (found) => found.includes(true)
  )

const refused = (reason: SkillError["reason"], message: string, cause?: unknown): SkillError =>
  new SkillError({ reason, message, ...(cause !== undefined && { cause }) })

const duplicate = ({ folder, name, place }: Entry, first: Entry): Problem => ({
  place,
  path: folder,
  error: refused(
    "Duplicate",
    `The skill ${name} in ${place.name}/${folder} is not used: ${first.place.name}/${first.folder} comes before it. Rename one of them, or leave it out.`
  )
})

const unlisted = (place: Place.Place, root: string, error: Place.PlaceError): SkillError =>
  refused("Unreadable", `The skills in ${Place.join(place.name, root)} can not be listed: ${error.message}`, error)

const unusable = (place: Place.Place, path: string, problem: string): SkillError =>
  refused(
    "Unreadable",
    `${Place.quoted(path)} in ${place.name} is not looked at: ${problem}. Put a folder with a SKILL.md there.`
  )

const flat = (place: Place.Place, path: string): SkillError =>
  refused(
    "Malformed",
    `${Place.quoted(path)} in ${place.name} is not looked at: a skill is a folder with a SKILL.md. Move it to ${Place.quoted(path.replace(/\.md$/, "/SKILL.md"))}.`
  )

const misnamed = (place: Place.Place, folder: string): SkillError =>
  refused(
    "Malformed",
    `${Place.quoted(folder)} in ${place.name} is not looked at: its skill.md is written in other letters. Name it SKILL.md.`
  )

const notLookedAt = (place: Place.Place, path: string, limit: string): SkillError =>
  refused(
    "TooLarge",
    `${place.name} is not looked at from ${Place.quoted(path)} on: it has more than ${limit}. Name a smaller folder, or allow more.`
  )

/** Reads a skill of a set whole, as it is now, for a role. One of a place that is not of the house is `NotTrusted`. */
export const load = ({ folder, place }: Entry): Effect.Effect<Skill.Skill, SkillError> => Skill.from(place, folder)

/** Reads what a skill of a set says, whatever its place, to be shown. */
export const said = ({ folder, place }: Entry) => Skill.said(place, folder)

/** Why a set does not have the skill of a name, where there is something at its place. */
export const rejected = ({ problems }: Pick<SkillSet, "problems">, name: string): SkillError | undefined =>
  problems.find(({ path }) => path.split("/").at(-1)?.replace(/\.md$/, "") === name)?.error

/** Reads the skill of a name, for a role. One of a place that is not of the house is `NotTrusted`. */
export const get = ({ problems, skills }: SkillSet, name: string): Effect.Effect<Skill.Skill, SkillError> =>
  Effect.suspend(() => {
    const entry = skills.find((each) => each.name === name)
    if (entry !== undefined) return load(entry)
    const why = rejected({ problems }, name)
    if (why !== undefined) return Effect.fail(why)
    const names = skills.slice(0, 20).map((each) => each.name)
    const more = skills.length > names.length ? ` and ${skills.length - names.length} more` : ""
    return Effect.fail(
      refused(
        "NotFound",
        `There is no skill ${JSON.stringify(name.slice(0, 100))}. There are ${skills.length}: ${names.join(", ")}${more}. Look at the problems of the set.`
      )
    )
  })

/** The files beside a skill, from its folder, and whether there are more. At most 100, in folders of at most 4 levels. */
export const files = Effect.fnUntraced(function* ({ folder, place }: Entry) {
  const own = yield* place.within(folder)
  const { files, isPartial } = yield* Place.walk(own, "", { entries: 200, depth: 4 })
  const beside = files.map(({ path }) => path).filter((path) => path !== "SKILL.md")
  return { paths: beside.slice(0, 100), isPartial: isPartial || beside.length > 100 }
})

/** Reads the start of a file beside a skill. No path and no link leads above its folder. */
export const file = Effect.fnUntraced(function* (entry: Entry, path: string, maxBytes: number) {
  const own = yield* entry.place.within(entry.folder)
  return yield* own.read(path, maxBytes)
})
