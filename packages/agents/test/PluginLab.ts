/** A project with a lock, and plugins for it. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import { mkdirSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as FolderPlace from "../src/FolderPlace.ts"
import * as PlaceLab from "./PlaceLab.ts"

export const Services = NodeServices.layer

export const skill = (name: string, body = "Do it well."): string =>
  `---\nname: ${name}\ndescription: How to ${name}.\n---\n${body}\n`

/** The manifest of a plugin with changes; a key with `undefined` is left out. */
export const manifest = (changes: object = {}): string =>
  JSON.stringify({
    name: "acme",
    version: "1.2.0",
    manifest: 1,
    description: "Documents.",
    skills: ["skills/document"],
    servers: { docs: { command: "node", args: ["./server.mjs", "--deep"], env: ["DOCS_TOKEN"] } },
    entry: "plugin.mjs",
    writes: ["docs/**"],
    grants: ["read", "write", "bash"],
    tools: ["docs/*"],
    ...changes
  })

/** A module with a role of these options, and a hook. */
export const entry = (options = "", name = "Documenter"): string => `
import * as Hook from "@millwright/agents/Hook"
import * as Role from "@millwright/agents/Role"
import * as Skill from "@millwright/agents/Skill"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

globalThis.millwrightPluginRan = (globalThis.millwrightPluginRan ?? 0) + 1

export const Documenter = Role.make(${JSON.stringify(name)}, {
  input: Schema.Struct({ what: Schema.String }),
  outcome: Schema.TaggedUnion({ Done: { note: Schema.String } }),
  skill: Skill.parse(${JSON.stringify(skill("document"))}, "inline"),
  grants: ["read", "write", "bash"],
  tier: "small",
  ${options}
})
export const roles = [Documenter]
export const hooks = [Hook.make("polite", { request: () => Effect.succeed(Hook.transform(["Be polite."])) })]
`

/** How often the code of plugins ran in this process. */
export const ran = (): number => {
  const count: unknown = Reflect.get(globalThis, "millwrightPluginRan")
  return typeof count === "number" ? count : 0
}

export const files = (changes: PlaceLab.Files = {}): PlaceLab.Files => ({
  "millwright.json": manifest(),
  "skills/document/SKILL.md": skill("document"),
  "plugin.mjs": entry(),
  ...changes
})

/** A folder that is a plugin. */
export const plugin = (changes: PlaceLab.Files = {}) =>
  Effect.flatMap(PlaceLab.folder(files(changes)), (folder) => FolderPlace.open({ folder, trust: "outside" }))

const here = fileURLToPath(new URL("..", import.meta.url))

/** A project that has what plugins import. */
export const project = Effect.map(PlaceLab.temporary, (folder) => {
  mkdirSync(join(folder, "node_modules/@millwright"), { recursive: true })
  symlinkSync(here, join(folder, "node_modules/@millwright/agents"))
  symlinkSync(join(here, "node_modules/effect"), join(folder, "node_modules/effect"))
  return { folder, lock: join(folder, "millwright.lock.json"), copies: join(folder, ".millwright/plugins") }
})
