/** Paths and contents of files. */
import type * as GitHubState from "./GitHubState.ts"

/** The size of a blob, in bytes. */
export const sizeOf = (repo: GitHubState.Repository, sha: string): number =>
  Buffer.byteLength(repo.blobs.get(sha) ?? "", "base64")

/** The lines that GitHub breaks base64 into. */
export const wrapped = (base64: string): string => base64.replace(/.{1,60}/g, "$&\n")

/** A path of a file. `undefined`: it leads to where no file may be. */
export const cleanPath = (path: string): string | undefined => {
  const parts = path.split("/").filter((part) => part !== "")
  // The last one would not be a key like others.
  const isOdd = parts.some((part) => [".", "..", ".git", "__proto__"].includes(part))
  return isOdd ? undefined : parts.join("/")
}
