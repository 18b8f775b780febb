import { Failure } from '../../shared/errors.ts'
import type { CommandSpec, Context } from '../context.ts'
import { canaryWaitFlag } from '../settings/flags/canary-flags.ts'
import { guardFlagsBut } from '../settings/flags/global-flags.ts'

export const apply: CommandSpec<{ canaryWait?: string; rest?: string }> = {
  name: 'apply',
  group: 'CHANGE',
  summary: 'apply a change that was planned',
  about:
    'Applies a plan: a file that --dry-run --plan-out wrote, or the number of a plan that --propose made and another principal has approved. It changes the jobs of its preview and no others, once, before the plan expires.',
  examples: [
    'jobsctl prune --domain chatbooks --dry-run --plan-out plan.json',
    'jobsctl apply plan.json --dry-run',
    'jobsctl apply plan.json --yes',
    'jobsctl apply 12 --yes',
  ],
  operands: '<plan>',
  flags: [
    canaryWaitFlag,
    {
      flags: '--rest <token>',
      about: 'change the jobs after the canary jobs, with the token that was printed',
      group: 'HOW',
    },
  ],
  changes: true,
  guardFlags: guardFlagsBut('--plan-out', '--propose', '--no-preview'),
  async run(context, parts, [path = '']) {
    refuseFlags(context)
    if (/^[1-9]\d{0,15}$/.test(path)) return (await import('./apply/plan.ts')).applyKeptPlan(context, path, parts)
    const flag = parts.rest !== undefined ? '--rest' : parts.canaryWait !== undefined ? '--canary-wait' : undefined
    if (flag) throw new Failure('usage', `${flag}: a plan file has no canary jobs; nothing was changed`)
    const { readPlan } = await import('../guard/plan-file.ts')
    const { applyPlan } = await import('../changes/apply-plan.ts')
    return applyPlan(context, path, await readPlan(path, context))
  },
}

function refuseFlags({ settings }: Context): void {
  if (settings.planOut !== undefined)
    throw new Failure('usage', '--plan-out: apply takes a plan and cannot write one; nothing was changed')
  if (settings.propose)
    throw new Failure('usage', '--propose: jobsctl plans import plans what is in a file; nothing was changed')
  if (!settings.preview) throw new Failure('usage', '--no-preview: the plan contains the preview; nothing was changed')
  if (settings.detailedExitcode && !settings.dryRun) {
    throw new Failure('usage', '--detailed-exitcode needs --dry-run')
  }
  if (settings.curl && !settings.yes) {
    throw new Failure('usage', '--curl needs --yes here: apply without --yes sends no call')
  }
}
