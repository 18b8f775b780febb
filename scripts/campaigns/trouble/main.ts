import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startPostgres } from '../../launch/postgres.ts'
import { missingPromise } from './pages.ts'
import { printRow } from './report.ts'
import { type Row, rowOf, type Scenario } from './scenario.ts'
import { byName, scenarios } from './scenarios/all.ts'
import { openStage, type Stage } from './stage.ts'

/**
 * Bad surroundings, and for each what the pages promise and what came. Exits with 1 when an outcome says something else
 * than what became of the jobs, or than what was promised.
 */
const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    // Words of a trouble, such as proxy: runs the scenarios that have them.
    only: { type: 'string', default: '' },
  },
})

const began = performance.now()
const folder = await mkdtemp(join(tmpdir(), 'jobs-trouble-'))
const database = await startPostgres()
const lies: string[] = []
try {
  const stage = await openStage({ dbUrl: database.url, folder, short: values.short, lie: (lie) => lies.push(lie) })
  const rows: Row[] = []
  for (const scenario of [...scenarios, ...(values.only === '' ? [] : byName)].filter(({ trouble }) =>
    trouble.includes(values.only),
  )) {
    const row = await played(stage, scenario)
    if (row) rows.push(row)
  }
  await stage.sql.end()
  const broken = rows.filter((row) => row.lies.length > 0).length
  const seconds = Math.round((performance.now() - began) / 1000)
  console.log(`\n${rows.length - broken} of ${rows.length} promises were kept, after ${seconds} s.`)
  process.exitCode = broken === 0 && rows.length > 0 ? 0 : 1
} finally {
  await database.stop()
  await rm(folder, { recursive: true, force: true })
}
process.exit()

/** Runs one scenario and prints its row; undefined when the scenario cannot run on this machine. */
async function played(stage: Stage, scenario: Scenario): Promise<Row | undefined> {
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
