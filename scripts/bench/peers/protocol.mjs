import { createInterface } from 'node:readline'

/** The same number of workers, batch sizes (in jobs) and payload as in the figures of jobsctl. */
export const workers = 4
export const [enqueueBatch, acquireBatch] = [1000, 100]
export const payload = { number: 1, text: 'a payload of some length, as they are' }

/**
 * Reads commands such as `enqueue 20000` from standard input, runs them, and prints jobs per second as a line of JSON.
 */
export async function serveCommands(peer) {
  console.log(JSON.stringify({ ready: true }))
  for await (const line of createInterface({ input: process.stdin })) {
    const [verb, jobs] = line.split(' ')
    const began = performance.now()
    await peer[verb](Number(jobs))
    console.log(JSON.stringify({ perSecond: (Number(jobs) * 1000) / (performance.now() - began) }))
  }
  process.exit()
}

/** Calls `batch` with a number of jobs until all jobs are enqueued, from all workers concurrently. */
export async function inBatches(jobs, batch) {
  let left = jobs / enqueueBatch
  const worker = async () => {
    while (left-- > 0) await batch(enqueueBatch)
  }
  await Promise.all(Array.from({ length: workers }, worker))
}
