/** Secrets of a spec, added to requests that leave, and taken out of what comes back. */
import { Transform, type TransformCallback } from "node:stream"
import type { SecretUse } from "../SandboxSpec.ts"
import * as Domains from "./Domains.ts"
import type { Line } from "./Message.ts"
import { Refused } from "./Refused.ts"

/** A use of a secret, with its hosts read. */
export interface Use {
  readonly handle: string
  readonly domains: ReadonlyArray<Domains.Domain>
  readonly as: SecretUse["as"]
}

/** What a request gets. */
export interface Injection {
  /** By the name of the header, in lower case. */
  readonly headers: ReadonlyMap<string, string>
  /** What must not come back. */
  readonly values: ReadonlyArray<string>
}

/** Headers that say how a message is read or where it goes: none of them carries a secret. */
const structural =
  /^(?:host|connection|content-length|transfer-encoding|te|trailer|upgrade|expect|keep-alive|proxy-.*|accept-encoding)$/

/** Why a use can not be followed. */
export const problem = ({ as }: SecretUse): string | undefined => {
  if (as._tag === "GitCredential") {
    return /[:\0\r\n]/.test(as.user) ? "the user's name has a colon or a line break" : undefined
  }
  if (structural.test(as.name.toLowerCase())) return `the header ${as.name} belongs to the connection`
  return isHeaderValue(as.prefix ?? "") ? undefined : "the prefix has characters that a header can not have"
}

/** Whether a value can be sent as it is. */
export const isHeaderValue = (value: string): boolean => /^[\t\x20-\x7e\x80-\xff]*$/.test(value)

/** What git and its LFS ask of a server, by the method that they ask it with. LFS says where objects are with the batch. */
const asked: Readonly<Record<string, RegExp>> = {
  GET: /[^/]\/info\/refs$/,
  POST: /[^/]\/(?:git-upload-pack|git-receive-pack|info\/lfs\/(?:objects\/batch|locks\/verify))$/
}

/** Whether a request is one of git's. One whose path servers could read in two ways is none. */
const isGit = ({ method, path }: Pick<Line, "method" | "path">): boolean => {
  const [raw = ""] = path.split("?", 1)
  const text = decoded(raw)
  if (text === undefined || /%2f/i.test(raw) || /[%\\;?#\p{Cc}]|\/\/|(?:^|\/)\.\.?(?:\/|$)/u.test(text)) return false
  return asked[method]?.test(text) === true
}

const decoded = (path: string): string | undefined => {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

/** The uses whose secret a request gets. Its target is where it really goes. */
export const due = (uses: ReadonlyArray<Use>, line: Line): ReadonlyArray<Use> =>
  uses.filter(
    ({ as, domains }) =>
      (as._tag === "Header" || isGit(line)) && domains.some((domain) => Domains.isNamed(domain, line.target))
  )

/** Asks for the values, and says which headers to set. */
export const inject = async (
  uses: ReadonlyArray<Use>,
  value: (handle: string) => Promise<string>
): Promise<Injection> => {
  const headers = new Map<string, string>()
  const values: Array<string> = []
  for (const { as, handle } of uses) {
    const secret = await value(handle).catch(() => {
      throw unusable(handle, "the host's broker does not give it")
    })
    if (secret === "") throw unusable(handle, "it is empty")
    if (!isHeaderValue(secret)) throw unusable(handle, "it has characters that a header can not have")
    if (as._tag === "GitCredential") {
      const pair = Buffer.from(`${as.user}:${secret}`).toString("base64")
      headers.set("authorization", `Basic ${pair}`)
      values.push(secret, pair)
    } else {
      headers.set(as.name.toLowerCase(), `${as.prefix ?? ""}${secret}`)
      values.push(secret)
    }
  }
  return { headers, values }
}

const unusable = (handle: string, why: string) =>
  new Refused({
    rule: "secret",
    status: 502,
    message: `The secret ${handle} can not be used: ${why}. Whoever runs the sandbox can mend that.`
  })

/** Shorter values would be found where they are not. */
const shortest = 8

/** A value in the bytes that came back, without it and as long as before. */
export const masked = (text: string, values: ReadonlyArray<string>): string =>
  values.reduce(
    (text, value) => (value.length < shortest ? text : text.replaceAll(value, "*".repeat(value.length))),
    text
  )

/** Does the same to a stream. It holds back no more than what could be the beginning of a value. */
export const masking = (values: ReadonlyArray<string>): Transform | undefined => {
  const needles = values.filter((value) => value.length >= shortest).map((value) => Buffer.from(value, "latin1"))
  if (needles.length === 0) return undefined
  const longest = Math.max(...needles.map(({ length }) => length))
  let held = Buffer.alloc(0)
  return new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      const bytes = Buffer.concat([held, chunk])
      for (const needle of needles) {
        for (let at = bytes.indexOf(needle); at !== -1; at = bytes.indexOf(needle, at + needle.length)) {
          bytes.fill("*", at, at + needle.length)
        }
      }
      const cut = Math.max(0, bytes.length - longest + 1)
      held = bytes.subarray(cut)
      done(null, bytes.subarray(0, cut))
    },
    flush(done: TransformCallback) {
      done(null, held)
    }
  })
}
