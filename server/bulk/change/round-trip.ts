import type { Sql } from '../../database/sql.ts'

/** How many of the last measurements count. */
const window = 8

/** The time that a statement spends on the way to the database and back, as far as it is known. */
export interface RoundTrip {
  /** The shortest of the last measurements, in milliseconds: a longer one also includes work or a wait. */
  readonly ms: number
  record: (ms: number) => void
}

/** Measures an empty statement, which does no work and takes no lock. */
export async function measureRoundTrip(sql: Sql): Promise<RoundTrip> {
  const start = performance.now()
  await sql.unsafe('select')
  let last = [performance.now() - start]
  return {
    get ms() {
      return Math.min(...last)
    },
    record(ms) {
      last = [...last, ms].slice(-window)
    },
  }
}
