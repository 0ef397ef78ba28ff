/** Git as a person of the tests uses it. */
import { execFileSync } from "node:child_process"

/** What a call of git in a folder prints. Throws when it fails. */
export const git = (cwd: string, ...args: ReadonlyArray<string>): string =>
  execFileSync("git", ["-c", "user.name=A", "-c", "user.email=a@example.invalid", ...args], {
    cwd,
    encoding: "utf8",
    stdio: "pipe"
  }).trim()
