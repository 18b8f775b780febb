import type { Bench } from '../bench.ts'
import { type Filling, fill } from './fill.ts'

/** A database with our tables and indexes, and rows where they are wanted. Nobody stays connected to it. */
export async function prepare(bench: Bench, database: string, filling?: Filling): Promise<void> {
  await bench.create(database)
  await visit(bench, database)
  if (!filling) return
  await fill(bench.urlOf(database), filling)
  // What the filling has appended for the counts is added up before anything is copied.
  await visit(bench, database)
}

async function visit(bench: Bench, database: string): Promise<void> {
  const server = await bench.serve(database)
  await server.stop()
}
