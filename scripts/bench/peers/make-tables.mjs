import { pathToFileURL } from 'node:url'

/** Makes the tables of an engine: `make-tables.mjs <engine> <library> <database> [queue…]`. BullMQ makes a sequence for each queue. */
const [, , engine, library, connectionString, ...queues] = process.argv
const module = await import(pathToFileURL(library).href)
const of = module.default ?? module
if (engine === 'graphile-worker') {
  await of.runMigrations({ connectionString })
} else {
  of.setDefaultBackendFactory(of.createPostgresBackend)
  for (const name of queues) {
    const queue = new of.Queue(name, { connection: { connectionString, schema: 'bullmq', migrate: true } })
    await queue.add('first', {})
    await queue.close()
  }
}
process.exit()
