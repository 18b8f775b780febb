import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { until } from '../../support/poll.ts'
import { jobPaths } from '../../support/worker.ts'
import { openWorld } from '../../support/world.ts'

it('a reader of events that takes nothing is disconnected, as one of stats is', async () => {
  const world = await openWorld('postgres')
  try {
    // Far more than the buffers of the operating system hold.
    await world.sql`
      insert into job_events (domain, queue, job_type, event_type, attrs_json)
      select 'd', 'q', 't', 'job.created', jsonb_build_object('text', repeat('x', 10000)) from generate_series(1, 4000)`
    const { hostname, port } = new URL(world.url)
    const socket = connect({ host: hostname, port: Number(port) })
    let isGone = false
    socket.on('error', () => {
      isGone = true
    })
    socket.write(`GET ${jobPaths.stream}?after_id=1 HTTP/1.1\r\nHost: x\r\nX-API-KEY: ${world.key}\r\n\r\n`)
    await once(socket, 'readable')
    const startedAt = performance.now()
    await until(
      'the reader is disconnected',
      () => {
        socket.write('\r\n') // an empty line before a request, which a server that is gone answers with a reset
        return isGone
      },
      60_000,
    )
    expect(performance.now() - startedAt).toBeGreaterThan(25_000)
  } finally {
    await world.stop()
  }
})
