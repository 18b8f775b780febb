import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import postgres from 'postgres'

/**
 * What a program needs at least to answer over HTTP what a statement finds: a route of Hono for each statement, on one connection. The first
 * line of stdin has the statements by their paths, `{"/stats": {"text": "select …", "parameters": []}}`; the first line of stdout is the port.
 */
const [, , url] = process.argv
// The settings of a session that jobs-server has, too: a plan is made once, and may sort in memory.
const connection = { jit: 'off', work_mem: '64MB', plan_cache_mode: 'force_generic_plan' }
const sql = postgres(url, { max: 1, onnotice: () => {}, connection })
const [line] = await once(createInterface({ input: process.stdin }), 'line')
const app = new Hono()
for (const [path, { text, parameters }] of Object.entries(JSON.parse(line)))
  app.get(path, async (context) => context.json(await sql.unsafe(text, parameters, { prepare: true })))
serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => console.log(port))
process.stdin.on('end', () => process.exit())
