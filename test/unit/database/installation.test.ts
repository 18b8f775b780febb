import { expect, it } from 'vitest'
import { differencesOf, type Identity } from '../../../server/database/installation/installation.ts'

const production: Identity = { system: '7123', database: 'jobs', instance: 'production' }

it.each<[what: string, after: Partial<Identity>, differences: string[]]>([
  ['a failover to a replica, or a restore in its own place', {}, []],
  ['another cluster', { system: '7456' }, ['its system identifier was 7123 and is 7456']],
  ['another name', { database: 'jobs_test' }, ['its name was jobs and is jobs_test']],
  ['another instance', { instance: 'staging' }, ['JOBS_INSTANCE was production and is staging']],
  ['a server without an instance', { instance: null }, ['JOBS_INSTANCE was production and is not set']],
  ['a role that may not read the system identifier any more', { system: null }, []],
  [
    'a role that may not read it, in a database of another name',
    { system: null, database: 'b' },
    ['its name was jobs and is b'],
  ],
])('tells %s', (_what, after, differences) => {
  expect(differencesOf(production, { ...production, ...after })).toEqual(differences)
})

it('takes a system identifier that becomes readable for no difference', () => {
  expect(differencesOf({ ...production, system: null }, production)).toEqual([])
})
