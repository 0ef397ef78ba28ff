/** What the twin of Slack holds: one workspace with its people, channels and messages. */
import * as Schema from "effect/Schema"
import type * as TwinService from "../../TwinService.ts"
import { Tokens } from "../../TwinService.ts"
import * as TwinTable from "../../TwinTable.ts"

const SeedUser = Schema.Struct({
  name: Schema.NonEmptyString,
  realName: Schema.optionalKey(Schema.String),
  email: Schema.optionalKey(Schema.String),
  isBot: Schema.optionalKey(Schema.Boolean)
})

const SeedChannel = Schema.Struct({
  name: Schema.NonEmptyString,
  isPrivate: Schema.optionalKey(Schema.Boolean),
  isArchived: Schema.optionalKey(Schema.Boolean),
  topic: Schema.optionalKey(Schema.String),
  purpose: Schema.optionalKey(Schema.String),
  /** Names. Default: everybody who has a token. */
  members: Schema.optionalKey(Schema.Array(Schema.NonEmptyString)),
  messages: Schema.optionalKey(Schema.Array(Schema.Struct({ user: Schema.NonEmptyString, text: Schema.String })))
})

/** What the twin begins with. Users that are only named are made. */
export const Seed = Schema.Struct({
  tokens: Tokens,
  team: Schema.optionalKey(Schema.Struct({ name: Schema.String, domain: Schema.String })),
  users: Schema.optionalKey(Schema.Array(SeedUser)),
  channels: Schema.Array(SeedChannel),
  /** Request URLs of the Events API: `secret` is the signing secret, `types` such as `message.channels`. */
  events: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({ url: Schema.String, secret: Schema.String, types: Schema.Array(Schema.NonEmptyString) })
    )
  )
})
/** What the twin begins with. */
export type Seed = typeof Seed.Type

/** A person or a bot. */
export interface User {
  readonly id: string
  readonly name: string
  readonly realName: string
  readonly email: string | null
  /** `null`: a person. */
  readonly botId: string | null
}

/** A message. `ts` is its name within its channel. */
export interface Message {
  readonly ts: string
  readonly user: string
  readonly text: string
  readonly blocks: ReadonlyArray<Schema.Json> | null
  /** The first message of the thread that it answers in. */
  readonly thread: string | null
  readonly edited: { readonly user: string; readonly ts: string } | null
  readonly reactions: ReadonlyArray<{ readonly name: string; readonly users: ReadonlyArray<string> }>
}

/** A channel, public or private. */
export interface Channel {
  readonly id: string
  readonly name: string
  readonly isPrivate: boolean
  readonly isArchived: boolean
  readonly isGeneral: boolean
  readonly creator: string
  readonly createdAt: number
  readonly topic: string
  readonly purpose: string
  readonly members: ReadonlyArray<string>
  readonly messages: TwinTable.Table<Message>
}

/** A workspace. */
export interface State {
  readonly tokens: TwinService.Tokens
  readonly team: { readonly id: string; readonly name: string; readonly domain: string }
  readonly users: TwinTable.Table<User>
  readonly channels: TwinTable.Table<Channel>
  readonly events: NonNullable<Seed["events"]>
}

/** An id as Slack has them: `C00000001`. */
export const idOf = (letter: string, n: number): string => `${letter}${String(n).padStart(8, "0")}`

/** The name of the `n`th message: the second, and a number that no other message has. */
export const tsOf = (now: number, n: number): string =>
  `${Math.floor(now / 1_000)}.${String(n % 1_000_000).padStart(6, "0")}`

/** A user by name. */
export const userNamed = (state: Pick<State, "users">, name: string): User | undefined =>
  state.users.values.find((user) => user.name === name)

/** The state that a seed is the beginning of. */
export const state = (seed: Seed, { id, now }: Pick<TwinService.Call<State>, "id" | "now">): State => {
  const given = new Map((seed.users ?? []).map((user) => [user.name, user]))
  const withToken = Object.values(seed.tokens).map(({ name }) => name)
  const named = seed.channels.flatMap(({ members = [], messages = [] }) => [
    ...members,
    ...messages.map(({ user }) => user)
  ])
  const users = [...new Set([...given.keys(), ...withToken, ...named])].map((name): User => {
    const user = given.get(name)
    return {
      id: idOf("U", id("user")),
      name,
      realName: user?.realName ?? name,
      email: user?.email ?? null,
      botId: user?.isBot === true ? idOf("B", id("bot")) : null
    }
  })
  const byName = new Map(users.map((user) => [user.name, user.id]))
  const idsOf = (names: ReadonlyArray<string>) => [...new Set(names)].map((name) => byName.get(name) ?? "")
  const channels = seed.channels.map((channel, index): Channel => {
    const messages = (channel.messages ?? []).map(({ text, user }): Message => ({
      ts: tsOf(now, id("message")),
      user: byName.get(user) ?? "",
      text,
      blocks: null,
      thread: null,
      edited: null,
      reactions: []
    }))
    const members = idsOf(channel.members ?? withToken)
    return {
      id: idOf("C", id("channel")),
      name: channel.name,
      isPrivate: channel.isPrivate ?? false,
      isArchived: channel.isArchived ?? false,
      isGeneral: index === 0,
      creator: users[0]?.id ?? "",
      createdAt: now,
      topic: channel.topic ?? "",
      purpose: channel.purpose ?? "",
      members,
      messages: TwinTable.from(messages, ({ ts }) => ts)
    }
  })
  return {
    tokens: seed.tokens,
    team: { id: idOf("T", id("team")), name: seed.team?.name ?? "Twin", domain: seed.team?.domain ?? "twin" },
    users: TwinTable.from(users, (user) => user.id),
    channels: TwinTable.from(channels, (channel) => channel.id),
    events: seed.events ?? []
  }
}
