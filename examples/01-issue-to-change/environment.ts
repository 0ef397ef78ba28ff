/**
 * The environment of this program: what it needs is taken out of it first, and everything else is gone before anything
 * runs. No child process, no log and no event can show what is not there.
 */
import * as Redaction from "@millwright/core/Redaction"
import * as Redacted from "effect/Redacted"
import { closeSync, openSync, readFileSync, readSync, writeSync } from "node:fs"
import type * as Models from "./models.ts"

/** What commands in a workspace see anyway, and the mark by which an outer sandbox finds this process. */
const open = /^(?:PATH|HOME|LANG|TMPDIR|TERM|USER|MILLWRIGHT_SANDBOX)$/

/** What this program, its libraries and git read. Proxies may hold a password, so they are kept and not left open. */
const kept =
  /^(?:NODE_.*|NO_COLOR|FORCE_COLOR|TZ|LC_.*|CI|(?:https?|all|no)_proxy|SSL_CERT_(?:FILE|DIR)|npm_config_offline)$/i

/** Takes the keys and the secrets, and clears the rest. */
export const take = (environment: NodeJS.ProcessEnv) => {
  const secrets = Redaction.fromEnvironment(environment)
  const key = (name: string) => {
    const value = environment[name]
    return value === undefined || value === "" ? undefined : Redacted.make(value, { label: name })
  }
  const keys: Models.Keys = {
    anthropic: key("ANTHROPIC_API_KEY"),
    anthropicUrl: environment["ANTHROPIC_BASE_URL"],
    openAi: key("OPENAI_API_KEY"),
    openAiUrl: environment["OPENAI_BASE_URL"]
  }
  for (const [name, value] of Object.entries(environment)) {
    if (open.test(name)) continue
    // Set anew, a variable no longer lies in the block that the process was started with.
    if (kept.test(name) && !Redaction.secretName.test(name)) environment[name] = value
    else delete environment[name]
  }
  blank()
  return { keys, secrets }
}

/**
 * Overwrites the block that the process was started with: `/proc/<pid>/environ` shows it to every process of the same
 * user for as long as this one lives, whatever was deleted since. Linux only; where it can not be done, it is not done.
 *
 * It does not reach the shells and package managers above this process, nor its memory. Against those, only a sandbox
 * that isolates helps.
 */
const blank = (): void => {
  try {
    const stat = readFileSync("/proc/self/stat", "latin1")
    // Fields 50 and 51 of `stat(5)`; the second field is a name in parentheses and may hold spaces.
    const [start, end] = stat
      .slice(stat.lastIndexOf(")") + 2)
      .split(" ")
      .slice(47, 49)
      .map(Number)
    if (!start || !end || end <= start || !Number.isSafeInteger(end)) return
    const memory = openSync("/proc/self/mem", "r+")
    try {
      const block = Buffer.alloc(end - start)
      readSync(memory, block, 0, block.length, start)
      let at = 0
      for (const entry of block.toString("latin1").split("\0")) {
        if (!open.test(entry.slice(0, entry.indexOf("=")))) {
          writeSync(memory, Buffer.alloc(entry.length), 0, entry.length, start + at)
        }
        at += entry.length + 1
      }
    } finally {
      closeSync(memory)
    }
  } catch {
    // No `/proc`, or it is closed to us: the variables are gone for every child all the same.
  }
}
