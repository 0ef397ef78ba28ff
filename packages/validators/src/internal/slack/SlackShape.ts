/** How Slack shows what a workspace has, and how it cuts lists into pages. */
import * as SlackAnswer from "./SlackAnswer.ts"
import type * as SlackMethod from "./SlackMethod.ts"
import type * as SlackState from "./SlackState.ts"

/** The id of the app that the twin stands for. */
export const appId = "A00000001"

/** A message of a channel. */
export const message = (
  state: SlackState.State,
  channel: SlackState.Channel,
  { blocks, edited, reactions, text, thread, ts, user }: SlackState.Message
) => {
  const author = state.users.get(user)
  const replies = thread === null ? channel.messages.values.filter((each) => each.thread === ts) : []
  const last = replies.at(-1)
  return {
    type: "message",
    user,
    text,
    ts,
    ...(author === undefined || author.botId === null
      ? {}
      : {
          bot_id: author.botId,
          app_id: appId,
          bot_profile: {
            id: author.botId,
            app_id: appId,
            name: author.realName,
            icons: {},
            deleted: false,
            updated: Math.floor(channel.createdAt / 1_000),
            team_id: state.team.id
          }
        }),
    team: state.team.id,
    ...(blocks === null ? {} : { blocks }),
    ...(edited === null ? {} : { edited }),
    ...(thread === null ? {} : { thread_ts: thread, parent_user_id: channel.messages.get(thread)?.user ?? user }),
    ...(last === undefined
      ? {}
      : {
          thread_ts: ts,
          reply_count: replies.length,
          reply_users_count: new Set(replies.map((each) => each.user)).size,
          latest_reply: last.ts,
          reply_users: [...new Set(replies.map((each) => each.user))],
          is_locked: false,
          subscribed: false
        }),
    ...(reactions.length === 0
      ? {}
      : { reactions: reactions.map(({ name, users }) => ({ name, users, count: users.length })) })
  }
}

/** A channel, as the one who asks sees it. */
export const channel = (
  { team }: SlackState.State,
  { createdAt, creator, id, isArchived, isGeneral, isPrivate, members, name, ...rest }: SlackState.Channel,
  asks: string
) => {
  const told = (value: string) => ({ value, creator: value === "" ? "" : creator, last_set: 0 })
  return {
    id,
    name,
    is_channel: !isPrivate,
    is_group: isPrivate,
    is_im: false,
    is_mpim: false,
    is_private: isPrivate,
    created: Math.floor(createdAt / 1_000),
    is_archived: isArchived,
    is_general: isGeneral,
    unlinked: 0,
    name_normalized: name,
    is_shared: false,
    is_org_shared: false,
    is_ext_shared: false,
    is_pending_ext_shared: false,
    pending_shared: [],
    context_team_id: team.id,
    updated: createdAt,
    parent_conversation: null,
    creator,
    shared_team_ids: [team.id],
    pending_connected_team_ids: [],
    is_member: members.includes(asks),
    topic: told(rest.topic),
    purpose: told(rest.purpose),
    previous_names: []
  }
}

/** A person or a bot. `withEmail`: the token may see it. */
export const user = ({ team }: SlackState.State, of: SlackState.User, withEmail: boolean) => ({
  id: of.id,
  team_id: team.id,
  name: of.name,
  deleted: false,
  color: "9f69e7",
  real_name: of.realName,
  tz: "Etc/UTC",
  tz_label: "Coordinated Universal Time",
  tz_offset: 0,
  profile: {
    title: "",
    phone: "",
    skype: "",
    real_name: of.realName,
    real_name_normalized: of.realName,
    display_name: of.name,
    display_name_normalized: of.name,
    status_text: "",
    status_emoji: "",
    status_expiration: 0,
    avatar_hash: "",
    ...(withEmail && of.email !== null ? { email: of.email } : {}),
    team: team.id
  },
  is_admin: false,
  is_owner: false,
  is_primary_owner: false,
  is_restricted: false,
  is_ultra_restricted: false,
  is_bot: of.botId !== null,
  is_app_user: false,
  updated: 0
})

/** One page of a list and the cursor of the next; the name of the error where the call asks for none. */
export const page = <A>(
  all: ReadonlyArray<A>,
  given: SlackMethod.Arguments,
  by: { readonly usual: number; readonly start: string; readonly key: (value: A) => string }
): { readonly values: ReadonlyArray<A>; readonly next: string } | { readonly error: string } => {
  const limit = Number(given.text("limit") ?? by.usual)
  if (!Number.isInteger(limit) || limit < 1) return { error: "invalid_limit" }
  const cursor = given.text("cursor")
  const from =
    cursor === undefined
      ? 0
      : all.findIndex((each) => Buffer.from(`${by.start}${by.key(each)}`).toString("base64") === cursor)
  if (from < 0) return { error: "invalid_cursor" }
  const end = from + Math.min(limit, 999)
  const next = all[end]
  return {
    values: all.slice(from, end),
    next: next === undefined ? "" : Buffer.from(`${by.start}${by.key(next)}`).toString("base64")
  }
}

/** The channel that a call names, where who calls may know of it. */
export const channelIn = ({ given, state, user: asks }: SlackMethod.Call): SlackState.Channel | undefined => {
  const named = given.text("channel") ?? ""
  const found = state.channels.get(named) ?? state.channels.values.find(({ name }) => `#${name}` === named)
  return found === undefined || (found.isPrivate && !found.members.includes(asks.id)) ? undefined : found
}

/** There is no such channel, or who calls may not know of it. */
export const noChannel = { answer: SlackAnswer.error("channel_not_found") }
