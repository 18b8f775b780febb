import { readdir, readFile } from 'node:fs/promises'
import { objectsMadeBy, type SchemaObject } from './schema-diff.ts'

const folder = new URL('./migrations/', import.meta.url)

/** A file of SQL that is run once on a database, and again when an object that it makes is missing. */
export interface Migration {
  number: number
  name: string
  /** It holds only `create index concurrently`, run one by one: it may take long, and calls do not wait for it. */
  concurrent: boolean
  text: string
  makes: SchemaObject[]
}

let read: Promise<Migration[]> | undefined

/** All migrations in the order in which they run: tables before indexes. */
export const allMigrations = (): Promise<Migration[]> => {
  read ??= readMigrations()
  return read
}

/** The names of all tables that a start makes. The list of migrations is the only one that no migration makes. */
export async function tablesOfMigrations(): Promise<string[]> {
  const made = (await allMigrations()).flatMap(({ makes }) => makes)
  return [...new Set(made.flatMap(({ kind, of }) => (kind === 'column' ? [of] : []))), 'jobsctl_migrations']
}

async function readMigrations(): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort()
  const migrations = await Promise.all(
    files.map(async (name) => {
      const text = await readFile(new URL(name, folder), 'utf8')
      return {
        number: Number.parseInt(name, 10),
        name,
        concurrent: name.endsWith('.concurrent.sql'),
        text,
        makes: objectsMadeBy(text),
      }
    }),
  )
  // Calls are answered when the tables are there, and an index may take long, so tables come first.
  return migrations.sort((one, other) => Number(one.concurrent) - Number(other.concurrent) || one.number - other.number)
}
