/** A **case**: one attack on what stands between a command and its host, as data. */
import type { SandboxSpec } from "@millwright/sandbox/SandboxSpec"

/** What is attacked. */
export type Category =
  | "write"
  | "read"
  | "files"
  | "proc"
  | "descriptors"
  | "git"
  | "network"
  | "mounts"
  | "kernel"
  | "processes"
  | "limits"
  | "survivors"
  | "terminal"
  | "neighbours"
  | "root"

/** A call of the file system that the host, or a tool of an agent, does in the workspace. Words get `$NAME`s replaced. */
export interface Call {
  readonly method:
    | "readFileString"
    | "writeFileString"
    | "readDirectory"
    | "readLink"
    | "stat"
    | "exists"
    | "copyFile"
    | "copy"
    | "rename"
    | "remove"
    | "makeDirectory"
    | "makeTempDirectory"
    | "symlink"
    | "link"
    | "chmod"
    | "utimes"
    | "truncate"
    | "stream"
    | "sink"
  readonly words: readonly [string, ...ReadonlyArray<string>]
}

/**
 * An attack. Scripts are of `sh`. All of them have these variables: `WS` the workspace, `H` a folder of the host's, `TOKEN` what
 * no other case has, `PID` a process of the host's, `PORT`, `UDP`, `ADDRESS`, `SOCKET` and `ABSTRACT` where the host listens,
 * `P` a prelude of Perl. Those of the host have `CANARY` too, the secret.
 */
export interface Case {
  /** Its category, and what it does. */
  readonly id: string
  /** What has to stand between for it to fail: nothing but an adapter, namespaces, a container, or the net. */
  readonly level: "none" | "os" | "container" | "remote"
  /** What who gets through has won. */
  readonly why: string
  /** The workspace that it needs. Left out: the folder itself, where the adapter has that. */
  readonly workspace?: "Checkout"
  readonly spec?: Partial<SandboxSpec>
  /** Run on the host in the workspace, or in its repository, before the sandbox is opened. */
  readonly before?: string
  /** Run on the host in the workspace when the sandbox is open. */
  readonly setup?: string
  /** Run by another sandbox, as long as this one is open. It has begun when it prints a line. It has `CANARY`. */
  readonly neighbour?: string
  /** The attack, run inside. */
  readonly command?: string
  /** The attack, through the file system of the sandbox; beside `command`, if there is one. */
  readonly calls?: ReadonlyArray<Call>
  /** How often the calls are made. */
  readonly times?: number
  /** Programs that the command needs. */
  readonly needs?: ReadonlyArray<string>
  /** Whether the sandbox is closed, opened again and closed before the check. */
  readonly isReopened?: boolean
  /** Run on the host before the check of the control: what an adapter that takes no care would do. */
  readonly careless?: string
  /** Run on the host when all is over: ends with 0 when the attack has succeeded. */
  readonly check: string
  /** Run on the host after the check, when the attack left something outside of the fixture. */
  readonly clean?: string
}

/** A case in its category. */
export interface Filed extends Case {
  readonly category: Category
}

/** The attack wrote the canary's secret to the file `loot`. */
export const looted = `grep -qsaF "$CANARY" "$WS/loot"`
/** The attack says in `loot` that it worked, which it only can to its own disadvantage. */
export const claimed = `grep -qsaF "worked $TOKEN" "$WS/loot"`
/** The file of the host is not what it was. */
export const changed = `[ "$(cat "$H/target.txt" 2>&1)" != unchanged ]`
/** A listener of the host got the token. */
export const reached = `grep -qsaF "$TOKEN" "$H/received"`
/** The host ran what the attack had left. */
export const pwned = `test -e "$H/pwned"`
/** A process of the attack still writes to the workspace. */
export const ticking = `a=$(wc -c < "$WS/tick") || exit 1; sleep 0.3; [ "$(wc -c < "$WS/tick")" -gt "$a" ]`
