/** What sandboxes keep of a repository. */
import * as Digest from "@millwright/core/Digest"
import { realpathSync } from "node:fs"
import { join } from "node:path"

/** The folder, for whoever is the user now. */
export const ownOf = (repository: string): string =>
  join(
    process.env["XDG_STATE_HOME"] ?? "",
    "millwright",
    "repositories",
    Digest.short(Digest.of(realpathSync(join(repository, ".git"))))
  )
