/** What `domains` and `hosts` of a spec name, and whether a request goes there. Pure. */
import { isIP } from "node:net"
import * as Addresses from "./Addresses.ts"

/** Where a request goes. The host is in its one form: lower case, punycode, without the last dot; an address without brackets. */
export interface Target {
  readonly host: string
  readonly port: number
}

/** One entry of a list. */
export interface Domain {
  readonly kind: "Exact" | "Below"
  readonly host: string
  /** None: 80 and 443. */
  readonly port: number | undefined
}

/** The ports of an entry that names none. */
export const usual: ReadonlyArray<number> = [80, 443]

/**
 * The name of the host's own loopback, which is let through a port at a time. Programs never ask a proxy for their own
 * loopback, so that of the host can not be had by its usual names.
 */
export const hostLoopback = "host.millwright.internal"

/** Whether a host in its one form is a loopback that programs keep for themselves. */
export const isLoopback = (host: string): boolean =>
  host === "127.0.0.1" || host === "::1" || /(?:^|\.)localhost$/.test(host)

const label = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/

/** A host in its one form, addresses however they are written; `undefined` when it is none. */
export const canonical = (text: string): string | undefined => {
  // The URL parser decodes, drops and cuts off some of these; what is let through must be what was read.
  if (text.length > 300 || /[\0-\x20\x7f/?#@\\%]/.test(text)) return undefined
  const bare = isIP(text) === 6
  if (!bare && !/^(?:\[[^\]]*\]|[^:[\]]+)$/.test(text)) return undefined
  const url = URL.parse(`http://${bare ? `[${text}]` : text}/`)
  if (url === null) return undefined
  const { hostname } = url
  if (hostname.startsWith("[")) return Addresses.canonical(hostname.slice(1, -1))
  const host = hostname.endsWith(".") ? hostname.slice(0, -1) : hostname
  return host.length <= 253 && host.split(".").every((part) => label.test(part)) ? host : undefined
}

/** Splits `host:port`; the port is `undefined` when there is none, and the whole when it is malformed. */
export const authority = (text: string): { readonly host: string; readonly port: number | undefined } | undefined => {
  if (isIP(text) === 6) return withPort(text, undefined)
  const found = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(text)
  return found?.[1] === undefined ? undefined : withPort(found[1], found[2])
}

const withPort = (text: string, digits: string | undefined) => {
  const host = canonical(text)
  const port = digits === undefined ? undefined : Number(digits)
  const isPort = port === undefined || (port >= 1 && port <= 65_535)
  return host !== undefined && isPort ? { host, port } : undefined
}

/** Reads an entry. Answers with why it is none as a text. */
export const parse = (text: string): Domain | string => {
  const isBelow = text.startsWith("*.")
  const rest = isBelow ? text.slice(2) : text
  if (rest.includes("*")) return "`*` stands only at the start, as in *.example.com"
  const found = authority(rest)
  if (found === undefined) return "it is no host name, no address and no `host:port`"
  if (isBelow && isIP(found.host) !== 0) return "there is nothing below an address"
  if (isBelow && !found.host.includes(".")) return "it stands for all names of a top-level domain"
  if (isLoopback(found.host)) {
    return `programs inside never ask the proxy for it: for the loopback of the host, write ${JSON.stringify(`${hostLoopback}:${found.port ?? "PORT"}`)} and ask for that name`
  }
  if (found.host === hostLoopback && found.port === undefined) return `it takes a port, as in ${hostLoopback}:8080`
  return { kind: isBelow ? "Below" : "Exact", ...found }
}

/** Whether an entry names where a request goes. */
export const isNamed = ({ host, kind, port }: Domain, target: Target): boolean =>
  (port === undefined ? usual.includes(target.port) : port === target.port) &&
  (kind === "Exact"
    ? target.host === host
    : isIP(target.host) === 0 &&
      target.host !== hostLoopback &&
      target.host.endsWith(`.${host}`) &&
      target.host.length > host.length + 1)

/** The entry that names where a request goes. */
export const entryOf = ({ host, port }: Target): string => {
  if (host === hostLoopback || isLoopback(host)) return `${hostLoopback}:${port}`
  return usual.includes(port) ? show({ host, port }, port) : show({ host, port })
}

/** As it stands in a URL; without the port where that is the usual one. */
export const show = ({ host, port }: Target, usualPort?: number): string => {
  const name = isIP(host) === 6 ? `[${host}]` : host
  return port === usualPort ? name : `${name}:${port}`
}
