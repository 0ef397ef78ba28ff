/** Sign-in with OpenID Connect, at the authorization server `default`. */
import * as TwinService from "../../TwinService.ts"
import type * as OktaState from "./OktaState.ts"
import * as OktaToken from "./OktaToken.ts"

const on = TwinService.routes<OktaState.State>()

type Call = TwinService.Call<OktaState.State>
type Outcome = TwinService.Outcome<OktaState.State>

const at = "/oauth2/default"

const form = "application/x-www-form-urlencoded"

/** A code is good for a minute, a token for an hour; in milliseconds. */
const [codeLife, tokenLife] = [60_000, 3_600_000]

const scopes = ["openid", "profile", "email"]

const failed = (status: number, error: string, description: string): Outcome => ({
  answer: { status, body: { error, error_description: description } }
})

const noKey = failed(500, "server_error", "The seed of the twin has no signingKey, or it is no RSA key as PEM.")

const keyOf = ({ state }: Call) => (state.signingKey === null ? undefined : OktaToken.keyOf(state.signingKey))

const formOf = ({ body }: Call) => new URLSearchParams(typeof body === "string" ? body : "")

/** The application that asks, by basic authentication or by its form. A public one has no secret. */
const clientIn = (call: Call) => {
  const given = formOf(call)
  const basic = /^Basic\s+(\S+)$/i.exec(call.headers["authorization"] ?? "")?.[1]
  const [name, ...rest] = Buffer.from(basic ?? "", "base64")
    .toString("utf8")
    .split(":")
    .map(safeDecode)
  const id = basic === undefined ? given.get("client_id") : name
  const secret = basic === undefined ? (given.get("client_secret") ?? undefined) : rest.join(":")
  const client = call.state.clients.get(id ?? "")
  return client !== undefined && client.clientSecret === secret ? client : undefined
}

const safeDecode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const noClient = failed(401, "invalid_client", "The client is unknown, or its secret is another.")

const authorize = (call: Call): Outcome => {
  const { id, now, query, state } = call
  const asked = (name: string) => query.get(name) ?? ""
  const client = state.clients.get(asked("client_id"))
  if (client === undefined) return failed(400, "invalid_client", "The client_id is unknown.")
  const redirectUri = asked("redirect_uri")
  // Never sent to where the application has not said that it may be.
  if (!client.redirectUris.includes(redirectUri)) {
    return failed(400, "invalid_request", "The 'redirect_uri' parameter must be a Login redirect URI of the client.")
  }
  const to = (more: Readonly<Record<string, string>>): TwinService.Answer => {
    const url = new URL(redirectUri)
    for (const [name, value] of Object.entries(more)) url.searchParams.set(name, value)
    if (query.has("state")) url.searchParams.set("state", asked("state"))
    return { status: 302, headers: { location: url.href } }
  }
  const refused = (error: string, description: string): Outcome => ({
    answer: to({ error, error_description: description })
  })
  if (asked("response_type") !== "code") return refused("unsupported_response_type", "The twin gives codes alone.")
  const wanted = asked("scope")
    .split(" ")
    .filter((each) => each !== "")
  const other = wanted.find((scope) => !scopes.includes(scope))
  if (other !== undefined) return refused("invalid_scope", `The scope ${other} is not configured.`)
  if (!wanted.includes("openid")) return refused("invalid_scope", "The scope openid is missing.")
  const challenge = query.get("code_challenge")
  if (challenge === null && client.clientSecret === undefined) {
    return refused("invalid_request", "PKCE code challenge is required for a public client.")
  }
  if (challenge !== null && asked("code_challenge_method") !== "S256") {
    return refused("invalid_request", "The 'code_challenge_method' must be S256.")
  }
  const user = state.users.values.find(({ profile }) => profile.login === state.session)
  if (user === undefined) return refused("login_required", "The seed of the twin has no session, or it is no user's.")
  if (user.status !== "ACTIVE") return refused("access_denied", "User is not active.")
  const code = `code-${String(id("code")).padStart(8, "0")}`
  const grant: OktaState.Grant = {
    ...{ clientId: client.clientId, user: user.id, scopes: wanted, redirectUri, challenge, issuedAt: now },
    expiresAt: now + codeLife,
    nonce: query.get("nonce")
  }
  return { answer: to({ code }), state: { ...state, codes: state.codes.set(code, grant) } }
}

const token = (call: Call): Outcome => {
  const { id, now, state, url } = call
  const key = keyOf(call)
  if (key === undefined) return noKey
  const given = formOf(call)
  const client = clientIn(call)
  if (client === undefined) return noClient
  if (given.get("grant_type") !== "authorization_code") {
    return failed(400, "unsupported_grant_type", "The twin has the grant type authorization_code alone.")
  }
  const code = given.get("code") ?? ""
  const grant = state.codes.get(code)
  const isRight =
    grant !== undefined &&
    grant.clientId === client.clientId &&
    grant.redirectUri === given.get("redirect_uri") &&
    grant.expiresAt > now
  if (!isRight) return failed(400, "invalid_grant", "The authorization code is invalid or has expired.")
  const verifier = given.get("code_verifier")
  if (grant.challenge !== null && (verifier === null || OktaToken.challengeOf(verifier) !== grant.challenge)) {
    return failed(400, "invalid_grant", "PKCE verification failed.")
  }
  const jti = `AT.${String(id("token")).padStart(8, "0")}`
  const seconds = Math.floor(now / 1_000)
  const common = { iss: `${url}${at}`, iat: seconds, exp: seconds + tokenLife / 1_000, sub: grant.user }
  const profile = state.users.get(grant.user)?.profile
  const access = {
    ver: 1,
    jti,
    aud: "api://default",
    cid: client.clientId,
    uid: grant.user,
    scp: grant.scopes,
    ...common
  }
  const identity = {
    ver: 1,
    jti: jti.replace("AT", "ID"),
    aud: client.clientId,
    ...common,
    ...(grant.nonce === null ? {} : { nonce: grant.nonce }),
    ...(grant.scopes.includes("email") ? { email: profile?.email } : {}),
    ...(grant.scopes.includes("profile") ? { preferred_username: profile?.login } : {})
  }
  return {
    answer: {
      status: 200,
      headers: { "cache-control": "no-store" },
      body: {
        token_type: "Bearer",
        expires_in: tokenLife / 1_000,
        access_token: OktaToken.sign(key, access),
        scope: grant.scopes.join(" "),
        id_token: OktaToken.sign(key, identity)
      }
    },
    // A code is good once.
    state: {
      ...state,
      codes: state.codes.delete(code),
      access: state.access.set(jti, { ...grant, issuedAt: now, expiresAt: now + tokenLife })
    }
  }
}

/** What an access token stands for, where it is one of this twin and still good. */
const grantOf = (call: Call, given: string) => {
  const key = keyOf(call)
  const grant = key === undefined ? undefined : call.state.access.get(OktaToken.nameOf(key, given) ?? "")
  return grant !== undefined && grant.expiresAt > call.now ? grant : undefined
}

const introspect = (call: Call): Outcome => {
  const client = clientIn(call)
  if (client === undefined) return noClient
  const grant = grantOf(call, formOf(call).get("token") ?? "")
  if (grant === undefined) return { answer: { status: 200, body: { active: false } } }
  const { clientId, expiresAt, issuedAt, scopes: given, user } = grant
  const body = {
    active: true,
    scope: given.join(" "),
    username: call.state.users.get(user)?.profile.login,
    exp: Math.floor(expiresAt / 1_000),
    iat: Math.floor(issuedAt / 1_000),
    sub: user,
    aud: "api://default",
    iss: `${call.url}${at}`,
    token_type: "Bearer",
    client_id: clientId,
    uid: user
  }
  return { answer: { status: 200, body } }
}

const userinfo = (call: Call): Outcome => {
  const given = /^Bearer\s+(\S+)$/i.exec(call.headers["authorization"] ?? "")?.[1] ?? ""
  const grant = grantOf(call, given)
  const user = grant === undefined ? undefined : call.state.users.get(grant.user)
  if (grant === undefined || user === undefined) {
    const error = 'Bearer error="invalid_token", error_description="The access token is invalid"'
    return { answer: { status: 401, headers: { "www-authenticate": error } } }
  }
  const { email, firstName, lastName, login } = user.profile
  const name = { name: [firstName, lastName].join(" ").trim(), given_name: firstName, family_name: lastName }
  const body = {
    sub: user.id,
    ...(grant.scopes.includes("profile") ? { ...name, preferred_username: login } : {}),
    ...(grant.scopes.includes("email") ? { email, email_verified: true } : {})
  }
  return { answer: { status: 200, body } }
}

const discovery = ({ url }: Call): Outcome => {
  const issuer = `${url}${at}`
  const body = {
    issuer,
    authorization_endpoint: `${issuer}/v1/authorize`,
    token_endpoint: `${issuer}/v1/token`,
    userinfo_endpoint: `${issuer}/v1/userinfo`,
    jwks_uri: `${issuer}/v1/keys`,
    introspection_endpoint: `${issuer}/v1/introspect`,
    response_types_supported: ["code"],
    response_modes_supported: ["query"],
    grant_types_supported: ["authorization_code"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["RS256"],
    scopes_supported: scopes,
    token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "none"],
    code_challenge_methods_supported: ["S256"]
  }
  return { answer: { status: 200, body } }
}

/** The routes. None of them takes an API token: they have proofs of their own. */
export const routes: ReadonlyArray<TwinService.Route<OktaState.State>> = [
  on(`GET ${at}/.well-known/openid-configuration`, { open: true, handle: discovery }),
  on(`GET ${at}/.well-known/oauth-authorization-server`, { open: true, handle: discovery }),
  on(`GET ${at}/v1/keys`, {
    open: true,
    handle: (call) => {
      const key = keyOf(call)
      return { answer: { status: 200, body: { keys: key === undefined ? [] : [key.jwk] } } }
    }
  }),
  on(`GET ${at}/v1/authorize`, { open: true, handle: authorize }),
  on(`POST ${at}/v1/token`, { open: true, text: [form], handle: token }),
  on(`POST ${at}/v1/introspect`, { open: true, text: [form], handle: introspect }),
  on(`GET ${at}/v1/userinfo`, { open: true, handle: userinfo })
]
