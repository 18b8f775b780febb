import * as z from 'zod'
import type { MissingIndex } from '../../../shared/doctor/missing-indexes.ts'
import { hasCode } from '../errors/error-meanings.ts'
import type { Sql } from '../sql.ts'
import { allIndexes, type IndexStatement } from './index-statements.ts'
import { readTableSize } from './left-indexes.ts'
import { findMissing, objectsMadeBy } from './schema-diff.ts'
import { isPossible } from './unique-on-partitions.ts'

/** The statements of the indexes that are missing, or invalid. */
export async function findMissingIndexes(sql: Sql): Promise<IndexStatement[]> {
  const indexes = await allIndexes()
  const missing = await findMissing(
    sql,
    indexes.flatMap(({ statement }) => objectsMadeBy(statement)),
  )
  const isMissing = ({ name, table, keys, unique }: IndexStatement) =>
    missing.some(({ of, name: lost }) => of === table && lost === (unique ? keys : name))
  return indexes.filter(isMissing)
}

/** The same without those that PostgreSQL cannot have over the partitions of their table. */
export async function findBuildableIndexes(sql: Sql): Promise<IndexStatement[]> {
  const found: IndexStatement[] = []
  for (const index of await findMissingIndexes(sql)) if (await isPossible(sql, index)) found.push(index)
  return found
}

/** The indexes that are missing or invalid, with what they would cost; those that workers need come first. */
export async function readMissingIndexes(sql: Sql): Promise<MissingIndex[]> {
  const found: MissingIndex[] = []
  const missing = await findMissingIndexes(sql)
  for (const statement of missing.sort((one, other) => Number(one.forOperators) - Number(other.forOperators))) {
    const { name, table, serves, forOperators } = statement
    const size = await readTableSize(sql, table)
    if (!size) continue
    found.push({
      index: name,
      table,
      state: await stateOf(sql, statement),
      serves,
      for_operators: forOperators,
      table_bytes: size.bytes,
      bytes_estimate: await estimateBytes(sql, statement),
    })
  }
  return found
}

/** An index that is not valid is being built as long as a session reports its progress; else the build was interrupted. */
async function stateOf(sql: Sql, index: IndexStatement): Promise<string> {
  if (!(await isPossible(sql, index))) return 'impossible'
  const [invalid] = await sql<{ building: boolean }[]>`
    select exists (select from pg_stat_progress_create_index where index_relid = indexrelid) as building
    from pg_index
    where indexrelid = to_regclass(${index.name}) and not indisvalid`
  if (!invalid) return 'missing'
  return invalid.building ? 'building' : 'invalid'
}

const Plan = z.tuple([z.object({ Plan: z.object({ 'Plan Rows': z.number(), 'Plan Width': z.number() }) })])

/** Each entry has a head of 16 bytes; pages are filled to nine tenths. */
const [entryHead, filled] = [16, 0.9]

/** What the planner expects of a query of the keys; null where there can be no such query. */
async function estimateBytes(sql: Sql, { table, keys, condition }: IndexStatement): Promise<number | null> {
  const where = condition === '' ? '' : ` where ${condition}`
  const explained = sql.unsafe(`explain (format json) select ${keys} from ${table}${where}`)
  const [row] = await explained.catch((error: unknown) => {
    if (hasCode(error, ['42703', '42501'])) return []
    throw error
  })
  if (!row) return null
  const [{ Plan: plan }] = Plan.parse(row['QUERY PLAN'])
  return Math.round((plan['Plan Rows'] * (plan['Plan Width'] + entryHead)) / filled)
}
