/** The **architecture** as data: who may import whom. The `imports` gate holds it; a change here is a decision. */

/** Packages from the ground up, and the packages of the house that each may import. */
export const packages: Readonly<Record<string, ReadonlyArray<string>>> = {
  core: [],
  sandbox: ["core"],
  context: ["core"],
  agents: ["core", "context"],
  validators: ["core", "sandbox", "agents"],
  governance: ["core", "agents"]
}

/** A module that only named files may touch, and why. Files are globs below `packages/`, without `/src` and `.ts`. */
export interface Seam {
  readonly module: string
  readonly files: ReadonlyArray<string>
  readonly why: string
}

/** Modules that are unstable, or whose presence decides where the code can run. The first that matches holds. */
export const seams: ReadonlyArray<Seam> = [
  {
    module: "node:sqlite",
    files: ["core/{Sqlite,Backup}", "core/internal/{Store*,KernelLock}", "*/adapters/*"],
    why: "a release candidate of Node"
  },
  {
    module: "@agentclientprotocol/sdk",
    files: ["agents/internal/AcpConnection"],
    why: "a vendor's, and what is used of it in part unstable"
  },
  {
    module: "playwright-core",
    files: ["validators/internal/{Browser,Page}*", "*/adapters/*"],
    why: "a vendor's, and an optional peer"
  },
  {
    module: "graphql",
    files: ["validators/internal/linear/*", "*/adapters/*"],
    why: "an optional peer of the twin that answers with it"
  },
  { module: "effect/workflow", files: ["core/Durable", "*/adapters/*"], why: "tagged unstable" },
  { module: "effect/cluster", files: ["core/internal/Cluster*", "*/adapters/*"], why: "tagged unstable" },
  {
    module: "effect/sql",
    files: ["core/Postgres", "core/internal/{ClusterStorage,PostgresTable}", "*/adapters/*"],
    why: "tagged unstable"
  },
  {
    module: "effect/ai",
    files: [
      "core/Model",
      "core/internal/{Answer,OpenBlock,PromptTurns,ProviderFailure,WireText,PlainAnswer}",
      "context/{MetaTools,ToolSession}",
      "context/internal/{SessionCall,ToolTranscript}",
      "agents/Tools",
      "agents/SessionEntry",
      "agents/loop/*",
      "*/adapters/*",
      "*/testing/*"
    ],
    why: "tagged unstable"
  }
]

/** Floor 2: the few machines. Data, ports and adapters never import one. Globs below `packages/`, as above. */
export const kernels: ReadonlyArray<string> = [
  "core/Line",
  "core/Gate{,Desk,Webhook}",
  "core/internal/GateClock",
  "core/Watch",
  "core/Dispatcher",
  "core/Reconciler",
  "context/SourceIndex",
  "agents/{AgentFile,Role,Allowance,Plugin}",
  "agents/internal/Plugin{Entry,Role}",
  "agents/roles/*",
  "validators/{UserTesting,HoldoutValidator,SurfaceJudge,Replay,Amendment,SpecContract,Scrutiny,ReviewRule}",
  "validators/roles/*"
]

/** Where a module is loaded whose name is not in the source. Globs below `packages/`, as above. */
export const loaders: ReadonlyArray<string> = ["agents/internal/PluginEntry"]

/** Modules from outside that every floor may import, beside `effect/*` and `node:*`: pure functions without dependencies. */
export const everywhere: ReadonlyArray<string> = ["diff", "jsonc-parser", "@cfworker/json-schema", "stemmer"]

/** Modules from outside that `testing/` may import as well: what a suite and a twin are written with. */
export const inTesting: ReadonlyArray<string> = ["vitest", "@effect/vitest", "@copilotkit/aimock"]

/**
 * Files of `testing/` that put adapters of the house together, so that a program of 20 lines has all of it in one layer. What they
 * import beside is what those adapters run on. Globs below `packages/`, as above.
 */
export const assemblies: ReadonlyArray<string> = ["agents/testing/Rehearsal"]
