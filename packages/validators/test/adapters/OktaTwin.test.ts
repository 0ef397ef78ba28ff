import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { generateKeyPairSync } from "node:crypto"
import * as client from "openid-client"
import * as OktaTwin from "../../src/adapters/OktaTwin.ts"
import * as TwinLab from "../../src/testing/TwinLab.ts"
import * as TwinTest from "../../src/testing/TwinTest.ts"

const scopes = ["okta.users.read", "okta.users.manage", "okta.groups.read", "okta.groups.manage"]

const tokens = {
  "token-of-ada": { name: "ada", scopes },
  "token-of-a-reader": { name: "eve", scopes: ["okta.users.read"] }
}

const callback = "http://127.0.0.1:1/callback"

const seed: OktaTwin.Seed = {
  tokens,
  users: [
    { login: "ada@example.com", firstName: "Ada", lastName: "L", groups: ["Builders"] },
    { login: "bo@example.com", firstName: "Bo", lastName: "M", status: "STAGED" }
  ],
  clients: [{ clientId: "app", redirectUris: [callback] }],
  signingKey: generateKeyPairSync("rsa", { modulusLength: 2048 })
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString(),
  session: "ada@example.com"
}

const create = (login: string): TwinLab.Ask => ({
  method: "POST",
  path: "/api/v1/users",
  body: { profile: { login, email: login, firstName: "New", lastName: "User" } }
})

TwinTest.suite(
  "the twin of Okta",
  TwinLab.layer({
    service: OktaTwin.service,
    seed,
    other: { ...seed, users: [{ login: "another@example.com" }] },
    token: "token-of-ada",
    weakToken: "token-of-a-reader",
    authorize: (token) => ({ authorization: `SSWS ${token}` }),
    read: { method: "GET", path: "/api/v1/users" },
    write: (n) => create(`user-${n}@example.com`),
    missing: { method: "GET", path: "/api/v1/policies" },
    edit: {
      write: (firstName) => ({
        method: "POST",
        path: "/api/v1/users/00u00000000000000001",
        body: { profile: { firstName } }
      }),
      read: { method: "GET", path: "/api/v1/users/00u00000000000000001" },
      text: (body) => JSON.parse(body).profile.firstName
    }
  })
)

const lab = Effect.fnUntraced(function* (from: OktaTwin.Seed = seed) {
  const twin = yield* OktaTwin.service.start(from, { now: Date.now() })
  const ask = (method: string, path: string, body?: unknown) =>
    Effect.map(
      TwinLab.send(twin.url, { method, path, body, headers: { authorization: "SSWS token-of-ada" } }),
      (reply) => ({ ...reply, json: reply.body === "" ? undefined : JSON.parse(reply.body) })
    )
  return { twin, ask }
})

describe("bad input to the twin of Okta", () => {
  it.live("each refusal has Okta's code, and changes nothing", () =>
    Effect.gen(function* () {
      const { ask, twin } = yield* lab()
      const before = (yield* twin.snapshot).digest
      for (const [method, path, body, status, code] of [
        ["GET", "/api/v1/users/nobody", undefined, 404, "E0000007"],
        ["GET", "/api/v1/users/constructor", undefined, 404, "E0000007"],
        ["POST", "/api/v1/users", {}, 400, "E0000001"],
        ["POST", "/api/v1/users", { profile: { login: "x", email: "x@y" } }, 400, "E0000001"],
        ["POST", "/api/v1/users", { profile: { login: "ADA@example.com", email: "x@y" } }, 400, "E0000001"],
        ["GET", "/api/v1/users?limit=0", undefined, 400, "E0000001"],
        ["GET", "/api/v1/users?after=x", undefined, 400, "E0000001"],
        ["GET", "/api/v1/users?search=created%20gt%201", undefined, 400, "E0000031"],
        ["POST", "/api/v1/users/ada@example.com/lifecycle/activate", undefined, 403, "E0000016"],
        ["POST", "/api/v1/users/ada@example.com/lifecycle/unsuspend", undefined, 403, "E0000038"],
        ["POST", "/api/v1/groups", { profile: { name: "Builders" } }, 400, "E0000001"],
        ["PUT", "/api/v1/groups/x/users/y", undefined, 404, "E0000007"]
      ] as const) {
        const reply = yield* ask(method, path, body)
        assert.deepStrictEqual([reply.status, reply.json.errorCode], [status, code], `${method} ${path}`)
        assert.isString(reply.json.errorSummary)
        assert.isString(reply.json.errorId)
      }
      assert.strictEqual((yield* twin.snapshot).digest, before)
    })
  )

  it.live("pages are linked, and each user comes once", () =>
    Effect.gen(function* () {
      const users = Array.from({ length: 25 }, (_, n) => ({ login: `u${n}@example.com` }))
      const { ask, twin } = yield* lab({ ...seed, users })
      const logins: Array<string> = []
      let path: string | undefined = "/api/v1/users?limit=10"
      while (path !== undefined && logins.length < 100) {
        const reply: TwinLab.Reply = yield* ask("GET", path)
        const page: ReadonlyArray<{ readonly profile: { readonly login: string } }> = JSON.parse(reply.body)
        logins.push(...page.map(({ profile }) => profile.login))
        path = /<([^>]+)>; rel="next"/.exec(reply.headers["link"] ?? "")?.[1]?.replace(twin.url, "")
      }
      assert.deepStrictEqual(
        logins,
        users.map(({ login }) => login)
      )
      assert.lengthOf((yield* ask("GET", "/api/v1/users?limit=10000")).json, 25)
    })
  )
})

describe("the twin of Okta for a factory", () => {
  it.live("a user joins, is put into a group, suspended, and goes", () =>
    Effect.gen(function* () {
      const { ask } = yield* lab()
      const { body, path } = create("new@example.com")
      const user = (yield* ask("POST", `${path}?activate=false`, body)).json
      assert.strictEqual(user.status, "STAGED")
      const step = (name: string) =>
        Effect.map(ask("POST", `/api/v1/users/${user.id}/lifecycle/${name}`), ({ status }) => status)
      assert.strictEqual(yield* step("suspend"), 403)
      assert.strictEqual(yield* step("activate"), 200)
      assert.strictEqual(yield* step("suspend"), 200)
      const [group] = (yield* ask("GET", "/api/v1/groups?q=build")).json
      for (const _ of [1, 2]) {
        assert.strictEqual((yield* ask("PUT", `/api/v1/groups/${group.id}/users/${user.id}`)).status, 204)
      }
      const members = (yield* ask("GET", `/api/v1/groups/${group.id}/users`)).json
      assert.deepStrictEqual(
        members.map(({ profile }: typeof user) => profile.login),
        ["ada@example.com", "new@example.com"]
      )
      const found = (yield* ask("GET", `/api/v1/users?search=${encodeURIComponent('status eq "SUSPENDED"')}`)).json
      assert.deepStrictEqual(
        found.map(({ id }: typeof user) => id),
        [user.id]
      )
      assert.strictEqual((yield* ask("DELETE", `/api/v1/users/${user.id}`)).status, 204)
      assert.strictEqual((yield* ask("GET", `/api/v1/users/${user.id}`)).json.status, "DEPROVISIONED")
      yield* ask("DELETE", `/api/v1/users/${user.id}`)
      assert.strictEqual((yield* ask("GET", `/api/v1/users/${user.id}`)).status, 404)
      assert.lengthOf((yield* ask("GET", `/api/v1/groups/${group.id}/users`)).json, 1)
    })
  )

  it.live("a certified client of OpenID Connect signs in with a code and PKCE, and a code is good once", () =>
    Effect.gen(function* () {
      const { twin } = yield* lab()
      const issuer = new URL(`${twin.url}/oauth2/default`)
      const go = <A>(f: () => Promise<A>) => Effect.promise(f)
      const config = yield* go(() =>
        client.discovery(issuer, "app", undefined, client.None(), { execute: [client.allowInsecureRequests] })
      )
      const verifier = client.randomPKCECodeVerifier()
      const challenge = yield* go(() => client.calculatePKCECodeChallenge(verifier))
      const asked = { redirect_uri: callback, scope: "openid profile email", state: "s", nonce: "n" }
      const pkce = { code_challenge: challenge, code_challenge_method: "S256" }
      const to = client.buildAuthorizationUrl(config, { ...asked, ...pkce })
      const reply = yield* go(() => fetch(to, { redirect: "manual" }))
      const location = new URL(reply.headers.get("location") ?? "")
      const checks = { pkceCodeVerifier: verifier, expectedState: "s", expectedNonce: "n" }
      const wrong = client.authorizationCodeGrant(config, location, { ...checks, pkceCodeVerifier: "x".repeat(43) })
      assert.include(String(yield* go(() => wrong.catch((error) => error.error))), "invalid_grant")
      const given = yield* go(() => client.authorizationCodeGrant(config, location, checks))
      const subject = given.claims()?.sub ?? ""
      const info = yield* go(() => client.fetchUserInfo(config, given.access_token, subject))
      assert.deepStrictEqual([info.email, info.name], ["ada@example.com", "Ada L"])
      const active = (token: string) => go(() => client.tokenIntrospection(config, token))
      assert.isTrue((yield* active(given.access_token)).active)
      assert.isFalse((yield* active(`${given.access_token}x`)).active)
      assert.isFalse((yield* active("a.b.c")).active)
      const twice = yield* go(() =>
        client.authorizationCodeGrant(config, location, checks).catch((error) => error.error)
      )
      assert.strictEqual(twice, "invalid_grant")
      yield* twin.clock.advance(3_600_000)
      assert.isFalse((yield* active(given.access_token)).active)
    })
  )

  it.live("nobody is sent to where the application has not said", () =>
    Effect.gen(function* () {
      const { twin } = yield* lab()
      const authorize = (query: Record<string, string>) =>
        TwinLab.send(twin.url, { method: "GET", path: `/oauth2/default/v1/authorize?${new URLSearchParams(query)}` })
      const right = { client_id: "app", redirect_uri: callback, response_type: "code", scope: "openid" }
      const outside = yield* authorize({ ...right, redirect_uri: "https://example.com" })
      assert.deepStrictEqual([outside.status, outside.headers["location"]], [400, undefined])
      assert.include((yield* authorize(right)).headers["location"], "error=invalid_request")
      assert.include((yield* authorize({ ...right, scope: "planet" })).headers["location"], "error=invalid_scope")
    })
  )
})
