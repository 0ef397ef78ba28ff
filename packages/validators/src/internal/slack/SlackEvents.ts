/** The Events API: what request URLs are told, and how Slack signs it. */
import { createHmac } from "node:crypto"
import type * as TwinService from "../../TwinService.ts"
import type * as SlackMethod from "./SlackMethod.ts"
import * as SlackShape from "./SlackShape.ts"
import * as SlackState from "./SlackState.ts"

/** An event in its envelope. `name` is that of the subscription. */
export const told = (
  { id, now, state }: SlackMethod.Call,
  name: string,
  event: Readonly<Record<string, unknown>>
): TwinService.Event => ({
  name,
  payload: {
    team_id: state.team.id,
    api_app_id: SlackShape.appId,
    event,
    type: "event_callback",
    event_id: SlackState.idOf("Ev", id("event")),
    event_time: Math.floor(now / 1_000),
    is_ext_shared_channel: false
  }
})

/** Something about a message of a channel. */
export const ofMessage = (
  call: SlackMethod.Call,
  { id, isPrivate }: SlackState.Channel,
  event: Readonly<Record<string, unknown>>
): TwinService.Event =>
  told(call, isPrivate ? "message.groups" : "message.channels", {
    ...event,
    channel: id,
    channel_type: isPrivate ? "group" : "channel"
  })

/** How Slack sends events. It tries three times more: at once, after a minute, after five. */
export const webhooks: TwinService.Webhooks<SlackState.State> = {
  secrets: ({ events }) => events.map(({ secret }) => secret),
  hooks: ({ events }, event) =>
    events.flatMap(({ secret, types, url }, index) =>
      types.includes(event.name) ? [{ id: String(index), url, secret }] : []
    ),
  sign: ({ at, body, hook, number }) => {
    const time = String(Math.floor(at / 1_000))
    const mac = createHmac("sha256", hook.secret).update(`v0:${time}:${body}`).digest("hex")
    return {
      id: `delivery-${number}`,
      headers: {
        "content-type": "application/json",
        "user-agent": "Slackbot 1.0 (twin)",
        "x-slack-request-timestamp": time,
        "x-slack-signature": `v0=${mac}`
      }
    }
  },
  retries: [0, 60_000, 300_000]
}
