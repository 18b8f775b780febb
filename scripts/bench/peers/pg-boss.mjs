import PgBoss from 'pg-boss'
import { acquireBatch, inBatches, payload, serveCommands, workers } from './protocol.mjs'

/** pg-boss with its own batch calls: insert, fetch and complete. One connection for each worker. */
const boss = new PgBoss({ connectionString: process.argv[2], max: workers, schedule: false })
boss.on('error', ({ message }) => console.error(message))
await boss.start()
await boss.createQueue('work')

await serveCommands({
  enqueue: (jobs) =>
    inBatches(jobs, (size) => boss.insert(Array.from({ length: size }, () => ({ name: 'work', data: payload })))),
  async work(jobs) {
    let done = 0
    const worker = async () => {
      for (;;) {
        const batch = await boss.fetch('work', { batchSize: acquireBatch })
        if (batch.length === 0) return
        await boss.complete(
          'work',
          batch.map(({ id }) => id),
        )
        done += batch.length
      }
    }
    await Promise.all(Array.from({ length: workers }, worker))
    if (done !== jobs) throw new Error(`${done} of ${jobs} jobs were completed`)
  },
  clear: () => boss.clearStorage(),
})
