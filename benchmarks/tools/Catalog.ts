/** A **catalogue** of tools, and queries with the tools that are right for them, as files hold them. */

/** A tool. */
export interface Tool {
  readonly server: string
  readonly name: string
  readonly description?: string
  readonly inputSchema?: Readonly<Record<string, unknown>>
}

/** What a server says about itself. */
export interface Server {
  readonly title?: string
  readonly description?: string
}

/** A query. A need is met by any of its tools, each `server/name`. */
export interface Query {
  readonly query: string
  readonly needs: ReadonlyArray<ReadonlyArray<string>>
  readonly source: string
}

/** Servers and their tools. */
export interface Part {
  readonly tools: ReadonlyArray<Tool>
  readonly servers: ReadonlyMap<string, Server>
}
