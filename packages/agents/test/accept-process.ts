/** Accepts the plugin in a folder, and says how that ended: `accept-process.ts LOCK FOLDER`. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as FolderPlace from "../src/FolderPlace.ts"
import * as Plugin from "../src/Plugin.ts"

const [lock = "", folder = ""] = process.argv.slice(2)
const ended = await FolderPlace.open({ folder, trust: "outside" }).pipe(
  Effect.flatMap(Plugin.inspect),
  Effect.flatMap((inspection) => Plugin.accept(inspection, { lock })),
  Effect.match({ onFailure: ({ reason }) => reason, onSuccess: () => "accepted" }),
  Effect.provide(NodeServices.layer),
  Effect.runPromise
)
process.stdout.write(ended)
