/** The skills that come with this package, one for each role, written for real use and meant to be replaced. */
import * as Skill from "./Skill.ts"

/** Reads a bundled skill. It is read from this package, not from the place in which the role works. */
export const load = Skill.bundled
