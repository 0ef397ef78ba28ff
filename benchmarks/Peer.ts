/** A **peer**: what a bench compares with. Its packages are no part of the workspace; the bench that needs them fetches them. */
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { delimiter, dirname, join } from "node:path"
import * as Bench from "./Bench.ts"

const folderOf = (name: string): string => join(import.meta.dirname, "peers", name)

/**
 * Where the headers of the Node that runs this are: a native module that is not there ready-made has to be built for it.
 * They come with its package, and need not be those of the machine's own Node.
 */
const headers = (): string | undefined => {
  const name = `node-${process.platform}-${process.arch}`
  const home = dirname(dirname(process.execPath))
  const fetched = join(import.meta.dirname, "peers", "node_modules", name)
  const found = () => [home, fetched].find((folder) => existsSync(join(folder, "include", "node", "node_version.h")))
  if (found() === undefined) {
    const args = ["install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund"]
    const folder = join(import.meta.dirname, "peers")
    spawnSync("npm", [...args, "--prefix", folder, `${name}@${process.versions.node}`], { stdio: "ignore" })
  }
  return found()
}

const environment = (lock: string): NodeJS.ProcessEnv => {
  const nodedir = lock.includes(`"hasInstallScript": true`) ? headers() : undefined
  return {
    ...process.env,
    PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter),
    ...(nodedir === undefined ? {} : { npm_config_nodedir: nodedir })
  }
}

/** Installs a peer from its own lock file, unless that is done, and answers with its folder. */
export const install = (name: string, progress: Bench.Progress, folder = folderOf(name)): string => {
  const lock = join(folder, "package-lock.json")
  if (!existsSync(lock)) {
    throw new Bench.BadInput(
      `There is no peer ${name}: ${folder} has no package-lock.json. Run npm install there once.`
    )
  }
  const installed = join(folder, "node_modules", ".installed-lock")
  if (existsSync(installed) && readFileSync(installed, "utf8") === readFileSync(lock, "utf8")) return folder
  progress(`fetching the peer ${name}`)
  const script = `npm ci --no-audit --no-fund --loglevel=error && cp package-lock.json node_modules/.installed-lock`
  const { status, stderr } = spawnSync("sh", ["-c", script], {
    cwd: folder,
    encoding: "utf8",
    env: environment(readFileSync(lock, "utf8")),
    stdio: ["ignore", "ignore", "pipe"]
  })
  if (status !== 0) throw new Bench.BadInput(`The peer ${name} can not be fetched: ${stderr.trim()}`)
  return folder
}

/** The version of a package that is installed in a folder. */
export const versionIn = (folder: string, name: string): string => {
  // Read as a file: many packages do not export their manifest.
  const manifest: unknown = JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8"))
  return typeof manifest === "object" && manifest !== null && "version" in manifest
    ? String(manifest.version)
    : "unknown"
}
