/** The skills that come with this package, one for each role, written for real use and meant to be replaced. */
import * as Effect from "effect/Effect"
import { readFile } from "node:fs/promises"
import * as Skill from "./Skill.ts"

/** Reads a bundled skill. It is read from this package, not from the place in which the role works. */
export const load = (name: "triage" | "spec" | "implement" | "review"): Effect.Effect<Skill.Skill, Skill.SkillError> => {
  const url = new URL(`../skills/${name}/SKILL.md`, import.meta.url)
  return Effect.flatMap(
    Effect.tryPromise({
      try: () => readFile(url, "utf8"),
      catch: (cause) =>
        new Skill.SkillError({
          reason: "NotFound",
          message: `The bundled skill ${name} is not in the package @millwright/agents. Install the package anew.`,
          cause
        })
    }),
    (text) => Skill.parse(text, `@millwright/agents/skills/${name}/SKILL.md`)
  )
}
