import { createHmac } from "node:crypto"
import * as TwinLab from "../src/testing/TwinLab.ts"
import * as TwinTest from "../src/testing/TwinTest.ts"
import * as Notes from "./NotesTwin.ts"

const tokens = {
  "notes-full-token": { name: "ada", scopes: ["write"] },
  "notes-weak-token": { name: "bo", scopes: ["read"] }
}

const seed = { tokens, notes: ["first", "second"], hooks: [] }

const layer = TwinLab.layer({
  service: Notes.service,
  seed,
  other: { ...seed, notes: ["another"] },
  token: "notes-full-token",
  weakToken: "notes-weak-token",
  read: { method: "GET", path: "/notes" },
  write: (n) => ({ method: "POST", path: "/notes", body: { text: `note ${n}` } }),
  missing: { method: "DELETE", path: "/notes/1" },
  edit: {
    write: (text) => ({ method: "PUT", path: "/notes/1", body: { text } }),
    read: { method: "GET", path: "/notes/1" },
    text: (body) => JSON.parse(body).text
  },
  webhooks: {
    seed: (url, secret) => ({ ...seed, hooks: [{ url, secret }] }),
    isSigned: ({ body, headers }, secret) =>
      headers["x-signature"] === createHmac("sha256", secret).update(body).digest("hex")
  }
})

TwinTest.suite("a twin made with TwinService", layer)
