import { call } from '../../api/call.ts'
import { useLoad } from '../../state/load.ts'

/** What the check of the hash chain says now: of every record, and not of those that are shown. */
export function Chain() {
  const { data, problem, isLoading, reload } = useLoad('chain', (signal) => call('verifyOperations', {}, { signal }))
  const broken = data?.days.flatMap((day) => day.broken) ?? []
  const missing = data?.days.reduce((sum, day) => sum + day.missing, 0) ?? 0
  return (
    <p class={`note ${problem || (data && !data.ok) ? 'bad' : 'good'}`} role="status">
      {isLoading && !data && 'The chain of the records is being checked…'}
      {problem && `The chain of the records was not checked: ${problem.message}`}
      {data?.ok && `The chain is whole: ${data.operations.toLocaleString('en')} records are as they were sealed.`}
      {data && !data.ok && (
        <>
          The chain is broken.
          {broken.length > 0 &&
            ` Not as they were sealed: ${broken.slice(0, 20).join(', ')}${broken.length > 20 ? ` and ${(broken.length - 20).toLocaleString('en')} more` : ''}.`}
          {missing > 0 && ` Missing: ${missing.toLocaleString('en')}.`}
        </>
      )}{' '}
      <button type="button" class="quiet" onClick={reload}>
        Check again
      </button>
    </p>
  )
}
