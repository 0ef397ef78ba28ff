/** What the twin of Okta holds: one organization with its users, groups, applications, and what it has given out. */
import * as Schema from "effect/Schema"
import type * as TwinService from "../../TwinService.ts"
import { Tokens } from "../../TwinService.ts"
import * as TwinTable from "../../TwinTable.ts"

/** Where a user stands in its life. */
export const Status = Schema.Literals(["STAGED", "PROVISIONED", "ACTIVE", "SUSPENDED", "DEPROVISIONED"])

/** What is known of a user. */
export const Profile = Schema.Struct({
  login: Schema.NonEmptyString,
  email: Schema.NonEmptyString,
  firstName: Schema.NullOr(Schema.String),
  lastName: Schema.NullOr(Schema.String)
})

const SeedUser = Schema.Struct({
  login: Schema.NonEmptyString,
  firstName: Schema.optionalKey(Schema.String),
  lastName: Schema.optionalKey(Schema.String),
  status: Schema.optionalKey(Status),
  /** Names. */
  groups: Schema.optionalKey(Schema.Array(Schema.NonEmptyString))
})

const SeedClient = Schema.Struct({
  clientId: Schema.NonEmptyString,
  /** Without one it is public, and needs PKCE. */
  clientSecret: Schema.optionalKey(Schema.NonEmptyString),
  redirectUris: Schema.Array(Schema.NonEmptyString)
})

/** What the twin begins with. Tokens are API tokens (SSWS). Scopes: `okta.users.read`, `okta.users.manage`, and of groups. */
export const Seed = Schema.Struct({
  tokens: Tokens,
  users: Schema.Array(SeedUser),
  groups: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  clients: Schema.optionalKey(Schema.Array(SeedClient)),
  /** The private key that tokens are signed with, an RSA key as PEM. A test key: it is in the seed, so it is no secret. */
  signingKey: Schema.optionalKey(Schema.NonEmptyString),
  /** The login of whom the browser belongs to: authorization asks nobody. */
  session: Schema.optionalKey(Schema.NonEmptyString)
})
/** What the twin begins with. */
export type Seed = typeof Seed.Type

interface Made {
  readonly id: string
  readonly createdAt: number
  readonly updatedAt: number
}

/** A user. */
export interface User extends Made {
  readonly status: typeof Status.Type
  readonly activatedAt: number | null
  readonly statusChangedAt: number
  readonly profile: typeof Profile.Type
}

/** A group. */
export interface Group extends Made {
  readonly name: string
  readonly description: string | null
  readonly members: ReadonlyArray<string>
  readonly membersChangedAt: number
}

/** What a code or an access token stands for. */
export interface Grant {
  readonly clientId: string
  readonly user: string
  readonly scopes: ReadonlyArray<string>
  readonly expiresAt: number
  readonly issuedAt: number
  readonly nonce: string | null
  /** Of a code: where it goes, and what proves that who brings it has asked for it. */
  readonly redirectUri: string
  readonly challenge: string | null
}

/** An organization. */
export interface State {
  readonly tokens: TwinService.Tokens
  readonly users: TwinTable.Table<User>
  readonly groups: TwinTable.Table<Group>
  readonly clients: TwinTable.Table<typeof SeedClient.Type>
  readonly codes: TwinTable.Table<Grant>
  readonly access: TwinTable.Table<Grant>
  readonly signingKey: string | null
  readonly session: string | null
}

/** An id as Okta has them: `00u` for a user, `00g` for a group. */
export const idOf = (kind: string, n: number): string => `${kind}${String(n).padStart(17, "0")}`

/** A user by id or login. */
export const userIn = ({ users }: State, asked: string): User | undefined =>
  users.get(asked) ?? users.values.find(({ profile }) => profile.login.toLowerCase() === asked.toLowerCase())

/** The state that a seed is the beginning of. */
export const state = (seed: Seed, { id, now }: Pick<TwinService.Call<State>, "id" | "now">): State => {
  const times = { createdAt: now, updatedAt: now }
  const users = seed.users.map(({ firstName, lastName, login, status = "ACTIVE" }): User => ({
    id: idOf("00u", id("user")),
    ...times,
    status,
    activatedAt: status === "STAGED" ? null : now,
    statusChangedAt: now,
    profile: { login, email: login, firstName: firstName ?? null, lastName: lastName ?? null }
  }))
  const names = [...new Set([...(seed.groups ?? []), ...seed.users.flatMap(({ groups = [] }) => groups)])]
  const groups = names.map((name): Group => ({
    id: idOf("00g", id("group")),
    ...times,
    name,
    description: null,
    members: users.flatMap((user, index) => (seed.users[index]?.groups?.includes(name) === true ? [user.id] : [])),
    membersChangedAt: now
  }))
  return {
    tokens: seed.tokens,
    users: TwinTable.from(users, (user) => user.id),
    groups: TwinTable.from(groups, (group) => group.id),
    clients: TwinTable.from(seed.clients ?? [], ({ clientId }) => clientId),
    codes: TwinTable.empty(),
    access: TwinTable.empty(),
    signingKey: seed.signingKey ?? null,
    session: seed.session ?? null
  }
}
