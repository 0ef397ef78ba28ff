/** What the way out lets through at the moment: the names of a spec, and the addresses that they may resolve to. */
import * as Addresses from "./Addresses.ts"
import * as Domains from "./Domains.ts"
import { Refused } from "./Refused.ts"

/** What is let through. */
export type Rules =
  /** Everything; the name of the host's loopback only where the spec has it. */
  | { readonly _tag: "Open"; readonly domains: ReadonlyArray<Domains.Domain> }
  /** Hosts of secrets and registries among them. */
  | { readonly _tag: "Named"; readonly domains: ReadonlyArray<Domains.Domain> }
  | { readonly _tag: "Closed" }

/** Whether nothing at all is let through. */
export const areClosed = (rules: Rules): boolean =>
  rules._tag === "Closed" || (rules._tag === "Named" && rules.domains.length === 0)

const isNamed = (rules: Rules, target: Domains.Target): boolean =>
  rules._tag !== "Closed" && rules.domains.some((domain) => Domains.isNamed(domain, target))

/** Why a request may not go there; `undefined` when it may. */
export const judge = (rules: Rules, target: Domains.Target): Refused | undefined => {
  if (isNamed(rules, target) || (rules._tag === "Open" && target.host !== Domains.hostLoopback)) return undefined
  return new Refused({
    rule: "egress",
    message:
      `The sandbox does not let requests out to ${Domains.show(target)}. To allow it, add ${JSON.stringify(Domains.entryOf(target))} ` +
      `to the domains of \`egress\` { "_tag": "Allow" } in the spec of the sandbox${Domains.isLoopback(target.host) ? ", and ask for that name" : ""}.`
  })
}

/** Why the address that a name has resolved to may not be connected to. */
export const judgeAddress = (rules: Rules, target: Domains.Target, address: string): Refused | undefined => {
  if (rules._tag === "Open" || !Addresses.isInner(address)) return undefined
  // It leads to nothing else, and `judge` has looked for its port.
  if (target.host === Domains.hostLoopback) return undefined
  const host = Addresses.canonical(address)
  if (host !== undefined && isNamed(rules, { host, port: target.port })) return undefined
  const remedy =
    host !== undefined && Domains.isLoopback(host)
      ? `add ${JSON.stringify(Domains.entryOf({ host, port: target.port }))} to the domains of \`egress\`, and ask for that name.`
      : "add that address, with its port, to the domains of `egress` as well."
  return new Refused({
    rule: "address",
    message:
      `The sandbox does not let requests out to ${Domains.show(target)}: the name leads to ${address}, which is an address of this ` +
      `machine or of a private network. To allow it, ${remedy}`
  })
}
