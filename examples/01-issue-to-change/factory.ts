/** The factory: every part of it, put together as layers. To use another sandbox, model or forge, change one line here. */
import * as FileSessions from "@millwright/agents/adapters/FileSessions"
import * as LoopHarness from "@millwright/agents/adapters/LoopHarness"
import * as GenAiPrices from "@millwright/core/adapters/GenAiPrices"
import * as LocalForge from "@millwright/core/adapters/LocalForge"
import * as SqliteEngine from "@millwright/core/adapters/SqliteEngine"
import * as SqliteJournal from "@millwright/core/adapters/SqliteJournal"
import * as Budget from "@millwright/core/Budget"
import type * as Model from "@millwright/core/Model"
import * as Sqlite from "@millwright/core/Sqlite"
import * as WorktreeSandbox from "@millwright/sandbox/adapters/WorktreeSandbox"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as IssueToChange from "./line.ts"
import * as Models from "./models.ts"

/** The journal and the engine in one file, and the forge of the repository. Enough to look and to answer gates. */
export const office = (store: string, repository: string) =>
  LocalForge.layer({ repository }).pipe(
    Layer.provideMerge(SqliteJournal.layer),
    // Runs of other items, whose processes are gone, wait for whoever asks for them by name.
    Layer.provideMerge(SqliteEngine.layer({ adopt: false })),
    Layer.provide(Sqlite.layer({ path: store }))
  )

/** Where agents work; the other one is not loaded. */
const sandbox = (name: "worktree" | "bubblewrap") =>
  name === "worktree"
    ? WorktreeSandbox.layer
    : Layer.unwrap(
        Effect.map(
          Effect.promise(() => import("@millwright/sandbox/adapters/BubblewrapSandbox")),
          ({ layer }) => layer
        )
      )

/** The line, ready to run, on top of an office. */
export const floor = (options: {
  readonly model: Model.Model
  readonly sandbox: "worktree" | "bubblewrap"
  readonly settings: IssueToChange.Settings
  readonly limits: Budget.Limits
  /** Where the conversations of the agents are kept, a file each. */
  readonly sessions: string
}) =>
  IssueToChange.layer(options.settings).pipe(
    Layer.provide(Layer.provide(LoopHarness.layer, FileSessions.layer({ folder: options.sessions }))),
    Layer.provideMerge(sandbox(options.sandbox)),
    Layer.provide(Budget.layer(options.limits)),
    Layer.provide(GenAiPrices.layer),
    Layer.provide(Models.layer(options.model))
  )
