/** The apps of a folder: where each one's page is, and a server on loopback for it. */
import { createReadStream, existsSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { dirname, extname, join, relative, sep } from "node:path"
import * as Bench from "../Bench.ts"

/** An app. Both paths are absolute; `root` is the folder of its page, `folder` or one below it. */
export interface App {
  readonly name: string
  readonly folder: string
  readonly root: string
}

// What a build made comes before what it was made of.
const builds = ["dist", "build", "out", "www", "_site", "web", "public", "docs"]

/** What a page loads its scripts from, without those of other servers. */
const scriptsOf = (root: string): { readonly count: number; readonly local: ReadonlyArray<string> } => {
  const html = readFileSync(join(root, "index.html"), "utf8").replaceAll(/<!--[^]*?-->/g, "")
  const scripts = [...html.matchAll(/<script\b([^>]*)>/gi)].map(([, attributes = ""]) => attributes)
  const sources = scripts.flatMap((attributes) => /\bsrc\s*=\s*["']?([^"'\s>]+)/i.exec(attributes)?.[1] ?? [])
  const local = sources.filter((source) => !/^(?:[a-z]+:|\/\/)/i.test(source))
  return { count: scripts.length, local: local.map((source) => source.replace(/[?#].*$/, "")) }
}

const isThereFrom = (root: string, folder: string, source: string): boolean =>
  [join(root, source), join(folder, source), join(folder, "..", source)].some((path) => existsSync(path))

/** Where a page was built to be deployed: what of the address of a script that begins at the root is not below the page. */
const prefixOf = (root: string, folder: string): string | undefined => {
  const source = scriptsOf(root).local.find((each) => each.startsWith("/") && !isThereFrom(root, folder, each))
  const parts = source?.split("/").slice(1) ?? []
  const at = parts.findIndex((_, at) => existsSync(join(root, ...parts.slice(at))))
  return at > 0 ? `/${parts.slice(0, at).join("/")}/` : undefined
}

/** Whether a page has a script, and all scripts that it loads from beside it are there. */
const isBuilt = (root: string, folder: string): boolean => {
  if (!existsSync(join(root, "index.html"))) return false
  const { count, local } = scriptsOf(root)
  const prefix = prefixOf(root, folder) ?? "/"
  return count > 0 && local.every((source) => isThereFrom(root, folder, source.replace(prefix, "/")))
}

const foldersOf = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || entry.isSymbolicLink())
    .map(({ name }) => name)
    .filter((name) => !name.startsWith(".") && name !== "node_modules" && name !== "bower_components")
    .filter((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.isDirectory() === true)
    .sort()

/** Where a page may be in a folder: where builds put it, and beside what it was built from. */
const placesIn = (folder: string): ReadonlyArray<string> => [
  ...builds
    .map((name) => join(folder, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
    .flatMap((path) => [path, ...foldersOf(path).map((name) => join(path, name))]),
  folder
]

/** Where the page of an app is. */
export const rootOf = (folder: string): string | undefined => {
  const all = [folder, ...foldersOf(folder).map((name) => join(folder, name))].flatMap(placesIn)
  return all.find((root) => isBuilt(root, folder)) ?? all.find((root) => existsSync(join(root, "index.html")))
}

/** The apps of a folder; a folder that is itself one is the only one. */
export const find = (path: string): ReadonlyArray<App> => {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new Bench.BadInput(`--apps takes a folder with one folder for each app; "${path}" is none.`)
  }
  const base = realpathSync(path)
  const apps = foldersOf(base).flatMap((name): ReadonlyArray<App> => {
    const folder = join(base, name)
    const root = rootOf(folder)
    return root === undefined ? [] : [{ name, folder, root }]
  })
  if (existsSync(join(base, "index.html")) || apps.every(({ name }) => builds.includes(name))) {
    const root = rootOf(base)
    if (root !== undefined) return [{ name: base.split(sep).at(-1) ?? "app", folder: base, root }]
  }
  if (apps.length === 0) throw new Bench.BadInput(`There is no app in ${path}: no folder in it has an index.html.`)
  return apps
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".wasm": "application/wasm",
  ".woff2": "font/woff2"
}

const isIn = (folder: string, path: string): boolean => path === folder || path.startsWith(`${folder}${sep}`)

const fileOf = (bases: ReadonlyArray<string>, path: string): string | undefined => {
  for (const base of bases) {
    const file = join(base, path)
    // Links of the folder itself are followed, and `..` is not: a page can be foreign.
    if (!isIn(base, file)) continue
    const stat = statSync(file, { throwIfNoEntry: false })
    if (stat?.isFile() === true) return file
    if (stat?.isDirectory() === true && existsSync(join(file, "index.html"))) return join(file, "index.html")
  }
  return undefined
}

/** A server that runs. */
export interface Served {
  readonly address: string
  readonly close: () => void
}

/** Serves an app on loopback. What its page asks for from the root is looked for beside the page too, as where it was deployed. */
export const serve = (app: App): Promise<Served> =>
  new Promise((resolve, reject) => {
    const { folder, root } = app
    const below = relative(folder, root).split(sep).join("/")
    const prefix = prefixOf(root, folder)
    const bases = prefix === undefined ? [folder, root, dirname(folder)] : [root, folder, dirname(folder)]
    const server = createServer((request, response) => {
      let path: string
      try {
        path = decodeURIComponent(new URL(request.url ?? "/", "http://app").pathname)
        if (prefix !== undefined && path.startsWith(prefix)) path = path.slice(prefix.length - 1)
      } catch {
        return void response.writeHead(400).end()
      }
      // A route that is a path is the page's own affair.
      const isRoute = extname(path) === "" && (request.headers.accept ?? "").includes("text/html")
      const file = path.includes("\0")
        ? undefined
        : (fileOf(bases, path) ?? (isRoute ? join(root, "index.html") : undefined))
      if (file === undefined) return void response.writeHead(404).end()
      response.writeHead(200, {
        "content-type": types[extname(file)] ?? "application/octet-stream",
        "cache-control": "no-store"
      })
      createReadStream(file)
        .on("error", () => response.destroy())
        .pipe(response)
    })
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      // A TCP server that listens has an address with a port.
      const { port } = server.address() as AddressInfo
      resolve({
        address: `http://127.0.0.1:${port}${prefix ?? (below === "" ? "/" : `/${below}/`)}`,
        close: () => {
          server.close()
          server.closeAllConnections()
        }
      })
    })
  })
