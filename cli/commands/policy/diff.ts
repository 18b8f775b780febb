import { showPolicy } from '../../../shared/policy/policy.ts'
import { answerOf } from '../../answer-of.ts'
import type { Context } from '../../context.ts'
import type { Ending } from '../../output/print.ts'
import { differenceColumns, differencesOf } from './differences.ts'
import { readPolicyFile } from './policy-file.ts'

/** Compares a file with the policy that is applied. */
export async function diffPolicy(context: Context, path: string): Promise<Ending> {
  const rules = await readPolicyFile(context, path)
  const answer = await answerOf(context, showPolicy, {})
  if (!answer) return 'ok'
  const rows = differencesOf(answer.body.rules, rules)
  context.print.rows({ columns: differenceColumns, rows, json: rows, empty: 'no differences' })
  return rows.length > 0 && context.settings.detailedExitcode ? 'would_change' : 'ok'
}
