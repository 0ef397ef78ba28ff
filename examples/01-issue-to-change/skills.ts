/** The roles with the skills of a folder, where it has them, and the bundled ones otherwise. Read before anything runs. */
import * as Implement from "@millwright/agents/roles/Implement"
import * as Review from "@millwright/agents/roles/Review"
import * as Spec from "@millwright/agents/roles/Spec"
import * as Triage from "@millwright/agents/roles/Triage"
import * as Skill from "@millwright/agents/Skill"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Intake from "./intake.ts"

const names = ["triage", "spec", "implement", "review"] as const

export const roles = Effect.fnUntraced(function* (folder: string | undefined) {
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const skill = Effect.fnUntraced(function* (name: (typeof names)[number]) {
    const own = folder === undefined ? undefined : path.resolve(folder, name, "SKILL.md")
    const loaded = own !== undefined && (yield* files.exists(own)) ? yield* Skill.load(own) : yield* Skill.bundled(name)
    return Effect.succeed(loaded)
  })
  if (folder !== undefined) {
    const found = yield* Effect.filter(names, (name) => files.exists(path.resolve(folder, name, "SKILL.md")))
    if (found.length === 0) {
      return yield* new Intake.IntakeError({
        reason: "NoSkills",
        message:
          `The folder ${path.resolve(folder)} has none of ${names.map((name) => `${name}/SKILL.md`).join(", ")}. Put ` +
          `the skills there that shall differ from the bundled ones, or leave --skills out.`
      })
    }
  }
  return {
    triage: Triage.make({ skill: yield* skill("triage") }),
    spec: Spec.make({ skill: yield* skill("spec") }),
    implement: Implement.make({ skill: yield* skill("implement") }),
    review: Review.make({ skill: yield* skill("review") })
  }
})
