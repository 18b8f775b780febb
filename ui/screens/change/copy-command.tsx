import { commandLine } from '../../../shared/shell.ts'
import { requestOf } from '../../api/call.ts'
import { Copy } from '../../parts/copy.tsx'
import { query } from '../../state/address.ts'
import { base } from '../../state/page.ts'
import type { ChangeKind } from './kinds.ts'
import { changeFields, commandWords } from './request.ts'

/** Copies the preview of a change as a command for a terminal, which makes the same request. */
export function CopyCommand({ name, kind }: { name: string; kind: ChangeKind }) {
  const words = commandWords(name, kind, query.value)
  return (
    <span class="copy">
      {words ? (
        <Copy text={commandLine([...words, '--dry-run'])}>Copy as jobsctl</Copy>
      ) : (
        <span class="faint">jobsctl has no flags for this filter</span>
      )}
      <Copy text={curlOf(kind)}>Copy as curl</Copy>
    </span>
  )
}

/** The command has a variable in place of the key, which this page does not know. */
function curlOf(kind: ChangeKind): string {
  const { method, path, body } = requestOf(kind.endpoint, { ...changeFields(kind, query.value), dry_run: true })
  const words = ['curl', '-X', method, `${location.origin}${base}${path}`, '-H', 'Content-Type: application/json']
  return `${commandLine([...words, '-d', body ?? ''])} -H "X-API-KEY: $JOBSCTL_API_KEY"`
}
