import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

/**
 * One instance of pg-boss. Each line of stdin is a list of calls, `[[method, ...args], …]`, which run one after the other; a line of stdout
 * tells how many milliseconds they took.
 */
const [, , library, connectionString] = process.argv
const { PgBoss } = await import(pathToFileURL(library).href)
const boss = new PgBoss({ connectionString, max: 1, supervise: false, schedule: false })
// A call that fails ends the process. Other errors are of the end of the run, when PostgreSQL is stopped first.
boss.on('error', () => {})
await boss.start()
console.log(JSON.stringify({ ms: 0 }))
for await (const line of createInterface({ input: process.stdin })) {
  const calls = JSON.parse(line)
  const began = performance.now()
  for (const [method, ...args] of calls) await boss[method](...args)
  console.log(JSON.stringify({ ms: performance.now() - began }))
}
await boss.stop({ graceful: false })
process.exit()
