/** Loaded before a server: writes its process number into a file. */
import { appendFileSync } from "node:fs"

const file = process.env["PROCESS_FILE"]
if (file !== undefined) appendFileSync(file, `${process.pid}\n`)
