/** A **peer**: what a bench compares with. Its packages are no part of the workspace; the bench that needs them fetches them. */
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { delimiter, dirname, join } from "node:path"
import * as Bench from "./Bench.ts"

const folderOf = (name: string): string => join(import.meta.dirname, "peers", name)

/** What is built while a peer is installed has to be built for the Node that runs it. */
const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter)
})

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
    env: environment(),
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
