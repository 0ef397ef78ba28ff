/**
 * An image of files of this machine: BusyBox, git, tar and what they are linked with. It takes no registry. Podman imports it in
 * less than a second, it has 9 MB, and it stays.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

const podman = "/usr/bin/podman"
const busybox = "/bin/busybox"
const git = "/usr/bin/git"
// BusyBox's leaves nothing out, which snapshots need; and its shell would take it all the same.
const tar = "/bin/tar"
const dash = "/bin/dash"
// Makes calls of the kernel by their numbers.
const perl = "/usr/bin/perl"

/** Why it can not be made here. */
export const missing: string | undefined = [
  [podman, "podman"],
  [busybox, "busybox-static"],
  [git, "git"],
  [tar, "tar"],
  [dash, "dash"],
  [perl, "perl-base"]
]
  .flatMap(([file = "", name = ""]) => (existsSync(file) ? [] : [`there is no ${file} (Debian: ${name})`]))
  .at(0)

/** Makes it, and answers with its name. */
export const make = (): string => {
  const state = [busybox, git, tar, dash, perl].map((file) => `${statSync(file).size} ${statSync(file).mtimeMs}`).join()
  const name = `localhost/millwright-test:${createHash("sha256").update(state).digest("hex").slice(0, 12)}`
  if (spawnSync(podman, ["image", "exists", name]).status === 0) return name
  const root = mkdtempSync(join(tmpdir(), "image-"))
  try {
    const place = (file: string, source: string) => {
      mkdirSync(dirname(join(root, file)), { recursive: true })
      copyFileSync(source, join(root, file))
    }
    for (const folder of ["tmp", "etc", "proc", "dev", "sys", "run", "home/agent", "usr/lib/git-core"]) {
      mkdirSync(join(root, folder), { recursive: true })
    }
    place(busybox, busybox)
    for (const name of execFileSync(busybox, ["--list"], { encoding: "utf8" }).trim().split("\n")) {
      if (!["busybox", "tar", "sh"].includes(name)) symlinkSync("busybox", join(root, "bin", name))
    }
    place("/bin/sh", dash)
    for (const program of [git, tar, dash, perl]) {
      place(program, program)
      for (const [library] of execFileSync("ldd", [program], { encoding: "utf8" }).matchAll(/\/\S+/g))
        place(library, library)
    }
    writeFileSync(join(root, "etc", "passwd"), "root:x:0:0::/root:/bin/sh\nagent:x:1000:1000::/home/agent:/bin/sh\n")
    const packed = execFileSync(tar, ["-C", root, "-c", "."], { maxBuffer: 1 << 28 })
    execFileSync(podman, ["import", "--quiet", "-", name], { input: packed, stdio: ["pipe", "ignore", "pipe"] })
    return name
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}
