/** Webhooks of a twin: made with what changes, sent in order when their time has come, and only where the host allows it. */
import * as Http from "node:http"
import type * as Twin from "../Twin.ts"
import type * as TwinFault from "../TwinFault.ts"

/** How long an attempt may take, in milliseconds of the machine's clock. */
const patience = 10_000

type Mutable<A> = { -readonly [K in keyof A]: A[K] }

type Entry = Mutable<Omit<Twin.Delivery, "attempts">> & { attempts: Array<Twin.Delivery["attempts"][number]> }

interface Pending {
  readonly record: Entry
  readonly body: string
  due: number
  /** Of two that are due at the same time the one with the lower order goes first. */
  order: number
  attempt: number
}

/** What webhooks need of the machine. */
export interface Around {
  readonly now: () => number
  readonly faults: () => TwinFault.Faults
  readonly retries: ReadonlyArray<number>
  readonly record: (delivery: Twin.Delivery) => void
}

/** A webhook that is signed. */
export interface Signed {
  readonly id: string
  readonly event: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Sends webhooks. */
export interface Sender {
  readonly allow: (origin: string) => void
  readonly send: (signed: Signed) => void
  /** Sends what is due. Ends when all of it was sent. */
  readonly settled: () => Promise<void>
  /** Lets go what waits for another one. */
  readonly release: () => void
  /** Forgets what was not sent, and gives up what is being sent. */
  readonly clear: () => void
}

/** The origin of an address, where it is one of this machine. */
export const loopback = (address: string): string | undefined => {
  if (!URL.canParse(address)) return undefined
  const { hostname, origin, protocol } = new URL(address)
  const isHere = hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname)
  return protocol === "http:" && isHere ? origin : undefined
}

/** A sender with nothing to send. */
export const make = (around: Around): Sender => {
  const allowed = new Set<string>()
  let pending: Array<Pending> = []
  let held: Array<Pending> = []
  let order = 0
  let sending: Promise<void> | undefined
  let abort = new AbortController()

  const enqueue = (one: Pending) => {
    pending.push(one)
    pending.push(...held.map((each) => ({ ...each, due: Math.max(each.due, one.due), order: order++ })))
    held = []
    void settled()
  }
  const next = (): Pending | undefined => {
    const due = pending.filter((each) => each.due <= around.now())
    const first = due.reduce<Pending | undefined>(
      (best, each) =>
        best === undefined || each.due < best.due || (each.due === best.due && each.order < best.order) ? each : best,
      undefined
    )
    pending = pending.filter((each) => each !== first)
    return first
  }
  const attempt = async (one: Pending, signal: AbortSignal): Promise<void> => {
    // When its time came, not when the clock was read: a clock may be advanced past several times.
    const at = one.due
    // A header that can not be sent is a failure of its webhook, and of nothing else.
    const answer = await post(one, signal).catch((cause: unknown) => ({ status: null, problem: String(cause) }))
    if (signal.aborted) return
    one.record.attempts.push({ at, ...answer })
    const isTaken = answer.status !== null && answer.status < 300
    const wait = isTaken ? undefined : around.retries[one.attempt]
    one.record.outcome = isTaken ? "delivered" : wait === undefined ? "failed" : "waiting"
    if (wait !== undefined) pending.push({ ...one, due: at + wait, order: order++, attempt: one.attempt + 1 })
  }
  const drain = async (first: Pending, signal: AbortSignal): Promise<void> => {
    for (let one: Pending | undefined = first; one !== undefined; one = signal.aborted ? undefined : next()) {
      await attempt(one, signal)
    }
    if (!signal.aborted) sending = undefined
  }
  const settled = (): Promise<void> => {
    if (sending !== undefined) return sending
    const first = next()
    if (first === undefined) return Promise.resolve()
    sending = drain(first, abort.signal)
    return sending
  }
  const post = ({ body, record }: Pending, signal: AbortSignal) =>
    new Promise<{ status: number | null; problem: string | null }>((resolve) => {
      const url = new URL(record.url)
      const request = Http.request(
        {
          // Never asked of a resolver: a name could lead away from this machine.
          hostname: url.hostname === "[::1]" ? "::1" : url.hostname === "localhost" ? "127.0.0.1" : url.hostname,
          port: url.port === "" ? 80 : url.port,
          path: `${url.pathname}${url.search}`,
          method: "POST",
          headers: { ...record.headers, "content-length": Buffer.byteLength(body) },
          agent: false,
          // Of the whole attempt: an answer that never ends would keep all others waiting.
          signal: AbortSignal.any([signal, AbortSignal.timeout(patience)])
        },
        (response) => {
          response.once("error", () => {})
          response.resume()
          response.once("close", () => resolve({ status: response.statusCode ?? null, problem: null }))
        }
      )
      request.on("error", ({ message }) => resolve({ status: null, problem: message }))
      request.end(body)
    })

  return {
    allow: (origin) => void allowed.add(origin),
    send: ({ body, ...signed }) => {
      const fault = around.faults().ofWebhook(signed.event)
      const origin = loopback(signed.url)
      const isAllowed = origin !== undefined && allowed.has(origin)
      const outcome = !isAllowed ? "refused" : fault?._tag === "Drop" ? "dropped" : "waiting"
      const copies = fault?._tag === "Double" ? 2 : 1
      for (let copy = 0; copy < copies; copy++) {
        const record: Entry = { ...signed, body, outcome, attempts: [] }
        around.record(record)
        if (outcome !== "waiting") continue
        const due = around.now() + (fault?._tag === "Delay" ? fault.millis : 0)
        const one: Pending = { record, body, due, order: order++, attempt: 0 }
        if (fault?._tag === "Swap") held.push(one)
        else enqueue(one)
      }
    },
    settled,
    release: () => {
      pending.push(...held)
      held = []
    },
    clear: () => {
      abort.abort()
      abort = new AbortController()
      pending = []
      held = []
      order = 0
      sending = undefined
    }
  }
}
