/** The adapters by name. A module is imported only when it is named: what one needs does not slow down another. */
import type * as Sandbox from "@millwright/sandbox/Sandbox"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { existsSync } from "node:fs"
import { pathToFileURL } from "node:url"
import { Misuse } from "./arguments.ts"
import * as Place from "./place.ts"

/** Where an adapter is, and the variables that hold its settings. A secret is one that no error may show. */
interface Known {
  readonly module: string
  readonly settings?: Readonly<Record<string, string>>
  readonly secrets?: Readonly<Record<string, string>>
}

const known: Readonly<Record<string, Known>> = {
  worktree: { module: "WorktreeSandbox" },
  bubblewrap: { module: "BubblewrapSandbox" },
  container: { module: "ContainerSandbox" },
  "sandbox-runtime": { module: "SandboxRuntimeSandbox" },
  seatbelt: { module: "SeatbeltSandbox" },
  ssh: {
    module: "SshSandbox",
    settings: {
      host: "SSH_HOST",
      user: "SSH_USER",
      identity: "SSH_IDENTITY",
      knownHosts: "SSH_KNOWN_HOSTS",
      config: "SSH_CONFIG"
    }
  },
  e2b: { module: "E2bSandbox", secrets: { apiKey: "E2B_API_KEY" } },
  daytona: { module: "DaytonaSandbox", secrets: { apiKey: "DAYTONA_API_KEY" } },
  vercel: {
    module: "VercelSandbox",
    settings: { teamId: "VERCEL_TEAM_ID", projectId: "VERCEL_PROJECT_ID" },
    secrets: { token: "VERCEL_TOKEN" }
  },
  modal: {
    module: "ModalSandbox",
    settings: { tokenId: "MODAL_TOKEN_ID" },
    secrets: { tokenSecret: "MODAL_TOKEN_SECRET" }
  }
}

/** Every name. */
export const names: ReadonlyArray<string> = Object.keys(known)

/** Whether a text names one, or is the path of a module. */
export const isName = (text: string): boolean => text.includes("/") || names.includes(text)

/** What an adapter is made into a sandbox with. */
export type Adapter = Layer.Layer<Sandbox.Sandbox, unknown, Sandbox.Services>

/** The adapter of a name, or of a path with a slash in it. Throws {@link Misuse}. */
export const load = async (name: string): Promise<Adapter> => {
  const layer = await layerOf(name)
  const made = typeof layer === "function" ? layer(optionsOf(name)) : layer
  if (Layer.isLayer(made)) {
    // Which services a layer gives and takes is in its type alone, and that is not there at run time.
    return made as Adapter
  }
  throw new Misuse(`The adapter ${name} exports no \`layer\` that a Sandbox is made of.`)
}

const layerOf = async (name: string): Promise<unknown> => {
  const specifier = specifierOf(name)
  try {
    const module: Readonly<Record<string, unknown>> = await import(specifier)
    return module["layer"]
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/ imported from .*$/s, "") : String(error)
    throw new Misuse(`The adapter ${name} can not be loaded: ${why}. Install what it needs, or mend its module.`)
  }
}

const find = (name: string): Known | undefined => (Object.hasOwn(known, name) ? known[name] : undefined)

const specifierOf = (name: string): string => {
  if (name.includes("/")) {
    const file = Place.resolve(name)
    if (!existsSync(file)) throw new Misuse(`There is no module ${file}. Give the path of one that exports \`layer\`.`)
    return pathToFileURL(file).href
  }
  const found = find(name)
  if (found === undefined) {
    throw new Misuse(`There is no adapter "${name}". The adapters: ${names.join(", ")}; or a path with a slash in it.`)
  }
  return `@millwright/sandbox/adapters/${found.module}`
}

/** The settings of an adapter that needs some, from the environment. Of what it needs, the first is what it can not do without. */
const optionsOf = (name: string): Readonly<Record<string, unknown>> => {
  const { secrets = {}, settings = {} } = find(name) ?? { module: name }
  const read = (variables: Readonly<Record<string, string>>) =>
    Object.entries(variables).flatMap(([option, variable]) => {
      const value = process.env[variable]
      return value === undefined || value === "" ? [] : [[option, value] as const]
    })
  const found = [...read(settings), ...read(secrets).map(([option, value]) => [option, Redacted.make(value)] as const)]
  const [first] = Object.entries({ ...secrets, ...settings })
  if (first !== undefined && !found.some(([option]) => option === first[0])) {
    throw new Misuse(`The adapter ${name} needs settings: put its ${first[0]} into the variable ${first[1]}.`)
  }
  if (first === undefined) {
    throw new Misuse(
      `The adapter ${name} needs settings of yours. Write a module that exports \`layer\` with them, and give its path.`
    )
  }
  return Object.fromEntries(found)
}
