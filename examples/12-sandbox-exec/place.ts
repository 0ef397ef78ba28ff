/** Where the user stands: npm and pnpm run a script in the folder of its package, and say where they were called. */
import { dirname, resolve as join } from "node:path"

/** A path as the user means it. */
export const resolve = (path: string): string => join(here(), path)

const here = (): string => {
  const { INIT_CWD: called, npm_package_json: file } = process.env
  const folder = process.cwd()
  if (called === undefined || called === "") return folder
  // Who went elsewhere since, in a script, means that place.
  return file === undefined || dirname(file) === folder ? called : folder
}
