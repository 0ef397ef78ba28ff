/**
 * The **tools** of a role that works in a workspace: read, grep, edit, write and bash. Each is named like the grant that
 * gives it.
 *
 * A handler takes the file system and the spawner of the place where it is called, so the same tools work on a laptop
 * and in a sandbox; nothing of one place is kept for another. What a tool can not do is a result that the model reads
 * and works from (`ToolFailure`), never an error of the run. Every answer is bounded (`Truncation`).
 *
 * This file is the tools' seam to `effect/ai`, which is marked unstable.
 */
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import * as Context from "effect/Context"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import * as Predicate from "effect/Predicate"
import { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Schema from "effect/Schema"
import * as Bash from "./tools/Bash.ts"
import * as Edit from "./tools/Edit.ts"
import * as Grep from "./tools/Grep.ts"
import * as Read from "./tools/Read.ts"
import { ToolFailure } from "./tools/ToolFailure.ts"
import * as Write from "./tools/Write.ts"
import * as Untrusted from "./Untrusted.ts"

// Asked for with each call, not when the handlers are made: a layer that is shared can not carry one sandbox to another.
const dependencies = [FileSystem.FileSystem, Path.Path, ChildProcessSpawner]

const answers = { success: Schema.String, failure: ToolFailure, failureMode: "return" as const, dependencies }

const read = Tool.make("read", { description: Read.description, parameters: Read.Parameters, ...answers })
  .annotate(Tool.Readonly, true)
  .annotate(Tool.Destructive, false)
  .annotate(Tool.Idempotent, true)
  .annotate(Tool.OpenWorld, false)

const grep = Tool.make("grep", { description: Grep.description, parameters: Grep.Parameters, ...answers })
  .annotate(Tool.Readonly, true)
  .annotate(Tool.Destructive, false)
  .annotate(Tool.Idempotent, true)
  .annotate(Tool.OpenWorld, false)

const edit = Tool.make("edit", { description: Edit.description, parameters: Edit.Parameters, ...answers }).annotate(
  Tool.OpenWorld,
  false
)

const write = Tool.make("write", { description: Write.description, parameters: Write.Parameters, ...answers })
  .annotate(Tool.Idempotent, true)
  .annotate(Tool.OpenWorld, false)

const bash = Tool.make("bash", { description: Bash.description, parameters: Bash.Parameters, ...answers })

/** All five, as `effect/ai` takes them. */
export const toolkit = Toolkit.make(read, grep, edit, write, bash)

/** The handlers of {@link toolkit}. They need the workplace of each call and nothing else. */
export const layer = toolkit.toLayer({
  read: Read.run,
  grep: Grep.run,
  edit: Edit.run,
  write: Write.run,
  bash: Bash.run
})

/** Whether a tool changes nothing. Calls of such tools may run beside each other; all others run one after the other. */
export const isReadOnly = (tool: Pick<Tool.Any, "annotations">): boolean => Context.get(tool.annotations, Tool.Readonly)

/** A call in one line of at most 120 characters, for people. */
export const summary = (name: string, input: unknown): string => {
  const said = ["pattern", "script", "path", "query", "name", "agent"].flatMap((key) =>
    Predicate.hasProperty(input, key) && Predicate.isString(input[key]) ? [input[key]] : []
  )
  const line = Untrusted.visible(`${name} ${said.join(" in ")}`)
    .replace(/\s+/g, " ")
    .trim()
  return line.length > 120 ? `${line.slice(0, 119)}…` : line
}
