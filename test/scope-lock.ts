import type { ISql } from 'postgres'

/** What a running change holds: its scope alone, and shares of what is around it. */
export async function holdScope(tx: ISql, name: string, path: string[] = []): Promise<void> {
  for (const depth of path.keys()) {
    await tx`select pg_advisory_xact_lock_shared(hashtextextended(${keyOf(name, path.slice(0, depth))}, 0))`
  }
  await tx`select pg_advisory_xact_lock(hashtextextended(${keyOf(name, path)}, 0))`
}

/** Whether nobody holds the whole table for such a change. */
export async function isFree(tx: ISql, name: string): Promise<boolean> {
  const [row] = await tx<[{ free: boolean }]>`
    select pg_try_advisory_xact_lock(hashtextextended(${keyOf(name, [])}, 0)) as free`
  return row.free
}

const keyOf = (name: string, path: string[]) => `jobsctl ${name} ${JSON.stringify(path)}`
