/** A container of podman, from an image made of busybox alone. */
import { execFile, execFileSync } from "node:child_process"
import { randomUUID } from "node:crypto"
import { copyFileSync, existsSync, mkdirSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import * as Cleanup from "../Cleanup.ts"

const podman = (...args: ReadonlyArray<string>) => promisify(execFile)("podman", args, { timeout: 60_000 })
const busybox = ["/usr/bin/busybox", "/bin/busybox"].find((path) => existsSync(path))

/** What can be measured of it. */
export interface Podman {
  readonly exec: () => Promise<void>
  readonly runAndRemove: () => Promise<void>
}

/** Makes the image, starts a container, and takes both away afterwards. */
export const using = async <A>(folder: string, use: (podman: Podman) => Promise<A>): Promise<A> => {
  if (busybox === undefined) throw new Error("busybox is not installed: apt-get install busybox-static")
  const bin = join(folder, "image", "bin")
  mkdirSync(bin, { recursive: true })
  copyFileSync(busybox, join(bin, "busybox"))
  for (const name of ["sh", "true", "sleep"]) symlinkSync("busybox", join(bin, name))
  const image = `localhost/millwright-bench-${randomUUID()}`
  const name = `millwright-bench-${randomUUID()}`
  const archive = join(folder, "image.tar")
  execFileSync("tar", ["-C", join(folder, "image"), "-cf", archive, "."])
  const options = ["--network", "none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]
  /** Some machines have only one runtime that gets on with their control groups. */
  const started = async (): Promise<ReadonlyArray<string>> => {
    const start = (runtime: ReadonlyArray<string>) =>
      podman("run", "-d", ...runtime, ...options, "--name", name, image, "sleep", "3600")
    try {
      await start([])
      return []
    } catch {
      const runtime = ["--runtime", "runc"]
      await podman("rm", "-f", "-t", "0", name).catch(() => undefined)
      await start(runtime)
      return runtime
    }
  }
  const remove = async () => {
    await podman("rm", "-f", "-t", "0", name).catch(() => undefined)
    await podman("rmi", "-f", image).catch(() => undefined)
  }
  const forget = Cleanup.add(remove)
  try {
    await podman("import", archive, image)
    const runtime = await started()
    return await use({
      exec: async () => void (await podman("exec", name, "true")),
      runAndRemove: async () => void (await podman("run", "--rm", ...runtime, ...options, image, "true"))
    })
  } finally {
    forget()
    await remove()
  }
}
