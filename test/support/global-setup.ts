import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { writeMadeFiles } from '../../scripts/build/made-files.ts'
import { throwawayFolder } from './folder.ts'
import { makersIn } from './run/makers.ts'
import { serve, socketName } from './run/service.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A folder for everything a run leaves behind; it goes with the run. */
    runFolder: string
  }
}

/**
 * Once a run: writes the made sources, and listens for test files that ask for the build, for PostgreSQL or for a template of
 * a database (see `run/shared.ts`). Unit tests ask for none of them.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await writeMadeFiles()
  const run = await throwawayFolder('jobs-tests-')
  const { makers, stop } = makersIn(run.path)
  const service = await serve(join(run.path, socketName), makers)
  project.provide('runFolder', run.path)
  // In watch mode the templates stay as the first build made them: a newer server migrates its copy.
  project.onTestsRerun(async () => service.forget('build'))
  return async () => {
    await service.stop()
    await stop()
    await run.remove()
  }
}
