/** What the way out lets through at the moment: the names of a spec, and the addresses that they may resolve to. */
import * as Addresses from "./Addresses.ts"
import * as Domains from "./Domains.ts"
import { Refused } from "./Refused.ts"

/** What is let through. */
export type Rules =
  | { readonly _tag: "Open" }
  /** Hosts of secrets and registries among them. */
  | { readonly _tag: "Named"; readonly domains: ReadonlyArray<Domains.Domain> }
  | { readonly _tag: "Closed" }

/** Why a request may not go there; `undefined` when it may. */
export const judge = (rules: Rules, target: Domains.Target): Refused | undefined => {
  if (rules._tag === "Open") return undefined
  if (rules._tag === "Named" && rules.domains.some((domain) => Domains.isNamed(domain, target))) return undefined
  const where = Domains.show(target)
  const name = Domains.usual.includes(target.port) ? Domains.show({ ...target, port: 0 }, 0) : where
  return new Refused({
    rule: "egress",
    message:
      `The sandbox does not let requests out to ${where}. To allow it, add ${JSON.stringify(name)} to the domains of ` +
      `\`egress\` { "_tag": "Allow" } in the spec of the sandbox.`
  })
}

/** Why the address that a name has resolved to may not be connected to. */
export const judgeAddress = (rules: Rules, target: Domains.Target, address: string): Refused | undefined => {
  if (rules._tag === "Open" || !Addresses.isInner(address)) return undefined
  const host = Addresses.canonical(address)
  if (rules._tag === "Named" && host !== undefined) {
    if (rules.domains.some((domain) => Domains.isNamed(domain, { host, port: target.port }))) return undefined
  }
  return new Refused({
    rule: "address",
    message:
      `The sandbox does not let requests out to ${Domains.show(target)}: the name leads to ${address}, which is an address of this ` +
      `machine or of a private network. To allow it, add that address, with its port, to the domains of \`egress\` as well.`
  })
}
