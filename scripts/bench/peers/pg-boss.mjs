import PgBoss from 'pg-boss'
import { answer, inBatches, payload, taken, workers } from './answer.mjs'

/** pg-boss with its own batches: insert, fetch and complete. A connection for each worker, as ours has. */
const boss = new PgBoss({ connectionString: process.argv[2], max: workers, schedule: false })
boss.on('error', ({ message }) => console.error(message))
await boss.start()
await boss.createQueue('work')

await answer({
  enqueue: (jobs) =>
    inBatches(jobs, (size) => boss.insert(Array.from({ length: size }, () => ({ name: 'work', data: payload })))),
  async work(jobs) {
    let done = 0
    const worker = async () => {
      for (;;) {
        const batch = await boss.fetch('work', { batchSize: taken })
        if (batch.length === 0) return
        await boss.complete(
          'work',
          batch.map(({ id }) => id),
        )
        done += batch.length
      }
    }
    await Promise.all(Array.from({ length: workers }, worker))
    if (done !== jobs) throw new Error(`${done} jobs were done of ${jobs}`)
  },
  clear: () => boss.clearStorage(),
})
