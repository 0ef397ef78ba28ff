/** The adapters by name. A module is imported only when it is named: what one needs does not slow down another. */
import type * as Sandbox from "@millwright/sandbox/Sandbox"
import * as Layer from "effect/Layer"
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { Misuse } from "./arguments.ts"

const modules: Readonly<Record<string, string>> = {
  worktree: "WorktreeSandbox",
  bubblewrap: "BubblewrapSandbox",
  container: "ContainerSandbox",
  "sandbox-runtime": "SandboxRuntimeSandbox",
  seatbelt: "SeatbeltSandbox",
  ssh: "SshSandbox",
  e2b: "E2bSandbox",
  daytona: "DaytonaSandbox",
  vercel: "VercelSandbox",
  modal: "ModalSandbox"
}

/** Every name. */
export const names: ReadonlyArray<string> = Object.keys(modules)

/** What an adapter is made into a sandbox with. */
export type Adapter = Layer.Layer<Sandbox.Sandbox, unknown, Sandbox.Services>

/** The adapter of a name, or of a path with a slash in it. Throws {@link Misuse}. */
export const load = async (name: string): Promise<Adapter> => {
  const layer = await layerOf(name)
  if (Layer.isLayer(layer)) {
    // Which services a layer gives and takes is in its type alone, and that is not there at run time.
    return layer as Adapter
  }
  throw new Misuse(
    layer === undefined
      ? `The adapter ${name} exports no \`layer\` that a Sandbox is made of.`
      : `The adapter ${name} needs settings of yours. Write a module that exports \`layer\` with them, and give its path.`
  )
}

const layerOf = async (name: string): Promise<unknown> => {
  const specifier = specifierOf(name)
  if (specifier === undefined) {
    throw new Misuse(`There is no adapter "${name}". The adapters: ${names.join(", ")}; or a path with a slash in it.`)
  }
  try {
    const module: Readonly<Record<string, unknown>> = await import(specifier)
    return module["layer"]
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Misuse(`The adapter ${name} can not be loaded: ${why}`)
  }
}

const specifierOf = (name: string): string | undefined => {
  if (name.includes("/")) return pathToFileURL(resolve(name)).href
  const module = Object.hasOwn(modules, name) ? modules[name] : undefined
  return module && `@millwright/sandbox/adapters/${module}`
}
