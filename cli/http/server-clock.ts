/** The clock of the database, by which times of the command line count from now. */
export interface ServerClock {
  /** The command has times that count from now, so that the clock of the server is looked at: as a rule the database has the same. */
  matters: boolean
  /** How far it is ahead of the clock of this machine, in milliseconds; undefined while it is taken for the same. */
  aheadMs: number | undefined
}

/** A smaller difference is of no account, in milliseconds. */
export const leastMs = 30_000

/** Comes in place of an answer to a read: the times of the command line have to be read again. */
export class OtherClock extends Error {
  readonly aheadMs: number

  constructor(aheadMs: number) {
    super('the clock of the server is another one')
    this.aheadMs = aheadMs
  }
}

/**
 * Compares the header `Date` of an answer with the time in which it was sent.
 * @param sentAt when the request was sent, in milliseconds by the clock of this machine
 * @throws OtherClock where it is not between
 */
export function checkClock({ matters }: ServerClock, date: string | undefined, sentAt: number): void {
  if (!matters) return
  const at = Date.parse(date ?? '')
  for (const now of [sentAt, Date.now()]) if (Math.abs(at - now) < leastMs) return
  if (at < sentAt) throw new OtherClock(at - sentAt)
  if (at > Date.now()) throw new OtherClock(at - Date.now())
}
