/** What each property of a `devcontainer.json` is in a spec, or why it is nothing there. Pure. */
import type { Mount, Phase, SandboxSpec } from "../SandboxSpec.ts"
import type { Value } from "./Commented.ts"
import * as Substitution from "./Substitution.ts"

/** What variables stand for. */
export interface Surroundings {
  /** The folder on the host, its last part, and a short name that only it has. */
  readonly folder: string
  readonly basename: string
  readonly id: string
  /** Where commands see it. */
  readonly workspace: string
  readonly localEnv: Readonly<Record<string, string | undefined>> | undefined
  readonly hostEnv: Readonly<Record<string, string | undefined>>
}

/** Why a file is none, with its place. Thrown, and caught where the reading began. */
class Bad {
  readonly message: string
  constructor({ at }: Value, what: string) {
    this.message = `${at}: ${what}`
  }
}

const recipe = "a sandbox does not build images; build it before, and name it as `image`"
const wider = "a sandbox does not get more rights than its adapter gives"
const editors = "it is for editors"
const decided = "the adapter decides it"

/** What is not followed, and why. */
const unfollowed: Readonly<Record<string, string>> = {
  build: recipe,
  dockerFile: recipe,
  context: recipe,
  features: recipe,
  overrideFeatureInstallOrder: recipe,
  dockerComposeFile: "a sandbox is one machine; open one for each service",
  service: "it belongs to dockerComposeFile",
  runServices: "it belongs to dockerComposeFile",
  initializeCommand: "it would run on the host",
  privileged: wider,
  capAdd: wider,
  securityOpt: wider,
  runArgs: wider,
  containerUser: decided,
  remoteUser: decided,
  updateRemoteUserUID: decided,
  workspaceFolder: decided,
  workspaceMount: decided,
  init: decided,
  overrideCommand: decided,
  shutdownAction: decided,
  userEnvProbe: "commands see only the variables of the spec",
  waitFor: "a sandbox is open when all of its phases are over",
  secrets: "it does not say which hosts they are for; use `secrets` of the spec",
  portsAttributes: editors,
  otherPortsAttributes: editors,
  customizations: editors,
  extensions: editors,
  settings: editors,
  name: editors,
  $schema: editors
}

const setupCommands = ["onCreateCommand", "updateContentCommand", "postCreateCommand"]
const startCommands = ["postStartCommand", "postAttachCommand"]
const followed = new Set([
  "image",
  "containerEnv",
  "remoteEnv",
  "mounts",
  "forwardPorts",
  "appPort",
  "hostRequirements",
  ...setupCommands,
  ...startCommands
])

const secretive = /token|secret|passw|credential|api_?key|private|auth/i

type Ignore = (property: string, why: string) => void

/** Reads them all. Answers with what is wrong as a text, which begins with the line and the column. */
export const read = (root: Value, surroundings: Surroundings) => {
  const ignored: Array<{ readonly property: string; readonly why: string }> = []
  const ignore: Ignore = (property, why) => void ignored.push({ property, why })
  try {
    if (!isObject(root)) throw new Bad(root, "it is no object")
    for (const name of root.properties.keys()) {
      if (followed.has(name)) continue
      ignore(name, (Object.hasOwn(unfollowed, name) ? unfollowed[name] : undefined) ?? "no sandbox knows it")
    }
    const { env, inherit } = environment(root, surroundings, ignore)
    const lookup = lookupIn(surroundings, env)
    const parts = {
      image: imageOf(root.properties.get("image"), lookup, ignore),
      env,
      inherit,
      mounts: mountsOf(root.properties.get("mounts"), lookup, ignore),
      ports: portsOf(root, ignore),
      limits: limitsOf(root.properties.get("hostRequirements"), ignore),
      setup: phasesOf(root, setupCommands, { lookup, ignore }),
      start: phasesOf(root, startCommands, { lookup, ignore })
    }
    const isAsked = (value: object | string | undefined) => value !== undefined && Object.keys(value).length > 0
    return { ignored, spec: Object.fromEntries(Object.entries(parts).filter(([, value]) => isAsked(value))) }
  } catch (cause) {
    if (cause instanceof Bad) return cause.message
    throw cause
  }
}

const isObject = ({ value }: Value): boolean => typeof value === "object" && value !== null && !Array.isArray(value)

const textOf = (value: Value, what = "a text"): string => {
  if (typeof value.value !== "string") throw new Bad(value, `here is ${what} expected`)
  return value.value
}

const lookupIn =
  (
    { basename, folder, hostEnv, id, localEnv, workspace }: Surroundings,
    containerEnv: Readonly<Record<string, string>>
  ): Substitution.Lookup =>
  (name, argument = "") => {
    const [variable = "", ...rest] = argument.split(":")
    const otherwise = rest.join(":")
    switch (name) {
      case "localWorkspaceFolder":
        return folder
      case "localWorkspaceFolderBasename":
        return basename
      case "containerWorkspaceFolder":
        return workspace
      case "containerWorkspaceFolderBasename":
        return workspace.split("/").findLast((part) => part !== "") ?? ""
      case "devcontainerId":
        return id
      case "env":
      case "localEnv": {
        if (localEnv === undefined && secretive.test(variable)) {
          return { why: `${variable} of the host sounds like a secret, and a spec holds none; use \`secrets\`` }
        }
        const all = localEnv ?? hostEnv
        return (Object.hasOwn(all, variable) ? all[variable] : undefined) ?? otherwise
      }
      case "containerEnv":
        if (Object.hasOwn(containerEnv, variable)) return containerEnv[variable]
        return rest.length > 0
          ? otherwise
          : { why: `what ${variable} is inside is known only there; set it in a command` }
      default:
        return undefined
    }
  }

const environment = (root: Value, surroundings: Surroundings, ignore: Ignore) => {
  const env = new Map<string, string>()
  const inherit = new Set<string>()
  for (const property of ["containerEnv", "remoteEnv"]) {
    const all = root.properties.get(property)
    if (all === undefined) continue
    if (!isObject(all)) throw new Bad(all, `${property} is an object of texts`)
    for (const [name, value] of all.properties) {
      const where = `${property}.${name}`
      if (!/^[A-Za-z_][A-Za-z0-9_]{0,199}$/.test(name)) {
        ignore(where, "it is no name of a variable")
        continue
      }
      env.delete(name)
      inherit.delete(name)
      if (value.value === null) continue
      // Read when the sandbox opens, and not written down before.
      const isSame = surroundings.localEnv === undefined && textOf(value) === `\${localEnv:${name}}`
      const text = Substitution.text(textOf(value), lookupIn(surroundings, Object.fromEntries(env)))
      if (typeof text === "object") ignore(where, text.why)
      else if (isSame) inherit.add(name)
      else env.set(name, text)
    }
  }
  return { env: Object.fromEntries(env), inherit: [...inherit] }
}

const imageOf = (value: Value | undefined, lookup: Substitution.Lookup, ignore: Ignore): string | undefined => {
  const image = value === undefined ? undefined : Substitution.text(textOf(value), lookup)
  if (typeof image !== "object") return image
  ignore("image", image.why)
  return undefined
}

const phasesOf = (
  root: Value,
  names: ReadonlyArray<string>,
  { ignore, lookup }: { readonly lookup: Substitution.Lookup; readonly ignore: Ignore }
): ReadonlyArray<Phase> =>
  names.flatMap((name) => {
    const value = root.properties.get(name)
    if (value === undefined || value.value === null) return []
    const scripts = (isObject(value) ? [...value.properties.values()] : [value]).map((one) => script(one, lookup))
    const unresolved = scripts.find((one) => typeof one === "object")
    if (unresolved !== undefined) ignore(name, unresolved.why)
    const all = unresolved === undefined ? scripts.map(String).filter((one) => one !== "") : []
    const [only] = all
    return only === undefined ? [] : [{ name, run: all.length === 1 ? only : Substitution.together(all) }]
  })

const script = (value: Value, lookup: Substitution.Lookup): string | Substitution.Unresolved => {
  if (!Array.isArray(value.value)) {
    return Substitution.script(textOf(value, "a text, a list of texts, or an object of these"), lookup)
  }
  return Substitution.command(
    value.items.map((item) => textOf(item)),
    lookup
  )
}

const absolute = /^\/(?!.*(?:^|\/)\.\.(?:\/|$))[^\0\r\n]*$/

const mountsOf = (all: Value | undefined, lookup: Substitution.Lookup, ignore: Ignore): ReadonlyArray<Mount> => {
  if (all === undefined) return []
  if (!Array.isArray(all.value)) throw new Bad(all, "mounts is a list")
  return all.items.flatMap((value, index): ReadonlyArray<Mount> => {
    const where = `mounts[${index}]`
    const fields = fieldsOf(value)
    const field = (...names: ReadonlyArray<string>) =>
      names.map((name) => fields.get(name)).find((one) => one !== undefined)
    const type = field("type") ?? "bind"
    if (type !== "bind") {
      ignore(where, `a sandbox has no mounts of the type ${type}; what is not of the host lies in its workspace`)
      return []
    }
    const source = Substitution.text(field("source", "src") ?? "", lookup)
    const target = Substitution.text(field("target", "destination", "dst") ?? "", lookup)
    if (typeof source === "object" || typeof target === "object") {
      ignore(where, typeof source === "object" ? source.why : "its target can not be known")
      return []
    }
    if (!absolute.test(source) || !absolute.test(target)) {
      throw new Bad(value, "a mount has an absolute source and an absolute target, without `..`")
    }
    const isReadOnly = (field("readonly", "ro", "read-only") ?? "false") !== "false"
    return [{ source, target, access: isReadOnly ? "Read" : "Write" }]
  })
}

const fieldsOf = (value: Value): ReadonlyMap<string, string> => {
  if (isObject(value)) {
    return new Map([...value.properties].map(([name, one]) => [name.toLowerCase(), String(one.value)]))
  }
  return new Map(
    textOf(value, "a text or an object")
      .split(",")
      .map((field) => {
        const [name = "", ...rest] = field.split("=")
        return [name.trim().toLowerCase(), rest.join("=")]
      })
  )
}

// Of `8000:3000` the second is that inside; `localhost` is inside too.
const port = /^(?:(?:\d+|localhost|127\.0\.0\.1):)?(\d{1,5})$/

const portsOf = (root: Value, ignore: Ignore): Readonly<Record<string, number>> => {
  const ports = ["forwardPorts", "appPort"].flatMap((property) => {
    const all = root.properties.get(property)
    const list = all === undefined || Array.isArray(all.value) ? (all?.items ?? []) : [all]
    return list.flatMap((value, index): ReadonlyArray<number> => {
      const text = String(value.value)
      const number = Number(port.exec(text)?.[1] ?? 0)
      if (number >= 1 && number <= 65_535) return [number]
      if (!/^[A-Za-z][\w.-]*:\d{1,5}$/.test(text)) throw new Bad(value, "here is a port expected, from 1 to 65535")
      ignore(`${property}[${index}]`, "it is a port of another container")
      return []
    })
  })
  return Object.fromEntries(ports.map((port) => [`PORT_${port}`, port]))
}

const units: Readonly<Record<string, number>> = { "": 1, kb: 2 ** 10, mb: 2 ** 20, gb: 2 ** 30, tb: 2 ** 40 }

const bytesOf = (value: Value): number => {
  const [, digits = "0", unit = ""] = /^(\d{1,12})\s*([kmgt]b)?$/i.exec(String(value.value)) ?? []
  const bytes = Number(digits) * (units[unit.toLowerCase()] ?? 1)
  if (bytes === 0) throw new Bad(value, "here is a size expected, as in 8gb")
  return bytes
}

const limitsOf = (all: Value | undefined, ignore: Ignore): NonNullable<SandboxSpec["limits"]> => {
  if (all === undefined) return {}
  if (!isObject(all)) throw new Bad(all, "hostRequirements is an object")
  const limits: { cpus?: number; memory?: number; disk?: number } = {}
  for (const [name, value] of all.properties) {
    if (name === "memory") limits.memory = bytesOf(value)
    else if (name === "storage") limits.disk = bytesOf(value)
    else if (name === "cpus") {
      if (typeof value.value !== "number" || !(value.value > 0)) {
        throw new Bad(value, "here is a number above 0 expected")
      }
      limits.cpus = value.value
    } else if (value.value !== false) ignore(`hostRequirements.${name}`, "no sandbox can promise it")
  }
  return limits
}
