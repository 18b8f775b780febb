import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { until } from '../../../support/poll.ts'
import { jobPaths } from '../../../support/worker.ts'
import { openWorld } from '../../../support/world.ts'

it('a reader of events that takes nothing is disconnected, and one that reads slowly is not', async () => {
  const world = await openWorld('postgres')
  try {
    // A message of 500 events is far more than the buffers of the operating system hold.
    await world.sql`
      insert into job_events (domain, queue, job_type, event_type, attrs_json)
      select 'd', 'q', 't', 'job.created', jsonb_build_object('text', repeat('x', 60000)) from generate_series(1, 3000)`
    const { hostname, port } = new URL(world.url)
    const open = async () => {
      const socket = connect({ host: hostname, port: Number(port) })
      socket.write(`GET ${jobPaths.stream}?after_id=1 HTTP/1.1\r\nHost: x\r\nX-API-KEY: ${world.key}\r\n\r\n`)
      await once(socket, 'readable')
      return socket
    }
    const socket = await open()
    let isGone = false
    socket.on('error', () => {
      isGone = true
    })
    // It takes 130 to 260 kB a second: what the buffers do not hold of the first message takes longer than 30 s.
    const slow = await open()
    const reading = setInterval(() => slow.read(), 500)
    let isSlowGone = false
    slow.once('close', () => {
      isSlowGone = true
    })
    slow.on('error', () => {})
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
    await until('the slow reader has read for 45 s', () => performance.now() - startedAt > 45_000)
    // The rest of what the buffers hold comes even where the server has disconnected the reader.
    clearInterval(reading)
    slow.resume()
    await until('the slow reader has two messages', () => isSlowGone || slow.bytesRead > 60_000_000)
    expect(isSlowGone).toBe(false)
    slow.destroy()
  } finally {
    await world.stop()
  }
})
