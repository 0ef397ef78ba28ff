/** Messages and reactions. */
import type * as TwinService from "../../TwinService.ts"
import * as SlackAnswer from "./SlackAnswer.ts"
import * as SlackEvents from "./SlackEvents.ts"
import * as SlackMethod from "./SlackMethod.ts"
import * as SlackShape from "./SlackShape.ts"
import * as SlackState from "./SlackState.ts"

const { method } = SlackMethod
const { error, ok } = SlackAnswer

type Outcome = TwinService.Outcome<SlackState.State>

/** Longer texts are refused, in characters. */
const longestText = 40_000

const withMessage = (
  state: SlackState.State,
  channel: SlackState.Channel,
  message: SlackState.Message
): SlackState.State => ({
  ...state,
  channels: state.channels.set(channel.id, { ...channel, messages: channel.messages.set(message.ts, message) })
})

/** The text and blocks of a call, or what is wrong with them. */
const content = ({ given }: SlackMethod.Call): Pick<SlackState.Message, "text" | "blocks"> | { error: string } => {
  const text = given.text("text") ?? ""
  const blocks = given.json("blocks")
  if (blocks !== undefined && !Array.isArray(blocks)) return { error: "invalid_blocks_format" }
  if (blocks !== undefined && blocks.length > 50) return { error: "invalid_blocks" }
  if (text.trim() === "" && (blocks === undefined || blocks.length === 0)) return { error: "no_text" }
  return text.length > longestText ? { error: "msg_too_long" } : { text, blocks: blocks ?? null }
}

const post = (call: SlackMethod.Call): Outcome => {
  const { caller, given, id, now, state, user } = call
  const channel = SlackShape.channelIn(call)
  if (channel === undefined) return SlackShape.noChannel
  if (channel.isArchived) return { answer: error("is_archived") }
  const isPublic = !channel.isPrivate && caller.scopes.includes("chat:write.public")
  if (!channel.members.includes(user.id) && !isPublic) return { answer: error("not_in_channel") }
  const said = content(call)
  if ("error" in said) return { answer: error(said.error) }
  const asked = given.text("thread_ts")
  const parent = asked === undefined ? undefined : channel.messages.get(asked)
  if (asked !== undefined && parent === undefined) return { answer: error("thread_not_found") }
  const ts = SlackState.tsOf(now, id("message"))
  // An answer to an answer is one in the same thread.
  const thread = parent === undefined ? null : (parent.thread ?? parent.ts)
  const message: SlackState.Message = { ...said, ts, user: user.id, thread, edited: null, reactions: [] }
  const next = withMessage(state, channel, message)
  const shown = SlackShape.message(next, channel, message)
  return {
    answer: ok({ channel: channel.id, ts, message: shown }),
    state: next,
    events: [SlackEvents.ofMessage(call, channel, { ...shown, event_ts: ts })]
  }
}

/** The message that a call names, where who calls has written it. */
const own = (call: SlackMethod.Call, otherwise: string) => {
  const channel = SlackShape.channelIn(call)
  if (channel === undefined) return SlackShape.noChannel
  const message = channel.messages.get(call.given.text("ts") ?? "")
  if (message === undefined) return { answer: error("message_not_found") }
  return message.user === call.user.id ? { channel, message } : { answer: error(otherwise) }
}

const update = (call: SlackMethod.Call): Outcome => {
  const found = own(call, "cant_update_message")
  if ("answer" in found) return found
  const { channel, message } = found
  const said = content(call)
  if ("error" in said) return { answer: error(said.error) }
  const edited = { user: call.user.id, ts: SlackState.tsOf(call.now, call.id("edit")) }
  const after: SlackState.Message = { ...message, ...said, edited }
  const next = withMessage(call.state, channel, after)
  const shown = SlackShape.message(next, channel, after)
  const event = {
    type: "message",
    subtype: "message_changed",
    message: shown,
    previous_message: SlackShape.message(call.state, channel, message),
    hidden: true,
    ts: edited.ts,
    event_ts: edited.ts
  }
  return {
    answer: ok({ channel: channel.id, ts: message.ts, text: after.text, message: shown }),
    state: next,
    events: [SlackEvents.ofMessage(call, channel, event)]
  }
}

const remove = (call: SlackMethod.Call): Outcome => {
  const found = own(call, "cant_delete_message")
  if ("answer" in found) return found
  const { channel, message } = found
  const ts = SlackState.tsOf(call.now, call.id("edit"))
  const previous = SlackShape.message(call.state, channel, message)
  const event = {
    type: "message",
    subtype: "message_deleted",
    deleted_ts: message.ts,
    previous_message: previous,
    hidden: true,
    ts,
    event_ts: ts
  }
  const left = { ...channel, messages: channel.messages.delete(message.ts) }
  return {
    answer: ok({ channel: channel.id, ts: message.ts }),
    state: { ...call.state, channels: call.state.channels.set(channel.id, left) },
    events: [SlackEvents.ofMessage(call, channel, event)]
  }
}

const react = (call: SlackMethod.Call): Outcome => {
  const { given, now, state, user } = call
  const channel = SlackShape.channelIn(call)
  if (channel === undefined) return SlackShape.noChannel
  const message = channel.messages.get(given.text("timestamp") ?? "")
  if (message === undefined) return { answer: error("message_not_found") }
  const name = (given.text("name") ?? "").replaceAll(":", "")
  if (!/^[a-z0-9_+'-]+$/.test(name)) return { answer: error("invalid_name") }
  const before = message.reactions.find((each) => each.name === name)
  if (before?.users.includes(user.id) === true) return { answer: error("already_reacted") }
  const others = message.reactions.filter((each) => each !== before)
  const reactions = [...others, { name, users: [...(before?.users ?? []), user.id] }]
  const event = {
    type: "reaction_added",
    user: user.id,
    reaction: name,
    item: { type: "message", channel: channel.id, ts: message.ts },
    item_user: message.user,
    event_ts: SlackState.tsOf(now, call.id("edit"))
  }
  return {
    answer: ok(),
    state: withMessage(state, channel, { ...message, reactions }),
    events: [SlackEvents.told(call, "reaction_added", event)]
  }
}

/** The methods. */
export const routes: ReadonlyArray<SlackMethod.Route> = [
  method("chat.postMessage", {
    scope: "chat:write",
    takes: ["channel", "text", "blocks", "thread_ts"],
    handle: post
  }),
  method("chat.update", { scope: "chat:write", takes: ["channel", "ts", "text", "blocks"], handle: update }),
  method("chat.delete", { scope: "chat:write", takes: ["channel", "ts"], handle: remove }),
  method("reactions.add", { scope: "reactions:write", takes: ["channel", "timestamp", "name"], handle: react })
].flat()
