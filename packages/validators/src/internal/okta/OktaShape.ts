/** How Okta shows what an organization has. */
import type * as OktaState from "./OktaState.ts"

/** A moment as Okta writes it. */
export const time = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString())

const steps: Readonly<Record<OktaState.User["status"], ReadonlyArray<string>>> = {
  STAGED: ["activate", "deactivate"],
  PROVISIONED: ["activate", "deactivate"],
  ACTIVE: ["suspend", "deactivate"],
  SUSPENDED: ["unsuspend", "deactivate"],
  DEPROVISIONED: ["activate"]
}

/** The steps of its life that a user may take. */
export const stepsOf = ({ status }: OktaState.User): ReadonlyArray<string> => steps[status]

/** A user. */
export const user = (url: string, of: OktaState.User) => {
  const self = `${url}/api/v1/users/${of.id}`
  const links = stepsOf(of).map((step) => [step, { href: `${self}/lifecycle/${step}`, method: "POST" }] as const)
  return {
    id: of.id,
    status: of.status,
    created: time(of.createdAt),
    activated: time(of.activatedAt),
    statusChanged: time(of.statusChangedAt),
    lastLogin: null,
    lastUpdated: time(of.updatedAt),
    passwordChanged: null,
    type: { id: "oty00000000000000001" },
    profile: { ...of.profile, mobilePhone: null, secondEmail: null },
    credentials: { provider: { type: "OKTA", name: "OKTA" } },
    _links: { ...Object.fromEntries(links), self: { href: self } }
  }
}

/** A group. */
export const group = (url: string, of: OktaState.Group) => ({
  id: of.id,
  created: time(of.createdAt),
  lastUpdated: time(of.updatedAt),
  lastMembershipUpdated: time(of.membersChangedAt),
  objectClass: ["okta:user_group"],
  type: "OKTA_GROUP",
  profile: { name: of.name, description: of.description },
  _links: {
    users: { href: `${url}/api/v1/groups/${of.id}/users` },
    apps: { href: `${url}/api/v1/groups/${of.id}/apps` }
  }
})
