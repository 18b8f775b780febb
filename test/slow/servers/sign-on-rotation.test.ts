import { expect, it } from 'vitest'
import { bearer } from '../../support/access/tokens.ts'
import { until } from '../../support/poll.ts'
import { audience, newKey, signed, startProvider } from '../../support/sign-on/provider.ts'
import { openWorld } from '../../support/world.ts'

/** Longer than the minute in which keys are fetched at most once. */
const longestMs = 180_000

it('a stream goes on while its key is known, and ends when the provider has taken the key back; one of the new key is taken', async () => {
  const [first, second] = [await newKey('first'), await newKey('second')]
  let provider = await startProvider({ keys: [first] })
  const { issuer, port } = provider
  const world = await openWorld('postgres', {
    AUTH_MODE: 'multi_user',
    JOBS_TRUSTED_PROXIES: '127.0.0.1, ::1',
    JOBS_OIDC_ISSUER: issuer,
    JOBS_OIDC_AUDIENCE: audience,
    JOBS_OIDC_ROLES: JSON.stringify([{ claim: 'groups', value: 'ops', role: 'operator' }]),
  })
  const leaving = new AbortController()
  /** A stream of events, the text that has come, and whether it has ended. */
  async function open(token: string) {
    const response = await fetch(`${world.url}/api/v1/jobs/events/stream`, {
      headers: { authorization: `Bearer ${token}` },
      signal: leaving.signal,
    })
    expect(response.status).toBe(200)
    const stream = { text: '', isOver: false }
    const read = async () => {
      for await (const chunk of response.body ?? []) stream.text += Buffer.from(chunk).toString()
    }
    void read()
      .catch(() => {})
      .finally(() => {
        stream.isOver = true
      })
    return stream
  }
  const happen = (queue: string) =>
    world.sql`insert into job_events (queue, event_type) values (${queue}, 'job.created')`
  try {
    const [old, young] = await Promise.all([first, second].map((key) => signed({ key, claims: { iss: issuer } })))
    const before = await open(old ?? '')
    await provider.stop()
    provider = await startProvider({ keys: [second], port })
    await happen('while-known')
    await until('the event has come', () => before.text.includes('while-known'))
    let asked = 0
    /** From another address each time, since wrong tokens are counted by address. */
    const statusWith = async (token = '') => {
      const headers = {
        ...bearer(token),
        'x-forwarded-for': `198.51.${100 + (asked % 100)}.${1 + (Math.floor(asked++ / 100) % 250)}`,
      }
      return (await world.call('GET', '/api/v1/caller', undefined, headers)).status
    }
    expect(await statusWith(young)).toBe(401)
    await until('the new key is known', async () => (await statusWith(young)) === 200, longestMs)
    await until('the stream of the old key has ended', () => before.isOver)
    const after = await open(young ?? '')
    await happen('of-the-new-key')
    await until('the event has come', () => after.text.includes('of-the-new-key'))
    expect(after.isOver).toBe(false)
    expect(before.text).not.toContain('of-the-new-key')
    expect(await statusWith(old)).toBe(401)
  } finally {
    leaving.abort()
    await world.stop()
    await provider.stop().catch(() => {})
  }
})
