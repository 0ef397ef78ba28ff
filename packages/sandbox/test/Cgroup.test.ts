/** Where control groups are, as the kernel tells it. */
import { assert, describe, it } from "@effect/vitest"
import * as Cgroup from "../src/internal/Cgroup.ts"

const first = "36 31 0:35 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory"
const both = "33 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct"
const second = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"

describe("where this process is", () => {
  it("in the first version is told for each controller", () => {
    assert.deepStrictEqual(Cgroup.mounted(`${first}\n${both}\n`, "4:memory:/a/b:c\n3:cpu,cpuacct:/\n0::/x\n"), [
      { version: 1, controllers: ["rw", "memory"], top: "/sys/fs/cgroup/memory", own: "/sys/fs/cgroup/memory/a/b:c" },
      {
        version: 1,
        controllers: ["rw", "cpu", "cpuacct"],
        top: "/sys/fs/cgroup/cpu,cpuacct",
        own: "/sys/fs/cgroup/cpu,cpuacct"
      }
    ])
  })

  it("in the second version is told once", () => {
    const at = "/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope"
    assert.deepStrictEqual(Cgroup.mounted(second, `0::${at}\n`), [
      { version: 2, controllers: [], top: "/sys/fs/cgroup", own: `/sys/fs/cgroup${at}` }
    ])
  })

  it("in a container is below where the tree is mounted from, or at its top", () => {
    const inner = "30 23 0:26 /docker/1 /sys/fs/my\\040cgroup rw - cgroup2 cgroup2 rw"
    const own = (membership: string) => Cgroup.mounted(inner, membership).map(({ own }) => own)
    assert.deepStrictEqual(own("0::/docker/1/sub\n"), ["/sys/fs/my cgroup/sub"])
    assert.deepStrictEqual(own("0::/\n"), ["/sys/fs/my cgroup"])
    assert.deepStrictEqual(own("4:memory:/\n"), [])
  })
})
