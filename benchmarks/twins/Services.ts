/** The services whose twins are measured: one line each. */
import * as GitHub from "./GitHub.ts"
import * as Jira from "./Jira.ts"
import * as Linear from "./Linear.ts"
import * as Model from "./Model.ts"
import * as Okta from "./Okta.ts"
import type * as Service from "./Service.ts"
import * as Slack from "./Slack.ts"

/** All of them. */
export const all: ReadonlyArray<Service.Service> = [
  GitHub.service, // api.github.com
  Model.service, // the messages, chat completions and responses APIs
  Slack.service, // slack.com/api
  Linear.service, // api.linear.app/graphql
  Jira.service, // SITE.atlassian.net/rest/api/3
  Okta.service // ORGANIZATION.okta.com
]
