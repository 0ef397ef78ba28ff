/** Skills as a tool source: each is an entry without arguments, and a call answers with what it says. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as StrangerText from "../internal/StrangerText.ts"
import { type ToolSource, ToolSourceError } from "../ToolSource.ts"

/** What is needed of a skill; that of `@millwright/agents` is one. */
export interface Skill {
  readonly name: string
  readonly description: string
  readonly instructions: string
}

/** What the source is made of. */
export interface Options {
  readonly name: string
  readonly skills: ReadonlyArray<Skill>
}

/** Makes the source. Of two skills with one name, the first is used. */
export const make = ({ name, skills }: Options): ToolSource => ({
  name,
  kind: "skill",
  list: Effect.sync(() => ({
    tools: skills.map(({ description, name }) => ({ name, description, annotations }))
  })),
  call: (asked) =>
    Effect.suspend(() => {
      const skill = skills.find(({ name }) => name === asked)
      return skill === undefined
        ? Effect.fail(
            new ToolSourceError({
              reason: "NoSuchTool",
              message: `The source ${name} has no skill ${StrangerText.line(asked)}. It has ${skills.length}: list them.`
            })
          )
        : Effect.succeed({ content: [{ type: "text", text: skill.instructions }], isError: false })
    }),
  changes: Stream.empty
})

/** Reading what is written changes nothing. */
const annotations = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false }
