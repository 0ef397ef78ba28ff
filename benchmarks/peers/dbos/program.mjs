/** DBOS: a workflow whose steps are `DBOS.runStep`, called as its documentation does. */
import { DBOS } from "@dbos-inc/dbos-sdk"
import pg from "pg"
import { measure, output, request, weight } from "../Load.mjs"

DBOS.setConfig({ name: "bench", systemDatabaseUrl: request.url, logLevel: "error", runAdminServer: false })
const line = DBOS.registerWorkflow(
  async (stages) => {
    let sum = 0
    for (let at = 0; at < stages; at++) sum += weight(await DBOS.runStep(async () => output(at), { name: "step" }))
    return sum
  },
  { name: "line" }
)
await DBOS.launch()
const client = new pg.Client({ connectionString: request.url })
await client.connect()
const setting = async (name) => Object.values((await client.query(`show ${name}`)).rows[0])[0]
const policy =
  `PostgreSQL ${await setting("server_version")}, synchronous_commit=${await setting("synchronous_commit")}, ` +
  `fsync=${await setting("fsync")}; a commit for each step, waited for before the next; pool of 10 (default)`

await measure({
  line: async (id, stages) => (await DBOS.startWorkflow(line, { workflowID: id })(stages)).getResult(),
  size: async () => Number((await client.query("select pg_database_size(current_database()) as size")).rows[0].size),
  policy,
  close: async () => {
    await client.end()
    await DBOS.shutdown()
  }
})
