/** A twin of a small service, as the guide shows it. */
import * as Schema from "effect/Schema"
import { createHmac } from "node:crypto"
import * as TwinService from "../src/TwinService.ts"
import * as TwinTable from "../src/TwinTable.ts"

const Note = Schema.Struct({ id: Schema.Int, text: Schema.String, at: Schema.Int })

export const Seed = Schema.Struct({
  tokens: TwinService.Tokens,
  notes: Schema.Array(Schema.String),
  hooks: Schema.Array(Schema.Struct({ url: Schema.String, secret: Schema.String }))
})

interface State extends Omit<typeof Seed.Type, "notes"> {
  readonly notes: TwinTable.Table<typeof Note.Type>
}

const on = TwinService.routes<State>()

const missing = { answer: { status: 404, body: { error: "NotFound", message: "There is no such note" } } }

const routes = [
  on("GET /notes", { handle: ({ state }) => ({ answer: { status: 200, body: state.notes.values } }) }),
  on("GET /notes/:id", {
    handle: ({ params, state }) => {
      const note = state.notes.get(params.id)
      return note === undefined ? missing : { answer: { status: 200, body: note } }
    }
  }),
  on("POST /notes", {
    scope: "write",
    body: Schema.Struct({ text: Schema.NonEmptyString }),
    handle: ({ body, id, now, state }) => {
      const note = { id: id("note"), text: body.text, at: now }
      return {
        answer: { status: 201, body: note },
        state: { ...state, notes: state.notes.set(note.id, note) },
        events: [{ name: "note", payload: note }]
      }
    }
  }),
  on("PUT /notes/:id", {
    scope: "write",
    body: Schema.Struct({ text: Schema.String }),
    handle: ({ body, params, state }) => {
      const note = state.notes.get(params.id)
      if (note === undefined) return missing
      const edited = { ...note, text: body.text }
      return {
        answer: { status: 200, body: edited },
        state: { ...state, notes: state.notes.set(note.id, edited) },
        events: [{ name: "note", payload: edited }]
      }
    }
  })
]

export const definition: TwinService.Definition<typeof Seed.Type, State> = {
  name: "notes",
  seed: Seed,
  state: ({ notes, ...seed }, { id, now }): State => ({
    ...seed,
    notes: TwinTable.from(
      notes.map((text) => ({ id: id("note"), text, at: now })),
      (note) => note.id
    )
  }),
  tokens: ({ tokens }) => tokens,
  routes,
  webhooks: {
    hooks: ({ hooks }) => hooks.map((hook, index) => ({ id: String(index), ...hook })),
    secrets: ({ hooks }) => hooks.map(({ secret }) => secret),
    sign: ({ body, event, hook, number }) => ({
      id: `delivery-${number}`,
      headers: {
        "content-type": "application/json",
        "x-event": event.name,
        "x-signature": createHmac("sha256", hook.secret).update(body).digest("hex")
      }
    }),
    retries: [1_000, 60_000]
  },
  maxBody: 10_000
}

export const service = TwinService.make(definition)
