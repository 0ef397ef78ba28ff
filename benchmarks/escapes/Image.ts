/** The image that containers are attacked in: BusyBox, git, Perl and Node of this machine. It takes no registry. */
import { execFileSync } from "node:child_process"
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import * as Bench from "../Bench.ts"

const [busybox, git, perl] = ["/bin/busybox", "/usr/bin/git", "/usr/bin/perl"] as const
const name = "localhost/millwright-escapes:1"

/** Makes it, and answers with its name. Throws {@link Bench.BadInput} when something for it is not there. */
export const make = (): string => {
  const missing = [busybox, git, perl, "/usr/bin/podman"].filter((path) => !existsSync(path))
  if (missing.length > 0)
    throw new Bench.BadInput(`No image can be made: ${missing.join(", ")} is not there. Give --image NAME.`)
  const root = mkdtempSync(join(tmpdir(), "escapes-image-"))
  try {
    const place = (path: string, source = path): void => {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      cpSync(source, join(root, path), { recursive: true, dereference: true })
    }
    for (const folder of [
      "tmp",
      "etc",
      "proc",
      "dev",
      "sys",
      "run",
      "home/agent",
      "usr/lib/git-core",
      "usr/local/bin"
    ]) {
      mkdirSync(join(root, folder), { recursive: true })
    }
    place(busybox)
    for (const applet of execFileSync(busybox, ["--list"], { encoding: "utf8" }).trim().split("\n")) {
      if (applet !== "busybox") symlinkSync("busybox", join(root, "bin", applet))
    }
    place("/usr/local/bin/node", process.execPath)
    for (const program of [git, perl]) place(program)
    const libraries = [git, perl, process.execPath].flatMap((program) =>
      [...execFileSync("ldd", [program], { encoding: "utf8" }).matchAll(/\/\S+(?=\s*\()/g)].map(([path]) => path)
    )
    for (const library of new Set(libraries)) place(library)
    for (const folder of execFileSync(perl, ["-e", 'print join "\\n", @INC'], { encoding: "utf8" }).split("\n")) {
      if (folder.endsWith("perl-base") && existsSync(folder)) place(folder)
    }
    writeFileSync(join(root, "etc", "passwd"), "root:x:0:0::/root:/bin/sh\nagent:x:1000:1000::/home/agent:/bin/sh\n")
    execFileSync("sh", ["-c", 'tar -C "$1" -c . | podman import --quiet - "$2"', "sh", root, name], {
      stdio: ["ignore", "ignore", "pipe"]
    })
    return name
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}
