/** That the way out does not let a request through, and how that is mended. It is answered with, and never stops anything. */
export class Refused extends Error {
  readonly status: number
  /** The part of the spec that decided. */
  readonly rule: string

  constructor({
    message,
    rule,
    status = 403
  }: {
    readonly rule: string
    readonly message: string
    readonly status?: number
  }) {
    super(message)
    this.name = "Refused"
    this.rule = rule
    this.status = status
  }
}

/** A request that is none, or that says two things at once. */
export const malformed = (message: string): Refused => new Refused({ rule: "request", message, status: 400 })
