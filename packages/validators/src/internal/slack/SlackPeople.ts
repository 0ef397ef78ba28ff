/** Who calls, and who else there is. */
import * as SlackAnswer from "./SlackAnswer.ts"
import * as SlackMethod from "./SlackMethod.ts"
import * as SlackShape from "./SlackShape.ts"

const { method } = SlackMethod
const { error, ok } = SlackAnswer

/** The methods. */
export const routes: ReadonlyArray<SlackMethod.Route> = [
  method("auth.test", {
    takes: [],
    handle: ({ state: { team }, user }) => ({
      answer: ok({
        url: `https://${team.domain}.slack.com/`,
        team: team.name,
        user: user.name,
        team_id: team.id,
        user_id: user.id,
        ...(user.botId === null ? {} : { bot_id: user.botId }),
        is_enterprise_install: false
      })
    })
  }),
  method("users.info", {
    scope: "users:read",
    takes: ["user"],
    handle: ({ caller, given, state }) => {
      const found = state.users.get(given.text("user") ?? "")
      if (found === undefined) return { answer: error("user_not_found") }
      return { answer: ok({ user: SlackShape.user(state, found, caller.scopes.includes("users:read.email")) }) }
    }
  }),
  method("users.lookupByEmail", {
    scope: "users:read.email",
    takes: ["email"],
    handle: ({ given, state }) => {
      const email = given.text("email")?.toLowerCase()
      const found = state.users.values.find((each) => email !== undefined && each.email?.toLowerCase() === email)
      if (found === undefined) return { answer: error("users_not_found") }
      return { answer: ok({ user: SlackShape.user(state, found, true) }) }
    }
  })
].flat()
