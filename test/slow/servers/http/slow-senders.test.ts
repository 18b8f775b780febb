import { expect, it, onTestFinished } from 'vitest'
import { sendUntilClosed } from '../../../support/hostile/raw-http.ts'
import { openWorld, paths } from '../../../support/world.ts'

it('ends a request whose headers or body do not arrive within a minute, and says so', async () => {
  const world = await openWorld('postgres')
  onTestFinished(world.stop)
  const head = ['host: x', `x-api-key: ${world.key}`, 'x-confirm: true', 'content-type: application/json']
  const requests = [
    `GET ${paths.stats} HTTP/1.1\r\nhost: x\r\n`,
    [`POST ${paths.prune} HTTP/1.1`, ...head, 'content-length: 1000', '', '{'].join('\r\n'),
  ]
  for (const answer of await Promise.all(requests.map((sent) => sendUntilClosed(world.url, sent, 200_000)))) {
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
    expect(answer).toContain('"detail":"the request did not arrive within 60 s; nothing was changed"')
  }
}, 240_000)
