/** The services whose twins are measured: one line each. */
import * as GitHub from "./GitHub.ts"
import type * as Service from "./Service.ts"

/** All of them. */
export const all: ReadonlyArray<Service.Service> = [GitHub.service]
