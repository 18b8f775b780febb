import type { Received } from './received.ts'

/** The clock of the database, by which times of the command line count from now. */
export interface ServerClock {
  /**
   * The command has times that count from now, and no answer yet: the clock of the server is compared, which the database has as a rule.
   */
  matters: boolean
  /** How far it is ahead of the clock of this machine, in milliseconds; undefined while it is taken for the same. */
  aheadMs: number | undefined
}

/** Smaller differences are ignored, in milliseconds. */
export const leastMs = 30_000

/** The clock of the server differs from that of this machine, so that the command reads the times of its command line again, and sends its first read again. */
export class OtherClock extends Error {
  readonly aheadMs: number

  constructor(aheadMs: number) {
    super('the clock of the server differs')
    this.aheadMs = aheadMs
  }
}

/**
 * Compares the header `Date` of the first answer with the time in which it was sent. Later answers are not compared: the command may have
 * printed rows by then, and a balancer may lead to a server with another clock.
 * @param sentAt when the request was sent, in milliseconds by the clock of this machine
 * @throws OtherClock where `Date` is 30 s or more before the request or after the answer
 */
export function checkClock(
  clock: ServerClock,
  { status, header }: Pick<Received, 'status' | 'header'>,
  sentAt: number,
) {
  const at = Date.parse(header('date') ?? '')
  // The error page of a proxy may have no `Date`; the answer to the next attempt has one.
  if (!clock.matters || (status >= 300 && Number.isNaN(at))) return
  clock.matters = false
  const now = Date.now()
  if (at <= sentAt - leastMs) throw new OtherClock(at - sentAt)
  if (at >= now + leastMs) throw new OtherClock(at - now)
}
