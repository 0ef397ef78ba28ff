/** An **installed** workspace: a folder in which the packages, and what they depend on, resolve as for a user. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import * as Command from "./Command.ts"
import * as PublicSurface from "./PublicSurface.ts"

/** Runs with a new temporary folder, and removes it afterwards. */
export const inTemporaryFolder = async <A>(use: (folder: string) => Promise<A>): Promise<A> => {
  const folder = mkdtempSync(join(tmpdir(), "millwright-"))
  try {
    return await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const link = (to: string, from: string): void => {
  if (existsSync(from) || !existsSync(to)) return
  mkdirSync(dirname(from), { recursive: true })
  symlinkSync(to, from, "junction")
}

const dependencies = (folder: string): ReadonlyArray<string> =>
  !existsSync(folder)
    ? []
    : readdirSync(folder)
        .filter((name) => !name.startsWith("."))
        .flatMap((name) =>
          name.startsWith("@") ? readdirSync(join(folder, name)).map((rest) => `${name}/${rest}`) : [name]
        )

/** Links everything that this workspace depends on, except for its own packages, into `folder/node_modules`. */
const linkDependencies = (folder: string): void => {
  const { root } = Command
  for (const holder of [root, ...PublicSurface.packs(root).map((pack) => join(root, "packages", pack))]) {
    for (const name of dependencies(join(holder, "node_modules"))) {
      if (name.startsWith("@millwright/")) continue
      link(join(holder, "node_modules", name), join(folder, "node_modules", name))
    }
  }
}

/** Links the packages as they are below `root`, sources and all, into `folder/node_modules`. */
export const linkSources = (root: string, folder: string): void => {
  linkDependencies(folder)
  for (const pack of PublicSurface.packs(root)) {
    link(join(root, "packages", pack), join(folder, "node_modules", "@millwright", pack))
  }
}

const succeed = (what: string, { code, output }: Command.Ended): void => {
  if (code !== 0) throw new Error(`${what} failed:\n${output.trim()}`)
}

/** Builds every package, from the ground up. */
export const build = async (root: string, order: ReadonlyArray<string>): Promise<void> => {
  for (const pack of order) {
    const cwd = join(root, "packages", pack)
    const manifest: { readonly scripts?: { readonly build?: string } } = JSON.parse(
      readFileSync(join(cwd, "package.json"), "utf8")
    )
    succeed(
      `The build of packages/${pack}`,
      await Command.run("sh", ["-c", manifest.scripts?.build ?? "true"], { cwd })
    )
  }
}

/** Packs every built package as for publishing, and unpacks them all into `folder/node_modules`. */
export const unpack = async (root: string, folder: string, packs: ReadonlyArray<string>): Promise<void> => {
  const { packageManager }: { readonly packageManager: string } = JSON.parse(
    readFileSync(join(root, "package.json"), "utf8")
  )
  const { args, program } = Command.pnpm(packageManager)
  for (const pack of packs) {
    const cwd = join(root, "packages", pack)
    const archive = join(folder, `${pack}.tgz`)
    const target = join(folder, "node_modules", "@millwright", pack)
    succeed(`Packing packages/${pack}`, await Command.run(program, [...args, "pack", "--out", archive], { cwd }))
    mkdirSync(target, { recursive: true })
    succeed(
      `Unpacking packages/${pack}`,
      await Command.run("tar", ["-xzf", archive, "-C", target, "--strip-components=1"], { cwd })
    )
  }
  linkDependencies(folder)
}
