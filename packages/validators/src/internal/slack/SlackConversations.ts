/** Channels, what was said in them, and who is there. */
import type * as TwinService from "../../TwinService.ts"
import * as SlackAnswer from "./SlackAnswer.ts"
import * as SlackMethod from "./SlackMethod.ts"
import * as SlackShape from "./SlackShape.ts"
import type * as SlackState from "./SlackState.ts"

const { method } = SlackMethod
const { error, missingScope, ok } = SlackAnswer

type Outcome = TwinService.Outcome<SlackState.State>

const metadata = (next: string) => ({ response_metadata: { next_cursor: next } })

const known = new Set(["public_channel", "private_channel"])

const list = ({ caller, given, state, user }: SlackMethod.Call): Outcome => {
  const types = (given.text("types") ?? "public_channel").split(",").map((type) => type.trim())
  const other = types.find((type) => !known.has(type))
  if (other === "im" || other === "mpim")
    return { answer: SlackAnswer.notImplemented(`conversations of type ${other}`) }
  if (other !== undefined) return { answer: error("invalid_types") }
  for (const [type, scope] of [
    ["public_channel", "channels:read"],
    ["private_channel", "groups:read"]
  ] as const) {
    if (types.includes(type) && !caller.scopes.includes(scope)) return { answer: missingScope(scope) }
  }
  const all = state.channels.values.filter(
    ({ isArchived, isPrivate, members }) =>
      types.includes(isPrivate ? "private_channel" : "public_channel") &&
      (!isPrivate || members.includes(user.id)) &&
      !(isArchived && given.flag("exclude_archived"))
  )
  const page = SlackShape.page(all, given, { usual: 100, start: "team:", key: ({ id }) => id })
  if ("error" in page) return { answer: error(page.error) }
  const channels = page.values.map((channel) => ({
    ...SlackShape.channel(state, channel, user.id),
    num_members: channel.members.length
  }))
  return { answer: ok({ channels, ...metadata(page.next) }) }
}

/** The channel that a call may read, or why not. */
const readable = (call: SlackMethod.Call, right: "history" | "read") => {
  const channel = SlackShape.channelIn(call)
  if (channel === undefined) return SlackShape.noChannel
  const scope = `${channel.isPrivate ? "groups" : "channels"}:${right}`
  if (!call.caller.scopes.includes(scope)) return { answer: missingScope(scope) }
  return right === "history" && !channel.members.includes(call.user.id)
    ? { answer: error("not_in_channel") }
    : { channel }
}

/** The messages between two moments, or the name of the argument that is none. */
const between = (messages: ReadonlyArray<SlackState.Message>, given: SlackMethod.Arguments) => {
  const at = (name: string, usual: number) => Number(given.text(name) ?? usual)
  const [oldest, latest] = [at("oldest", 0), at("latest", Number.MAX_SAFE_INTEGER)]
  if (Number.isNaN(oldest)) return "invalid_ts_oldest"
  if (Number.isNaN(latest)) return "invalid_ts_latest"
  const isInclusive = given.flag("inclusive")
  return messages.filter(({ ts }) => {
    const time = Number(ts)
    return isInclusive ? time >= oldest && time <= latest : time > oldest && time < latest
  })
}

const history = (call: SlackMethod.Call): Outcome => {
  const found = readable(call, "history")
  if ("answer" in found) return found
  const { channel } = found
  const top = channel.messages.values.filter(({ thread }) => thread === null).toReversed()
  return messagesOf(call, { channel, all: top, more: { pin_count: 0 } })
}

const replies = (call: SlackMethod.Call): Outcome => {
  const found = readable(call, "history")
  if ("answer" in found) return found
  const { channel } = found
  const asked = channel.messages.get(call.given.text("ts") ?? "")
  if (asked === undefined) return { answer: error("thread_not_found") }
  const first = asked.thread ?? asked.ts
  const all = channel.messages.values.filter(({ thread, ts }) => ts === first || thread === first)
  return messagesOf(call, { channel, all, more: {} })
}

const messagesOf = (
  { given, state }: SlackMethod.Call,
  of: {
    readonly channel: SlackState.Channel
    readonly all: ReadonlyArray<SlackState.Message>
    readonly more: Readonly<Record<string, unknown>>
  }
): Outcome => {
  const some = between(of.all, given)
  if (typeof some === "string") return { answer: error(some) }
  const key = ({ ts }: SlackState.Message) => ts.replace(".", "")
  const page = SlackShape.page(some, given, { usual: 100, start: "next_ts:", key })
  if ("error" in page) return { answer: error(page.error) }
  const messages = page.values.map((message) => SlackShape.message(state, of.channel, message))
  const more = page.next === "" ? {} : metadata(page.next)
  return { answer: ok({ messages, has_more: page.next !== "", ...of.more, ...more }) }
}

const join = (call: SlackMethod.Call): Outcome => {
  const { state, user } = call
  const channel = SlackShape.channelIn(call)
  if (channel === undefined) return SlackShape.noChannel
  if (channel.isPrivate) return { answer: error("method_not_supported_for_channel_type") }
  if (channel.isArchived) return { answer: error("is_archived") }
  const isIn = channel.members.includes(user.id)
  const after = isIn ? channel : { ...channel, members: [...channel.members, user.id] }
  return {
    answer: ok({
      channel: SlackShape.channel(state, after, user.id),
      ...(isIn ? { warning: "already_in_channel", response_metadata: { warnings: ["already_in_channel"] } } : {})
    }),
    ...(isIn ? {} : { state: { ...state, channels: state.channels.set(channel.id, after) } })
  }
}

const bounds = ["limit", "cursor", "oldest", "latest", "inclusive"]

/** The methods. */
export const routes: ReadonlyArray<SlackMethod.Route> = [
  method("conversations.list", { takes: ["types", "exclude_archived", "limit", "cursor"], handle: list }),
  method("conversations.history", { takes: ["channel", ...bounds], handle: history }),
  method("conversations.replies", { takes: ["channel", "ts", ...bounds], handle: replies }),
  method("conversations.info", {
    takes: ["channel", "include_num_members"],
    handle: (call) => {
      const found = readable(call, "read")
      if ("answer" in found) return found
      const { channel } = found
      const counted = call.given.flag("include_num_members") ? { num_members: channel.members.length } : {}
      return { answer: ok({ channel: { ...SlackShape.channel(call.state, channel, call.user.id), ...counted } }) }
    }
  }),
  method("conversations.join", { scope: "channels:join", takes: ["channel"], handle: join })
].flat()
