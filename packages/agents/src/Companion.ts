/**
 * A **companion**: a skill of a repository, `<name>-local`, that fits a core skill to it. It replaces or adds to the sections
 * that the core leaves to it, by their headings, and says nothing else.
 *
 * A core names them in its front matter, `metadata: { overridable: "labels, areas" }`. In the companion, `## Labels` stands in
 * the place of the core's section, and `## + Labels` is added to what that says. Whatever else stands in a companion is an error that
 * names it. The shape of an outcome, gates and the rules of the house are not a skill's to say, so a section about them can not
 * be left to a companion either.
 *
 * A companion is instructions to an agent: read it from where the house decides what is in it, as the default branch.
 */
import * as Digest from "@millwright/core/Digest"
import * as Tainted from "@millwright/core/Tainted"
import * as Effect from "effect/Effect"
import * as Markdown from "./internal/Markdown.ts"
import { oneLine, refuse, type SkillError } from "./internal/SkillFailure.ts"
import type * as Skill from "./Skill.ts"
import * as SkillSet from "./SkillSet.ts"

/** What a core skill never leaves to a companion, whatever its front matter says. */
export const never: RegExp =
  /\b(?:outcomes?|schemas?|gates?|safety|security|untrusted|secrets?|rules of the house|house rules)\b/i

/** The name of the companion of a skill. */
export const nameOf = (core: string): string => `${core}-local`

/**
 * The skill with its companion, where the set has one. A companion that can not be used is an error: it is not left out in
 * silence.
 */
export const from = <R>(
  core: Effect.Effect<Skill.Skill, SkillError, R>,
  set: SkillSet.SkillSet
): Effect.Effect<Skill.Skill, SkillError, R> =>
  Effect.gen(function* () {
    const skill = yield* core
    const name = nameOf(skill.name)
    const entry = set.skills.find((each) => each.name === name)
    if (entry === undefined) {
      const broken = SkillSet.rejected(set, name)
      return broken === undefined ? skill : yield* broken
    }
    if (entry.place.trust !== "house") {
      return yield* refuse(
        { reason: "NotTrusted", source: `${entry.place.name}/${entry.folder}` },
        "it is a companion, and its place is not of the house",
        'Read it from where the house decides what is in it, as the default branch, and open that with `trust: "house"`.'
      )
    }
    return yield* apply(skill, yield* SkillSet.load(entry))
  })

/** Puts a core skill and its companion together. The digest covers both, and the source names both. */
export const apply = Effect.fnUntraced(function* (core: Skill.Skill, local: Skill.Skill) {
  if (local.name !== nameOf(core.name)) {
    return yield* notItsPart(local, `it is no companion of ${core.name}`, `Name it ${nameOf(core.name)}.`)
  }
  const whole = yield* outlineOf(core)
  const open = yield* overridable(core, whole)
  const said = yield* outlineOf(local)
  const changes: Array<Change> = []
  for (const section of yield* sectionsOf(local, said)) {
    const adds = section.title.startsWith("+")
    const target = open.get(Markdown.keyOf(adds ? section.title.slice(1) : section.title))
    if (target === undefined) return yield* notLeft(local, section.title, [...open.values()])
    if (changes.some(({ target: { from, to } }) => from < target.to && target.from < to)) {
      return yield* notItsPart(local, `it says the section "${target.title}" twice`, "Say it once, in one section.")
    }
    const deeper = target.level - section.level
    for (const inner of Markdown.inside(said, section)) {
      const ofCore = whole.sections.find(({ key }) => key === inner.key)
      const isElsewhere = ofCore !== undefined && !(ofCore.from >= target.from && ofCore.from < target.to)
      if (isElsewhere || never.test(inner.title)) return yield* notLeft(local, inner.title, [...open.values()])
      if (inner.level + deeper > 6) {
        return yield* notItsPart(local, `its heading "${oneLine(inner.title)}" is too deep`, "Use fewer levels.")
      }
    }
    const body = Markdown.below(said, section, deeper)
    if (body.every((line) => line.trim() === "")) {
      return yield* notItsPart(
        local,
        `its section "${oneLine(section.title)}" is empty`,
        "Say something, or take it out."
      )
    }
    changes.push({ adds, target, body })
  }
  const lines = [...whole.lines]
  // From the end, so that what comes before stays where it is.
  for (const { adds, body, target } of changes.sort((a, b) => b.target.from - a.target.from)) {
    // What is added would belong to the last section inside, if it stood behind that.
    const [inner] = Markdown.inside(whole, target)
    if (adds) lines.splice(inner?.from ?? target.to, 0, "", ...body, "")
    else lines.splice(target.from + 1, target.to - target.from - 1, "", ...body, "")
  }
  const skill: Skill.Skill = {
    ...core,
    instructions: lines.join("\n").trim(),
    digest: Digest.ofJson([core.digest, local.digest]),
    source: `${core.source} with ${local.source}`
  }
  return skill
})

interface Change {
  readonly adds: boolean
  readonly target: Markdown.Section
  readonly body: ReadonlyArray<string>
}

const notItsPart = ({ source }: Skill.Skill, what: string, mend: string): Effect.Effect<never, SkillError> =>
  refuse({ reason: "NotOverridable", source }, what, mend)

const notLeft = (local: Skill.Skill, title: string, open: ReadonlyArray<Markdown.Section>) =>
  notItsPart(
    local,
    `its section "${oneLine(title)}" is none that the core skill leaves to it`,
    open.length === 0
      ? "The core skill leaves nothing to it: its metadata has no `overridable`."
      : `It leaves ${open.map((section) => `"${section.title}"`).join(", ")}: take all else out.`
  )

const outlineOf = ({ instructions, source }: Skill.Skill): Effect.Effect<Markdown.Outline, SkillError> => {
  const outline = Markdown.outline(instructions)
  return outline.problem === undefined
    ? Effect.succeed(outline)
    : refuse({ reason: "Malformed", source }, outline.problem, "Where its sections end has to be plain.")
}

/** The sections that a core leaves to a companion, by their keys. */
const overridable = Effect.fnUntraced(function* (core: Skill.Skill, whole: Markdown.Outline) {
  const open = new Map<string, Markdown.Section>()
  for (const name of (core.metadata["overridable"] ?? "").split(",")) {
    if (name.trim() === "") continue
    const [section, ...others] = whole.sections.filter(({ key }) => key === Markdown.keyOf(name))
    const fixed = [{ title: name }, ...(section === undefined ? [] : Markdown.inside(whole, section))].find(
      ({ title }) => never.test(title)
    )
    if (section === undefined || others.length > 0 || fixed !== undefined) {
      const what =
        fixed !== undefined
          ? `"${oneLine(fixed.title)}" is never left to a companion`
          : `it has ${section === undefined ? "no section" : "several sections"} of that name`
      return yield* refuse(
        { reason: "Malformed", source: core.source },
        `its metadata makes "${oneLine(name)}" overridable, and ${what}`,
        "Name headings of its text, with commas between."
      )
    }
    open.set(section.key, section)
  }
  return open
})

/** The sections of a companion, which has nothing beside them. */
const sectionsOf = Effect.fnUntraced(function* (local: Skill.Skill, { lines, sections }: Markdown.Outline) {
  if (local.instructions.search(Tainted.hidden) !== -1) {
    return yield* notItsPart(local, "it has characters that hide or reorder text", "Take them out.")
  }
  const top = sections.filter(({ level }) => level === Math.min(...sections.map((each) => each.level)))
  const before = lines.slice(0, top[0]?.from).find((line) => line.trim() !== "")
  return before === undefined
    ? top
    : yield* notItsPart(
        local,
        `"${oneLine(before).slice(0, 80)}" stands before its first section`,
        "Put it into a section that the core skill leaves to it."
      )
})
