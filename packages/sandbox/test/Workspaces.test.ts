import { it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as SandboxTest from "../src/testing/SandboxTest.ts"
import * as StandIn from "./standIn.ts"

SandboxTest.suite("a stand-in that copies", StandIn.layer("copying", false))

const canMount = (() => {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false
  const folder = mkdtempSync(join(tmpdir(), "overlay-"))
  try {
    for (const name of ["lower", "upper", "work", "target"]) mkdirSync(join(folder, name))
    const at = (name: string) => join(folder, name)
    const options = `lowerdir=${at("lower")},upperdir=${at("upper")},workdir=${at("work")},userxattr`
    execFileSync("mount", ["-t", "overlay", "overlay", "-o", options, at("target")], { stdio: "ignore" })
    execFileSync("umount", [at("target")])
    return true
  } catch {
    return false
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})()

if (canMount) SandboxTest.suite("a stand-in that mounts", StandIn.layer("mounting", true))
else it.skip("a stand-in that mounts: this process may not mount overlays")
