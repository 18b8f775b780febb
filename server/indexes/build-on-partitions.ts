import { withoutUnique } from '../../shared/doctor/missing-indexes.ts'
import { Failure } from '../../shared/errors.ts'
import type { IndexStatement } from '../database/migrate/index-statements.ts'
import { isPossible } from '../database/migrate/unique-on-partitions.ts'
import type { Connection } from '../database/sql.ts'

interface Partition {
  /** The partition as SQL names it. */
  name: string
  oid: string
  isDirect: boolean
}

/**
 * Builds an index of a table with partitions: on each partition beside writers, then as one index of the table, which also
 * partitions that come later get.
 * @throws Failure `usage` for a unique index without the key of the partitions, and for partitions of partitions
 */
export async function buildOnPartitions(
  connection: Connection,
  { name, table, keys, condition, unique }: IndexStatement,
  schema: string,
): Promise<void> {
  if (!(await isPossible(connection, { table, keys, unique })))
    throw new Failure('usage', `${table} has partitions, on which PostgreSQL has no unique index without their key`, {
      hint: `without this index ${withoutUnique}`,
    })
  const create = unique ? 'create unique index' : 'create index'
  const partitions = await connection<Partition[]>`
    select relid::regclass::text as name, relid::oid::text as oid, level = 1 as "isDirect"
    from pg_partition_tree(to_regclass(${table}))
    where isleaf`
  if (partitions.some(({ isDirect }) => !isDirect))
    throw new Failure('usage', `${table} has partitions of partitions: build the index by hand`, {
      hint: `docs/reference/tables.md has the definition of ${name}`,
    })
  const definition = `(${keys})${condition === '' ? '' : ` where ${condition}`}`
  await connection.unsafe(`${create} if not exists ${name} on only ${schema}.${table} ${definition}`)
  for (const { name: partition, oid } of partitions) {
    const part = `${name}_${oid}`
    const [there] = await connection<{ valid: boolean; schema: string }[]>`
      select indisvalid as valid, quote_ident(nspname) as schema
      from pg_index
      join pg_class on pg_class.oid = indexrelid
      join pg_namespace on pg_namespace.oid = relnamespace
      where indrelid = ${oid}::oid and relname = ${part}`
    if (there && !there.valid) await connection.unsafe(`drop index concurrently ${there.schema}.${part}`)
    if (!there?.valid) await connection.unsafe(`${create} concurrently ${part} on ${partition} ${definition}`)
    await attach(connection, { name, oid, part, schema })
  }
}

interface Attaching {
  name: string
  schema: string
  oid: string
  part: string
}

/** An index of a partition has the schema of the partition. An index that is attached already stays so. */
async function attach(connection: Connection, { name, schema, oid, part }: Attaching): Promise<void> {
  const [of] = await connection<{ schema: string }[]>`
    select quote_ident(nspname) as schema
    from pg_class
    join pg_namespace on pg_namespace.oid = relnamespace
    where pg_class.oid = ${oid}::oid`
  await connection.unsafe(`alter index ${schema}.${name} attach partition ${of?.schema ?? schema}.${part}`)
}
