import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { startPostgres } from '../../scripts/postgres/start.ts'
import { makeTemplate } from './database/template.ts'
import { throwawayFolder } from './folder.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A PostgreSQL for all test files; each makes databases of its own in it. */
    postgresUrl: string
    /** A folder for everything a run leaves behind; it goes with the run. */
    runFolder: string
    /** The data folder of an embedded server that has started and stopped once. */
    embeddedTemplate: string
  }
}

/** Once a run: builds the programs, starts PostgreSQL, and prepares an embedded database to copy. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const run = await throwawayFolder('jobs-tests-')
  const [postgres, template] = await Promise.allSettled([
    startPostgres(),
    promisify(execFile)('npm', ['run', '-s', 'build']).then(() => makeTemplate(run.path)),
  ])
  const stop = async () => {
    if (postgres.status === 'fulfilled') await postgres.value.stop()
    await run.remove()
  }
  if (postgres.status === 'rejected' || template.status === 'rejected') {
    await stop()
    throw postgres.status === 'rejected' ? postgres.reason : template.status === 'rejected' && template.reason
  }
  project.provide('postgresUrl', postgres.value.url)
  project.provide('runFolder', run.path)
  project.provide('embeddedTemplate', template.value)
  return stop
}
