/** IP addresses in one form, and which of them lead back to this machine or into a network of its own. */
import { BlockList, isIP, isIPv4 } from "node:net"
import { networkInterfaces } from "node:os"

const inner4 = new BlockList()
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4]
] as const) {
  inner4.addSubnet(network, prefix, "ipv4")
}

const inner6 = new BlockList()
for (const [network, prefix] of [
  // Unspecified, loopback, and the old way to write an IPv4 address in.
  ["::", 96],
  ["64:ff9b:1::", 48],
  // Tunnels that carry an IPv4 address which nobody would look at.
  ["2001::", 32],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8]
] as const) {
  inner6.addSubnet(network, prefix, "ipv6")
}

/** An address in its shortest form, an IPv4 address in IPv6 clothes as IPv4; `undefined` when it is none. */
export const canonical = (address: string): string | undefined => {
  switch (isIP(address)) {
    case 4:
      return address
    case 6:
      return address.includes("%") ? canonical(address.slice(0, address.indexOf("%"))) : shortest(address)
    default:
      return undefined
  }
}

const shortest = (address: string): string => {
  const text = new URL(`http://[${address}]`).hostname.slice(1, -1)
  return embedded(text, /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/) ?? text
}

const embedded = (address: string, form: RegExp): string | undefined => {
  const found = form.exec(address)
  if (found === null) return undefined
  const [high, low] = found.slice(1).map((part) => Number.parseInt(part, 16))
  return high === undefined || low === undefined ? undefined : [high >> 8, high & 255, low >> 8, low & 255].join(".")
}

/** Whether an address is of this machine, of a private network, or of nobody. What is no address is. */
export const isInner = (address: string): boolean => {
  const known = canonical(address)
  if (known === undefined) return true
  // Where a network has no IPv4, this is how all names that have only that resolve.
  const translated = embedded(known, /^64:ff9b::(?:([0-9a-f]{1,4}):)?([0-9a-f]{1,4})$/)
  if (translated !== undefined) return isInner(translated)
  if (known.startsWith("64:ff9b:")) return true
  return (isIPv4(known) ? inner4.check(known, "ipv4") : inner6.check(known, "ipv6")) || isOwn(known)
}

// Interfaces come and go, so they are asked each time; this is asked once for each connection.
const isOwn = (address: string): boolean =>
  Object.values(networkInterfaces())
    .flat()
    .some((one) => one !== undefined && canonical(one.address) === address)
