import { writeFile } from 'node:fs/promises'
import { keyText } from '../../../shared/work/job-key.ts'
import { emailMap, type KeyType, keyTypes, makeEmailJobs, mapFile } from '../../support/engines/mapped.ts'
import type { SampleDatabase, SampleJob } from '../conformance/engine.ts'
import { conformanceOf } from '../conformance/suite.ts'
import { onlyVersion } from '../support/child.ts'
import { makeRecords, openEngineDatabase } from '../support/engine-database.ts'
import { startWorker, type TableWorker } from './worker.ts'

const secondSchema = `My "Mails"/'Jobs'`

const ids = {
  bigint: 'one.id + n',
  integer: 'one.id + n',
  uuid: 'gen_random_uuid()',
  text: `'copy ' || n`,
} satisfies Record<KeyType, string>

const typeOf = (version: string): KeyType => keyTypes.find((type) => type === version) ?? 'bigint'

conformanceOf({
  ...{ engine: 'mapped', versions: onlyVersion ? [typeOf(onlyVersion)] : keyTypes, domain: 'app' },
  queues: ['mail', 'digest/weekly'],
  open,
  table: 'email_jobs',
  // Every change raises it by 1, an undo of one, too.
  volatile: { prune: [], others: ['lock_version'] },
  busy: `state = 1 or state = 0 and run_after <= now() at time zone 'utc'`,
  age: `created_at = created_at - interval '2 days', updated_at = updated_at - interval '2 days'`,
  copy: (version) => ({ id: ids[typeOf(version)] }),
})

async function open(version: string): Promise<SampleDatabase> {
  const found = await openEngineDatabase<TableWorker, never>((url) => startWorker(url))
  const { sql } = found
  await makeEmailJobs(sql, typeOf(version))
  const path = await mapFile(emailMap)
  const env = { JOBS_MAP_FILE: path }
  const addTo = async (jobs: SampleJob[], schema = 'app') => {
    const rows = await sql<{ queue: string; id: string }[]>`
      insert into ${sql(schema)}.email_jobs (queue, kind, run_after, args)
      select queue, 'welcome', due at time zone 'utc', json_build_object('does', does)
      from jsonb_to_recordset(${sql.json(jobs.map(rowOf))}) as job (queue text, does text, due timestamptz)
      returning queue, id::text`
    return rows.map(keyText)
  }
  const database = { ...found, env: { ...found.env, ...env } }
  return {
    ...database,
    async serve() {
      await makeRecords('mapped', database.env)
      return await found.serve(env)
    },
    add: (jobs) => addTo(jobs),
    work: () => database.start(),
    async addSchema(jobs) {
      await sql`create schema ${sql(secondSchema)}`
      await sql`create table ${sql(secondSchema)}.email_jobs (like app.email_jobs including all)`
      await addTo(jobs, secondSchema)
      const other = `"${secondSchema.replaceAll('"', '""')}".email_jobs`
      const second = emailMap.replace('table: app.email_jobs', () => `table: ${JSON.stringify(other)}`)
      await writeFile(path, `tables:\n${[emailMap, second].map(itemOf).join('')}`)
      return secondSchema
    },
  }
}

/** A map as an item of a list in YAML. */
const itemOf = (map: string): string => `  - ${map.trimEnd().replaceAll('\n', '\n    ')}\n`

const rowOf = ({ queue, does, due = new Date() }: SampleJob) => ({ queue, does, due: due.toISOString() })
