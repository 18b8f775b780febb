import { afterAll, afterEach, beforeAll, beforeEach, describe, it } from 'vitest'
import { type Promised, promises, type Shown } from '../../../scripts/docs/conformance.ts'
import type { World } from '../../support/world.ts'
import { besideVersions } from '../support/child.ts'
import { changeBesideWorkers, retryThreeTimes } from './beside-workers.ts'
import { expectCatalogKept, expectUndone } from './changes.ts'
import type { SampleDatabase, SampleEngine, Workers } from './engine.ts'
import { expectKilledRecorded } from './killed.ts'
import { expectNamesKept } from './names.ts'
import { type EngineRows, rowsOf } from './rows.ts'
import { expectSchemasApart } from './schemas.ts'
import { expectUuidsTaken, expectWaitedFor } from './waits.ts'

declare module 'vitest' {
  interface TaskMeta {
    /** What `npm run test:engines -- --record` writes. */
    conformance?: Shown
  }
}

/** A version of an engine with its database, and a server that may change jobs. */
export interface Stage {
  engine: SampleEngine
  database: SampleDatabase
  world: World
  rows: EngineRows
}

/** Declares what every engine promises beside each of its versions, with its own workers. */
export function conformanceOf(engine: SampleEngine): void {
  besideVersions({ ...engine, label: engine.engine }, 'conformance', (version) => {
    const open = async (): Promise<Stage> => {
      const database = await engine.open(version)
      const world = await database.serve()
      return { engine, database, world, rows: rowsOf(database.sql, engine, version) }
    }

    describe('with workers', () => {
      let stage: Stage
      const working: Workers[] = []
      beforeAll(async () => {
        const { database, ...opened } = await open()
        const work: SampleDatabase['work'] = async (queues) => {
          const workers = await database.work(queues)
          working.push(workers)
          return workers
        }
        stage = { ...opened, database: { ...database, work } }
      })
      beforeEach(() => stage.rows.empty())
      afterEach(() => Promise.all(working.splice(0).map(({ kill }) => kill())))
      afterAll(() => stage?.database.close())

      const promised = (promise: Promised, run: (stage: Stage) => Promise<void>) =>
        it(promises[promise], async ({ task }) => {
          task.meta.conformance = await shown(stage, version, promise)
          await run(stage)
        })
      promised('preview', changeBesideWorkers)
      promised('once', retryThreeTimes)
      promised('undo', expectUndone)
      promised('catalog', expectCatalogKept)
      promised('names', expectNamesKept)
      it('has jobs that jobsctl wait waits for', () => expectWaitedFor(stage))
      it('has jobs that are named by their uuid alone, where their keys have one', () => expectUuidsTaken(stage))
    })

    describe('in a database of its own', () => {
      const promised = (promise: Promised, run: (stage: Stage) => Promise<void>, not?: string) =>
        it(promises[promise], async ({ task, skip }) => {
          if (not !== undefined) task.meta.conformance = { ...versionOf(engine, version), promise, not }
          skip(not !== undefined, not)
          const stage = await open()
          try {
            task.meta.conformance = await shown(stage, version, promise)
            await run(stage)
          } finally {
            await stage.database.close()
          }
        })
      promised('killed', expectKilledRecorded)
      promised('schemas', expectSchemasApart, engine.noSchemas)
    })
  })
}

async function shown({ engine, database }: Stage, version: string, promise: Promised): Promise<Shown> {
  const [row] = engine.schemaVersion === undefined ? [] : await database.sql.unsafe(engine.schemaVersion).values()
  return { ...versionOf(engine, version), ...(row && { schema: String(row[0]) }), promise }
}

function versionOf({ engine, volatile }: SampleEngine, version: string): Omit<Shown, 'promise'> {
  return { engine, version, without: [...new Set(Object.values(volatile).flat())].join(', ') }
}
