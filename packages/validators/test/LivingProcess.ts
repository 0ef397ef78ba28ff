/** Whether processes run, as seen from outside. */
import { execFileSync } from "node:child_process"

/** Whether a process lives. One that has ended, and that nobody has looked at yet, does not. */
export const isAlive = (pid: number | string): boolean => {
  const state = execFileSync("sh", ["-c", 'ps -o stat= -p "$1" || true', "sh", String(pid)], {
    encoding: "utf8"
  }).trim()
  return state !== "" && !state.startsWith("Z")
}
