import { join } from 'node:path'
import type { ThrowawayPostgres } from '../../../scripts/launch/postgres.ts'
import { parentOfRun } from '../folder.ts'
import type { Makers } from './service.ts'

interface SharedThings {
  makers: Makers
  /** Stops what has been started. */
  stop: () => Promise<void>
}

/** What test files can request of the run. Nothing is loaded before it is requested, so that unit tests start at once. */
export function makersIn(folder: string): SharedThings {
  let postgres: Promise<ThrowawayPostgres> | undefined
  let built: Promise<string> | undefined
  const build = async () => {
    built = (await import('./build.ts')).buildWhenChanged()
    return built
  }
  const url = async () => {
    postgres ??= import('../../../scripts/launch/postgres.ts').then(async ({ startPostgres }) =>
      startPostgres([], await parentOfRun()),
    )
    return (await postgres).url
  }
  const makers: Makers = {
    build,
    postgres: url,
    'postgres-template': async () => {
      const [{ makePostgresTemplate }, address] = await Promise.all([import('./templates.ts'), url(), built ?? build()])
      return makePostgresTemplate({ url: address, name: 'template_of_the_tests', folder: join(folder, 'keys') })
    },
    'embedded-template': async () => {
      const [{ makeEmbeddedTemplate }] = await Promise.all([import('./templates.ts'), built ?? build()])
      return makeEmbeddedTemplate(join(folder, 'template'))
    },
  }
  return { makers, stop: async () => (await postgres?.catch(() => undefined))?.stop() }
}
