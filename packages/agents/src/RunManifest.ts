/**
 * The **manifest** of a run: what its agents ran with. Each role with its skill by digest, its harness, tier and models, and the
 * skills that were read in the middle of the work. A pure fold over the journal, so it can be made of any run at any time.
 *
 * A later run is held to it with {@link hold} and {@link holdPlugins}: its roles run with the same bytes, or not at all.
 */
import * as Digest from "@millwright/core/Digest"
import type { FactoryEvent } from "@millwright/core/FactoryEvent"
import * as Journal from "@millwright/core/Journal"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Schema from "effect/Schema"
import { refuse, type SkillError } from "./internal/SkillFailure.ts"
import { PluginError } from "./PluginManifest.ts"
import * as Skill from "./Skill.ts"

/** A role of a run, with one skill, in one stage. */
export const RanRole = Schema.Struct({
  role: Schema.String,
  /** `null` outside of a line. */
  stage: Schema.NullOr(Schema.String),
  skill: Schema.String,
  skillDigest: Digest.Digest,
  /** `null`: it was recorded before sources were. */
  skillSource: Schema.NullOr(Schema.String),
  /** The plugin that it comes from; `null`: none. */
  plugin: Schema.NullOr(Schema.Struct({ name: Schema.String, version: Schema.String, digest: Digest.Digest })),
  harness: Schema.String,
  tier: Schema.String,
  /** `provider/model` of each call, in the order of names. In a stage, those of its sub-agents among them. */
  models: Schema.Array(Schema.String)
})
/** A role of a run, with one skill, in one stage. */
export type RanRole = typeof RanRole.Type

/** A skill that an agent read in the middle of its work, or a file beside one. */
export const UsedSkill = Schema.Struct({
  role: Schema.String,
  stage: Schema.NullOr(Schema.String),
  skill: Schema.String,
  digest: Digest.Digest,
  source: Schema.String,
  trust: Schema.Literals(["house", "outside"]),
  file: Schema.NullOr(Schema.String)
})
/** A skill that an agent read in the middle of its work, or a file beside one. */
export type UsedSkill = typeof UsedSkill.Type

/** What a run ran with. */
export const RunManifest = Schema.Struct({
  run: Schema.String,
  roles: Schema.Array(RanRole),
  skills: Schema.Array(UsedSkill)
})
/** What a run ran with. */
export type RunManifest = typeof RunManifest.Type

/** The manifest of a run of which nothing is known. */
export const empty = (run: string): RunManifest => ({ run, roles: [], skills: [] })

/** Takes an event into account. Those of other runs, and most others, change nothing. */
export const step = (manifest: RunManifest, event: FactoryEvent): RunManifest => {
  const { actor, fact, run, stage } = event
  if (run !== manifest.run) return manifest
  const role = actor._tag === "Agent" ? actor.role : "host"
  switch (fact._tag) {
    case "RoleStarted": {
      const { harness, plugin = null, role, skill, skillDigest, skillSource = null, tier } = fact
      const ran = { role, stage, skill, skillDigest, skillSource, plugin, harness, tier, models: [] }
      return { ...manifest, roles: added(manifest.roles, ran) }
    }
    case "ModelCalled": {
      const model = `${fact.provider}/${fact.model}`
      // A sub-agent works in the stage of its role.
      const last = manifest.roles.findLast((each) => (stage === null ? each.role === role : each.stage === stage))
      if (last === undefined || last.models.includes(model)) return manifest
      const models = [...last.models, model].sort()
      return { ...manifest, roles: manifest.roles.map((each) => (each === last ? { ...each, models } : each)) }
    }
    case "SkillUsed": {
      const { digest, file = null, skill, source, trust } = fact
      return { ...manifest, skills: added(manifest.skills, { role, stage, skill, digest, source, trust, file }) }
    }
    case "LineRewound": {
      const isKept = (each: { readonly stage: string | null }) =>
        each.stage === null || !fact.dropped.includes(each.stage)
      return { ...manifest, roles: manifest.roles.filter(isKept), skills: manifest.skills.filter(isKept) }
    }
    default:
      return manifest
  }
}

const added = <A extends object>(all: ReadonlyArray<A>, one: A): ReadonlyArray<A> => {
  const isSame = (other: A) =>
    Object.entries(one).every(([key, value]) => key === "models" || Equal.equals(Reflect.get(other, key), value))
  return all.some(isSame) ? all : [...all, one]
}

/** The manifest of a run, of all that is in the journal now. */
export const of = (run: string): Effect.Effect<RunManifest, Journal.JournalError, Journal.Journal> =>
  Journal.fold(empty(run), step, run)

/**
 * Holds a skill to what a run ran with: `Role.make("Triage", { skill: Skill.bundled("triage").pipe(RunManifest.hold(manifest)), … })`.
 * A skill that is another now, or that the run had not, is `NotPinned`.
 */
export const hold =
  ({ roles, run }: RunManifest) =>
  <R>(skill: Effect.Effect<Skill.Skill, SkillError, R>): Effect.Effect<Skill.Skill, SkillError, R> =>
    Effect.flatMap(skill, (found) => {
      const digests = [...new Set(roles.filter((role) => role.skill === found.name).map((role) => role.skillDigest))]
      return digests.length === 0
        ? refuse(
            { reason: "NotPinned", source: found.source },
            `the run ${run} had no skill ${found.name}`,
            "Hold it to a run that had it."
          )
        : Skill.pinned(...digests)(Effect.succeed(found))
    })

/** A plugin as far as it has to be known to be held. */
interface Held {
  readonly name: string
  readonly version: string
  readonly digest: Digest.Digest
  readonly roles: ReadonlyArray<{ readonly name: string }>
}

/**
 * Holds plugins to what a run ran with: `Effect.flatMap(Plugin.load(places, project), RunManifest.holdPlugins(manifest))`. One that the
 * run had with other bytes, or that has a role which the run had from somewhere else, is `Changed`. One that it had no role of is
 * not held.
 */
export const holdPlugins =
  ({ roles, run }: RunManifest) =>
  <P extends Held>(plugins: ReadonlyArray<P>): Effect.Effect<ReadonlyArray<P>, PluginError> =>
    Effect.forEach(plugins, (plugin) => {
      const ran = roles.filter(
        (each) => each.plugin?.name === plugin.name || plugin.roles.some(({ name }) => name === each.role)
      )
      const [other] = ran
      if (other === undefined || ran.some((each) => each.plugin?.digest === plugin.digest))
        return Effect.succeed(plugin)
      const had =
        other.plugin === null
          ? "from no plugin"
          : `from ${other.plugin.name} ${other.plugin.version} (${Digest.short(other.plugin.digest)})`
      return Effect.fail(
        new PluginError({
          reason: "Changed",
          message: `The run ${run} had the role ${other.role} ${had}, and this is ${plugin.name} ${plugin.version} (${Digest.short(plugin.digest)}). Load the one that it had, or do not hold to that run.`
        })
      )
    })
