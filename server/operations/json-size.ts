import { Failure } from '../../shared/errors.ts'

/** @throws Failure `too_large` when `value` is more than `most` bytes of JSON; `of` names it */
export function refuseLarge(value: unknown, { of, most }: { of: string; most: number }): void {
  if (value === undefined || Buffer.byteLength(JSON.stringify(value)) <= most) return
  throw new Failure('too_large', `${of} is larger than ${most} bytes; nothing was changed`, {
    hint: 'keep what is large elsewhere, and hand over where it is; or raise JOBS_MAX_JSON_BYTES',
  })
}
