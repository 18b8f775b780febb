import { describe, expect, it } from 'vitest'
import { createSettingsExchange } from '../../../server/background/server-settings.ts'
import { storage } from '../../../shared/doctor/storage.ts'
import { openWorld } from '../../support/world.ts'

describe('servers with different settings', () => {
  it('are warned about in the log, once for each difference, and are in the answer for doctor', async () => {
    const world = await openWorld('postgres')
    try {
      const { sql } = world
      const warnings: string[] = []
      const log = { warn: (sentence: string) => void warnings.push(sentence) }
      const settings = new Map([
        ['JOBS_ARCHIVE_DAYS', '30'],
        ['AUTH_MODE', 'single_user'],
      ])
      await sql`delete from jobsctl_servers`
      await sql`
        insert into jobsctl_servers (name, settings, seen_at)
        values
          ('two:2', '{"JOBS_ARCHIVE_DAYS": "1", "AUTH_MODE": "single_user"}', now()),
          ('stopped:3', '{"JOBS_ARCHIVE_DAYS": "2"}', now() - interval '1 hour'),
          ('newer:4', '{"JOBS_ARCHIVE_DAYS": "30", "JOBS_SOMETHING": "1"}', now())`
      const { run } = createSettingsExchange({ sql, log, settings, address: 'http://one:8787' })
      await run()
      await run()
      expect(warnings).toEqual(['the server two:2 on this database has JOBS_ARCHIVE_DAYS=1, and this server has 30'])
      const { body } = await world.call('GET', '/api/v1/jobs/storage')
      const differing = storage.output.parse(body).differing_settings
      const ofDays = differing.find(({ setting }) => setting === 'JOBS_ARCHIVE_DAYS')
      expect(ofDays?.values).toContainEqual({ server: 'two:2', value: '1' })
      const [own] = await sql`select address, settings from jobsctl_servers where name like ${`%:${process.pid}`}`
      expect(own).toEqual({
        address: 'http://one:8787',
        settings: { JOBS_ARCHIVE_DAYS: '30', AUTH_MODE: 'single_user' },
      })
    } finally {
      await world.stop()
    }
  })
})
