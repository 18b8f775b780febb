import type { Bench } from '../bench.ts'
import { type Filling, fill } from './fill.ts'

/**
 * Creates a database with the tables and indexes of the server, and inserts rows if `filling` is given. Leaves no
 * session.
 */
export async function createDatabase(bench: Bench, database: string, filling?: Filling): Promise<void> {
  await bench.create(database)
  await runServerOnce(bench, database)
  if (!filling) return
  await fill(bench.urlOf(database), filling)
  // The server adds up the count deltas of the inserts, so that copies of the database need not.
  await runServerOnce(bench, database)
}

/** Starts a server, which migrates and counts, and stops it. */
async function runServerOnce(bench: Bench, database: string): Promise<void> {
  const server = await bench.serve(database)
  await server.stop()
}
