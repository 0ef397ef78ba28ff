/** The spec of the sandbox: what a file says, and the folder that is named beside it. */
import * as Digest from "@millwright/core/Digest"
import * as Sandbox from "@millwright/sandbox/Sandbox"
import type { SandboxSpec } from "@millwright/sandbox/SandboxSpec"
import type { Supports } from "@millwright/sandbox/Supports"
import * as Effect from "effect/Effect"
import { randomUUID } from "node:crypto"
import { readFileSync, realpathSync, statSync } from "node:fs"
import { Misuse, type Run } from "./arguments.ts"
import * as Place from "./place.ts"

/** A spec, and what becomes of its workspace. */
export interface Specified {
  readonly spec: SandboxSpec
  /** Whether it is removed at the end: as asked, or because nobody could find it again. */
  readonly isDiscarded: boolean
}

/** The spec that a run asks for, from an adapter that supports this. Fails with `Misuse` or `SandboxError`. */
export const of = (run: Run, supports: Supports): Effect.Effect<Specified, Misuse | Sandbox.SandboxError> =>
  Effect.gen(function* () {
    const given = yield* attempted(() => (run.spec === undefined ? {} : read(run.spec)))
    const spec = yield* Effect.flatMap(
      attempted(() => input(run, given, supports)),
      Sandbox.spec
    )
    const isUnnamed = spec.workspace._tag === "Empty" && given["id"] === undefined
    return { spec, isDiscarded: run.discard || isUnnamed }
  })

const attempted = <A>(work: () => A): Effect.Effect<A, Misuse> =>
  Effect.try({ try: work, catch: (error) => (error instanceof Misuse ? error : new Misuse(String(error))) })

type Given = Readonly<Record<string, unknown>>

const input = ({ spec, workspace }: Run, given: Given, supports: Supports): unknown => {
  if (given["workspace"] !== undefined) return { id: idOfWorkspace(given["workspace"]), ...given }
  if (workspace === undefined) throw new Misuse(`${spec} has no \`workspace\`, and there is no --workspace DIR.`)
  const folder = folderOf(workspace)
  const id = idOf(folder)
  return { id, workspace: workspaceOf(folder, String(given["id"] ?? id), supports), ...given }
}

const workspaceOf = (folder: string, id: string, { workspaces }: Supports): unknown =>
  workspaces.includes("Folder") || !workspaces.includes("Checkout")
    ? { _tag: "Folder", path: folder }
    : { _tag: "Checkout", repository: folder, base: "HEAD", branch: `sandbox-exec/${id}` }

/** Every empty workspace is another one: nothing tells it from those of commands that run at the same time. */
const idOfWorkspace = (workspace: unknown): string => {
  const isEmpty =
    typeof workspace === "object" && workspace !== null && "_tag" in workspace && workspace._tag === "Empty"
  return isEmpty ? `exec-${randomUUID()}` : idOf(JSON.stringify(workspace))
}

/** The same folder is the same workspace, which is opened once at a time. */
const idOf = (text: string): string => `exec-${Digest.short(Digest.of(text))}`

const read = (file: string): Given => {
  const text = attempt(`The spec ${file} can not be read`, () => readFileSync(Place.resolve(file), "utf8"))
  const value = attempt(`The spec ${file} is no JSON`, (): unknown => JSON.parse(text))
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value }
  throw new Misuse(`The spec ${file} holds no object.`)
}

const folderOf = (path: string): string => {
  const folder = attempt(`The workspace ${path} can not be used`, () => realpathSync(Place.resolve(path)))
  if (statSync(folder).isDirectory()) return folder
  throw new Misuse(`The workspace ${path} is no folder.`)
}

const attempt = <A>(what: string, work: () => A): A => {
  try {
    return work()
  } catch (error) {
    throw new Misuse(`${what}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
