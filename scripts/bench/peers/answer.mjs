import { createInterface } from 'node:readline'

/** As many workers, batches of these sizes, and the payload, as ours. */
export const workers = 4
export const [enqueued, taken] = [1000, 100]
export const payload = { number: 1, text: 'a payload of some length, as they are' }

/** Lines such as `enqueue 20000` come in; each is done, and how many a second that was goes out. */
export async function answer(peer) {
  console.log(JSON.stringify({ ready: true }))
  for await (const line of createInterface({ input: process.stdin })) {
    const [verb, jobs] = line.split(' ')
    const began = performance.now()
    await peer[verb](Number(jobs))
    console.log(JSON.stringify({ perSecond: (Number(jobs) * 1000) / (performance.now() - began) }))
  }
  process.exit()
}

/** Calls `batch` for all of the jobs, as many workers at once. */
export async function inBatches(jobs, batch) {
  let left = jobs / enqueued
  const worker = async () => {
    while (left-- > 0) await batch(enqueued)
  }
  await Promise.all(Array.from({ length: workers }, worker))
}
