/** **Topics** that somebody waits for: a change of one wakes those who wait for it, and nobody else. */

/** Called at each change; answers whether it need not be called again. */
export type Listener = () => boolean

/** Topics without anybody who waits. */
export const make = () => {
  const waiting = new Map<string, Set<Listener>>()
  const tell = (topic: string, listeners: Set<Listener>) => {
    // Whoever is woken may begin to wait again at once, for the next change.
    for (const listener of Array.from(listeners)) if (listener()) listeners.delete(listener)
    if (listeners.size === 0) waiting.delete(topic)
  }
  return {
    /** Calls the listener at each change of a topic until it has what it waited for. Answers with how to stop that. */
    listen: (topic: string, listener: Listener): (() => void) => {
      const listeners = waiting.get(topic) ?? new Set()
      waiting.set(topic, listeners.add(listener))
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0 && waiting.get(topic) === listeners) waiting.delete(topic)
      }
    },
    /** Tells those who wait for one of these topics. */
    change: (topics: Iterable<string>): void => {
      for (const topic of topics) {
        const listeners = waiting.get(topic)
        if (listeners !== undefined) tell(topic, listeners)
      }
    },
    /** Tells everybody: what changed is not known. */
    changeAll: (): void => {
      for (const [topic, listeners] of Array.from(waiting)) tell(topic, listeners)
    }
  }
}
