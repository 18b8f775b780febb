import { type MadeObject, readMade, sharedTables } from '../database/migrate/absent-before.ts'
import { allMigrations } from '../database/migrate/migrations.ts'
import { findMissing, type SchemaObject } from '../database/migrate/schema-diff.ts'
import type { Sql } from '../database/sql.ts'
import { readOwnObjects, readSharedObjects } from './read-objects.ts'

/** A line of `jobs-server schema`. */
type Line = [kind: string, of: string, name: string, state: string, madeBy: string, owner: string]

/**
 * What the servers have in the database, whose it is and who made it, and what the migrations of this version miss. The tables of other
 * programs are listed with what was added to them. Only the catalog is read.
 */
export async function schemaLines(sql: Sql): Promise<Line[]> {
  const made = await readMade(sql)
  const own = (await readOwnObjects(sql)).map(({ kind, of, name, owner, disabled }): Line => {
    return [kind, of, name, disabled ? 'disabled' : 'there', 'jobs-server', owner]
  })
  const shared = await readSharedObjects(sql, [...tablesOf(sharedTables), ...notTables(made)])
  const isNew = (name: string) => made?.some(({ kind, name: one }) => kind === 'table' && one === name)
  const sharedLines = shared.map(({ kind, of, name, owner }): Line => {
    const maker = kind !== 'table' || isNew(name) ? 'jobs-server' : made ? 'another program' : ''
    return [kind, of, name, 'there', maker, owner]
  })
  const missing = (await findAllMissing(sql)).map(({ kind, of, name }): Line => [kind, of, name, 'missing', '', ''])
  return [...sharedLines, ...own, ...missing]
}

const tablesOf = (names: readonly string[]) => names.map((name) => ({ kind: 'table' as const, of: '', name }))
const notTables = (made: readonly MadeObject[] | undefined) => (made ?? []).filter(({ kind }) => kind !== 'table')

/** What is missing, without the parts of a table that is missing whole. */
async function findAllMissing(sql: Sql): Promise<SchemaObject[]> {
  const wanted = (await allMigrations()).flatMap(({ makes }) => makes)
  const names = [...new Set(wanted.flatMap(({ kind, of }) => (kind === 'column' ? [of] : [])))]
  const tables = await findMissing(sql, tablesOf(names))
  const parts = await findMissing(sql, wanted)
  return [...tables, ...parts.filter(({ of }) => tables.every(({ name }) => name !== of))]
}
