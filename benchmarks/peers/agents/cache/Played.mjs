/**
 * What every peer of the cache bench does alike: it takes the request, plays the conversations of the session, and gives each
 * tool its answer; `delegate` plays a sub-agent, a second agent of the same kind with a system prompt and tools of its own.
 */

/** What is asked: `{ api, url, model, variant, seed, session }`. `session` is the module that makes the session. */
export const request = JSON.parse(process.argv[2])

// Whoever started this program is gone when its end of the pipe is.
process.stdin.on("end", () => process.exit(1)).resume()

const Session = await import(request.session)
const session = Session.make(request.seed)

/** The server on loopback takes any key. */
export const key = "loopback-key"
export const model = request.model
/** More than any conversation has. */
export const maxSteps = 200

/** Plays the session with `play(conversation, tools)`, which answers with the last text. A tool has a `run(args)`. */
export const measure = async (play) => {
  const each = async (conversation) => {
    const tools = Session.offered(conversation).map(({ description, name, plain, schema }) => ({
      name,
      description,
      schema,
      run: async (args) => (plain === "delegate" ? each(session.agents.get(args.agent)) : session.answer(args))
    }))
    const report = await play(conversation, tools)
    if (report !== conversation.report) throw new Error(`${conversation.role} ended with: ${report?.slice(0, 300)}`)
    return report
  }
  await each(session.main)
  process.stdout.write(`${JSON.stringify({ done: true })}\n`, () => process.exit(0))
}
