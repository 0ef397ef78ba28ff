/** A role of a plugin, held to what the plugin was accepted with, whatever it asks for. */
import type * as Journal from "@millwright/core/Journal"
import * as ToolScope from "@millwright/context/ToolScope"
import * as Stage from "@millwright/core/Stage"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Grant from "../Grant.ts"
import * as Harness from "../Harness.ts"
import type { PluginManifest } from "../PluginManifest.ts"
import type * as Role from "../Role.ts"
import * as WriteSurface from "../WriteSurface.ts"
import type { AnyRole } from "./PluginEntry.ts"
import * as PluginOrigin from "./PluginOrigin.ts"

type Needs = Harness.Harness | Journal.Journal | Harness.Workplace

/** A role within the grants and the write surface of its plugin. */
export interface PluginRole extends Omit<AnyRole, "run"> {
  readonly run: (input: unknown) => Effect.Effect<unknown, Role.Failure | WriteSurface.SurfaceError, Needs>
}

/** Holds a role to its plugin. Its stage ends when its workspace was looked at. */
export const make = (role: AnyRole, manifest: PluginManifest, origin: PluginOrigin.Named): PluginRole => {
  const owner = `the plugin ${manifest.name}`
  const surface = WriteSurface.make(manifest.writes)
  // Nothing that these give can change a file, so there is nothing to put back.
  const isReading =
    manifest.grants.every((grant) => Grant.readOnly.some((each) => each === grant)) && manifest.tools.length === 0
  return {
    name: role.name,
    outcome: role.outcome,
    grants: role.grants,
    run: (input) =>
      Stage.run<Schema, Role.Failure | WriteSurface.SurfaceError, Needs>(
        { name: role.name.toLowerCase(), success: role.outcome },
        Effect.flatMap(Harness.Harness, (harness) =>
          role
            .run(input)
            .pipe(
              Effect.provideService(Harness.Harness, narrowed(harness, manifest, owner)),
              Effect.provideService(PluginOrigin.PluginOrigin, origin),
              isReading ? (run) => run : WriteSurface.within({ surface, owner })
            )
        )
      )
  }
}

type Schema = AnyRole["outcome"]

const narrowed = (
  harness: Harness.Harness["Service"],
  { grants, tools }: PluginManifest,
  owner: string
): Harness.Harness["Service"] => {
  // A pattern is in a scope when it is as an id would be: what a `*` of it stands for, a `*` of the scope stands for too.
  const isDeclared = ToolScope.allows(tools)
  const taken = tools.filter((tool) => tool.startsWith("!"))
  return {
    ...harness,
    run: (request) => {
      const asked = request.tools ?? []
      const more = [
        ...request.grants.filter((grant) => !grants.includes(grant)),
        ...asked.filter((tool) => !tool.startsWith("!") && !isDeclared(tool))
      ]
      return more.length === 0
        ? // What the manifest takes away, a role can not leave out.
          harness.run(asked.length === 0 ? request : { ...request, tools: [...new Set([...asked, ...taken])] })
        : Stream.fail(
            new Harness.HarnessError({
              reason: "NotGranted",
              message: `The role ${request.role} of ${owner} asks for ${more.join(", ")}, and its manifest does not say so. Nothing was run. Ask who wrote it.`
            })
          )
    }
  }
}
