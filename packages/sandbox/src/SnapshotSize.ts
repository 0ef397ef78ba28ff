/** How large a copy of a workspace may become on the host. */
import * as Context from "effect/Context"

/**
 * In bytes, of what is written: holes of files take nothing where `tar` inside is GNU's. 4 GiB, unless a host provides another
 * number to its `host.snapshot`.
 */
export const Largest = Context.Reference<number>("@millwright/sandbox/SnapshotSize/Largest", {
  defaultValue: () => 4 * 1024 ** 3
})
