import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { startServer } from '../programs/built.ts'

/** The first start makes the database, which takes seconds: later ones copy what it made. */
export async function makeTemplate(folder: string): Promise<string> {
  const data = join(folder, 'template')
  const server = await startServer({ JOBS_DATA_DIR: data, SINGLE_USER_API_KEY: 'template' })
  await server.prepared
  await server.stop()
  await rm(join(data, 'control.sock'), { force: true })
  return data
}
