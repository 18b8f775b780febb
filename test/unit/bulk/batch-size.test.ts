import { describe, expect, it } from 'vitest'
import { createBatchSize } from '../../../server/bulk/batches/batch-size.ts'

describe('the size of batches', () => {
  it('doubles while batches cost less than 50 ms, up to 16,384 jobs', () => {
    const batchSize = createBatchSize()
    const sizes = Array.from({ length: 7 }, () => {
      batchSize.recordCost(10)
      return batchSize.size
    })
    expect(sizes).toEqual([1024, 2048, 4096, 8192, 16_384, 16_384, 16_384])
  })

  it('halves while batches cost more than 150 ms, and never below 32 jobs', () => {
    const batchSize = createBatchSize()
    for (let n = 0; n < 20; n++) batchSize.recordCost(1000)
    expect(batchSize.size).toBe(32)
  })

  it('goes down to one job after conflicts, and is not raised by a slow batch', () => {
    const batchSize = createBatchSize()
    for (let n = 0; n < 6; n++) batchSize.shrinkAfterConflict(batchSize.size)
    expect(batchSize.size).toBe(1)
    batchSize.recordCost(1000)
    expect(batchSize.size).toBe(1)
    batchSize.recordCost(1)
    expect(batchSize.size).toBe(2)
  })
})
