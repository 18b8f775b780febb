import { Failure } from '../../shared/errors.ts'
import type { CommandSpec } from '../command.ts'
import type { Context } from '../context.ts'

export const apply: CommandSpec = {
  name: 'apply',
  group: 'CHANGE',
  summary: 'make a change that was planned',
  about:
    'Makes the change of a plan that --dry-run --plan-out has written: the jobs of its preview and no others, while that is valid, once.',
  examples: [
    'jobsctl prune --domain chatbooks --dry-run --plan-out plan.json',
    'jobsctl apply plan.json --dry-run',
    'jobsctl apply plan.json --yes',
  ],
  operands: '<plan>',
  flags: [],
  changes: true,
  async run(context, _flags, [path = '']) {
    refuseFlags(context)
    const { readPlan } = await import('../guard/plan-file.ts')
    const { applyPlan } = await import('../changes/apply-plan.ts')
    return applyPlan(context, path, await readPlan(path, context))
  },
}

function refuseFlags({ settings }: Context): void {
  if (settings.planOut !== undefined) throw new Failure('usage', '--plan-out: this is a plan already')
  if (!settings.preview) throw new Failure('usage', '--no-preview: the plan is the preview')
  if (settings.detailedExitcode && !settings.dryRun) {
    throw new Failure('usage', '--detailed-exitcode needs --dry-run')
  }
  if (settings.curl && !settings.yes) {
    throw new Failure('usage', '--curl needs --yes here: without it nothing is sent')
  }
}
