import { pathToFileURL } from 'node:url'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'

/**
 * One instance of pg-boss behind a route of Hono. The body of a request is a list of calls, `[[method, ...args], …]`, which run one after the
 * other; the response has what they return. The first line of stdout is the port.
 */
const [, , library, connectionString] = process.argv
const { PgBoss } = await import(pathToFileURL(library).href)
const boss = new PgBoss({ connectionString, max: 1, supervise: false, schedule: false })
// A call that fails ends its request. Other errors are of the end of the run, when PostgreSQL is stopped first.
boss.on('error', () => {})
await boss.start()
const app = new Hono()
app.post('/', async (context) => {
  const answers = []
  for (const [method, ...args] of await context.req.json()) answers.push((await boss[method](...args)) ?? null)
  return context.json(answers)
})
serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => console.log(port))
process.stdin.resume()
process.stdin.on('end', async () => {
  await boss.stop({ graceful: false })
  process.exit()
})
