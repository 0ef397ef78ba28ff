/** Who is let in to a server on the loopback interface: who has its token, and no page of a browser that was led to it. */
import { createHash, timingSafeEqual } from "node:crypto"
import type { IncomingMessage } from "node:http"

/** What there is behind the door. */
export interface Place {
  readonly port: number
  readonly path: string
  readonly token: string
}

/** Why a request is not let in. */
export interface Refusal {
  readonly status: 401 | 403 | 404
  readonly message: string
}

/** Why a request is not let in, or nothing. */
export const refusal = ({ headers, url = "" }: IncomingMessage, place: Place): Refusal | undefined => {
  const hosts = [`127.0.0.1:${place.port}`, `localhost:${place.port}`]
  // A name that was made to point here is in the header, whatever it points to.
  if (!hosts.includes(headers.host ?? "")) return { status: 403, message: "This server is not called by that name." }
  if (headers.origin !== undefined && !hosts.some((host) => headers.origin === `http://${host}`)) {
    return { status: 403, message: "Pages of other places are not let in." }
  }
  if (url.split("?", 1)[0] !== place.path) return { status: 404, message: `There is only ${place.path} here.` }
  const given = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? "")?.[1]
  return given !== undefined && isSame(given, place.token)
    ? undefined
    : { status: 401, message: "Needs the header Authorization: Bearer TOKEN, with the token of this server." }
}

/** Takes as long for every token that is wrong. */
const isSame = (a: string, b: string): boolean => timingSafeEqual(digest(a), digest(b))

const digest = (text: string): Buffer => createHash("sha256").update(text).digest()
