import { describe, expect, it } from 'vitest'
import { agreedSettings } from '../../../server/background/server-settings.ts'
import { readEnv } from '../../../server/env/env.ts'
import { isConfirmed } from '../../../shared/headers.ts'

describe('a switch of the environment', () => {
  it.each(['1', 'true', 'YES', 'y', 'On'])('is on for %s', (value) => {
    expect(readEnv({ JOBS_REQUIRE_COMPLETION_TOKEN: value }).JOBS_REQUIRE_COMPLETION_TOKEN).toBe(true)
  })
  it.each(['0', 'FALSE', 'no', 'N', 'off'])('is off for %s', (value) => {
    expect(readEnv({ JOBS_EMBEDDED_FSYNC: value }).JOBS_EMBEDDED_FSYNC).toBe(false)
  })
  it('takes no other word', () => {
    expect(() => readEnv({ JOBS_DB_POOLER: 'maybe' })).toThrow('JOBS_DB_POOLER: must be true or false')
  })
  it('of the embedded database makes commits wait for the disk by default', () => {
    expect(readEnv({}).JOBS_EMBEDDED_FSYNC).toBe(true)
  })
})

describe('a term of events', () => {
  it.each(['0', '36501', '1.5', '-1', 'forever'])('is not %s', (days) =>
    expect(() => readEnv({ JOBS_EVENTS_DAYS: days })).toThrow('JOBS_EVENTS_DAYS: must be'),
  )
  it('must be the same on all servers that have one', () => {
    expect(agreedSettings(readEnv({ JOBS_AUDIT_DAYS: '36500' })).get('JOBS_AUDIT_DAYS')).toBe('36500')
    expect(agreedSettings(readEnv({})).has('JOBS_AUDIT_DAYS')).toBe(false)
    expect(
      [...agreedSettings(readEnv({ SINGLE_USER_API_KEY: 'secret', JOBS_EVENTS_DAYS: '5' })).keys()].sort(),
    ).toEqual([
      ...[
        'AUTH_MODE',
        'JOBS_AGENT_FIELDS',
        'JOBS_APPROVAL_ABOVE',
        'JOBS_ARCHIVE_BEFORE_DELETE',
        'JOBS_ARCHIVE_DAYS',
        'JOBS_ARCHIVE_MAX_BYTES',
      ],
      ...['JOBS_CHANGE_MAX_LAG', 'JOBS_CHANGE_MAX_WAL'],
      ...['JOBS_EDIT_PATHS', 'JOBS_EVENTS_DAYS', 'JOBS_INDEXES', 'JOBS_LEASE_MAX_SECONDS'],
      ...['JOBS_MAX_BODY_BYTES', 'JOBS_MAX_JSON_BYTES', 'JOBS_QUARANTINE_THRESHOLD', 'JOBS_REDACT_KEYS'],
      ...['JOBS_REQUIRE_COMPLETION_TOKEN', 'JOBS_UI', 'JOBS_VIEWER_FIELDS'],
    ])
  })
})

describe('a limit that one of two servers does not have', () => {
  it.each(['JOBS_APPROVAL_ABOVE', 'JOBS_ARCHIVE_MAX_BYTES'])(
    '%s differs: the other server changes without it',
    (name) => {
      const settings = agreedSettings(readEnv({ AUTH_MODE: 'multi_user', [name]: '100' }))
      expect(settings.get(name)).toBe('100')
      expect(agreedSettings(readEnv({ AUTH_MODE: 'multi_user' })).get(name)).toBe('unset')
    },
  )
})

describe('the parts of payloads for viewers', () => {
  it.each(['a..b', '.', 'a.,b', ' .a'])('are not %j', (text) =>
    expect(() => readEnv({ JOBS_VIEWER_FIELDS: text })).toThrow('JOBS_VIEWER_FIELDS: must be paths'),
  )
  it.each(['', ',', 'customer.id, format', 'constructor'])('may be %j', (text) =>
    expect(readEnv({ JOBS_VIEWER_FIELDS: text }).JOBS_VIEWER_FIELDS).toBe(text),
  )
})

describe('the header X-Confirm', () => {
  it.each(['y', 'Y', 'yes', 'on', '1', 'TRUE'])('confirms with %s', (value) => expect(isConfirmed(value)).toBe(true))
  it.each(['n', 'no', 'off', '0', 'false', '', 'maybe', undefined])('does not confirm with %s', (value) =>
    expect(isConfirmed(value)).toBe(false),
  )
})
