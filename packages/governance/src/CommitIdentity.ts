/**
 * How commits of agents say whose they are. A human signs with a key that no agent can reach; an agent **never** does. Its commit names
 * it as author and committer, and says in trailers who it is across sessions, in which role, with which model, in which run and by
 * which skill. The house may sign with a key of the agent's own. Either is no proof that a human did anything, and nothing that is
 * said here makes it one: see `Provenance`.
 *
 * ```text
 * Agent-Id: implementer-1
 * Agent-Role: Implement
 * Agent-Model: anthropic/claude-opus-4-5
 * Agent-Run: issue-12.1
 * Agent-Skill: 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03
 * ```
 */
import * as Digest from "@millwright/core/Digest"
import * as Fault from "@millwright/core/Fault"
import type * as Git from "@millwright/core/Git"
import type * as GitCommit from "@millwright/core/GitCommit"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SshSignature from "./internal/SshSignature.ts"

/** One line without what nobody sees, of at most 200 characters. */
const Line = Schema.String.check(Schema.isPattern(/^(?!\s)[^\p{C}\p{Zl}\p{Zp}]{1,200}(?<!\s)$/u))

/** An agent, as its commits name it. */
export const Agent = Schema.Struct({
  /** The same in all of its sessions, whatever model it has. */
  id: Schema.String.check(Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9._/@-]{0,99}$/)),
  role: Line,
  /** `provider/model`, where a model had a part in it. */
  model: Schema.optionalKey(Line),
  run: Schema.optionalKey(Line),
  skill: Schema.optionalKey(Digest.Digest)
})
/** An agent, as its commits name it. */
export type Agent = typeof Agent.Type

/** An {@link Agent} as the trailers of a commit: the same, by their names there. */
export const Trailers = Agent.pipe(
  Schema.encodeKeys({
    id: "Agent-Id",
    role: "Agent-Role",
    model: "Agent-Model",
    run: "Agent-Run",
    skill: "Agent-Skill"
  })
)

const encode = Schema.encodeSync(Trailers)
const decode = Schema.decodeUnknownOption(Trailers)

/**
 * A message with the trailers of an agent behind it; an empty one gets a subject. What the message says in lines of that form stays, and
 * is no trailer: only the last paragraph is read. Throws where a field of the agent can not stand in a line.
 */
export const message = (text: string, agent: Agent): string =>
  `${text.trim() || `Work of ${agent.role}`}\n\n${Object.entries(encode(agent))
    .map(([name, value]) => `${name}: ${value}`)
    .join("\n")}\n`

/** The agent that a message names in its last paragraph. It is a claim. None where a trailer is missing, twice or malformed. */
export const parse = (message: string): Option.Option<Agent> => {
  const found = trailers(message).filter(([name]) => name.startsWith("agent-"))
  const known = new Map(
    found.map(([name, value]) => [Object.keys(names).find((key) => key.toLowerCase() === name), value])
  )
  return known.has(undefined) || known.size !== found.length ? Option.none() : decode(Object.fromEntries(known))
}

const names: Record<keyof typeof Trailers.Encoded, true> = {
  "Agent-Id": true,
  "Agent-Role": true,
  "Agent-Model": true,
  "Agent-Run": true,
  "Agent-Skill": true
}

/** The trailers of a message, their names in lower case, in order. Only its last paragraph has any, and a subject is none. */
export const trailers = (message: string): ReadonlyArray<readonly [name: string, value: string]> => {
  const paragraphs = message
    .replaceAll(/\r\n?/g, "\n")
    .trim()
    .split(/\n[ \t]*\n/)
  if (paragraphs.length < 2) return []
  return (paragraphs.at(-1) ?? "").split("\n").flatMap((line) => {
    const [, name, value] = /^([A-Za-z][A-Za-z0-9-]*):(.*)$/s.exec(line) ?? []
    return name === undefined || value === undefined ? [] : [[name.toLowerCase(), value.trim()] as const]
  })
}

/** A private key can not be used. */
export class KeyError extends Fault.Class<KeyError>()("KeyError", { Unusable: false }) {}

/**
 * Signs commits with a key of an agent's own: Ed25519 without a passphrase, the text of the file that
 * `ssh-keygen -t ed25519 -N ""` writes, or PKCS #8. Fails with `Unusable`. Never give it a key of a human.
 */
export const signer = (privateKey: Redacted.Redacted<string>): Effect.Effect<GitCommit.Sign, KeyError> =>
  Effect.suspend(() => {
    const key = SshSignature.privateKey(Redacted.value(privateKey))
    return key === undefined
      ? Effect.fail(
          new KeyError({
            reason: "Unusable",
            message:
              "The key that is to sign commits of an agent is no private Ed25519 key without a passphrase. " +
              'Make one with `ssh-keygen -t ed25519 -N ""`, keep it where only the host reads it, and give the text of the file.'
          })
        )
      : Effect.succeed<GitCommit.Sign>((commit) => Effect.sync(() => SshSignature.sign(key, commit)))
  })

/** What `GitCommit.commitAll` needs to know of a commit by an agent: its author, its message with trailers, and who signs. */
export const commit = (options: {
  readonly agent: Agent
  readonly author: Git.Author
  readonly message: string
  readonly sign?: GitCommit.Sign
}): Pick<GitCommit.CommitOptions, "author" | "message" | "sign"> => ({
  author: options.author,
  message: message(options.message, options.agent),
  ...(options.sign === undefined ? {} : { sign: options.sign })
})
