/** What this process may do with a path of the host. */
import { accessSync, constants } from "node:fs"

const may = (path: string, mode: number): boolean => {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}

/** Whether a path can be run. */
export const isProgram = (path: string): boolean => may(path, constants.X_OK)

/** Whether a path can be written. */
export const canWrite = (path: string): boolean => may(path, constants.W_OK)
