/** Serves a double that speaks gRPC, with faults on demand, beside the controls of every double. */
import { createServer } from "node:http"
import * as http2 from "node:http2"
import type { AddressInfo } from "node:net"
import { readFileSync } from "node:fs"
import protobuf from "protobufjs"
import { controls, type Fault, listen, type Machine } from "./Machine.ts"

/** A message, as its fields. What they hold is in the `.proto` file, which no type is made of here. */
export type Fields = ReturnType<protobuf.Type["toObject"]>

/** One call, of whatever kind: unary is one request and one message that is sent. */
export interface Call {
  readonly headers: http2.IncomingHttpHeaders
  readonly requests: AsyncIterable<Fields>
  readonly send: (message: Fields) => Promise<void>
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

/** The methods of a service by name. */
export type Methods = Readonly<Record<string, (call: Call) => Promise<void>>>

/** Ends a call with a code of gRPC other than 0. */
export class Refused extends Error {
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

/** A method with one request and one answer. */
export const unary =
  (method: (request: Fields, call: Call) => Fields | Promise<Fields>) =>
  async (call: Call): Promise<void> => {
    for await (const request of call.requests) return call.send(await method(request, call))
  }

const frame = (bytes: Uint8Array): Buffer => {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

/** The messages that arrive on a stream. */
async function* messagesOf(stream: http2.ServerHttp2Stream, type: protobuf.Type): AsyncGenerator<Fields> {
  let rest = Buffer.alloc(0)
  // Who has read all that he needs still answers on it.
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    rest = Buffer.concat([rest, chunk as Buffer])
    while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
      const end = 5 + rest.readUInt32BE(1)
      yield type.toObject(type.decode(rest.subarray(5, end)), { longs: Number, defaults: true, arrays: true })
      rest = rest.subarray(end)
    }
  }
}

/** What an HTTP status of a fault is in gRPC. */
const codes: Readonly<Record<number, number>> = { 401: 16, 429: 8, 500: 13 }

/** Serves the methods of a `.proto` file. */
export const serveGrpc = (file: URL, machines: ReadonlyMap<string, Machine>, methods: Methods): void => {
  const { root } = protobuf.parse(readFileSync(file, "utf8"))
  root.resolveAll()
  const service = root.lookupService(
    Object.keys(root.nested ?? {}).find((name) => root.get(name) instanceof protobuf.Service) ?? ""
  )
  const { answer, take } = controls(machines)

  /** Trailers that say how a call ended, and how long the server asks to wait, if it does. */
  const ending = (code: number, message: string, retryAfter?: string): http2.OutgoingHttpHeaders => {
    const ended = { "grpc-status": String(code), "grpc-message": encodeURIComponent(message) }
    if (retryAfter === undefined) return ended
    const policy = root.lookupType("RetryPolicy")
    const status = root.lookupType("Status")
    const value = policy.encode({ retryAfterSecs: Number(retryAfter) }).finish()
    const details = [{ typeUrl: "type.googleapis.com/modal.client.RPCRetryPolicy", value }]
    const bytes = status.encode(status.fromObject({ code, message, details })).finish()
    return { ...ended, "grpc-status-details-bin": Buffer.from(bytes).toString("base64") }
  }
  const refuse = (stream: http2.ServerHttp2Stream, trailers: http2.OutgoingHttpHeaders) =>
    stream.respond({ ":status": 200, "content-type": "application/grpc", ...trailers }, { endStream: true })

  const run = async (
    stream: http2.ServerHttp2Stream,
    headers: http2.IncomingHttpHeaders,
    how: Fault["how"] | undefined
  ) => {
    const name = String(headers[":path"]).replace(/^.*\//, "")
    const method = service.methods[name]
    const handle = methods[name]
    const requestType = method?.resolvedRequestType
    const responseType = method?.resolvedResponseType
    if (!handle || !requestType || !responseType) return refuse(stream, ending(12, `the double has no ${name}`))
    const aborted = new AbortController()
    stream.on("close", () => aborted.abort())
    const gone = () => stream.session?.destroy()
    let trailers = ending(0, "")
    const open = () => {
      if (stream.headersSent) return
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true })
      stream.on("wantTrailers", () => stream.sendTrailers(trailers))
    }
    const send = async (message: Fields) => {
      if (how === "lose" || stream.destroyed) return
      open()
      const bytes = frame(responseType.encode(responseType.fromObject(message)).finish())
      if (how === "cut") {
        // Half of the answer arrives.
        stream.write(bytes.subarray(0, bytes.length / 2), gone)
        return new Promise<void>(() => {})
      }
      await new Promise<void>((resolve) => stream.write(bytes, () => resolve()))
    }
    try {
      await handle({ headers, requests: messagesOf(stream, requestType), send, signal: aborted.signal })
    } catch (error) {
      if (stream.destroyed) return
      const code = error instanceof Refused ? error.code : 13
      trailers = ending(code, error instanceof Error ? error.message : String(error))
      if (how !== "lose" && !stream.headersSent) return refuse(stream, trailers)
    }
    if (how === "lose") return gone()
    open()
    stream.end()
  }

  const grpc = http2.createServer()
  grpc.on("sessionError", () => {})
  grpc.on("stream", (stream, headers) => {
    stream.on("error", () => {})
    const how = take(`POST ${headers[":path"]}`)
    if (how === "hang") return
    if (how === "drop") return stream.session?.destroy()
    if (typeof how === "object") {
      return refuse(stream, ending(codes[how.status] ?? 2, "a fault", how.headers?.["retry-after"]))
    }
    void run(stream, headers, how)
  })
  const http = createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on(
      "end",
      () => void (answer(request.url ?? "/", Buffer.concat(chunks), response) || response.writeHead(404).end())
    )
  })
  // HTTP/2 without TLS can not share a port with HTTP/1.
  http.listen(0, "127.0.0.1", () => listen(grpc, machines, (http.address() as AddressInfo).port))
}
