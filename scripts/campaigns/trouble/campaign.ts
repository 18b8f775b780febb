import * as z from 'zod'
import { startPostgres } from '../../launch/postgres.ts'
import { defineCampaign, only, short } from '../campaign.ts'
import { missingPromise } from '../promised.ts'
import { printRow, type Row, rowOf, type Scenario } from './scenario.ts'
import { byName, scenarios } from './scenarios/all.ts'
import { openStage, type Stage } from './stage.ts'

/**
 * Bad surroundings, and for each what the pages promise and what came. A promise is broken when an outcome says something else than what
 * became of the jobs, or than what was promised.
 */
export const trouble = defineCampaign({
  about:
    'changes beside locks, slow networks, proxies, stepping clocks and idle readers, and whether what callers are told is true',
  flags: z.object({ only, short }),
  async run({ only, short }, { folder }) {
    const chosen = [...scenarios, ...(only === '' ? [] : byName)].filter(({ trouble }) => trouble.includes(only))
    const database = await startPostgres()
    const lies: string[] = []
    const rows: Row[] = []
    try {
      const stage = await openStage({ dbUrl: database.url, folder, short, lie: (lie) => lies.push(lie) })
      for (const scenario of chosen) {
        const row = await played(stage, scenario, lies)
        if (row) rows.push(row)
      }
      await stage.sql.end()
    } finally {
      await database.stop()
    }
    const broken = rows.filter((row) => row.lies.length > 0).length
    console.log(`\n${rows.length - broken} of ${rows.length} promises were kept.`)
    return rows.length === 0 ? 1 : broken
  },
})

/** Runs one scenario and prints its row; undefined when the scenario cannot run on this machine. `lies` are those of the stage. */
async function played(stage: Stage, scenario: Scenario, lies: string[]): Promise<Row | undefined> {
  const result = await scenario.run(stage)
  if ('skipped' in result) {
    console.log(`\nskipped ${scenario.trouble}: ${result.skipped}`)
    return undefined
  }
  const row = rowOf(scenario, result)
  const missing = await missingPromise(scenario.promised)
  row.lies.push(...lies.splice(0), ...(missing ? [missing] : []))
  printRow(row)
  return row
}
