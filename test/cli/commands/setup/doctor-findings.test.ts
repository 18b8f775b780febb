import { expect, it } from 'vitest'
import { version } from '../../../../shared/version.ts'
import { runAt } from '../../../support/fakes/change-server.ts'
import { fakeServer, jobsAnswer } from '../../../support/fakes/fake-server.ts'

/** What doctor says in one line, where the server reports this about its storage and its policy. */
async function lineOf(
  name: string,
  about: { storage?: object; policy?: object; version?: string },
): Promise<string | undefined> {
  const server = await fakeServer(({ path }) => {
    if (path.endsWith('/session') && about.version !== undefined)
      return { body: {}, headers: { 'x-jobs-version': about.version } }
    if (path.endsWith('/storage'))
      return { body: { archive_before_delete: true, archive_days: 7, tables: [], ...about.storage } }
    if (path.endsWith('/policy') && about.policy) return { body: about.policy }
    if (/\/(counts|indexes|missing|caller|engine|cursors|policy)$/.test(path))
      return { status: 404, body: { detail: 'Not Found' } }
    return path.includes('/stats') ? { body: [] } : jobsAnswer(0)
  })
  const { out } = await runAt(server, ['doctor'])
  return out.split('\n').find((line) => line.startsWith(`${name}\t`))
}

const rights = { role: 'app', is_admin: false, row_security: [], closed: [], lacks: [] }

it.each(['select on jobsctl_settings', 'select (value) on jobsctl_settings'])(
  'does not say that all is well where it cannot tell whether the database is frozen: %s',
  async (denied) => {
    expect(await lineOf('state', { storage: { rights: { ...rights, denied: [denied] } } })).toBe(
      'state\twarning\tnot checked: the role of the server may not read whether the database is frozen\tsee the line rights',
    )
  },
)

it('takes an older server, and a right on another table, for no such case', async () => {
  const unknown =
    'state\twarning\tthis server does not report it\tnormal for an older jobs-server, and for a server of another program'
  expect(await lineOf('state', {})).toBe(unknown)
  const denied = ['select on jobsctl_marks', 'update on jobsctl_settings']
  expect(await lineOf('state', { storage: { rights: { ...rights, denied } } })).toBe(unknown)
})

it('names the version of the server, and that another one does not know everything', async () => {
  expect(await lineOf('server', {})).toBe('server\tok\tanswers\t')
  expect(await lineOf('server', { version })).toBe(`server\tok\tanswers; version ${version}\t`)
  expect(await lineOf('server', { version: '0.2.0' })).toBe(
    `server\tok\tanswers; version 0.2.0, and this jobsctl is ${version}: what one of the two does not know is refused\t`,
  )
})

it('says what makes the missing triggers of the history, and what enables disabled ones', async () => {
  const missing = { trigger: 'jobsctl_history_insert', table: 'jobs', state: 'missing' }
  const disabled = { trigger: 'jobsctl_history_delete', table: 'jobs', state: 'disabled' }
  const hintOn = async (...history_triggers: object[]) =>
    (await lineOf('history', { storage: { history_triggers } }))?.split('\t')[3]
  const make = 'jobs-server migrate, as the owner of the tables'
  const enable = 'alter table jobs enable always trigger jobsctl_history_delete'
  expect(await hintOn(missing)).toBe(`the history misses what becomes of jobs; ${make}`)
  expect(await hintOn(disabled)).toBe(`the history misses what becomes of jobs; ${enable}`)
  expect(await hintOn(missing, disabled)).toBe(`the history misses what becomes of jobs; ${enable}; ${make}`)
  expect(await hintOn()).toBe('')
})

it('says why no rule of the policy runs beside the rule that is broken', async () => {
  const policy = {
    revision: 1,
    applied: { caller: 'token:1', name: 'ann', at: '2026-01-01T00:00:00Z', reason: null },
    author_until: null,
    rules: [],
    broken: [{ name: 'old', problem: 'its time is infinite' }],
  }
  const detailWith = async (problem: string | null) =>
    (await lineOf('policy', { policy: { ...policy, problem } }))?.split('\t')[2]
  expect(await detailWith(null)).toBe('rule old does not run: its time is infinite')
  expect(await detailWith('the token of its author was revoked')).toBe(
    'rule old does not run: its time is infinite; no rule runs: the token of its author was revoked',
  )
})

it('names the role so that a shell and PostgreSQL take it', async () => {
  const hintOn = async (more: object) =>
    (await lineOf('rights', { storage: { rights: { ...rights, denied: [], role: 'svc-jobs x', ...more } } }))?.split(
      '\t',
    )[3]
  expect(await hintOn({ denied: ['select on jobs'] })).toContain("jobs-server grants --role 'svc-jobs x' | psql")
  expect(await hintOn({ closed: ['jobs'], row_security: ['jobs'] })).toContain('alter role "svc-jobs x" bypassrls')
  expect(await hintOn({ row_security: ['jobs'] })).toContain(`alter role "svc-jobs x" set app.is_admin = 'true'`)
})

it('shows people a line for each table, estimates as such, and its warnings again at the end', async () => {
  const table = { rows: 12_345, bytes: 45_000_000, oldest: null }
  const tables = ['jobs', 'job_events'].map((name) => ({ ...table, table: name }))
  const server = await fakeServer(({ path }) => {
    if (path.endsWith('/storage')) return { body: { archive_before_delete: false, archive_days: 7, tables } }
    if (path.endsWith('/indexes/missing')) {
      const index = { table: 'jobs', serves: 'lists', for_operators: true, table_bytes: 1, bytes_estimate: 1 }
      return { body: [{ ...index, index: 'jobsctl_created', state: 'building' }] }
    }
    if (/\/(counts|indexes|caller|engine|cursors|policy)$/.test(path))
      return { status: 404, body: { detail: 'Not Found' } }
    return path.includes('/stats') ? { body: [] } : jobsAnswer(0)
  })
  const { out } = await runAt(server, ['doctor', '-o', 'table'])
  expect(out).toMatch(/^history +warning +jobs about 12,345 rows, 45 MB\n {19}job_events about 12,345 rows, 45 MB\n/m)
  expect(out).toContain('jobsctl_created (is being built)')
  const [, end = ''] = out.split(/\n\n\d+ warnings?\n/)
  expect(end).toMatch(/^history +warning/m)
  expect(end).toContain('a prune cannot be undone')
  expect(end).not.toMatch(/ ok /)
})
