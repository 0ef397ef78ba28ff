/** The **matrix**: every case. */
import type { Case, Category, Filed } from "./Case.ts"
import * as Files from "./cases/Files.ts"
import * as Git from "./cases/Git.ts"
import * as Kernel from "./cases/Kernel.ts"
import * as Limits from "./cases/Limits.ts"
import * as Mounts from "./cases/Mounts.ts"
import * as Neighbours from "./cases/Neighbours.ts"
import * as Network from "./cases/Network.ts"
import * as Proc from "./cases/Proc.ts"
import * as Processes from "./cases/Processes.ts"
import * as Read from "./cases/Read.ts"
import * as Survivors from "./cases/Survivors.ts"
import * as Terminal from "./cases/Terminal.ts"
import * as Write from "./cases/Write.ts"

const byCategory: ReadonlyArray<readonly [Category, ReadonlyArray<Case>]> = [
  ["write", Write.cases],
  ["read", Read.cases],
  ["files", Files.cases],
  ["proc", Proc.cases],
  ["descriptors", Proc.descriptors],
  ["git", Git.cases],
  ["network", Network.cases],
  ["mounts", Mounts.cases],
  ["kernel", Kernel.cases],
  ["processes", Processes.cases],
  ["limits", Limits.cases],
  ["survivors", Survivors.cases],
  ["terminal", Terminal.cases],
  ["neighbours", Neighbours.cases],
  ["root", Kernel.root]
]

/** Every category. */
export const categories: ReadonlyArray<string> = byCategory.map(([category]) => category)

/** Every case, named by its category and what it does. */
export const all: ReadonlyArray<Filed> = byCategory.flatMap(([category, cases]) =>
  cases.map((one) => ({ ...one, category, id: `${category}-${one.id}` }))
)
