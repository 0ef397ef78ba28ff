/** Connections that are passed on without being read, but for the name that TLS begins with. */
import type { Socket } from "node:net"
import { isIP } from "node:net"
import type { Duplex } from "node:stream"
import * as ClientHello from "./ClientHello.ts"
import * as Domains from "./Domains.ts"

/** Passes everything on, both ways, each at the pace of its reader. One side may end before the other. */
export const join = (one: Duplex, other: Duplex): void => {
  flow(one, other)
  flow(other, one)
}

const flow = (from: Duplex, to: Duplex): void => {
  from.on("error", () => to.destroy())
  from.once("close", () => {
    if (!from.readableEnded) return to.destroy()
    // After an orderly end, what it has sent before is still on its way.
    to.end(() => to.destroy())
  })
  from.pipe(to)
}

/**
 * What a tunnel may carry. `Requests`: HTTP that is not in TLS, which we answer ourselves. `Http`: that, or TLS. `Anything`: also
 * what is neither, and the server may speak first.
 */
export type Cargo = "Requests" | "Http" | "Anything"

/** What a tunnel is made of. */
export interface Options {
  readonly target: Domains.Target
  readonly cargo: Exclude<Cargo, "Requests">
  readonly client: Socket
  readonly upstream: Socket
  /** How long the first bytes may take to be whole, in milliseconds. */
  readonly patience: number
  /** Gets the connection back when it carries HTTP that is not in TLS. */
  readonly plain: () => void
  /** Told when TLS asks for another name. */
  readonly mismatched: () => void
}

/** The fatal alert `unrecognized_name`: what a server says that does not know the name. */
const alert = Buffer.from([21, 3, 1, 0, 2, 2, 112])

/** Passes a tunnel on after a look at its first bytes. */
export const open = ({ cargo, client, mismatched, patience, plain, target, upstream }: Options): void => {
  const isHttp = cargo === "Http"
  let held = Buffer.alloc(0)
  const timer = isHttp ? setTimeout(() => client.destroy(), patience) : undefined
  const gone = () => {
    client.destroy()
    upstream.destroy()
  }
  const look = (chunk: Buffer) => {
    held = Buffer.concat([held, chunk])
    const hello = ClientHello.read(held)
    if (hello._tag === "More") return
    clearTimeout(timer)
    client.off("data", look).off("end", gone).off("close", gone).pause()
    if (hello._tag === "Tls" && !isAskedFor(target, hello.name)) {
      mismatched()
      upstream.destroy()
      client.end(alert, () => client.destroy())
      return
    }
    client.unshift(held)
    if (hello._tag === "NotTls" && isHttp) {
      upstream.destroy()
      return plain()
    }
    flow(client, upstream)
    if (isHttp) flow(upstream, client)
  }
  client.on("data", look).once("end", gone).once("close", gone)
  upstream.once("close", () => clearTimeout(timer))
  // A server that speaks first is heard before anything is known of the client.
  if (!isHttp) flow(upstream, client)
}

const isAskedFor = ({ host }: Domains.Target, name: string | undefined): boolean =>
  isIP(host) === 0 ? name !== undefined && Domains.canonical(name) === host : name === undefined
