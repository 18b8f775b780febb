import { syncBuiltinESMExports } from 'node:module'
import os from 'node:os'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { readTarget } from '../../../server/env/conninfo-target.ts'

beforeEach(() => {
  vi.spyOn(os, 'homedir').mockImplementation(() => {
    throw new Error('no such user')
  })
  syncBuiltinESMExports()
})
afterEach(() => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
})

it('a connection of a user of whom the system knows no home uses no file of it', () => {
  expect(readTarget('postgres://ann@db/jobs', {})).toMatchObject({ database: 'jobs', password: undefined })
  expect(() => readTarget('service=jobs', {})).toThrow('has a service that is not in PGSERVICEFILE, which is not set')
})
