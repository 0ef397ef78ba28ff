/** What the command line asks for. */
import { parseArgs } from "node:util"

/** The command line can not be followed. The message says why. */
export class Misuse extends Error {}

/** What is asked for. */
export type Asked = { readonly _tag: "Help" } | List | Run

/** What can be used here. */
export interface List {
  readonly _tag: "List"
  readonly json: boolean
  /** The only adapter to look at. */
  readonly adapter: string | undefined
}

/** One command, in one sandbox. */
export interface Run {
  readonly _tag: "Run"
  readonly adapter: string
  readonly workspace: string | undefined
  readonly spec: string | undefined
  readonly json: boolean
  /** Whether the workspace is removed at the end, when that was said. */
  readonly discard: boolean
  /** How many bytes of each output `--json` keeps. */
  readonly limit: number
  /** The variables that hold secrets, by the handle that a spec names them with. */
  readonly secrets: Readonly<Record<string, string>>
  readonly command: readonly [program: string, ...args: ReadonlyArray<string>]
}

/** How it is used. */
export const help = `sandbox-exec --adapter NAME --workspace DIR [--spec FILE] [--discard] [--json] -- CMD…
sandbox-exec --list [--adapter NAME] [--json]

Runs one command in a sandbox and ends with its exit code, 128 + n when signal n ended it. Input and output pass through
as bytes. SIGINT, SIGTERM and SIGHUP reach the command; when it has ended, or five seconds later, its whole tree is gone.

  --adapter NAME        a name that --list shows, or the path of a module that exports a \`layer\` of your own
                        of a provider, its keys are taken from E2B_API_KEY, DAYTONA_API_KEY,
                        VERCEL_TOKEN, and MODAL_TOKEN_ID with MODAL_TOKEN_SECRET; of ssh, where it is from SSH_HOST,
                        SSH_USER, SSH_IDENTITY
  --workspace DIR       the folder to work in, used in place. An adapter that takes no folders (see --list) works in a
                        checkout: DIR has to be the root of a git repository, and the command runs in its HEAD on the branch
                        sandbox-exec/…, which stays for the next time; what is not committed in DIR is not in it
  --spec FILE           a SandboxSpec as JSON; \`id\` and \`workspace\` may be left out. A \`workspace\` in it wins
  --secret HANDLE=NAME  the secret that the spec calls HANDLE is in the variable NAME of this process; may be repeated
  --discard             removes the workspace when the command has ended, with what is in it that was not committed; the branch
                        of a checkout stays, and so does a folder of yours. An Empty workspace is always removed, unless the
                        spec gives it an id to find it by again. What stays is named at the end, on standard error
  --json                prints one object on standard output at the end, and the outputs of the command only in it:
                        { adapter, supports, id, directory, stays, exit: { code } | { signal } | { timedOut: true }, stdout,
                        stderr, base64, bytes, truncated, limit, duration, error }. \`stays\` says whether the workspace was
                        left for the next time. \`stdout\` and \`stderr\` are text; what is not UTF-8 is whole in
                        \`base64\` as well. \`duration\` is in milliseconds
  --limit BYTES         how much of each output --json keeps, from its beginning (1048576)
  --list                shows the adapters, or the one of --adapter: what it supports, whether it can be used on this machine
  --help                shows this

Paths are those of where you stand, also through npm and pnpm. A program whose name begins with "-" needs its path.
124: the command was ended by \`limits.wall\`. Its own failures: 125 with a message on standard error. 126: the command can
not be run. 127: there is no such command.
`

const options = {
  adapter: { type: "string" },
  workspace: { type: "string" },
  spec: { type: "string" },
  secret: { type: "string", multiple: true },
  discard: { type: "boolean" },
  json: { type: "boolean" },
  limit: { type: "string" },
  list: { type: "boolean" },
  help: { type: "boolean", short: "h" }
} as const

const usual = 1_048_576

/** Reads the command line. Throws {@link Misuse}. */
export const parse = (args: ReadonlyArray<string>): Asked => {
  const at = args.indexOf("--")
  const own = at < 0 ? args : args.slice(0, at)
  const values = valuesOf(own)
  if (values.help === true || args.length === 0) return { _tag: "Help" }
  const json = values.json === true
  if (values.list === true) return { _tag: "List", json, adapter: values.adapter }
  const { adapter, discard = false, spec, workspace } = values
  if (adapter === undefined) throw new Misuse("Which sandbox? Give --adapter NAME; --list shows the names.")
  const [program, ...rest] = at < 0 ? [] : args.slice(at + 1)
  if (program === undefined) throw new Misuse("Which command? Give it after `--`, as in `-- ls -l`.")
  if (program.startsWith("-")) {
    // Shells disagree on how to run it, and so do sandboxes.
    throw new Misuse(`A program can not be named ${JSON.stringify(program)}. Give its path, as ./${program}.`)
  }
  if (workspace === "") throw new Misuse("--workspace takes a folder, and was given an empty text.")
  if (workspace === undefined && spec === undefined) throw new Misuse("Which workspace? Give --workspace DIR.")
  const limit = Number(values.limit ?? usual)
  if (!Number.isSafeInteger(limit) || limit < 0) {
    throw new Misuse(`--limit takes a whole number of bytes, not "${values.limit}".`)
  }
  const secrets = Object.fromEntries((values.secret ?? []).map(secretOf))
  return { _tag: "Run", adapter, workspace, spec, json, discard, limit, secrets, command: [program, ...rest] }
}

const valuesOf = (args: ReadonlyArray<string>) => {
  try {
    return parseArgs({ args: [...args], options, strict: true }).values
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Misuse(`${why} \`--help\` shows what there is; the command comes after \`--\`.`)
  }
}

const secretOf = (text: string): readonly [handle: string, variable: string] => {
  const [, handle, variable] = /^([^=]+)=(.+)$/.exec(text) ?? []
  // The text is not shown: who mistakes the value for the name has written the secret there.
  if (handle === undefined || variable === undefined) {
    throw new Misuse("--secret takes HANDLE=NAME, where NAME is a variable of the environment.")
  }
  return [handle, variable]
}
