import { readdir, readFile } from 'node:fs/promises'
import { objectsMadeBy, type SchemaObject } from './schema-diff.ts'

const folder = new URL('./migrations/', import.meta.url)

export interface Migration {
  number: number
  name: string
  /** Made of `create index concurrently`, each on its own: it may take long, and nobody waits for it. */
  concurrent: boolean
  text: string
  makes: SchemaObject[]
}

let read: Promise<Migration[]> | undefined

/** All there are, in the order in which they run. */
export const allMigrations = (): Promise<Migration[]> => {
  read ??= readMigrations()
  return read
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
  // Tables first: calls are answered once these are there, and an index may take long.
  return migrations.sort((one, other) => Number(one.concurrent) - Number(other.concurrent) || one.number - other.number)
}
