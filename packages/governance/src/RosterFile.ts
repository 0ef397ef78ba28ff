/**
 * The roster as a file of the repository, in YAML or JSON, read from the **base** commit: a change can not put its author among the
 * humans. Nothing of the working tree is read.
 *
 * ```yaml
 * members:
 *   - name: ada
 *     kind: human
 *     logins: [ada]
 *     emails: [ada@example.org]
 *     roles: [domain-expert] # may be left out
 *     keys:
 *       - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI… laptop
 *       - valid-before="20260101Z" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI… the one before
 *   - { name: Implement, kind: agent, logins: [factory-bot], emails: [factory@example.org], keys: [] }
 * ```
 *
 * A key stands as in OpenSSH's `allowed_signers`, without the first word; `namespaces`, `valid-after` and `valid-before` (UTC, with
 * `Z`) are known. A key that is taken out of the roster counts no more, for commits of earlier times neither.
 */
import * as Fault from "@millwright/core/Fault"
import * as Git from "@millwright/core/Git"
import * as Effect from "effect/Effect"
import * as Yaml from "effect/encoding/Yaml"
import type { ChildProcessSpawner } from "effect/process/ChildProcessSpawner"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SshKey from "./internal/SshKey.ts"
import * as Roster from "./Roster.ts"

/** The roster can not be read. It is never read in part. */
export class RosterError extends Fault.Class<RosterError>()("RosterError", {
  /** The base has no such file. */
  Missing: false,
  /** It is larger than {@link maxBytes}. */
  TooLarge: false,
  /** It is no roster, or one that says two things of somebody. */
  Malformed: false
}) {}

/** The largest file that is read, in bytes. */
export const maxBytes = 256 * 1024

/** The path that is read unless another is given. */
export const usualPath = ".millwright/roster.yaml"

/** The roster as it is in the base commit, which may be any revision that the change can not move. */
export const atBase = Effect.fnUntraced(function* (
  dir: string,
  options: { readonly base: string; readonly path?: string }
): Effect.fn.Return<Roster.Roster, RosterError | Git.GitError, ChildProcessSpawner> {
  const { path = usualPath } = options
  const commit = yield* Git.resolve(dir, options.base)
  const place = `${JSON.stringify(path)} of commit ${commit}`
  // Git would take a path that begins with a dot for one from the folder that it runs in.
  if (/[\n\0]/.test(path) || path.split("/").some((segment) => /^\.{0,2}$/.test(segment))) {
    return yield* new RosterError({
      reason: "Missing",
      message: `${place} is no path. Give the path of the roster from the root of the repository.`
    })
  }
  const { bytes, size } = yield* Git.content(dir, { object: `${commit}:${path}`, maxBytes }).pipe(
    Effect.mapError((error) =>
      error.reason === "UnknownRevision"
        ? new RosterError({
            reason: "Missing",
            message: `There is no roster at ${place}. Commit one to the base branch, with everybody who works on the repository.`
          })
        : error
    )
  )
  if (size > maxBytes) {
    return yield* new RosterError({
      reason: "TooLarge",
      message: `The roster at ${place} has ${size} bytes, and at most ${maxBytes} are read. Take out what is not needed.`
    })
  }
  const read = Result.flatMap(textOf(bytes), parse)
  if (Result.isSuccess(read)) return read.success
  return yield* new RosterError({
    reason: "Malformed",
    message: `The roster at ${place} can not be used: ${read.failure}`
  })
})

const textOf = (bytes: Uint8Array): Result.Result<string, string> => {
  const text = Buffer.from(bytes).toString("utf8")
  return Buffer.from(text).equals(Buffer.from(bytes)) ? Result.succeed(text) : Result.fail("it is not text in UTF-8.")
}

const decode = Schema.decodeUnknownResult(Roster.Roster)

/** Reads a roster. On failure a sentence that says what is wrong with it. */
export const parse = (text: string): Result.Result<Roster.Roster, string> => {
  if (Buffer.byteLength(text) > maxBytes) return Result.fail(`it has more than ${maxBytes} bytes.`)
  const plain = text.replace(/^\ufeff/, "").replaceAll(/\r\n?/g, "\n")
  // Without anchors, a file can not say more than it holds.
  if (/(?:^|[\s,:[{-])[&*][A-Za-z0-9_-]+|<<\s*:/m.test(plain))
    return Result.fail("it has an anchor or an alias. Write everything out.")
  return Result.try({
    try: () => Yaml.parse(plain),
    catch: (error) => `it is not YAML: ${String(error).slice(0, 300)}.`
  }).pipe(
    Result.flatMap((value) =>
      Result.mapError(
        decode(value, { onExcessProperty: "error" }),
        ({ message }) => `${message.slice(0, 500)}. A member has name, kind (human or agent), logins, emails and keys.`
      )
    ),
    Result.flatMap((roster) => {
      const complaint = complaintOf(roster)
      return complaint === undefined ? Result.succeed(roster) : Result.fail(complaint)
    })
  )
}

/** What makes a roster useless: a key that is none, or somebody who would be two. Nothing where it is fit for use. */
export const complaintOf = (roster: Roster.Roster): string | undefined => {
  const owners = new Map<string, string>()
  for (const { emails, keys, logins, name, roles = [] } of roster.members) {
    const odd = [name, ...logins, ...emails, ...roles].find((each) => /^\s|\s$|[\p{C}\p{Zl}\p{Zp}]/u.test(each))
    // It would be equal to nothing that git or a forge says, and an agent whose address it is would be nobody.
    if (odd !== undefined)
      return `${JSON.stringify(odd)} of ${JSON.stringify(name)} has white space around it, or signs that nobody sees.`
    const marks: Array<string> = [`name ${name}`]
    for (const line of keys) {
      const key = SshKey.parse(line)
      if (typeof key === "string") return `the key ${JSON.stringify(line.slice(0, 80))} of ${name} ${key}.`
      marks.push(`key ${key.fingerprint}`)
    }
    marks.push(...logins.map((login) => `login ${login}`), ...emails.map((email) => `address ${email}`))
    for (const mark of marks) {
      const folded = mark.startsWith("key ") ? mark : mark.toLowerCase()
      const other = owners.get(folded)
      if (other !== undefined)
        return `the ${mark} is given twice, to ${other} and to ${name}. Everything belongs to one member, once.`
      owners.set(folded, name)
    }
  }
  return undefined
}
